"""The UTC days of the fleet's calendar: those that have data, and those between them.

Which local days of them an asset has, the registry says (renewable.fleet). Where the data end lies in the warehouse;
reading it belongs here, building by it does not.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import duckdb
import polars as pl

from renewable.windows import ONE_DAY, Window, day_start_utc

# A longer stretch without any data is taken for a slip in a stamp or a name, not for silence: it gets no days.
MOST_EMPTY_DAYS = 3660
# From here on a stretch without any data is worth a look.
DOUBTFUL_EMPTY_DAYS = 31
UTC_DAYS_SCHEMA = pl.Schema(
    {
        "day_utc": pl.Date(),
        "last_start_utc": pl.Datetime("us", "UTC"),
        "end_utc": pl.Datetime("us", "UTC"),
    }
)


@dataclass(frozen=True)
class Edge:
    """Where the data of a day end: intervals count that start by `last_start_utc` and are over by `end_utc`."""

    last_start_utc: datetime
    end_utc: datetime

    @classmethod
    def of(cls, last_starts: Iterable[tuple[str, datetime]], minutes: Mapping[str, int]) -> "Edge | None":
        """The edge of data whose assets start their last intervals so; `minutes` is their length. None without any."""
        last = [(start, start + timedelta(minutes=minutes.get(asset, 0))) for asset, start in last_starts]
        if not last:
            return None
        return cls(max(start for start, _ in last), max(end for _, end in last))

    def is_cut(self, grids: Iterable[tuple[int, int]]) -> bool:
        """Whether some interval of its day does not count. `grids`: lengths and offsets from midnight, in minutes."""
        midnight = day_start_utc(self.last_start_utc.astimezone(UTC).date() + ONE_DAY)
        last = [
            (midnight + timedelta(minutes=offset), timedelta(minutes=minutes)) for minutes, offset in grids
        ]
        return any(self.end_utc < end or self.last_start_utc < end - length for end, length in last)


@dataclass(frozen=True)
class DataCalendar:
    """Stretches of UTC days without a hole of more than MOST_EMPTY_DAYS; each begins and ends with a day that has data.

    The last day of a stretch is an edge: its data may end before the day does.
    """

    stretches: tuple[Window, ...] = ()

    @property
    def days(self) -> list[date]:
        return [day for stretch in self.stretches for day in stretch.days]

    @property
    def last_days(self) -> list[date]:
        return [stretch.end - ONE_DAY for stretch in self.stretches]

    def table(self, edges: Mapping[date, Edge]) -> pl.DataFrame:
        """UTC_DAYS_SCHEMA, a row a day; on days that are no edge every interval counts."""
        rows = []
        for day in self.days:
            whole = Edge(day_start_utc(day + ONE_DAY), day_start_utc(day + ONE_DAY))
            edge = edges.get(day, whole)
            rows.append((day, edge.last_start_utc.astimezone(UTC), edge.end_utc.astimezone(UTC)))
        return pl.DataFrame(rows, UTC_DAYS_SCHEMA, orient="row")


def data_calendar(days_with_data: Iterable[date], begins: date | None, ends: date | None) -> DataCalendar:
    """The calendar of a fleet whose first local day is `begins` and whose last one is `ends`, None: open.

    A UTC day belongs to up to three local dates, so that a day beyond both bounds counts too. Data beyond say that the
    calendar reaches the bound.
    """
    days = sorted(set(days_with_data))
    first = begins - ONE_DAY if begins else date.min
    last = ends + ONE_DAY if ends else date.max
    if not days or days[-1] < first or days[0] > last:
        return DataCalendar()
    days = sorted({min(max(day, first), last) for day in days})
    breaks = [(one, other) for one, other in pairwise(days) if (other - one).days - 1 > MOST_EMPTY_DAYS]
    firsts = [days[0], *(other for _, other in breaks)]
    lasts = [*(one for one, _ in breaks), days[-1]]
    return DataCalendar(
        tuple(Window(first, last + ONE_DAY) for first, last in zip(firsts, lasts, strict=True))
    )


def read_edges(
    calendar: DataCalendar, tables: Sequence[duckdb.DuckDBPyRelation], minutes: Mapping[str, int]
) -> dict[date, Edge]:
    """Where the data end on the last days of `calendar`, as far as they have any.

    `tables` have asset_id and timestamp, `minutes` is the length of each asset's intervals.
    """
    found = {}
    for day in calendar.last_days:
        midnight = f"timestamptz '{day} 00:00:00+00'"
        of_day = f"timestamp >= {midnight} and timestamp < {midnight} + interval 1 day"
        last_starts = [
            row
            for table in tables
            for row in table.filter(of_day).aggregate("asset_id, max(timestamp)", "asset_id").fetchall()
        ]
        edge = Edge.of(last_starts, minutes)
        if edge is not None:
            found[day] = edge
    return found


def days_with_data(loaded: pl.DataFrame) -> set[date]:
    """UTC days of which a file was loaded that has rows; `loaded` has day and rows_loaded, a row a file."""
    return set(loaded.filter(pl.col("rows_loaded") > 0)["day"].drop_nulls())


def doubtful_holes(days: Collection[date]) -> list[str]:
    """Stretches of DOUBTFUL_EMPTY_DAYS and more without data between `days`, those that have some, a sentence each."""
    found = []
    for one, other in pairwise(sorted(days)):
        empty = (other - one).days - 1
        if empty < DOUBTFUL_EMPTY_DAYS:
            continue
        counts = (
            "they count as unmeasured"
            if empty <= MOST_EMPTY_DAYS
            else "too many to be silence: they do not count"
        )
        found.append(
            f"no file has data of the {empty} days between {one} and {other}, and {counts};"
            " is a stamp or the name of a file wrong there?"
        )
    return found


def days_before_results(days: Collection[date], first_day: date | None) -> list[str]:
    """A sentence on the `days` with data that come before RENEWABLE_FIRST_DAY; none where there are none."""
    before = [] if first_day is None else [day for day in days if day < first_day]
    if not before:
        return []
    return [
        f"{len(before)} loaded days, {min(before)} to {max(before)}, lie before RENEWABLE_FIRST_DAY"
        f" ({first_day}) and are in no result"
    ]
