"""The chain's steps against the least that DuckDB needs for the same rows."""

import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.contract import TABLES
from renewable.fleet import load_fleet
from renewable.settings import Settings
from renewable.warehouse import connect
from renewable.windows import Window
from transform.build import transform

DAYS = 60
REPEATS = 3


def main() -> None:
    window = Window(date(2025, 1, 1), date(2025, 1, 1) + timedelta(days=DAYS))
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(data_dir=Path(directory) / "data")
        fleet = load_fleet(settings.fleet_dir)
        print(f"{fleet.assets.height} assets, {DAYS} days, both tables; medians of {REPEATS}\n")
        _row("step", "s", "reference", "s", "ratio")

        generate(fleet, window, data_dir=settings.data_dir, seed=1)
        load_s = _median(lambda: ingest(_fresh(settings)))
        insert_s = _median(lambda: _plain_insert(settings))
        _row("ingest", load_s, "INSERT … SELECT read_parquet", insert_s)
        again_s = _median(lambda: ingest(settings))
        _row("ingest, nothing new", again_s, "INSERT … SELECT read_parquet", insert_s)

        transform(settings, Window.of_day(window.start))
        build_s = _timed(lambda: transform(settings, window))
        one_day_s = _median(lambda: transform(settings, Window.of_day(window.days[-1])))
        _row(f"build {DAYS} days", build_s, "build one day of them", one_day_s)


def _fresh(settings: Settings) -> Settings:
    settings.warehouse_path.unlink(missing_ok=True)
    return settings


def _plain_insert(settings: Settings) -> None:
    path = settings.data_dir / "plain.duckdb"
    path.unlink(missing_ok=True)
    with connect(path) as connection:
        for table in TABLES:
            connection.execute(
                f"create table {table} as from read_parquet('{settings.raw_dir}/{table}/*.parquet')"
            )


def _median(run: Callable[[], object]) -> float:
    return median(_timed(run) for _ in range(REPEATS))


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _row(step: str, seconds: float | str, reference: str, reference_s: float | str, ratio: str = "") -> None:
    if isinstance(seconds, float) and isinstance(reference_s, float):
        ratio, seconds, reference_s = f"{seconds / reference_s:.2f}", f"{seconds:.2f}", f"{reference_s:.2f}"
    print(f"{step:<22}{seconds:>8}   {reference:<32}{reference_s:>8}{ratio:>8}")
