"""Detections on plants that nobody here made: the whole series of which excerpts are tests, precision and recall out.

`python -m benchmarks.real_plants FOLDER` takes a folder with series that PVAnalytics packages, wherever they lie in it.
They are an inverter with labels of interpolated readings, one with labels of outliers, one with hidden summer time and
a pyranometer that gave what no sun gives for two months of 2023. Names of SERIES after the folder choose some.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.real_turbines import EXAMPLE, Agreement, intervals_of
from renewable.settings import Settings

# From latitude to the end of a row of assets.csv. Places are those of the series where they are known.
_GOLDEN = "39.742,-105.18,1830"
LABELLED = "35,-106,1600,Etc/UTC,15,100,2010-01-01,,,,120,fixed,25,180,-0.4,12"
CLOCK = f"{_GOLDEN},America/Phoenix,15,3.5,2010-01-01,,,,4,fixed,45,158,-0.4,12"
PYRANOMETER = f"{_GOLDEN},Etc/GMT+7,15,3.5,2010-01-01,,,,4,fixed,40,180,-0.4,12"
INTERPOLATED, OUTLIERS = ("interpolated",), ("above_rated", "missing", "out_of_range")
_HIGHEST_SUN_WM2 = 2000.0


@dataclass(frozen=True)
class Series:
    """A series: where it lies in the folder, its place as in assets.csv, and how its file becomes readings.

    Readings have timestamp, channels of the contract and, where people labelled them, is_so.
    """

    file: str
    place: str
    read: Callable[[Path], pl.DataFrame]


def labelled(path: Path) -> pl.DataFrame:
    """Power by rated power with a label, as readings of a plant of 100 kW with the column is_so."""
    rows = pl.read_csv(path)
    (label,) = (name for name in rows.columns if name not in ("timestamp", "value_normalized"))
    stamp = pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC")
    return rows.select(stamp, active_power_kw=100.0 * pl.col("value_normalized"), is_so=pl.col(label))


def inverter(path: Path) -> pl.DataFrame:
    """AC power in W, its stamps read as their file says."""
    stamp = pl.col("measured_on").dt.convert_time_zone("UTC")
    return pl.read_parquet(path).select(
        timestamp=stamp, active_power_kw=pl.col("ac_power_2").cast(pl.Float64) / 1000
    )


def pyranometer(path: Path) -> pl.DataFrame:
    """Irradiance in the plane of the array, without power."""
    stamp = pl.col("measured_on").dt.convert_time_zone("UTC")
    return pl.read_parquet(path).select(
        timestamp=stamp, poa_irradiance_wm2=pl.col("poa_irradiance__484").cast(pl.Float64)
    )


SERIES = {
    "interpolated": Series("pvfleets_inv2173_interpolated_labels_15min.csv", LABELLED, labelled),
    "outliers": Series("pvfleets_inv7539_outlier_labels_15min.csv", LABELLED, labelled),
    "clock": Series("nrel_serf_sys50_ac_2011-2013_15min_dst.parquet", CLOCK, inverter),
    "pyranometer": Series("pvdaq_sys15_poa_2019-2023_15min.parquet", PYRANOMETER, pyranometer),
}


def write_registry(folder: Path, places: dict[str, str]) -> None:
    """A registry of plants, each at a site of its own."""
    header = (EXAMPLE / "assets.csv").read_text("utf-8").splitlines()[0]
    rows = [f"{name},{name},{name},{name},solar,{rest}" for name, rest in places.items()]
    (folder / "assets.csv").write_text("\n".join([header, *rows]) + "\n")
    (folder / "power_curves.csv").write_text("turbine_model,wind_speed_ms,power_kw\n")


def agreement_by_flag(flagged: pl.DataFrame, flags: tuple[str, ...]) -> Agreement:
    """How far readings with one of `flags` are those with a label; `flagged` has flag and is_so."""
    found = flagged["flag"].is_in(flags).fill_null(False)
    both = int((found & flagged["is_so"]).sum())
    return Agreement(int(flagged["is_so"].sum()), int(found.sum()), both)


def chained(folder: Path, name: str, readings: pl.DataFrame) -> duckdb.DuckDBPyConnection:
    """The warehouse of one series, through gate, load and build, read only."""
    write_registry(folder, {name: SERIES[name].place})
    settings = Settings(data_dir=folder / "data", fleet_dir=folder)
    intervals_of(readings.drop("is_so", strict=False).with_columns(asset_id=pl.lit(name)), settings)
    connection = duckdb.connect(str(settings.warehouse_path), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _labels(name: str, flags: tuple[str, ...]) -> Callable[[pl.DataFrame, duckdb.DuckDBPyConnection], str]:
    def told(readings: pl.DataFrame, warehouse: duckdb.DuckDBPyConnection) -> str:
        flag = warehouse.sql(
            "select timestamp_utc as timestamp, active_power_kw_flag as flag"
            " from intermediate.int_interval_performance"
        ).pl()
        found = agreement_by_flag(readings.join(flag, on="timestamp", how="left"), flags)
        return (
            f"{name}: {found.true} readings, {found.found} found,"
            f" precision {found.precision:.3f}, recall {found.recall:.3f}"
        )

    return told


def _clock(_readings: pl.DataFrame, warehouse: duckdb.DuckDBPyConnection) -> str:
    days = warehouse.sql(
        "select date_local, change from marts.mart_data_quality_daily"
        " where channel = 'active_power_kw' and readings_clock_shift > 0 order by date_local"
    ).pl()
    late = days.filter(pl.col("change").is_between(30, 90)).height
    summer = days.filter(pl.col("date_local").dt.month().is_between(4, 10)).height
    return (
        f"hidden summer time: {days.height} days found, {late} of them late by about an hour,"
        f" {summer} from April to October"
    )


def _scale(readings: pl.DataFrame, warehouse: duckdb.DuckDBPyConnection) -> str:
    local = pl.col("timestamp").dt.offset_by("-7h").dt.date().alias("date_local")
    faulty = readings.filter(pl.col("poa_irradiance_wm2") > _HIGHEST_SUN_WM2).select(local).unique()
    of_faulty = readings.with_columns(local).join(faulty, on="date_local")
    within = of_faulty.filter(pl.col("poa_irradiance_wm2") <= _HIGHEST_SUN_WM2).height
    quality = warehouse.sql(
        "select date_local, readings_present, readings_out_of_range, insolation_kwh_m2"
        " from marts.mart_data_quality_daily inner join marts.mart_asset_daily using (asset_id, date_local)"
        " where channel = 'poa_irradiance_wm2'"
    ).pl()
    bad, good = (quality.join(faulty, on="date_local", how=how) for how in ("semi", "anti"))
    return (
        f"pyranometer: {faulty.height} days with more than any sun gives, {within} readings within the range on them;"
        f" {bad['readings_present'].sum()} are believed,"
        f" {bad['insolation_kwh_m2'].count()} of the days have an insolation;"
        f" of {good.height} other days {(good['readings_out_of_range'] > 0).sum()} are not believed"
    )


TOLD: dict[str, Callable[[pl.DataFrame, duckdb.DuckDBPyConnection], str]] = {
    "interpolated": _labels("interpolated readings", INTERPOLATED),
    "outliers": _labels("outliers", OUTLIERS),
    "clock": _clock,
    "pyranometer": _scale,
}


def main(folder: Path, names: list[str]) -> None:
    for name in names or list(SERIES):
        (path,) = folder.rglob(SERIES[name].file)
        readings = SERIES[name].read(path)
        with (
            tempfile.TemporaryDirectory() as directory,
            chained(Path(directory), name, readings) as warehouse,
        ):
            print(TOLD[name](readings, warehouse), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
