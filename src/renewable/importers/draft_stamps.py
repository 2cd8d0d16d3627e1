"""Which columns of an unknown table are its stamps, how they are written, and how far apart they are."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from math import ceil
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import ValidationError

from renewable.errors import MappingError
from renewable.importers.clock import interval_starts_utc
from renewable.importers.draft_lines import Line, Todo, asked, listed, quoted
from renewable.importers.order_of_days import other_order
from renewable.importers.set_aside import SetAside
from renewable.importers.source import SourceFrame
from renewable.importers.timestamp import LINES, TIME, Timestamp

_TIME_NAME = re.compile(
    r"time|date|zeit|datum|heure|fecha|hora|giorno|dag|day|measured_on|stamp|mtu", re.IGNORECASE
)
_LATER_NAME = re.compile(r"\bend|changed|created|modified|export|import|ende\b", re.IGNORECASE)
_DATES = {
    "%Y-%m-%d": r"\d{4}-\d{1,2}-\d{1,2}",
    "%Y/%m/%d": r"\d{4}/\d{1,2}/\d{1,2}",
    "%Y.%m.%d": r"\d{4}\.\d{1,2}\.\d{1,2}",
    "%d.%m.%Y": r"\d{1,2}\.\d{1,2}\.\d{4}",
    "%d/%m/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%m/%d/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%d-%m-%Y": r"\d{1,2}-\d{1,2}-\d{4}",
    "%m-%d-%Y": r"\d{1,2}-\d{1,2}-\d{4}",
    "%d.%m.%y": r"\d{1,2}\.\d{1,2}\.\d{2}",
    "%d/%m/%y": r"\d{1,2}/\d{1,2}/\d{2}",
    "%m/%d/%y": r"\d{1,2}/\d{1,2}/\d{2}",
    "%d-%b-%Y": r"\d{1,2}-[A-Za-z]{3}-\d{4}",
    "%d-%b-%y": r"\d{1,2}-[A-Za-z]{3}-\d{2}",
    "%d %b %Y": r"\d{1,2} [A-Za-z]{3} \d{4}",
    "%b %d %Y": r"[A-Za-z]{3} \d{1,2} \d{4}",
    "%b %d, %Y": r"[A-Za-z]{3} \d{1,2}, \d{4}",
    "%Y%m%d": r"(?:19|20)\d{6}",
}
_TIMES = {
    "%H:%M:%S": r"\d{1,2}:\d\d:\d\d",
    "%H:%M": r"\d{1,2}:\d\d",
    "%H:%M:%S%.f": r"\d{1,2}:\d\d:\d\d\.\d+",
    "%I:%M:%S %p": r"\d{1,2}:\d\d:\d\d [AaPp][Mm]",
    "%I:%M %p": r"\d{1,2}:\d\d [AaPp][Mm]",
    "%H.%M": r"\d{1,2}\.\d\d",
    "%H%M%S": r"\d{6}",
    "%H%M": r"\d{4}",
    "%H": r"\d{1,2}",
}
_OFFSETS = {"%z": r"(?:Z|[+-]\d\d:?\d\d)", " %z": r" (?:Z|[+-]\d\d:?\d\d)"}
_DIGITS = {
    "%Y%m%d%H%M%S": r"(?:19|20)\d{12}",
    "%Y%m%d%H%M": r"(?:19|20)\d{10}",
    "%Y%m%d%H": r"(?:19|20)\d{8}",
    "epoch_ms": r"1\d{12}",
    "epoch_s": r"1\d{9}(?:\.\d+)?",
}
_SERIAL = r"[2-6]\d{4}(?:[.,]\d+)?"
_READABLE_RATIO, _LOOKED_AT = 0.9, 2_000
_REGULAR_RATIO = 0.8
_MOST_COLUMNS = 12
_BETWEEN = (" ", "T", ", ", "  ", "-", ":")
Shapes = Callable[[pl.Series], Iterable[tuple[str, str]]]
# Whose summer time is asked for first where nothing is known of the assets.
_USUAL_ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
)


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
    names.sort(key=lambda name: not _TIME_NAME.search(name))
    shown = names[:_MOST_COLUMNS] or batch.rows.columns[:_MOST_COLUMNS]
    formats = [f"{date} {time}" for date, time in product(list(_DATES)[:6], list(_TIMES)[:2])]
    none = pl.Series([None] * batch.rows.height, dtype=pl.Datetime("us"))
    return Stamps(
        [
            asked("which column holds the stamps?", [f"column: {quoted(name)}" for name in shown]),
            asked("how are they written?", [f'format: "{form}"' for form in [*formats, *_DIGITS]]),
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
        for name, form in _formats(batch, others, _days):
            lines = [f"columns: [{quoted(name)}, {quoted(TIME)}]", f"across: '{shape}'"]
            lines.append(rf"pattern: '^(\S+ \d{{1,2}}:\d\d){cut}'")
            times = [re.search(r"(\d{1,2}):(\d\d)", each) for each in named]
            minutes = [int(found[1]) * 60 + int(found[2]) for found in times if found]
            step = Counter(b - a for a, b in zip(minutes, minutes[1:], strict=False)).most_common(1)[0][0]
            days = _read(batch, (name,), form, of_days=True)
            asks = _either_order(form, days, " %H:%M")
            prefix = named[0].replace(re.search(shape, named[0])[0], TIME)  # type: ignore[index]
            return Stamps(
                [*lines, *asks, f"interval_minutes: {step}"],
                frozenset({name, *named}),
                days,
                interval_is_known=True,
                across=prefix,
                names_start=cut != "$",
            )
    return None


def _whole(batch: SourceFrame) -> Stamps | None:
    """One column that has date and time, perhaps of both ends of an interval."""
    for name, form in _formats(batch, batch.rows.columns, _stamps):
        return _of_column(batch, name, form)
    for name in _likely(batch, batch.rows.columns):
        texts = _sample(batch, name)
        marked = texts.str.extract_groups(
            r"^(\S+ \d{1,2}:\d\d(?::\d\d)?)(?: \(([A-Z]+)\))? - "
        ).struct.unnest()
        if not texts.len() or marked.to_series(0).null_count():
            continue
        starts = batch.rows.select(pl.col(name).str.extract(r"^(\S+ \d{1,2}:\d\d(?::\d\d)?)")).to_series()
        cut = SourceFrame(batch.name, pl.DataFrame([starts.alias(name)]))
        for _, form in _formats(cut, [name], _stamps):
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
    clock = _read(batch, (name,), form)
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
    days = set(clock.drop_nulls().dt.date().to_list())
    match other_order(days) if days else "as well":
        case "better":
            return [f"{other}    # read so the days run on, and with day and month exchanged they do not"]
        case "not":
            return [line]
    return [asked("which is the month? Both fit this file.", [line, other])]


def _parts(batch: SourceFrame) -> Stamps | None:
    """Date and time in columns of their own, or date and number of a period."""
    for name, form in _formats(batch, batch.rows.columns, _days):
        others = [other for other in batch.rows.columns if other != name]
        for second, time in _formats(batch, others, _clocks, beside=(name, form)):
            if "period" in second.lower():
                continue
            clock = _read(batch, (name, second), f"{form} {time}")
            lines = [f"columns: {listed([name, second])}", *_either_order(form, clock, f" {time}")]
            return Stamps(lines, frozenset({name, second}), clock)
        for second in others:
            numbers = batch.rows[second].cast(pl.String).str.to_integer(strict=False).drop_nulls()
            highest = int(numbers.max() or 0) if numbers.len() else 0  # type: ignore[call-overload]
            if not re.search(r"period|\bsp\b|hour|interval", second, re.IGNORECASE) or highest < 20:
                continue
            minutes = next((m for m in (60, 30, 15, 5) if highest <= 1500 // m), 0)
            first = int(numbers.min() or 0) if numbers.len() else 1  # type: ignore[call-overload]
            if not minutes or first not in (0, 1):
                continue
            days = _read(batch, (name,), form, of_days=True)
            clock = days + pl.Series(batch.rows[second].cast(pl.Int64, strict=False) - first) * (
                minutes * 60_000_000
            )
            lines = [
                f"columns: {listed([name, second])}",
                r"pattern: '^(\S+) (?<period>\d+)$'",
                *_either_order(form, days),
                f"first_period: {first}",
                f"interval_minutes: {minutes}",
            ]
            return Stamps(lines, frozenset({name, second}), clock, interval_is_known=True, names_start=True)
    return None


def _numbers(batch: SourceFrame) -> Stamps | None:
    """Year, month, day and so on in columns that follow one another; days of spreadsheets."""
    names = list(batch.rows.columns)[:_MOST_COLUMNS]
    whole = [name for name in names if _all_match(batch, name, r"\d{1,4}")]
    years = [name for name in whole if _all_match(batch, name, r"(?:19|20)\d\d")]
    for year in years:
        after = whole[whole.index(year) + 1 :]
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
                clock = _read(batch, columns, form)
                if _is_good(clock) and _runs(clock):
                    return Stamps(
                        [f"columns: {listed(columns)}", f'format: "{form}"'],
                        frozenset({year, *after[:skipped], *columns}),
                        clock,
                    )
    for name in _likely(batch, names):
        if _all_match(batch, name, _SERIAL):
            clock = _read(batch, (name,), "excel_serial")
            if _is_good(clock) and _runs(clock):
                return Stamps([f"column: {quoted(name)}", "format: excel_serial"], frozenset({name}), clock)
    return None


def _day_and_clock(batch: SourceFrame) -> Stamps | None:
    """Day of the year and a clock such as 15 or 2400, the year in a line above or in the file's name."""
    names = list(batch.rows.columns)[:_MOST_COLUMNS]
    for day, clock_name in zip(names, names[1:], strict=False):
        if not (_all_match(batch, day, r"\d{1,3}") and _all_match(batch, clock_name, r"\d{1,4}")):
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
            clock = _read(batch, (place, day, clock_name), "%Y %j %H%M", pattern)
            if _is_good(clock) and _runs(clock):
                lines = [
                    f"columns: {listed([place, day, clock_name])}",
                    f"pattern: '{pattern}'",
                    'format: "%Y %j %H%M"',
                ]
                return Stamps(lines, frozenset({day, clock_name}), clock)
    return None


def _formats(
    batch: SourceFrame, names: Sequence[str], shapes: Shapes, beside: tuple[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """Columns and formats that read most of them, the likeliest first; `beside` are column and format of the day."""
    for name in _likely(batch, names):
        texts = _sample(batch, name)
        unread = dict[str, int]()
        for form, shape in shapes(texts) if texts.len() else ():
            if _share(texts, shape) < _READABLE_RATIO:
                continue
            if beside is not None:
                clock = _read(batch, (beside[0], name), f"{beside[1]} {form}")
            else:
                is_day = not any(sign in form for sign in ("%H", "%I", "epoch"))
                clock = _read(batch, (name,), form, of_days=is_day)
            if _is_good(clock):
                unread[form] = clock.null_count()
        if unread:
            yield name, min(unread, key=lambda form: unread[form])


def _days(_texts: pl.Series) -> Iterable[tuple[str, str]]:
    return _DATES.items()


def _clocks(_texts: pl.Series) -> Iterable[tuple[str, str]]:
    return _TIMES.items()


def _stamps(texts: pl.Series) -> Iterator[tuple[str, str]]:
    """Formats of date and time, with their shapes, of which at least the day begins some of the texts so."""
    few = texts.head(20)
    offsets = [
        ("", ""),
        *((form, shape) for form, shape in _OFFSETS.items() if few.str.contains(f"{shape}$").any()),
    ]
    for date, day in _DATES.items():
        if not few.str.contains(f"^{day}").any():
            continue
        for sep, (time, clock), (offset, shift) in product(_BETWEEN, _TIMES.items(), offsets):
            yield f"{date}{sep}{time}{offset}", f"{day}{re.escape(sep)}{clock}{shift}"
    yield from _DIGITS.items()


def _likely(batch: SourceFrame, names: Sequence[str]) -> list[str]:
    """Columns of texts, those with the name of a time first, and stamps of an end or of an export last."""
    texts = [name for name in names if batch.rows.schema[name] == pl.String]
    return sorted(texts, key=lambda name: (bool(_LATER_NAME.search(name)), not _TIME_NAME.search(name)))


def _sample(batch: SourceFrame, name: str) -> pl.Series:
    return batch.rows[name].drop_nulls().head(_LOOKED_AT)


def _all_match(batch: SourceFrame, name: str, shape: str) -> bool:
    texts = batch.rows[name].cast(pl.String).drop_nulls().head(_LOOKED_AT)
    return _share(texts, shape) >= _READABLE_RATIO


def _share(texts: pl.Series, shape: str) -> float:
    """Of texts that are of a shape."""
    return int(texts.str.contains(f"^(?:{shape})$").sum()) / max(1, texts.len())


def _read(
    batch: SourceFrame,
    columns: Sequence[str],
    form: str,
    pattern: str | None = None,
    *,
    of_days: bool = False,
) -> pl.Series:
    """The clock of each row by the importer's own reading, as if in UTC; null where it cannot be read.

    `of_days`: the first column alone has the day, and the rest of the stamp stands elsewhere.
    """
    rows = batch.rows
    if of_days:
        columns, form = columns[:1], f"{form} %H:%M"
        rows = rows.with_columns(pl.col(columns[0]) + " 00:00")
    zone: dict[str, object] = {} if form.startswith("epoch") else {"zone": "UTC"}
    if form.endswith("%z"):
        zone["offset"] = "ignored"
    try:
        stamp = Timestamp.model_validate(
            {"columns": tuple(columns), "format": form, "pattern": pattern} | zone
        )
        frame = SourceFrame(batch.name, rows, set_aside=SetAside(), lines=batch.lines)
        read = interval_starts_utc(frame, stamp)["timestamp"]
    except (MappingError, ValidationError):
        return pl.Series([None] * rows.height, dtype=pl.Datetime("us"))
    return read.dt.replace_time_zone(None)


def _is_good(clock: pl.Series) -> bool:
    return clock.len() > 0 and clock.null_count() <= (1 - _READABLE_RATIO) * clock.len()


def _runs(clock: pl.Series) -> bool:
    """Whether stamps go one way, as numbers that are no stamps hardly do."""
    steps = clock.drop_nulls().diff().drop_nulls().dt.total_seconds()
    if not steps.len():
        return False
    return bool((steps > 0).mean() >= _READABLE_RATIO or (steps < 0).mean() >= _READABLE_RATIO) and bool(  # type: ignore[operator]
        steps.abs().median() <= 86_400  # type: ignore[operator]
    )


def clock_lines(
    stamps: Stamps, zones: Sequence[str], above: str, names: Sequence[str], repeats: bool
) -> list[Line]:
    """Which clock it is: asked for, as no file tells it surely. `repeats`: an asset has equal stamps."""
    if any(isinstance(line, str) and line.startswith("format: epoch") for line in stamps.lines):
        return []
    if stamps.has_offset:
        return []
    choices = ["zone: UTC"]
    for zone in [*zones, *([] if zones else _USUAL_ZONES)]:
        if zone != "UTC":
            choices.append(f"zone: {zone}    # with its summer time, if it has any")
            choices += [
                f'zone: "{offset}"    # its clock of winter all the year' for offset in _winter_offsets(zone)
            ]
    said = re.search(
        r"(?:time ?zone|utc|gmt|cest|\bcet\b)[^|;]{0,30}", f"{above} {' '.join(names)}", re.IGNORECASE
    )
    hint = f" The file says {said[0].strip()!r}." if said else ""
    lines: list[Line] = [asked(f"which clock do the stamps show?{hint}", choices)]
    if repeats:
        lines.append(
            "ambiguous_hour: in_order    # equal stamps of an asset: the order of rows tells which is first"
        )
    return lines


def _winter_offsets(zone: str) -> list[str]:
    shifts = [datetime(2024, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7)]
    least = min(shift.total_seconds() for shift in shifts if shift is not None)
    hours, minutes = divmod(int(abs(least)) // 60, 60)
    return [f"{'-' if least < 0 else '+'}{hours:02d}:{minutes:02d}"]


def interval_lines(stamps: Stamps, keys: pl.Series | None) -> list[Line]:
    """Length of the interval as most steps have it, and which end of it a stamp names."""
    label: list[Line] = [
        asked("which end of its interval does a stamp name?", ["label: start", "label: end"])
    ]
    if stamps.names_start:
        label = ["label: start"]
    if stamps.interval_is_known:
        return label
    key = keys if keys is not None else pl.Series("key", [""]).new_from_index(0, stamps.clock.len())
    frame = pl.DataFrame([stamps.clock.alias("clock"), key.cast(pl.String).alias("key")]).drop_nulls("clock")
    steps = (
        frame.unique()
        .sort("key", "clock")
        .select(pl.col("clock").diff().over("key").dt.total_seconds())
        .to_series()
    ).drop_nulls()
    steps = steps.filter(steps > 0)
    if not steps.len():
        choices = [f"interval_minutes: {minutes}" for minutes in (10, 15, 60, 30, 5, 1)]
        return [Todo("how long is the interval? The file is too short to tell.", tuple(choices)), *label]
    step, times = Counter(steps.to_list()).most_common(1)[0]
    if times >= _REGULAR_RATIO * steps.len():
        told = f"{step // 60}" if step % 60 == 0 else f"{step} s"
        return [f"interval_minutes: {told}", *label]
    median = float(steps.median() or 0)  # type: ignore[arg-type]
    minutes = max(1, ceil(median / 60))
    long = float(steps.quantile(0.95) or 0)
    return [
        Todo(
            f"rows come at no fixed interval, {median / 60:.3g} minutes apart as a rule."
            " How long does a value hold at most until the next row?",
            tuple(
                f"holds_minutes: {held}"
                for held in dict.fromkeys((2 * minutes + 1, ceil(long / 60), 3 * minutes, 60))
            ),
        ),
        *label,
    ]
