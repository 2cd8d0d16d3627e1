"""From the text of a stamp to the start of its interval in UTC.

No hour is guessed here: what text and mapping leave open is an error.
"""

import polars as pl

from importers.mapping import Timestamp
from importers.source import SourceFrame, require_none

# Clock, then Z or an offset with or without minutes and colon.
_STAMP = r"^(?<clock>.*?)\s*(?:Z|(?<sign>[+-])(?<hours>\d{2})(?::?(?<minutes>\d{2}))?)$"


def interval_starts_utc(source: SourceFrame, stamp: Timestamp) -> pl.Series:
    """Start of each row's interval, `datetime[us, UTC]`, never null.

    Raises MappingError for an unreadable stamp and for a local hour that the zone repeats or leaves out.
    """
    text = source.rows[stamp.column]
    parts = text.str.extract_groups(_STAMP).struct.unnest() if stamp.offset != "absent" else None
    wall = _wall(source, stamp, text if parts is None else parts["clock"])
    if stamp.offset == "honoured" and parts is not None:
        starts = wall.dt.replace_time_zone("UTC") - parts.select(_offset()).to_series()
    else:
        starts = _localised(source, stamp, wall)
    if stamp.label == "end":
        starts = pl.select(starts - pl.duration(minutes=stamp.interval_minutes)).to_series()
    return starts.alias("timestamp")


def _offset() -> pl.Expr:
    """The offset from UTC; Z is none."""
    sign = pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    hours, minutes = (pl.col(name).cast(pl.Int64).fill_null(0) for name in ("hours", "minutes"))
    return pl.duration(minutes=sign * (60 * hours + minutes))


def _wall(source: SourceFrame, stamp: Timestamp, clock: pl.Series) -> pl.Series:
    next_step = "Mend timestamp.format in the mapping, or these texts."
    try:
        wall = clock.str.to_datetime(stamp.wall_format, time_unit="us", strict=False)
    except pl.exceptions.PolarsError as error:
        fault = f"text(s), and the format {stamp.format!r} cannot be used ({str(error).splitlines()[0]})"
        require_none(source, stamp.column, pl.repeat(True, clock.len(), eager=True), fault, next_step)
        raise
    fault = f"text(s) are no timestamp of the format {stamp.format!r}"
    require_none(source, stamp.column, wall.is_null(), fault, next_step)
    return wall


def _localised(source: SourceFrame, stamp: Timestamp, wall: pl.Series) -> pl.Series:
    zone = stamp.zone or "UTC"
    existing = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    require_none(
        source,
        stamp.column,
        existing.is_null(),
        f"stamp(s) name an hour that {zone} leaves out in spring",
        "This clock does not follow that zone: state the one it follows, UTC or a fixed offset "
        "such as Etc/GMT-1 (one hour east of Greenwich).",
    )
    if stamp.ambiguous_hour == "error":
        require_none(
            source,
            stamp.column,
            wall.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").is_null(),
            f"stamp(s) name an hour that {zone} has twice in autumn",
            "State the rule: timestamp.ambiguous_hour: earliest or latest; "
            "rows that then share a key end in quarantine.",
        )
    if stamp.ambiguous_hour == "latest":
        existing = wall.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    return existing.dt.convert_time_zone("UTC")
