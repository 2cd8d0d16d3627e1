"""The same mart from both engines: keys, counts and words exact, floats to 1e-9 of their size."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from renewable.transform.marts import MARTS_SCHEMA
from renewable.warehouse import connect

RELATIVE = 1e-9
# What is left of a difference of large sums has no digits of its own: kWh, hours, shares below one.
ABSOLUTE = 1e-9
# Below, the largest relative difference says nothing.
_LEAST_TOLD = 1e-3
KEYS = {
    "mart_asset_daily": ["asset_id", "date_local"],
    "mart_losses_daily": ["asset_id", "date_local", "loss_category"],
    "mart_events": ["event_id"],
    "event_intervals": ["event_id", "timestamp_utc"],
    "mart_power_curve": ["asset_id", "month_local", "wind_speed_bin_ms"],
    "irradiance_power": ["asset_id", "month_local", "poa_irradiance_bin_wm2"],
    "mart_data_quality_daily": ["asset_id", "date_local", "channel"],
    "mart_fleet_daily": ["group_level", "group_name", "date_local"],
    "mart_asset_monthly": ["asset_id", "month_local"],
}


@dataclass(frozen=True)
class Compared:
    """What a comparison of one mart found: `faults` is empty where both are the same."""

    mart: str
    rows: int
    largest_relative: float
    faults: tuple[str, ...]


def compare_marts(ours: Path, theirs: Path) -> list[Compared]:
    """Every mart of the warehouse `ours`, which DuckDB built, beside the one of `theirs`, which Spark built."""
    return [compare(mart, mart_rows(ours, mart), mart_rows(theirs, mart)) for mart in KEYS]


def compare(mart: str, ours: pl.DataFrame, theirs: pl.DataFrame) -> Compared:
    """`theirs` (Spark) beside `ours` (DuckDB)."""
    if ours.is_empty() and theirs.is_empty():
        return Compared(mart, 0, 0.0, ())
    if sorted(ours.columns) != sorted(theirs.columns):
        different = set(ours.columns) ^ set(theirs.columns)
        return Compared(mart, ours.height, 0.0, (f"columns differ: {sorted(different)}",))
    keys = KEYS[mart]
    left, right = ours.sort(keys), theirs.select(ours.columns).sort(keys)
    if not left.select(keys).equals(right.select(keys)):
        only_ours = left.join(right, on=keys, how="anti").select(keys).rows()
        only_theirs = right.join(left, on=keys, how="anti").select(keys).rows()
        said = f"{left.height} rows on DuckDB, {right.height} on Spark"
        return Compared(
            mart, left.height, 0.0, (f"{said}; only DuckDB: {only_ours[:5]}, only Spark: {only_theirs[:5]}",)
        )
    faults, largest = [], 0.0
    for column in left.columns:
        one, other = left[column], right[column]
        if not one.dtype.is_float():
            where = one.ne_missing(other.cast(one.dtype))
        else:
            apart = (one - other).abs()
            size = pl.select(pl.max_horizontal(one.abs(), other.abs())).to_series()
            where = (one.is_null() != other.is_null()) | (apart > ABSOLUTE + RELATIVE * size).fill_null(False)
            told = (apart / size).filter(size > _LEAST_TOLD).max()
            largest = max(largest, float(told or 0.0))  # type: ignore[arg-type]
        wrong = int(where.sum())
        if wrong:
            row = where.arg_true()[0]
            key = left.select(keys).row(row)
            faults.append(
                f"{column}: {wrong} rows, such as {key}: {one[row]!r} on DuckDB, {other[row]!r} on Spark"
            )
    return Compared(mart, left.height, largest, tuple(faults))


def mart_rows(warehouse: Path, mart: str) -> pl.DataFrame:
    """Rows of a mart of the warehouse, instants in UTC."""
    with connect(warehouse, read_only=True) as connection:
        return _in_utc(connection.sql(f"select * from {MARTS_SCHEMA}.{mart}").pl())


def _in_utc(frame: pl.DataFrame) -> pl.DataFrame:
    instants = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    return frame.with_columns(
        pl.col(instants).dt.cast_time_unit("us").dt.convert_time_zone("UTC") if instants else []
    )
