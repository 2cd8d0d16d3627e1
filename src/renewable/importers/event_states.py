"""From events to the operating state of intervals: one state at each instant, and of an interval the longest one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from heapq import heappop, heappush
from itertools import pairwise

import polars as pl

from renewable.contract import KEY
from renewable.importers.grid import over_grid

STATES_SCHEMA = pl.Schema(
    {
        "asset_id": pl.String(),
        "timestamp": pl.Datetime("us", "UTC"),
        "end_utc": pl.Datetime("us", "UTC"),
        "operating_state": pl.String(),
    }
)


def with_event_states(
    rows: pl.DataFrame,
    events: pl.DataFrame,
    priority: Sequence[str],
    seconds: Mapping[str, int],
    phases: Mapping[str, int],
) -> pl.DataFrame:
    """`rows` with the operating_state that events tell of each interval; rows of no event keep none.

    `events` has asset_id, timestamp (start), name, end_utc (null: it lasts), operating_state; `seconds` are the
    intervals of the assets in `rows`, `phases` the minutes by which their grids begin late. At an instant the first
    state by `priority` counts. An interval has the state that holds for the longest part of it, and none where less
    than half of it has one.
    """
    if rows.is_empty() or events.is_empty():
        return rows.with_columns(operating_state=pl.lit(None, pl.String))
    spans = states_in_time(events, priority, rows["timestamp"].max())
    pieces = over_grid(spans.rename({"timestamp": "from_utc", "end_utc": "to_utc"}), seconds, phases, rows)
    rank = pl.col("operating_state").replace_strict(
        list(priority), list(range(len(priority))), return_dtype=pl.Int64
    )
    best = (
        pieces.group_by(*KEY, "operating_state")
        .agg(pl.col("overlap_us").sum(), pl.col("grid_us").first())
        .with_columns(told_us=pl.col("overlap_us").sum().over(KEY), rank=rank)
        .filter(2 * pl.col("told_us") >= pl.col("grid_us"))
        .sort(*KEY, "overlap_us", "rank", descending=[False, False, True, False])
        .unique(KEY, keep="first", maintain_order=True)
        .select(*KEY, "operating_state")
    )
    return rows.join(best, on=KEY, how="left", maintain_order="left")


def states_in_time(events: pl.DataFrame, priority: Sequence[str], last: object) -> pl.DataFrame:
    """STATES_SCHEMA: spans of an asset that do not overlap, each with the first state by `priority` of that time.

    An event that lasts reaches a day beyond `last`, the start of the last interval that is asked for. Of the same
    event told with and without an end, the one with its end counts.
    """
    rank = {state: place for place, state in enumerate(priority)}
    closed = pl.col("end_utc").is_not_null().any().over("asset_id", "timestamp", "name")
    known = events.filter(pl.col("end_utc").is_not_null() | ~closed).with_columns(
        pl.col("end_utc").fill_null(
            pl.max_horizontal(pl.lit(last), pl.col("timestamp")) + pl.duration(days=1)
        )
    )
    found: list[tuple[str, datetime, datetime, str]] = []
    for (asset_id,), of_asset in (
        known.sort("asset_id", "timestamp").partition_by("asset_id", as_dict=True).items()
    ):
        events_of = [
            (start, end, rank[state])
            for start, end, state in of_asset.select("timestamp", "end_utc", "operating_state").iter_rows()
        ]
        found += [(str(asset_id), start, end, priority[place]) for start, end, place in _timeline(events_of)]
    return pl.DataFrame(found, STATES_SCHEMA, orient="row")


def _timeline(events: Sequence[tuple[datetime, datetime, int]]) -> list[tuple[datetime, datetime, int]]:
    """Spans between all borders of `events` (in order of start), each with the smallest rank that holds there."""
    borders = sorted({instant for start, end, _ in events for instant in (start, end)})
    running: list[tuple[int, datetime]] = []
    found, place = [], 0
    for start, end in pairwise(borders):
        while place < len(events) and events[place][0] <= start:
            heappush(running, (events[place][2], events[place][1]))
            place += 1
        while running and running[0][1] <= start:
            heappop(running)
        if running:
            found.append((start, end, running[0][0]))
    return found
