"""Detections on turbines that nobody here made: a folder of exports in, precision and recall out.

`python -m benchmarks.real_turbines SCADA.csv.gz` takes the year of La Haute Borne that OpenOA packages, and counts
stops against the pitch angle, which no model sees.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from loaders.dlt_pipeline import ingest
from renewable.atomic_write import write_parquet_atomic
from renewable.contract import TABLES, RawTable, polars_schema
from renewable.raw_files import RawFileName
from renewable.settings import REPO, Settings
from renewable.transform.build import transform

EXAMPLE = REPO / "examples" / "la_haute_borne"
_INTERVALS = """
    select asset_id, timestamp_utc as timestamp, event_kind, event_evidence, expected_power_kw, wind_speed_ms_flag
    from intermediate.int_interval_performance
"""


@dataclass(frozen=True)
class Agreement:
    """Intervals that are so, that were found, and both."""

    true: int
    found: int
    both: int

    @property
    def precision(self) -> float:
        return self.both / self.found

    @property
    def recall(self) -> float:
        return self.both / self.true


def intervals_of(readings: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """What the whole chain says of readings (asset_id, timestamp and channels of the contract), one row an interval."""
    days = readings.with_columns(day=pl.col("timestamp").dt.date()).partition_by("day", as_dict=True)
    for (day,), rows in days.items():
        for table in TABLES:
            name = RawFileName(table, day)  # type: ignore[arg-type]
            write_parquet_atomic(_shaped(rows, table), name.path_under(settings.raw_dir))
    ingest(settings)
    transform(settings)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.sql(_INTERVALS).pl()


def stops_by_pitch(readings: pl.DataFrame, intervals: pl.DataFrame) -> Agreement:
    """Stops: blades at 60° and more, at most 5 kW, and own wind of 4.5 m/s or another unit of 150 kW.

    What was found counts only where power and pitch are known and wind or another unit tell. `readings` has pitch_deg.
    """
    power = readings.select("asset_id", "timestamp", "active_power_kw")
    others = (
        readings.select("asset_id", "timestamp")
        .join(power, on="timestamp", suffix="_other")
        .filter(pl.col("asset_id") != pl.col("asset_id_other"))
        .group_by("asset_id", "timestamp")
        .agg(highest_of_others_kw=pl.col("active_power_kw").max())
    )
    told = pl.any_horizontal(pl.col("wind_speed_ms") >= 4.5, pl.col("highest_of_others_kw") >= 150.0)
    known = pl.col("active_power_kw").is_not_null() & pl.col("pitch_deg").is_between(-20.0, 120.0) & told
    judged = (
        readings.join(others, on=["asset_id", "timestamp"], how="left")
        .join(
            intervals.select("asset_id", "timestamp", "event_kind"), on=["asset_id", "timestamp"], how="left"
        )
        .filter(known.fill_null(False))
        .with_columns(
            is_stopped=(pl.col("pitch_deg") >= 60.0) & (pl.col("active_power_kw") <= 5.0),
            is_found=(pl.col("event_kind") == "downtime").fill_null(False),
        )
    )
    both = judged.filter(pl.col("is_stopped") & pl.col("is_found")).height
    return Agreement(int(judged["is_stopped"].sum()), int(judged["is_found"].sum()), both)


def la_haute_borne(path: Path) -> pl.DataFrame:
    """Readings with pitch_deg of the packaged export, its clock read as UTC; keys that come twice are left out."""
    stamp = pl.col("Date_time").str.slice(0, 19).str.to_datetime(time_unit="us").dt.replace_time_zone("UTC")
    rows = pl.read_csv(path, infer_schema_length=None).select(
        asset_id="Wind_turbine_name",
        timestamp=stamp,
        active_power_kw="P_avg",
        wind_speed_ms="Ws_avg",
        air_temperature_c="Ot_avg",
        pitch_deg="Ba_avg",
    )
    return rows.filter(pl.len().over("asset_id", "timestamp") == 1)


def _shaped(rows: pl.DataFrame, table: RawTable) -> pl.DataFrame:
    schema = polars_schema(table)
    here = [pl.col(name) if name in rows.columns else pl.lit(None).alias(name) for name in schema]
    return rows.select(here).cast(schema).sort("asset_id", "timestamp")  # type: ignore[arg-type]


def main(path: Path) -> None:
    readings = la_haute_borne(path)
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(data_dir=Path(directory), fleet_dir=EXAMPLE)
        found = stops_by_pitch(readings, intervals_of(readings, settings))
    print(
        f"stops by pitch: {found.true} intervals, {found.found} found,"
        f" precision {found.precision:.3f}, recall {found.recall:.3f}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
