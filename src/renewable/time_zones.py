"""Offsets of time zones as Python knows them, as a table that SQL can join.

The warehouse's own time zone data are part of DuckDB and older than the machine's; days must not have two calendars.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl

OFFSETS_SCHEMA = pl.Schema(
    {
        "timezone": pl.String(),
        "since_utc": pl.Datetime("us", "UTC"),
        "until_utc": pl.Datetime("us", "UTC"),
        "utc_offset_minutes": pl.Int64(),
    }
)
# Offsets are whole minutes from here on. Before and after, the first and the last one hold.
_FROM, _TO = datetime(1980, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
_BEGINNING, _END = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
# No zone changed twice within so little time.
_STEP = timedelta(days=5)


def utc_offsets(zones: Iterable[str]) -> pl.DataFrame:
    """Rows of OFFSETS_SCHEMA: which offset from UTC each zone has when; `until_utc` is exclusive, rows leave no gap."""
    rows = [(zone, *period) for zone in sorted(set(zones)) for period in _periods(zone)]
    return pl.DataFrame(rows, OFFSETS_SCHEMA, orient="row")


@cache
def _periods(name: str) -> tuple[tuple[datetime, datetime, int], ...]:
    zone, periods = ZoneInfo(name), []
    since, at, offset = _BEGINNING, _FROM, _offset(zone, _FROM)
    while at < _TO:
        later = at + _STEP
        if _offset(zone, later) != offset:
            change = _first_minute(zone, at, later, offset)
            periods.append((since, change, offset))
            since, offset = change, _offset(zone, change)
        at = later
    return (*periods, (since, _END, offset))


def _first_minute(zone: ZoneInfo, before: datetime, after: datetime, offset: int) -> datetime:
    """The first whole minute of (before, after] at which the zone no longer has `offset`, by bisection."""
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) // timedelta(minutes=2) * timedelta(minutes=1)
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return after


def _offset(zone: ZoneInfo, at: datetime) -> int:
    found = at.astimezone(zone).utcoffset() or timedelta()
    return round(found / timedelta(minutes=1))
