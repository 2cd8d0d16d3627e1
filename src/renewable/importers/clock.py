"""From the text of a stamp to the start of its interval in UTC.

No hour is guessed here: what text and mapping leave open is an error, or settled by a rule that the mapping states.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo

import polars as pl

from renewable.importers.grid import begin_of_day
from renewable.importers.source import SourceFrame, require_none, set_aside
from renewable.importers.stamp_format import parsed
from renewable.importers.stamp_text import stamp_texts
from renewable.importers.timestamp import Timestamp

# Clock, then Z or an offset with or without minutes and colon.
_STAMP = r"^(?<clock>.*?)\s*(?:Z|(?<sign>[+-])(?<hours>\d{2})(?::?(?<minutes>\d{2}))?)$"
_HOUR = timedelta(hours=1)
# A year outside is one of two digits, or milliseconds read as seconds.
_FIRST, _END = datetime(1900, 1, 1), datetime(2200, 1, 1)
_SERIAL_ZERO = datetime(1899, 12, 30)
_MEND = "Mend timestamp.format in the mapping, or these texts."
_EMPTY = "Leave these rows out with source.keep."


def interval_starts_utc(source: SourceFrame, stamp: Timestamp) -> pl.DataFrame:
    """`timestamp`, the start of each row's interval (datetime[us, UTC]), null where the mapping sets stamps aside.

    `first_shift_us` and `second_shift_us` say by how much the first and the second of two equal stamps of one asset are
    to be moved; both are 0 but around clock changes, and only where the mapping states such a rule. Both stand where
    the values have to tell. Raises MappingError for an unreadable stamp and for a local hour that no rule settles.
    """
    first = second = pl.zeros(source.rows.height, dtype=pl.Int64, eager=True)
    typed, clock = _typed(source, stamp), None
    if stamp.is_epoch:
        starts = _from_epoch(source, stamp, stamp_texts(source, stamp).stamp if typed is None else typed)
    elif (
        typed is not None
        and cast(pl.Datetime, typed.dtype).time_zone is not None
        and stamp.offset != "ignored"
    ):
        starts = typed.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
        _set_aside(source, stamp, starts.is_null(), typed, "are empty", _EMPTY)
    else:
        wall, offset, marker, period = _read(source, stamp, typed)
        clock = wall
        if stamp.spring_pairs:
            first = _pushed(wall, stamp)
        if period is not None:
            starts = _of_period(source, stamp, wall, period)
        elif stamp.offset == "honoured":
            starts = wall.dt.replace_time_zone("UTC") - offset
        else:
            starts, second = _localised(source, stamp, wall, marker)
            if stamp.ambiguous_hour == "by_values":
                first = second
    if stamp.label == "end":
        starts = pl.select(starts - pl.duration(seconds=stamp.interval_seconds or 0)).to_series()
    if stamp.snap_minutes:
        starts = starts + _to_grid(starts if clock is None else clock, stamp)
    return pl.DataFrame(
        [starts.alias("timestamp"), first.alias("first_shift_us"), second.alias("second_shift_us")]
    )


def _typed(source: SourceFrame, stamp: Timestamp) -> pl.Series | None:
    """The column of the stamps where the file has real times, or for stamps that are numbers."""
    if (
        stamp.pattern is not None
        or len(stamp.told_columns) != 1
        or stamp.told_columns != stamp.source_columns
    ):
        return None
    if stamp.expression is not None:
        return None
    column = source.rows[stamp.told_columns[0]]
    return column if isinstance(column.dtype, pl.Datetime) or stamp.is_epoch else None


def _read(
    source: SourceFrame, stamp: Timestamp, typed: pl.Series | None
) -> tuple[pl.Series, pl.Series, pl.Series | None, pl.Series | None]:
    """Wall clocks, their offsets from UTC, and by timestamp.pattern markers and numbers of periods."""
    no_offset = pl.Series([timedelta()]).new_from_index(0, source.rows.height)
    if typed is not None:
        wall = typed.dt.replace_time_zone(None).cast(pl.Datetime("us"))
        _set_aside(source, stamp, wall.is_null(), typed, "are empty", _EMPTY)
        return wall, no_offset, None, None
    texts = stamp_texts(source, stamp)
    marker = texts.marker if stamp.markers else None
    period = texts.period if stamp.has_period else None
    if stamp.offset == "absent":
        return _wall(source, stamp, texts.stamp, texts.whole), no_offset, marker, period
    parts = texts.stamp.str.extract_groups(_STAMP).struct.unnest()
    return (
        _wall(source, stamp, parts["clock"], texts.whole),
        parts.select(_offset()).to_series(),
        marker,
        period,
    )


def _to_grid(stamps: pl.Series, stamp: Timestamp) -> pl.Series:
    """How far it is to the closest start of an interval, 0 where that is more than snap_minutes.

    The grid is that of the clock of the stamps: hours of a zone of half an hour start at half past, in UTC.
    """
    step_us, us = (stamp.interval_seconds or 60) * 1_000_000, stamps.to_physical()
    away = (us + step_us // 2) // step_us * step_us - us
    near = away.abs() <= stamp.snap_minutes * 60_000_000
    return pl.select(pl.when(near).then(away).otherwise(0).cast(pl.Duration("us"))).to_series()


def _from_epoch(source: SourceFrame, stamp: Timestamp, cells: pl.Series) -> pl.Series:
    unit_us = 1_000_000 if stamp.format == "epoch_s" else 1_000
    number = cells.cast(pl.Float64, strict=False) * unit_us
    first_us, end_us = ((day - datetime(1970, 1, 1)) // timedelta(microseconds=1) for day in (_FIRST, _END))
    number = pl.select(pl.when(number.is_between(first_us, end_us)).then(number)).to_series()
    fault = f"are no {stamp.format}"
    _set_aside(source, stamp, number.is_null(), cells, fault, "Mend timestamp.format.")
    return number.round().cast(pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _offset() -> pl.Expr:
    """The offset from UTC; Z is none."""
    sign = pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    hours, minutes = (pl.col(name).cast(pl.Int64).fill_null(0) for name in ("hours", "minutes"))
    return pl.duration(minutes=sign * (60 * hours + minutes))


def _wall(source: SourceFrame, stamp: Timestamp, clock: pl.Series, texts: pl.Series) -> pl.Series:
    """What a clock on the wall shows, without its zone."""
    if stamp.format == "excel_serial":
        # With nine digits behind the point a second is right; a comma can only be that point, as the days have five.
        days = (
            clock.str.extract(r"^(\d{5,6}(?:[.,]\d*)?)$").str.replace(",", ".", literal=True).cast(pl.Float64)
        )
        seconds = (days * 86_400).round()
        wall = pl.select(
            _SERIAL_ZERO + pl.duration(seconds=pl.lit(seconds).cast(pl.Int64, strict=False))
        ).to_series()
    else:
        wall = _strptime(source, stamp, clock)
    wall = wall.cast(pl.Datetime("us"))
    wall = pl.select(pl.when(wall.is_between(_FIRST, _END, closed="left")).then(wall)).to_series()
    cut = "" if stamp.pattern is None else f" where timestamp.pattern {stamp.pattern!r} cuts it out"
    fault = f"are no timestamp of the format {stamp.format!r}{cut}"
    _set_aside(source, stamp, wall.is_null(), texts, fault, _MEND)
    return wall


def _strptime(source: SourceFrame, stamp: Timestamp, clock: pl.Series) -> pl.Series:
    form = parsed(stamp.wall_format)
    text_format, ending = form.completed()
    texts = form.in_form(clock)
    try:
        filled = texts + ending if ending else texts
        wall = filled.str.to_datetime(text_format, time_unit="us", strict=False)
        if not wall.null_count():
            return wall
        midnights = form.midnights(texts) + ending
        if midnights.null_count() == midnights.len():
            return wall
        next_day = midnights.str.to_datetime(text_format, time_unit="us", strict=False) + timedelta(days=1)
    except pl.exceptions.PolarsError as error:
        fault = f"text(s), and the format {stamp.format!r} cannot be used ({str(error).splitlines()[0]})"
        require_none(source, stamp.named, pl.repeat(True, clock.len(), eager=True), fault, _MEND)
        raise
    return pl.select(pl.coalesce(wall, next_day)).to_series()


def _of_period(source: SourceFrame, stamp: Timestamp, days: pl.Series, period: pl.Series) -> pl.Series:
    """Instants of the periods of local days; they count time that passes, so a day has 46, 48 or 50 half hours."""
    number = period.cast(pl.Int64, strict=False) - stamp.first_period
    step = timedelta(seconds=stamp.interval_seconds or 0)
    begins, ends = (_begin_of_day(stamp.zone or "UTC", day) for day in (days, days + timedelta(days=1)))
    starts = pl.select(begins + number * step).to_series()
    within = (number >= 0) & (starts < ends)
    fault = f"are no period of their day, which counts from {stamp.first_period}"
    at_fault = ~within.fill_null(False) & days.is_not_null()
    _set_aside(source, stamp, at_fault, period, fault, "Mend timestamp.first_period or interval_minutes.")
    return pl.select(pl.when(within).then(starts)).to_series()


def _set_aside(
    source: SourceFrame, stamp: Timestamp, rows: pl.Series, texts: pl.Series, fault: str, next_step: str
) -> None:
    """Leave out rows whose stamp cannot be read; what is said of them names the texts."""
    set_aside(source, "rows", stamp.named, rows, fault, next_step, texts)


def _begin_of_day(zone: str, days: pl.Series) -> pl.Series:
    """The first instant of local days, in UTC; the zone may be a fixed offset."""
    if zone[0] in "+-":
        return (days - _fixed(zone)).dt.replace_time_zone("UTC")
    return pl.select(begin_of_day(pl.lit(days), zone)).to_series()


def _fixed(zone: str) -> timedelta:
    return timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)


def _localised(
    source: SourceFrame, stamp: Timestamp, wall: pl.Series, marker: pl.Series | None
) -> tuple[pl.Series, pl.Series]:
    """The instants, and the shift in µs of the second of two equal stamps."""
    zone, name = stamp.zone or "UTC", stamp.named
    none = pl.zeros(wall.len(), dtype=pl.Int64, eager=True)
    if zone[0] in "+-":
        return (wall - _fixed(zone)).dt.replace_time_zone("UTC"), none
    earliest = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if stamp.missing_hour == "error":
        require_none(
            source,
            name,
            earliest.is_null() & wall.is_not_null(),
            f"stamp(s) name an hour that {zone} leaves out in spring",
            "This clock does not follow that zone: state the one it follows, UTC or a fixed offset "
            "such as +01:00 (one hour east of Greenwich); or timestamp.missing_hour: set_aside.",
        )
    latest = wall.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    marked = pl.repeat(False, wall.len(), eager=True)
    if marker is not None:
        marked = (marker.fill_null("") != "") & earliest.is_not_null()
        told = _told(source, stamp, wall, marker, earliest, latest)
        earliest, latest = (
            pl.select(pl.when(marked).then(told).otherwise(end)).to_series() for end in (earliest, latest)
        )
    open_hours = (earliest != latest).fill_null(False)
    if stamp.ambiguous_hour == "error":
        require_none(
            source,
            name,
            open_hours,
            f"stamp(s) name an hour that {zone} has twice in autumn",
            "State the rule: timestamp.ambiguous_hour: earliest or latest, or in_order where both are there; "
            "rows that then share a key end in quarantine.",
        )
    if stamp.ambiguous_hour == "latest":
        return latest.dt.convert_time_zone("UTC"), none
    second = (
        (latest - earliest).dt.total_microseconds().fill_null(0)
        if stamp.ambiguous_hour in ("in_order", "by_values")
        else none
    )
    return earliest.dt.convert_time_zone("UTC"), second


def _told(
    source: SourceFrame,
    stamp: Timestamp,
    wall: pl.Series,
    marker: pl.Series,
    earliest: pl.Series,
    latest: pl.Series,
) -> pl.Series:
    """The instants that markers tell; MappingError for a marker that is not listed, or that the zone contradicts."""
    zone = stamp.zone or "UTC"
    meaning = marker.replace_strict(stamp.markers, default=None, return_dtype=pl.String)
    told = pl.when(meaning == "first").then(earliest).when(meaning == "second").then(latest)
    for offset in {text for text in stamp.markers.values() if text not in ("first", "second")}:
        instant = (wall - _fixed(offset)).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        told = told.when((meaning == offset) & ((instant == earliest) | (instant == latest))).then(instant)
    instants = pl.select(told.otherwise(None)).to_series()
    # An hour that the zone leaves out is a matter of timestamp.missing_hour.
    at_fault = instants.is_null() & (marker.fill_null("") != "") & earliest.is_not_null()
    fault = f"are not in timestamp.markers, or tell a clock that {zone} does not have then"
    _set_aside(source, stamp, at_fault, marker, fault, "Mend timestamp.markers or zone.")
    return instants


def _pushed(wall: pl.Series, stamp: Timestamp) -> pl.Series:
    """By how much (µs, negative) a stamp in the hour after a spring change of `spring_pairs` may have been pushed."""
    shift = pl.zeros(wall.len(), dtype=pl.Int64, eager=True)
    years = wall.dt.year()
    for year in years.unique().drop_nulls().to_list():
        for skipped_from, length in spring_gaps(stamp.spring_pairs or "UTC", year):
            inside = wall.is_between(skipped_from + length, skipped_from + 2 * length, closed="left")
            shift = pl.select(
                pl.when(inside).then(-length // timedelta(microseconds=1)).otherwise(shift)
            ).to_series()
    return shift


@cache
def spring_gaps(zone: str, year: int) -> tuple[tuple[datetime, timedelta], ...]:
    """Wall-clock times of a year at which the zone's clock jumps forward, each with the length of the jump."""
    place, gaps = ZoneInfo(zone), []
    hour = datetime(year, 1, 1, tzinfo=UTC)
    before = hour.astimezone(place).utcoffset() or timedelta()
    while hour.year == year:
        after = hour.astimezone(place).utcoffset() or timedelta()
        if after > before:
            gaps.append(((hour + before).replace(tzinfo=None), after - before))
        before, hour = after, hour + _HOUR
    return tuple(gaps)
