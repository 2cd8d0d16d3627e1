"""Raw tables of a warehouse as the files that Spark reads: Parquet, a folder for each table and UTC day."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from renewable.fleet import load_fleet
from renewable.settings import Settings
from renewable.transform.spark import place_registry_for_spark
from renewable.warehouse import connect

_DAY_OF = {"weather": "timestamp", "generation": "timestamp", "values_set_aside": "timestamp"}
PARTITION = "partition_day_utc"


def land(settings: Settings, folder: Path) -> list[date]:
    """Write the raw tables and the registry of `settings` below `folder`; the UTC days that have readings."""
    folder.mkdir(parents=True, exist_ok=True)
    with connect(settings.warehouse_path, read_only=True) as connection:
        for table, instant in _DAY_OF.items():
            _land_days(connection, table, instant, folder / table)
        _land_whole(connection, folder / "load_log")
        loaded = connection.execute(
            "select distinct day from raw.load_log where rows_loaded > 0 and day is not null order by day"
        ).fetchall()
        days = [day for (day,) in loaded]
        place_registry_for_spark(
            folder / "registry",
            load_fleet(settings.fleet_dir),
            set(days),
            [connection.table("raw.weather"), connection.table("raw.generation")],
            first_day=settings.first_day,
        )
    return days


def _land_days(connection: duckdb.DuckDBPyConnection, table: str, instant: str, folder: Path) -> None:
    """Each day's folder is made beside its place and moved there; a day without rows has none."""
    columns = [
        name
        for name in connection.table(f"raw.{table}").columns
        if not name.startswith("_dlt") and name != "load_id"
    ]
    rows = connection.sql(f"select {', '.join(columns)} from raw.{table} order by asset_id, {instant}").pl()
    dated = rows.with_columns(pl.col(instant).dt.convert_time_zone("UTC"))
    by_day = dated.with_columns(pl.col(instant).dt.date().alias(PARTITION))
    found = by_day.partition_by(PARTITION, as_dict=True, include_key=False)
    folder.mkdir(parents=True, exist_ok=True)
    kept = set()
    for (day,), frame in found.items():
        place = folder / f"{PARTITION}={day}"
        kept.add(place.name)
        making = folder.parent / f".{table}-{day}"
        making.mkdir()
        frame.write_parquet(making / "part.parquet")
        shutil.rmtree(place, ignore_errors=True)
        making.rename(place)
    if not found:
        # Spark takes the columns from a file.
        kept.add(f"{PARTITION}=1970-01-01")
        (folder / f"{PARTITION}=1970-01-01").mkdir(exist_ok=True)
        dated.write_parquet(folder / f"{PARTITION}=1970-01-01" / "part.parquet")
    for place in folder.iterdir():
        if place.name not in kept:
            shutil.rmtree(place)


def _land_whole(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    connection.sql("select * from raw.load_log").pl().write_parquet(folder / "part.parquet")
