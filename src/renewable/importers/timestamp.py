"""The timestamp section of a mapping: where a stamp stands, how it is written, which clock it is of."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from renewable.importers.settings import Part, expression_columns, interval_seconds, known_pattern
from renewable.importers.stamp_format import parsed

# Stand for the file's name, the lines above its data, and what `across` finds in a column's name.
FILE, LINES, TIME = "{file}", "{lines}", "{time}"
NUMBERS = ("epoch_s", "epoch_ms", "excel_serial")
_ENDS_IN_OFFSET = ("%z", "%:z", "%#z")
_FIXED_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")
_NAMED_GROUPS = ("marker", "period")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones() and not _FIXED_OFFSET.fullmatch(name):
        raise ValueError(f"{name!r} is no IANA time zone; write UTC, a name such as Europe/Paris, or +01:00")
    return name


def pattern_groups(pattern: str) -> list[str]:
    """The groups of a regular expression; those without a name are called 1, 2, … by their place."""
    groups = pl.Series([""]).str.extract_groups(pattern)
    return [field.name for field in groups.dtype.fields] if isinstance(groups.dtype, pl.Struct) else []


class Timestamp(Part):
    """What the text in the timestamp column means.

    `offset` says what to do with an offset in the text: `absent` (there is none), `honoured` (it is right),
    `ignored` (it is wrong: the printed clock counts in `zone`).
    """

    column: str = Field("", description="column with the stamp")
    columns: tuple[str, ...] = Field(
        (),
        description="instead of column: date and time apart, joined by a blank. {file} stands for the file's name,"
        " {lines} for the lines above its data, {time} for what across finds",
    )
    expression: str | None = Field(
        None, description="instead of column: SQL expression over the file's columns as texts"
    )
    pattern: Annotated[str, AfterValidator(known_pattern)] | None = Field(
        None,
        description="regular expression; what its groups find, joined by blanks, is read by format. Groups with a name:"
        " (?<marker>…) for markers, (?<period>…) for the number of an interval in its day",
    )
    across: Annotated[str, AfterValidator(known_pattern)] | None = Field(
        None,
        description="a day in a row: regular expression for that part of a column's name which is a time;"
        " {time} stands for it here and in the channels",
    )
    format: str = Field(
        "",
        description="strptime format, ends in %z when the text carries an offset; epoch_s or epoch_ms for seconds or"
        " milliseconds since 1970, excel_serial for days since 1899-12-30; not needed where the file has real times"
        " (Parquet)",
    )
    first_period: Literal[0, 1] = Field(1, description="number of a day's first interval")
    markers: dict[str, str] = Field(
        {},
        description="text that pattern finds as marker -> offset of the clock such as +01:00, or which of two equal"
        " hours it is: first, second",
    )
    offset: Literal["absent", "honoured", "ignored"] = Field(
        "absent",
        description="what an offset in the text is worth: ignored where it is wrong; then zone is the clock",
    )
    zone: Annotated[str, AfterValidator(_known_zone)] | None = Field(
        None, description="UTC, an IANA zone, or a fixed offset such as +01:00"
    )
    ambiguous_hour: Literal["error", "earliest", "latest", "in_order", "by_values"] = Field(
        "error",
        description="which of the two hours a stamp of the autumn clock change names; in_order: of two equal stamps of"
        " an asset the first in the file is the earlier, or the later in a file that runs newest first; by_values: that"
        " order in which the values go on without a jump, and neither where both do",
    )
    missing_hour: Literal["error", "set_aside"] = Field(
        "error", description="what to do with stamps that the zone leaves out in spring"
    )
    spring_pairs: Annotated[str, AfterValidator(_known_zone)] | None = Field(
        None,
        description="zone whose spring change pushed stamps of a clock without summer time onto the next hour: of two"
        " equal stamps there the first is given back to the skipped hour",
    )
    label: Literal["start", "end"] = Field("start", description="which end of its interval a stamp names")
    interval_minutes: int | str | None = Field(
        None,
        description="length of the source's interval in whole minutes, or in seconds as '10 s'; needed for label: end,"
        " energy and resampling",
    )
    enough_ratio: float = Field(
        1,
        gt=0,
        le=1,
        description="share of the rows (with holds_minutes: of the time) of an asset's longer interval that suffices"
        " for its mean",
    )
    holds_minutes: float | None = Field(
        None,
        gt=0,
        le=720,
        description="instead of interval_minutes, where rows come at no fixed interval: a value holds until the next"
        " row, at most this long (with label: end since the row before)",
    )
    snap_minutes: float = Field(
        0,
        ge=0,
        description="stamps that miss the grid of interval_minutes by no more than this are put onto it",
    )

    @model_validator(mode="after")
    def _clock_is_stated(self) -> "Timestamp":
        has_offset = self.format.endswith(_ENDS_IN_OFFSET)
        if sum((bool(self.column), bool(self.columns), self.expression is not None)) != 1:
            raise ValueError("give either column or columns, or expression")
        if self.is_epoch and (self.zone not in (None, "UTC") or self.offset != "absent"):
            raise ValueError("seconds since 1970 count in UTC: remove zone and offset")
        if has_offset and self.offset == "absent":
            raise ValueError("the format ends in an offset: state offset: honoured, or ignored and a zone")
        if self.format and not has_offset and self.offset != "absent":
            raise ValueError(f"offset: {self.offset} needs a format that ends in %z")
        if self.offset == "honoured" and self.zone is not None:
            raise ValueError("offset: honoured leaves nothing for zone to say: remove one of them")
        if self.offset != "honoured" and self.zone is None and not self.is_epoch:
            raise ValueError("zone is missing: the clock of these stamps must be stated, UTC or an IANA zone")
        if self.label == "end" and self.interval_minutes is None and self.holds_minutes is None:
            raise ValueError("label: end needs interval_minutes")
        if self.holds_minutes is not None and self.interval_minutes is not None:
            raise ValueError("give interval_minutes, or holds_minutes for rows at no fixed interval")
        if self.snap_minutes and self.interval_minutes is None:
            raise ValueError("snap_minutes needs interval_minutes")
        interval_seconds(self.interval_minutes)
        if faults := [
            *self._format_faults(),
            *self._text_faults(),
            *self._marker_faults(),
            *self._period_faults(),
        ]:
            raise ValueError("\n".join(faults))
        return self

    def _format_faults(self) -> Iterator[str]:
        if self.format and self.format not in NUMBERS:
            for fault in parsed(self.format).faults(of_days=self.has_period):
                yield f"format: {self.format!r} {fault}"

    def _text_faults(self) -> Iterator[str]:
        if self.expression is not None:
            expression_columns(self.expression)
        if self.pattern is not None:
            named = [name for name in pattern_groups(self.pattern) if not name.isdecimal()]
            if len(named) == len(pattern_groups(self.pattern)):
                yield "pattern: has no group for the stamp: put (…) around what format reads"
            if unknown := sorted(set(named) - set(_NAMED_GROUPS)):
                yield (
                    f"pattern: {', '.join(unknown)}: no such group; there are {' and '.join(_NAMED_GROUPS)},"
                    " and those without a name are the stamp"
                )
        if self.across is not None and TIME not in self.told_columns:
            yield f'across: is of no use: name "{TIME}" in timestamp.columns, beside the column of the day'
        if self.across is None and TIME in self.told_columns:
            yield f"columns: {TIME} needs timestamp.across: which part of a column's name is a time?"

    def _marker_faults(self) -> Iterator[str]:
        if bool(self.markers) != self._has_group("marker"):
            yield "markers: needs a group (?<marker>…) in timestamp.pattern, and the other way round"
        for text, meaning in self.markers.items():
            if meaning not in ("first", "second") and not _FIXED_OFFSET.fullmatch(meaning):
                yield f'markers: {text}: {meaning!r} is neither first, second nor an offset in quotes such as "+01:00"'
        if self.markers and (self.zone is None or self.zone not in _zones() or self.zone == "UTC"):
            yield "markers: tell hours of a zone with summer time apart: state it under zone, such as Europe/Paris"

    def _period_faults(self) -> Iterator[str]:
        if not self.has_period:
            if self.first_period != 1:
                yield "first_period: needs a group (?<period>…) in timestamp.pattern"
            return
        if self.interval_minutes is None:
            yield "pattern: a period needs interval_minutes: how long is it?"
        if self.label == "end":
            yield "label: a period is its whole interval: remove label: end"
        if self.markers:
            yield "markers: periods count on over a clock change: remove markers"
        if self.zone is None or self.format in NUMBERS:
            yield "pattern: a period needs zone, and a format of days such as %Y-%m-%d"

    def _has_group(self, name: str) -> bool:
        return self.pattern is not None and name in pattern_groups(self.pattern)

    @property
    def has_period(self) -> bool:
        """Whether the number of an interval tells its time of the day."""
        return self._has_group("period")

    @property
    def interval_seconds(self) -> int | None:
        """Length of the source's interval."""
        return interval_seconds(self.interval_minutes)

    @property
    def is_epoch(self) -> bool:
        return self.format in ("epoch_s", "epoch_ms")

    @property
    def told_columns(self) -> tuple[str, ...]:
        """What the stamp's text is made of: columns of the file, and what stands for its name, lines and times."""
        if self.expression is not None:
            return tuple(expression_columns(self.expression))
        return self.columns or (self.column,)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Columns of the file that hold a part of the stamp."""
        return tuple(name for name in self.told_columns if name not in (FILE, LINES, TIME))

    @property
    def named(self) -> str:
        """What errors call the source of the stamp."""
        return self.expression or ", ".join(self.told_columns)

    @property
    def wall_format(self) -> str:
        """The format without its offset."""
        ending = next((e for e in _ENDS_IN_OFFSET if self.format.endswith(e)), "")
        return self.format.removesuffix(ending).rstrip()
