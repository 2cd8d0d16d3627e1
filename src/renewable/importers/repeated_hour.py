"""Two equal stamps around a clock change: which of them is the earlier, by the order of the file or by the values.

A row says by `first_shift_us` and `second_shift_us` how far it moves as the first or the second of its pair. Both
stand in a row whose pair only the values can tell apart.
"""

from itertools import pairwise

import polars as pl

from renewable.importers.notes import Notes
from renewable.importers.streams import OF_ONE, SHIFTED, SHIFTS

OPEN = (pl.col("first_shift_us") != 0) & (pl.col("second_shift_us") != 0)
# One order is believed when its jumps are at most this share of the other's.
_CLEAR_RATIO = 0.5
_NEAR = pl.duration(hours=1)
_PAIR = 2
# Stamps around a clock change lie closer together than two changes.
_ANOTHER_CHANGE = pl.duration(hours=12)


def in_order_of_file(rows: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Rows of a file, of each pair the earlier one first, also where its asset's rows run from new to old.

    Rows of a pair whose neighbours in the file run both ways are left out and counted.
    """
    if rows.is_empty() or not rows.select(SHIFTED.any()).item():
        return rows
    shifted, step = SHIFTED, pl.col("timestamp").diff().over(OF_ONE).dt.total_microseconds().sign()
    border = (shifted != shifted.shift(1).over(OF_ONE)).fill_null(False)
    ways = (
        rows.with_columns(step=step, border=border)
        .group_by(OF_ONE, maintain_order=True)
        .agg(
            up=(pl.col("border") & (pl.col("step") > 0)).sum(),
            down=(pl.col("border") & (pl.col("step") < 0)).sum(),
            up_in_all=(pl.col("step") > 0).sum(),
            down_in_all=(pl.col("step") < 0).sum(),
        )
    )
    alone = (pl.col("up") == 0) & (pl.col("down") == 0)
    ways = ways.select(
        *OF_ONE,
        newest_first=pl.when(alone)
        .then(pl.col("down_in_all") > pl.col("up_in_all"))
        .otherwise((pl.col("down") > 0) & (pl.col("up") == 0)),
        both_ways=(pl.col("up") > 0) & (pl.col("down") > 0),
    )
    rows = rows.join(ways, on=OF_ONE, how="left", nulls_equal=True, maintain_order="left")
    lost = pl.col("both_ways") & shifted & ~OPEN
    notes.add(
        "rows of a repeated hour in a file that runs neither from old to new nor from new to old, set aside",
        rows.filter(lost).height,
    )
    rows = _told_by_runs(rows.filter(~lost), notes).with_row_index("place")
    # A pair is put in order, so that deliveries in either order match row by row. One whose other half is in another
    # batch says by its shifts which half it is.
    of_key, turned = (*OF_ONE, "timestamp"), pl.col("newest_first") & shifted
    whole = pl.len().over(of_key) == _PAIR
    place = (
        pl.when(turned & whole).then(pl.col("place").sum().over(of_key) - pl.col("place")).otherwise("place")
    )
    first, second = (
        pl.when(turned & ~whole).then(other).otherwise(own).alias(own)
        for own, other in (("first_shift_us", "second_shift_us"), ("second_shift_us", "first_shift_us"))
    )
    rows = rows.with_columns(first, second, place=place).sort("place")
    return rows.drop("newest_first", "both_ways", "place")


def _told_by_runs(rows: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Rows whose half of the hour the file itself tells are put there, and move no more.

    From old to new the stamps of an asset run up twice through the hour: the first run is the first half. Of one run
    the neighbours tell: it goes on from the row before it, or to the row after the hour; where it does both, it is set
    aside. What neither tells keeps its shifts, as its other half may be in another delivery.
    """
    way = pl.when("newest_first").then(-1).otherwise(1)
    ordered = (
        rows.with_row_index("row_")
        .sort(pl.col("row_").cast(pl.Int64) * way, maintain_order=True)
        .with_columns(
            before_=pl.col("timestamp") - pl.col("timestamp").shift(1).over(OF_ONE),
            after_=pl.col("timestamp").shift(-1).over(OF_ONE) - pl.col("timestamp"),
        )
        .with_columns(
            step_=pl.col("before_").filter(pl.col("before_") > pl.duration()).median().over(OF_ONE) * 3 / 2
        )
    )
    jump = pl.col("timestamp").diff().over(OF_ONE)
    change = (jump.is_null() | (jump.abs() > _ANOTHER_CHANGE)).cum_sum().over(OF_ONE)
    of_change = (*OF_ONE, "change_")
    back = pl.col("timestamp").diff().over(of_change)
    again = back <= pl.duration()
    runs = (
        ordered.filter(SHIFTED & ~OPEN)
        .with_columns(change_=change)
        .with_columns(run_=again.fill_null(False).cum_sum().over(of_change))
        .with_columns(
            runs_=pl.col("run_").max().over(of_change) + 1,
            # Rows that come in pairs, one beside the other, are no runs.
            clear_=(back < pl.duration()).any().over(of_change) | (pl.len().over(of_change) == _PAIR),
        )
    )
    goes_on = (pl.col("before_").first() <= pl.col("step_").first()).over(of_change).fill_null(False)
    leads_on = (
        (pl.col("after_").last() - pl.duration(microseconds=pl.col("second_shift_us").last()))
        <= pl.col("step_").last()
    ).over(of_change)
    leads_on = leads_on.fill_null(False)
    single = (pl.col("runs_") == 1) & (pl.col("second_shift_us") > 0)
    is_second = (
        pl.when((pl.col("runs_") == _PAIR) & pl.col("clear_"))
        .then(pl.col("run_") == 1)
        .when(single & (goes_on != leads_on))
        .then(leads_on)
    )
    # Before and after it the rows go on: one half of the hour is not there, and nothing tells which.
    lost = runs.filter(single & goes_on & leads_on).select("row_")
    notes.add("rows of a repeated hour whose other half is missing, set aside", lost.height)
    told = runs.select("row_", second_=is_second).drop_nulls()
    moved = pl.when("second_").then("second_shift_us").otherwise("first_shift_us")
    found = (
        rows.with_row_index("row_")
        .join(lost, on="row_", how="anti", maintain_order="left")
        .join(told, on="row_", how="left", maintain_order="left")
    )
    is_told = pl.col("second_").is_not_null()
    notes.add(
        "stamps of a repeated hour given to the skipped or the second one",
        found.filter(is_told & (moved != 0)).height,
    )
    return found.with_columns(
        pl.col("timestamp") + pl.when(is_told).then(pl.duration(microseconds=moved)).otherwise(pl.duration()),
        *(pl.when(is_told).then(0).otherwise(name).alias(name) for name in SHIFTS),
    ).drop("row_", "second_")


def in_order_of_values(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Rows of which `OPEN` ones have but one shift left: that by which the values go on with the smaller jumps.

    Each channel is asked, whose two orders have to differ clearly; channels that contradict each other, or tell
    nothing while the two hours differ, leave their rows out, counted. So does a stamp that comes once or three times.
    """
    if not frame.select(OPEN.any()).item():
        return frame
    key = (*OF_ONE, "timestamp")
    frame = frame.with_row_index("place_").with_columns(
        open_=OPEN, of_=pl.len().over(key), number_=pl.int_range(pl.len()).over(key)
    )
    order = frame.sort("timestamp", "place_")
    lost: list[int] = []
    swapped: list[int] = []
    days = order.filter("open_").group_by(
        *OF_ONE, pl.col("timestamp").dt.date().alias("day_"), maintain_order=True
    )
    for _, hour in days:
        asset, name = hour["asset_id"][0], hour["name"][0]
        own = order.filter(
            pl.col("asset_id").eq_missing(asset) & pl.col("name").eq_missing(name) & ~pl.col("open_")
        )
        verdict = _second_comes_first(hour, own) if (hour["of_"] == _PAIR).all() else None
        if verdict is None:
            lost += hour["place_"].to_list()
        elif verdict:
            swapped += hour["place_"].to_list()
    is_lost, is_swapped = pl.col("place_").is_in(lost), pl.col("place_").is_in(swapped)
    notes.add_rows("rows of a repeated hour that no value tells apart, set aside", frame, is_lost)
    zero = pl.lit(0, pl.Int64)
    first = (
        pl.when(pl.col("open_") & ~is_swapped).then(zero).otherwise("first_shift_us").alias("first_shift_us")
    )
    second = (
        pl.when(pl.col("open_") & is_swapped).then(zero).otherwise("second_shift_us").alias("second_shift_us")
    )
    return frame.filter(~is_lost).with_columns(first, second).drop("place_", "open_", "of_", "number_")


def _second_comes_first(hour: pl.DataFrame, own: pl.DataFrame) -> bool | None:
    """Whether the second rows of all pairs are the earlier hour; None: open. `own`: the other rows of the asset."""
    start, end = hour["timestamp"].min(), hour["timestamp"].max()
    shift = pl.duration(microseconds=int(hour["second_shift_us"][0]))
    before = own.filter((pl.col("timestamp") < start) & (pl.col("timestamp") >= pl.lit(start) - _NEAR)).tail(
        1
    )
    behind = pl.lit(end) + shift
    after = own.filter((pl.col("timestamp") > behind) & (pl.col("timestamp") <= behind + _NEAR)).head(1)
    first, second = hour.filter(pl.col("number_") == 0), hour.filter(pl.col("number_") == 1)
    votes, differ = set(), False
    for channel in [name for name, dtype in hour.schema.items() if dtype == pl.Float64]:
        one, two = first[channel], second[channel]
        if one.equals(two):
            continue
        differ = True
        as_is, changed = (
            _jumps(before[channel], *order, after[channel]) for order in ((one, two), (two, one))
        )
        if as_is is None or changed is None:
            continue
        if as_is <= _CLEAR_RATIO * changed:
            votes.add(False)
        elif changed <= _CLEAR_RATIO * as_is:
            votes.add(True)
    if not differ:
        return False
    return votes.pop() if len(votes) == 1 else None


def _jumps(*parts: pl.Series) -> float | None:
    """The sum of the differences where one part goes over into the next; None where a value is missing there."""
    filled = [part for part in parts if part.len()]
    jumps = [
        None if left[-1] is None or right[0] is None else abs(right[0] - left[-1])
        for left, right in pairwise(filled)
    ]
    return None if len(jumps) < 2 or None in jumps else float(sum(j for j in jumps if j is not None))
