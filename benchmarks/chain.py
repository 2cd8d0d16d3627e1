"""The chain's steps against the least that DuckDB needs for the same rows."""

import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from benchmarks.table import row
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.settings import Settings
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
        row("step", "s", "reference", "s", "ratio")

        generate(fleet, window, data_dir=settings.data_dir, seed=1)
        ingest(settings)
        transform(settings, Window.of_day(window.start))
        build_s = _timed(lambda: transform(settings, window))
        one_day_s = _median(lambda: transform(settings, Window.of_day(window.days[-1])))
        row(f"build {DAYS} days", build_s, "build one day of them", one_day_s)


def _median(run: Callable[[], object]) -> float:
    return median(_timed(run) for _ in range(REPEATS))


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
