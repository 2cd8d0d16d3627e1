"""Which columns of an unknown table are its stamps, how they are written, and how far apart they are."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise, product

import polars as pl

from renewable.importers.draft_formats import (
    DATES,
    TIME_NAME,
    TIMES,
    all_match,
    clock_of,
    clocks,
    days,
    is_good,
    likely,
    readable,
    runs,
    sample,
    stamps,
)
from renewable.importers.draft_lines import Line, asked, listed, quoted
from renewable.importers.order_of_days import other_order
from renewable.importers.source import SourceFrame
from renewable.importers.timestamp import LINES, TIME

_SERIAL = r"[2-6]\d{4}(?:[.,]\d+)?"
_MOST_COLUMNS = 12


@dataclass(frozen=True)
class Stamps:
    """Lines that say what the stamps are, the columns they use, and the clock's time of each row (null: unread)."""

    lines: list[Line]
    used: frozenset[str]
    clock: pl.Series
    interval_is_known: bool = False
    across: str | None = None
    names_start: bool = False
    has_offset: bool = False


def find_stamps(batch: SourceFrame) -> Stamps:
    """The likeliest stamps of a table; where none are found all columns are asked for."""
    for search in (_typed, _across, _whole, _parts, _numbers, _day_and_clock):
        found = search(batch)
        if found is not None:
            return found
    names = [name for name in batch.rows.columns if batch.rows[name].null_count() < batch.rows.height]
    names.sort(key=lambda name: not TIME_NAME.search(name))
    shown = names[:_MOST_COLUMNS] or batch.rows.columns[:_MOST_COLUMNS]
    formats = [f"{date} {time}" for date, time in product(list(DATES)[:6], list(TIMES)[:2])]
    none = pl.Series([None] * batch.rows.height, dtype=pl.Datetime("us"))
    return Stamps(
        [
            asked("which column holds the stamps?", [f"column: {quoted(name)}" for name in shown]),
            asked("how are they written?", [f'format: "{form}"' for form in formats]),
        ],
        frozenset(),
        none,
    )


def _typed(batch: SourceFrame) -> Stamps | None:
    for name, dtype in batch.rows.schema.items():
        if isinstance(dtype, pl.Datetime):
            clock = batch.rows[name].dt.replace_time_zone(None).cast(pl.Datetime("us"))
            return Stamps([f"column: {quoted(name)}"], frozenset({name}), clock)
    return None


def _across(batch: SourceFrame) -> Stamps | None:
    """A day in a row: columns named by times."""
    for shape, cut in ((r"\d{1,2}:\d\d ?- ?\d{1,2}:\d\d", " ?-"), (r"\d{1,2}:\d\d", "$")):
        named = [name for name in batch.rows.columns if re.search(shape, name)]
        if len(named) < 12:
            continue
        others = [name for name in batch.rows.columns if name not in named]
        for name, form in readable(batch, others, days):
            lines = [f"columns: [{quoted(name)}, {quoted(TIME)}]", f"across: '{shape}'"]
            lines.append(rf"pattern: '^(\S+ \d{{1,2}}:\d\d){cut}'")
            times = [re.search(r"(\d{1,2}):(\d\d)", each) for each in named]
            minutes = [int(found[1]) * 60 + int(found[2]) for found in times if found]
            step = Counter(b - a for a, b in pairwise(minutes)).most_common(1)[0][0]
            own_days = clock_of(batch, (name,), form, of_days=True)
            asks = _either_order(form, own_days, " %H:%M")
            prefix = re.sub(shape, TIME, named[0])
            return Stamps(
                [*lines, *asks, f"interval_minutes: {step}"],
                frozenset({name, *named}),
                own_days,
                interval_is_known=True,
                across=prefix,
                names_start=cut != "$",
            )
    return None


def _whole(batch: SourceFrame) -> Stamps | None:
    """One column that has date and time, perhaps of both ends of an interval."""
    for name, form in readable(batch, batch.rows.columns, stamps):
        return _of_column(batch, name, form)
    for name in likely(batch, batch.rows.columns):
        texts = sample(batch, name)
        marked = texts.str.extract_groups(
            r"^(\S+ \d{1,2}:\d\d(?::\d\d)?)(?: \(([A-Z]+)\))? - "
        ).struct.unnest()
        if not texts.len() or marked.to_series(0).null_count():
            continue
        starts = batch.rows.select(pl.col(name).str.extract(r"^(\S+ \d{1,2}:\d\d(?::\d\d)?)")).to_series()
        cut = SourceFrame(batch.name, pl.DataFrame([starts.alias(name)]))
        for _, form in readable(cut, [name], stamps):
            whole = batch.rows[name].str.extract_all(r"\(([A-Z]+)\)").explode().drop_nulls().unique().sort()
            words = [word.strip("()") for word in whole.to_list()]
            found = _of_column(cut, name, form)
            lines: list[Line] = [found.lines[0]]
            group = rf"(?: \((?<marker>{'|'.join(words)})\))?" if words else ""
            lines.append(rf"pattern: '^(\S+ [\d:]+){group} - '    # the start of the range")
            markers = _markers(words)
            lines += [*found.lines[1:], *([markers] if markers else [])]
            return Stamps(lines, frozenset({name}), found.clock, names_start=True)
    return None


def _markers(words: list[str]) -> Line | None:
    known = {
        "CEST": "+02:00",
        "CET": "+01:00",
        "BST": "+01:00",
        "GMT": "+00:00",
        "EEST": "+03:00",
        "EET": "+02:00",
    }
    if not words:
        return None
    if all(word in known for word in words):
        return "markers: {" + ", ".join(f'{word}: "{known[word]}"' for word in words) + "}"
    orders = [words, words[::-1]]
    told = [dict(zip(order, ("first", "second"), strict=False)) for order in orders]
    return asked(
        "which of the two hours of autumn does a marker mean?",
        ["markers: {" + ", ".join(f"{k}: {v}" for k, v in each.items()) + "}" for each in told],
    )


def _of_column(batch: SourceFrame, name: str, form: str) -> Stamps:
    clock = clock_of(batch, (name,), form)
    lines: list[Line] = [f"column: {quoted(name)}", *_either_order(form, clock)]
    if form.endswith("%z"):
        lines.append("offset: honoured    # ignored, and a zone, where the offsets in the text are wrong")
    return Stamps(lines, frozenset({name}), clock, has_offset=form.endswith("%z"))


def _either_order(form: str, clock: pl.Series, ending: str = "") -> list[Line]:
    """The format; both orders of day and month are asked for where both fit the file."""
    line = f'format: "{form}{ending}"'
    swapped = form.replace("%d", "%D").replace("%m", "%d").replace("%D", "%m")
    if form.startswith("%Y") or "%b" in form or "%j" in form or "%m" not in form:
        return [line]
    other = f'format: "{swapped}{ending}"'
    found = set(clock.drop_nulls().dt.date().to_list())
    match other_order(found) if found else "as well":
        case "better":
            return [f"{other}    # read so the days run on, and with day and month exchanged they do not"]
        case "not":
            return [line]
    return [asked("which is the month? Both fit this file.", [line, other])]


def _parts(batch: SourceFrame) -> Stamps | None:
    """Date and time in columns of their own, or date and number of a period."""
    for name, form in readable(batch, batch.rows.columns, days):
        others = [other for other in batch.rows.columns if other != name]
        for second, time in readable(batch, others, clocks, beside=(name, form)):
            if "period" in second.lower():
                continue
            clock = clock_of(batch, (name, second), f"{form} {time}")
            lines = [f"columns: {listed([name, second])}", *_either_order(form, clock, f" {time}")]
            return Stamps(lines, frozenset({name, second}), clock)
        for second in others:
            numbers = batch.rows[second].cast(pl.String).str.to_integer(strict=False).drop_nulls().to_list()
            highest, first = max(numbers, default=0), min(numbers, default=1)
            if not re.search(r"period|\bsp\b|hour|interval", second, re.IGNORECASE) or highest < 20:
                continue
            minutes = next((m for m in (60, 30, 15, 5) if highest <= 1500 // m), 0)
            if not minutes or first not in (0, 1):
                continue
            own_days = clock_of(batch, (name,), form, of_days=True)
            number = batch.rows[second].cast(pl.Int64, strict=False) - first
            clock = own_days + (number * (minutes * 60_000_000)).cast(pl.Duration("us"))
            of_period: list[Line] = [
                f"columns: {listed([name, second])}",
                r"pattern: '^(\S+) (?<period>\d+)$'",
                *_either_order(form, own_days),
                f"first_period: {first}",
                f"interval_minutes: {minutes}",
            ]
            return Stamps(
                of_period, frozenset({name, second}), clock, interval_is_known=True, names_start=True
            )
    return None


def _numbers(batch: SourceFrame) -> Stamps | None:
    """Year, month, day and so on in columns that follow one another; days of spreadsheets."""
    names = list(batch.rows.columns)[:_MOST_COLUMNS]
    years = [name for name in names if all_match(batch, name, r"(?:19|20)\d\d")]
    for year in years:
        after = names[names.index(year) + 1 :]
        for skipped in (0, 1):
            rest = after[skipped:]
            for form in (
                "%Y %m %d %H %M %S",
                "%Y %m %d %H %M",
                "%Y %m %d %H%M",
                "%Y %m %d %H",
                "%Y %j %H%M",
                "%Y %j %H",
            ):
                count = form.count(" ")
                columns = (year, *rest[:count])
                if len(columns) <= count:
                    continue
                clock = clock_of(batch, columns, form)
                if is_good(clock) and runs(clock):
                    return Stamps(
                        [f"columns: {listed(columns)}", f'format: "{form}"'],
                        frozenset({year, *after[:skipped], *columns}),
                        clock,
                    )
    for name in likely(batch, names):
        if all_match(batch, name, _SERIAL):
            clock = clock_of(batch, (name,), "excel_serial")
            if is_good(clock) and runs(clock):
                return Stamps([f"column: {quoted(name)}", "format: excel_serial"], frozenset({name}), clock)
    return None


def _day_and_clock(batch: SourceFrame) -> Stamps | None:
    """Day of the year and a clock such as 15 or 2400, the year in a line above or in the file's name."""
    names = list(batch.rows.columns)[:_MOST_COLUMNS]
    for day, clock_name in pairwise(names):
        if not (all_match(batch, day, r"\d{1,3}") and all_match(batch, clock_name, r"\d{1,4}")):
            continue
        for place, text in ((LINES, " ".join(batch.lines)), ("{file}", batch.file_name)):
            found = re.search(r"(?<!\d)((?:19|20)\d\d)(?!\d)", text)
            if not found:
                continue
            before = (
                r"\d+\s"
                if re.fullmatch(r"\d+\s", text[: found.start()])
                else r".*?\b"
                if place == LINES
                else r".*?"
            )
            pattern = rf"^{before}((?:19|20)\d\d).* (\d+) (\d+)$"
            clock = clock_of(batch, (place, day, clock_name), "%Y %j %H%M", pattern)
            if is_good(clock) and runs(clock):
                of_lines: list[Line] = [
                    f"columns: {listed([place, day, clock_name])}",
                    f"pattern: '{pattern}'",
                    'format: "%Y %j %H%M"',
                ]
                return Stamps(of_lines, frozenset({day, clock_name}), clock)
    return None
