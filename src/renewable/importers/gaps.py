"""Energy that a counter tells over a gap of the power: once, at the end of the gap, each day its share."""

from collections.abc import Mapping

import polars as pl

from renewable.importers.counters import TOLD
from renewable.importers.grid import by_zone, exact_sum
from renewable.importers.notes import Notes

POWER, GAP = "active_power_kw", "gap_energy_kwh"


def gap_energy_at_ends(
    frame: pl.DataFrame, seconds: Mapping[str, int], zones: Mapping[str, str], notes: Notes
) -> pl.DataFrame:
    """`gap_energy_kwh` from TOLD, which is dropped: of each gap and day the sum, on the day's last interval of the gap.

    A gap is a run of intervals, of which TOLD holds something and the power nothing. A day is one by UTC and by the
    asset's clock. Rows that held nothing but a share go.
    """
    keys = ["asset_id", "timestamp"]
    is_gap = pl.col(TOLD).is_not_null() & pl.col(POWER).is_null()
    length = pl.col("asset_id").replace_strict(dict(seconds), default=None, return_dtype=pl.Int64)
    gap = _with_local_day(frame.filter(is_gap), zones).sort(keys).with_columns(length=length)
    before = pl.col("timestamp").shift(1).over("asset_id")
    day_before = pl.col("day").shift(1).over("asset_id")
    goes_on = (
        (pl.col("timestamp") - before == pl.duration(seconds="length"))
        & (pl.col("timestamp").dt.date() == before.dt.date())
        & (pl.col("day") == day_before)
    )
    run = (~goes_on.fill_null(False)).cum_sum()
    told = (
        gap.with_columns(run=run)
        .group_by("asset_id", "run", maintain_order=True)
        .agg(pl.col("timestamp").last(), exact_sum(pl.col(TOLD)).alias(GAP))
        .select(*keys, GAP)
    )
    notes.add_rows(
        "gaps of counters, whose energy is told as gap_energy_kwh at their end", told, pl.lit(True)
    )
    others = [name for name in frame.columns if name not in (*keys, TOLD, GAP)]
    joined = frame.drop(GAP, strict=False).join(told, on=keys, how="left", maintain_order="left")
    held = pl.any_horizontal(pl.col([*others, GAP]).is_not_null())
    return joined.filter(pl.col(TOLD).is_null() | held).drop(TOLD)


def _with_local_day(rows: pl.DataFrame, zones: Mapping[str, str]) -> pl.DataFrame:
    found = [
        part.with_columns(day=pl.col("timestamp").dt.convert_time_zone(zone).dt.date())
        for zone, part in by_zone(rows, zones)
    ]
    return pl.concat(found) if found else rows.with_columns(day=pl.lit(None, pl.Date))
