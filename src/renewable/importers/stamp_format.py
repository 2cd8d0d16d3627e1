"""A strptime format taken apart: which fields it names, what is wrong with it, and the texts that strptime misreads.

Polars reads a stamp by its format; this module says which formats may be used, and puts into its form what strptime
does not know or guesses at: an hour without minutes, 24:00, clocks such as 15 or 100 for 00:15 and 01:00.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import polars as pl

_DIRECTIVE = re.compile(r"%[-_0]?(?:[369.]*f|[:#]*z|[A-Za-z%+])")
# Formats within a format.
_COMPOSED = {
    "%F": "%Y-%m-%d",
    "%D": "%m/%d/%y",
    "%x": "%m/%d/%y",
    "%T": "%H:%M:%S",
    "%X": "%H:%M:%S",
    "%R": "%H:%M",
    "%r": "%I:%M:%S %p",
}
_FIELDS = {
    "Y": "year",
    "y": "year",
    "m": "month",
    "b": "month",
    "B": "month",
    "h": "month",
    "d": "day",
    "e": "day",
    "j": "day of the year",
    "H": "hour",
    "k": "hour",
    "I": "hour of half a day",
    "l": "hour of half a day",
    "p": "AM or PM",
    "P": "AM or PM",
    "M": "minute",
    "S": "second",
    "f": "fraction of a second",
    "z": "offset from UTC",
    "a": "weekday",
    "A": "weekday",
}
_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "I": 2, "M": 2, "S": 2}
_PATTERNS = {
    "month": r"[[:alpha:].]+",
    "weekday": r"[[:alpha:].]+",
    "AM or PM": "[AaPp][Mm]",
    "fraction of a second": r"\.?\d+",
    "offset from UTC": r"(?:Z|[+-]\d\d:?\d\d)",
}


@dataclass(frozen=True)
class StampFormat:
    """A format as a row of directives and the texts between them."""

    text: str
    tokens: tuple[str, ...]

    @property
    def fields(self) -> list[str]:
        """What the directives name, in their order; those of which this module knows nothing are left out."""
        return [field for token in self.tokens if (field := _field(token)) is not None]

    @property
    def is_known(self) -> bool:
        """Whether all that it names is known here; else Polars alone decides."""
        return all(_field(token) for token in self.tokens if token.startswith("%") and token != "%%")

    def faults(self, *, of_days: bool = False) -> Iterator[str]:
        """Half sentences. `of_days`: the hour comes from elsewhere."""
        named = Counter(self.fields)
        for field, times in named.items():
            if times > 1:
                yield (
                    f"names the {field} {times} times, and the last one would count. A stamp that names both ends of"
                    " its interval needs timestamp.pattern, which cuts one of them out"
                )
        hour = {"hour", "hour of half a day"} & named.keys()
        if len(hour) == 2:
            yield "names the hour twice, as %H and as %I"
        if "day of the year" in named and {"month", "day"} & named.keys():
            yield "names the day twice, as %j and as month and day"
        if not self.is_known or (not self.fields and "%" not in self.text):
            return
        lacking = [] if "year" in named else ["year (%Y)"]
        if "day of the year" not in named:
            lacking += [
                f"{field} ({sign})" for field, sign in (("month", "%m"), ("day", "%d")) if field not in named
            ]
        if of_days and {*hour, "minute", "second"} & named.keys():
            yield "names a clock, and a period tells the time of the day: leave one of them out"
        if not of_days and not hour:
            lacking.append("hour (%H)")
        if not of_days and hour and "second" in named and "minute" not in named:
            lacking.append("minute (%M)")
        if lacking:
            yield (
                f"lacks {', '.join(lacking)}. Take what is elsewhere into the stamp by timestamp.columns: further"
                ' columns, "{file}" for the name of the file, "{lines}" for the lines above its data;'
                " timestamp.pattern cuts it out"
            )
        if "hour of half a day" in named and "AM or PM" not in named:
            yield "has an hour of half a day (%I), and no %p that says which half; hours up to 24 are %H"

    def completed(self) -> tuple[str, str]:
        """The format that Polars is given, and what is added to each text for it."""
        named = set(self.fields)
        if not self.is_known or "minute" in named or not {"hour", "hour of half a day"} & named:
            return self.text, ""
        return f"{self.text} %M", " 00"

    def in_form(self, texts: pl.Series) -> pl.Series:
        """Texts whose fields stand side by side in their full width: 15 as 0015 for %H%M; null where it is not told.

        Of %Y%m%d%H a text of nine digits may be read in two ways. A clock that stands alone has one reading.
        """
        if not self.is_known:
            return texts
        for first, last in self._runs():
            width = sum(_WIDTHS[token[-1]] for token in self.tokens[first:last])
            is_clock = [token[-1] for token in self.tokens[first:last]] in (["H", "M"], ["H", "M", "S"])
            digits = rf"\d{{1,{width}}}" if is_clock else rf"\d{{{width}}}"
            before, after = _pattern(self.tokens[:first]), _pattern(self.tokens[last:])
            parts = texts.str.extract_groups(f"^({before})({digits})({after})$").struct.unnest()
            b, run, a = (parts.to_series(place) for place in range(3))
            texts = pl.select(pl.concat_str(b, run.str.zfill(width), a)).to_series().alias(texts.name)
        return texts

    def midnights(self, texts: pl.Series) -> pl.Series:
        """Texts of 24:00 with the hour 00, for the day after; null for all others."""
        place = next((at for at, token in enumerate(self.tokens) if _field(token) == "hour"), None)
        if place is None or not self.is_known:
            return pl.Series(texts.name, [None], dtype=pl.String).new_from_index(0, texts.len())
        zero = {"minute": "0{1,2}", "second": "0{1,2}", "fraction of a second": r"\.?0+"}
        before, after = _pattern(self.tokens[:place]), _pattern(self.tokens[place + 1 :], zero)
        parts = texts.str.extract_groups(f"^({before})24({after})$").struct.unnest()
        b, a = parts.to_series(0), parts.to_series(1)
        return pl.select(pl.concat_str(b, pl.lit("00"), a)).to_series().alias(texts.name)

    def _runs(self) -> Iterator[tuple[int, int]]:
        """Places of directives of digits with nothing between them, [first, last)."""
        start = 0
        for at in range(len(self.tokens) + 1):
            if at < len(self.tokens) and self.tokens[at][0] == "%" and self.tokens[at][-1] in _WIDTHS:
                continue
            if at - start > 1:
                yield start, at
            start = at + 1


@cache
def parsed(text: str) -> StampFormat:
    """A format taken apart."""
    return StampFormat(text, tuple(_tokens(text)))


def _tokens(text: str) -> Iterator[str]:
    end = 0
    for found in _DIRECTIVE.finditer(text):
        if found.start() > end:
            yield text[end : found.start()]
        yield from _tokens(_COMPOSED[found.group()]) if found.group() in _COMPOSED else [found.group()]
        end = found.end()
    if end < len(text):
        yield text[end:]


def _field(token: str) -> str | None:
    return _FIELDS.get(token[-1]) if token.startswith("%") else None


def _pattern(tokens: tuple[str, ...], special: dict[str, str] | None = None) -> str:
    """A regular expression for the texts of some tokens."""
    pieces = []
    for token in tokens:
        field = _field(token)
        if field is None:
            text = "%" if token == "%%" else token
            pieces.append("".join(r"\s*" if c.isspace() else re.escape(c) for c in text))
        elif special and field in special:
            pieces.append(special[field])
        elif token[-1] in _PATTERNS_OF_DIGITS:
            pieces.append(rf"\s*\d{{1,{_PATTERNS_OF_DIGITS[token[-1]]}}}")
        else:
            pieces.append(_PATTERNS[field])
    return "".join(pieces)


_PATTERNS_OF_DIGITS = _WIDTHS | {"e": 2, "k": 2, "l": 2}
