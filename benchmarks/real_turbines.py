"""Detections on turbines that nobody here made: a folder of exports in, precision and recall out.

`python -m benchmarks.real_turbines SCADA.csv.gz` takes the year of La Haute Borne that OpenOA packages, and counts
stops against the pitch angle, which no model sees. A Parquet file is FLASC's artificial farm: stops against its key,
frozen anemometers against their own runs, and two units that were held at 3,150 kW, of which the key does not know.
"""

import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from loaders.dlt_pipeline import ingest
from renewable.atomic_write import write_parquet_atomic
from renewable.contract import TABLES, RawTable, polars_schema
from renewable.places import paths_start
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform

EXAMPLE = paths_start() / "examples" / "la_haute_borne"
# Of FLASC's farm: a curve of the bins of its own readings.
FARM_CURVE_KW = {
    3.0: 40.0,
    5.0: 391.0,
    7.0: 1152.0,
    9.0: 2451.0,
    11.0: 4299.0,
    12.0: 4902.0,
    13.0: 5000.0,
    25.0: 5000.0,
}
_HELD_KW = 3150.0
_LASTING_INTERVALS = 24
_INTERVALS = """
    select asset_id, timestamp_utc as timestamp, event_kind, event_evidence, expected_power_kw, wind_speed_ms_flag,
        active_power_kw_flag
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


def farm(path: Path) -> pl.DataFrame:
    """Readings of FLASC's farm with ws_truth and is_operation_normal.

    Its stamps are read as UTC; keys that come twice are left out.
    """
    wide = pl.read_parquet(path)
    units = [name.removeprefix("pow_") for name in wide.columns if name.startswith("pow_")]
    rows = [
        wide.select(
            asset_id=pl.lit(f"flasc-{unit}"),
            timestamp=pl.col("time").dt.replace_time_zone("UTC"),
            active_power_kw=pl.col(f"pow_{unit}").cast(pl.Float64),
            wind_speed_ms=pl.col(f"ws_{unit}").cast(pl.Float64).fill_nan(None),
            ws_truth="ws_truth",
            is_operation_normal=pl.col(f"is_operation_normal_{unit}") == 1,
        )
        for unit in units
    ]
    return pl.concat(rows).filter(pl.len().over("asset_id", "timestamp") == 1)


def write_farm_registry(folder: Path, asset_ids: Iterable[str]) -> None:
    """The registry of FLASC's farm as its authors tell it."""
    header = (EXAMPLE / "assets.csv").read_text("utf-8").splitlines()[0]
    rows = [
        f"{name},{name},farm,Farm,wind,54,5,0,UTC,10,5000,2015-01-01,5MW,90,126,,,,,,"
        for name in sorted(set(asset_ids))
    ]
    (folder / "assets.csv").write_text("\n".join([header, *rows]) + "\n")
    curve = [f"5MW,{speed},{power}" for speed, power in FARM_CURVE_KW.items()]
    (folder / "power_curves.csv").write_text(
        "\n".join(["turbine_model,wind_speed_ms,power_kw", *curve]) + "\n"
    )


def farm_figures(readings: pl.DataFrame, intervals: pl.DataFrame) -> dict[str, Agreement]:
    """Each measure of FLASC's farm. `readings` are those of `farm`.

    Lasting stops are runs of four hours and more in the key, where the wind is 5 m/s and more. Frozen are four readings
    and more of one wind speed above 1 m/s. Held are a unit's readings at 3,150 kW.
    """
    same = (pl.col("wind_speed_ms") == pl.col("wind_speed_ms").shift()).over("asset_id").fill_null(False)
    changed = (pl.col("is_operation_normal") != pl.col("is_operation_normal").shift()).over("asset_id")
    judged = (
        readings.join(intervals, on=["asset_id", "timestamp"], how="left")
        .sort("asset_id", "timestamp")
        .with_columns(still=(~same).cum_sum().over("asset_id"), run=changed.fill_null(True).cum_sum())
        .with_columns(still_readings=pl.len().over("asset_id", "still"), run_intervals=pl.len().over("run"))
    )
    stops = pl.col("event_kind") == "downtime"
    lasting = (
        ~pl.col("is_operation_normal")
        & (pl.col("run_intervals") >= _LASTING_INTERVALS)
        & (pl.col("ws_truth") >= 5.0)
    )
    frozen = (pl.col("still_readings") >= 4) & (pl.col("wind_speed_ms") > 1.0)
    held = (pl.col("active_power_kw") - _HELD_KW).abs() < 0.01
    return {
        "stops": _agreement(judged, ~pl.col("is_operation_normal"), stops),
        "lasting stops in wind": _agreement(judged.filter(lasting | ~stops), lasting, stops),
        "frozen anemometers": _agreement(judged, frozen, pl.col("wind_speed_ms_flag") == "frozen"),
        "held units": _agreement(judged, held, pl.col("event_kind") == "curtailment"),
    }


def _agreement(judged: pl.DataFrame, true: pl.Expr, found: pl.Expr) -> Agreement:
    both = judged.select(true=true.fill_null(False), found=found.fill_null(False))
    return Agreement(
        int(both["true"].sum()), int(both["found"].sum()), int((both["true"] & both["found"]).sum())
    )


def _shaped(rows: pl.DataFrame, table: RawTable) -> pl.DataFrame:
    schema = polars_schema(table)
    here = [pl.col(name) if name in rows.columns else pl.lit(None).alias(name) for name in schema]
    return rows.select(here).cast(schema).sort("asset_id", "timestamp")  # type: ignore[arg-type]


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        if path.suffix == ".parquet":
            readings = farm(path)
            write_farm_registry(folder, readings["asset_id"])
            intervals = intervals_of(readings, Settings(data_dir=folder / "data", fleet_dir=folder))
            figures = farm_figures(readings, intervals)
        else:
            readings = la_haute_borne(path)
            settings = Settings(data_dir=folder, fleet_dir=EXAMPLE)
            figures = {"stops by pitch": stops_by_pitch(readings, intervals_of(readings, settings))}
    for name, found in figures.items():
        print(
            f"{name}: {found.true} intervals, {found.found} found,"
            f" precision {found.precision:.3f}, recall {found.recall:.3f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
