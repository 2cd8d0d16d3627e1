"""From the text of a stamp to the start of its interval in UTC.

No hour is guessed here: what text and mapping leave open is an error, or settled by a rule that the mapping states.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl

from renewable.importers.mapping import Timestamp
from renewable.importers.source import SourceFrame, require_none

# Clock, then Z or an offset with or without minutes and colon.
_STAMP = r"^(?<clock>.*?)\s*(?:Z|(?<sign>[+-])(?<hours>\d{2})(?::?(?<minutes>\d{2}))?)$"
_HOUR = timedelta(hours=1)


def interval_starts_utc(source: SourceFrame, stamp: Timestamp) -> pl.DataFrame:
    """`timestamp`, the start of each row's interval (datetime[us, UTC]), null where the mapping sets stamps aside.

    `first_shift_us` and `second_shift_us` say by how much the first and the second of two equal stamps of one asset are
    to be moved; both are 0 but around clock changes, and only where the mapping states such a rule.
    Raises MappingError for an unreadable stamp and for a local hour that no rule settles.
    """
    name = ", ".join(stamp.source_columns)
    cells = source.rows.select(stamp.source_columns)
    typed = cells.dtypes[0]
    zero = pl.zeros(cells.height, dtype=pl.Int64, eager=True)
    first, second = zero, zero
    if stamp.is_epoch:
        starts = _from_epoch(source, stamp, cells.to_series())
    elif isinstance(typed, pl.Datetime) and typed.time_zone is not None and stamp.offset != "ignored":
        starts = cells.to_series().dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
        require_none(
            source, name, starts.is_null(), "cell(s) are empty", "Leave these rows out with source.keep."
        )
    else:
        text = cells.select(pl.concat_str(pl.all().cast(pl.String), separator=" ")).to_series().alias(name)
        parts = text.str.extract_groups(_STAMP).struct.unnest() if stamp.offset != "absent" else None
        if isinstance(typed, pl.Datetime):
            wall = cells.to_series().dt.replace_time_zone(None).cast(pl.Datetime("us"))
            require_none(
                source, name, wall.is_null(), "cell(s) are empty", "Leave these rows out with source.keep."
            )
        else:
            wall = _wall(source, stamp, name, text if parts is None else parts["clock"])
        first = _pushed(wall, stamp) if stamp.spring_pairs else zero
        if stamp.offset == "honoured" and parts is not None:
            starts = wall.dt.replace_time_zone("UTC") - parts.select(_offset()).to_series()
        else:
            starts, second = _localised(source, stamp, name, wall)
    if stamp.label == "end":
        starts = pl.select(starts - pl.duration(seconds=stamp.interval_seconds or 0)).to_series()
    if stamp.snap_minutes:
        starts = pl.select(_onto_grid(starts, stamp)).to_series()
    return pl.DataFrame(
        [starts.alias("timestamp"), first.alias("first_shift_us"), second.alias("second_shift_us")]
    )


def _onto_grid(starts: pl.Series, stamp: Timestamp) -> pl.Expr:
    """The closest start of an interval where it is no more than snap_minutes away."""
    step_us, us = (stamp.interval_seconds or 60) * 1_000_000, pl.lit(starts).to_physical()
    closest = (us + step_us // 2) // step_us * step_us
    near = (closest - us).abs() <= stamp.snap_minutes * 60_000_000
    return pl.when(near).then(closest).otherwise(us).cast(pl.Datetime("us", "UTC")).alias("timestamp")


def _from_epoch(source: SourceFrame, stamp: Timestamp, cells: pl.Series) -> pl.Series:
    number = cells.cast(pl.Float64, strict=False)
    require_none(
        source, stamp.column, number.is_null(), f"cell(s) are no {stamp.format}", "Mend timestamp.format."
    )
    unit_us = 1_000_000 if stamp.format == "epoch_s" else 1_000
    return (number * unit_us).round().cast(pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _offset() -> pl.Expr:
    """The offset from UTC; Z is none."""
    sign = pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    hours, minutes = (pl.col(name).cast(pl.Int64).fill_null(0) for name in ("hours", "minutes"))
    return pl.duration(minutes=sign * (60 * hours + minutes))


def _wall(source: SourceFrame, stamp: Timestamp, name: str, clock: pl.Series) -> pl.Series:
    next_step = "Mend timestamp.format in the mapping, or these texts."
    try:
        wall = clock.str.to_datetime(stamp.wall_format, time_unit="us", strict=False)
    except pl.exceptions.PolarsError as error:
        fault = f"text(s), and the format {stamp.format!r} cannot be used ({str(error).splitlines()[0]})"
        require_none(source, name, pl.repeat(True, clock.len(), eager=True), fault, next_step)
        raise
    fault = f"text(s) are no timestamp of the format {stamp.format!r}"
    require_none(source, name, wall.is_null(), fault, next_step)
    return wall


def _localised(
    source: SourceFrame, stamp: Timestamp, name: str, wall: pl.Series
) -> tuple[pl.Series, pl.Series]:
    """The instants, and the shift in µs of the second of two equal stamps."""
    zone = stamp.zone or "UTC"
    none = pl.zeros(wall.len(), dtype=pl.Int64, eager=True)
    if zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
        return (wall - offset).dt.replace_time_zone("UTC"), none
    earliest = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if stamp.missing_hour == "error":
        require_none(
            source,
            name,
            earliest.is_null(),
            f"stamp(s) name an hour that {zone} leaves out in spring",
            "This clock does not follow that zone: state the one it follows, UTC or a fixed offset "
            "such as +01:00 (one hour east of Greenwich); or timestamp.missing_hour: set_aside.",
        )
    certain = wall.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    if stamp.ambiguous_hour == "error":
        require_none(
            source,
            name,
            certain.is_null() & earliest.is_not_null(),
            f"stamp(s) name an hour that {zone} has twice in autumn",
            "State the rule: timestamp.ambiguous_hour: earliest or latest, or in_order where both are there; "
            "rows that then share a key end in quarantine.",
        )
    latest = wall.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    if stamp.ambiguous_hour == "latest":
        return latest.dt.convert_time_zone("UTC"), none
    second = (
        (latest - earliest).dt.total_microseconds().fill_null(0)
        if stamp.ambiguous_hour == "in_order"
        else none
    )
    return earliest.dt.convert_time_zone("UTC"), second


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
