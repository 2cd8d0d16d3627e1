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
# A change and the change back lie further apart, in every zone.
_STEP = timedelta(days=5)


def utc_offsets(zones: Iterable[str]) -> pl.DataFrame:
    """Rows of OFFSETS_SCHEMA: which offset from UTC each zone has when; `until_utc` is exclusive, rows leave no gap."""
    rows = [(zone, *period) for zone in sorted(set(zones)) for period in _periods(zone)]
    return pl.DataFrame(rows, OFFSETS_SCHEMA, orient="row")


@cache
def _periods(name: str) -> tuple[tuple[datetime, datetime, int], ...]:
    zone, periods = ZoneInfo(name), []
    since, at, offset = _BEGINNING, _FROM, _FROM.astimezone(zone).utcoffset()
    while at < _TO:
        later = at + _STEP
        if later.astimezone(zone).utcoffset() != offset:
            change = _first_minute_after(offset, zone, at, later)
            periods.append((since, change, _minutes(offset)))
            since, offset = change, change.astimezone(zone).utcoffset()
        else:
            at = later
    return (*periods, (since, _END, _minutes(offset)))


def _first_minute_after(
    offset: timedelta | None, zone: ZoneInfo, before: datetime, after: datetime
) -> datetime:
    """The first whole minute of (before, after] at which the zone no longer has `offset`, by bisection."""
    minute = timedelta(minutes=1)
    while after - before > minute:
        middle = before + (after - before) // (2 * minute) * minute
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after


def _minutes(offset: timedelta | None) -> int:
    return round((offset or timedelta()) / timedelta(minutes=1))
