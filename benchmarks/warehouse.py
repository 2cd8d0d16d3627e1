"""One day built on short and long histories, and the journal's share. The whole chain: chain.py."""

import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from unittest.mock import patch

from benchmarks.table import row
from loaders.dlt_pipeline import ingest
from mock_data.fleet_maker import make_fleet, write_fleet
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.settings import Settings
from renewable.transform import build
from renewable.transform.build import transform
from renewable.windows import Window

FIRST = date(2023, 1, 1)
SHORT_DAYS, LONG_DAYS, FEW_ASSETS = 30, 1095, 20
DAY_REPEATS = 7
REBUILDS = 3


def main() -> None:
    _one_day_onto_history()
    rebuild_and_its_journal()


def _one_day_onto_history() -> None:
    """The two histories in turn, so that both meet the same moods of the machine."""
    with tempfile.TemporaryDirectory() as directory:
        histories = {
            days: _loaded(Path(directory) / str(days), FEW_ASSETS, days) for days in (SHORT_DAYS, LONG_DAYS)
        }
        for settings in histories.values():
            transform(settings, full=True)
        print(f"{FEW_ASSETS} assets; the last day built again; medians of {DAY_REPEATS}, in process\n")
        row("step", "s", "reference", "s", "ratio")
        found: dict[int, list[float]] = {days: [] for days in histories}
        for _ in range(DAY_REPEATS + 1):
            for days, settings in histories.items():
                last = Window.of_day(FIRST + timedelta(days=days - 1))
                found[days].append(_timed(lambda s=settings, w=last: transform(s, w)))  # type: ignore[misc]
        # The first build of each also parses the project.
        short_s, long_s = (median(found[days][1:]) for days in (SHORT_DAYS, LONG_DAYS))
        row(f"a day after {LONG_DAYS}", long_s, f"a day after {SHORT_DAYS}", short_s)


def rebuild_and_its_journal() -> None:
    """A window in which all rows are replaced, with the journal that could undo it and without."""
    with tempfile.TemporaryDirectory() as directory:
        settings = _loaded(Path(directory), 2 * FEW_ASSETS, 2 * SHORT_DAYS)
        transform(settings, full=True)
        window = Window(FIRST, FIRST + timedelta(days=2 * SHORT_DAYS))
        print(
            f"{2 * FEW_ASSETS} assets, {2 * SHORT_DAYS} days built again; medians of {REBUILDS}, in process\n"
        )
        row("step", "s", "reference", "s", "ratio")
        found = list[tuple[float, float]]()
        for _ in range(REBUILDS):
            with_journal = _timed(lambda: transform(settings, window))
            with patch.object(build, "ENVIRONMENT", {}):
                found.append((with_journal, _timed(lambda: transform(settings, window))))
        row("with the journal", median(w for w, _ in found), "without", median(w for _, w in found))


def _loaded(directory: Path, assets: int, days: int) -> Settings:
    settings = Settings(data_dir=directory / "data", fleet_dir=directory / "fleet")
    write_fleet(make_fleet(assets // 2, assets // 2, 1), settings.fleet_dir)
    window = Window(FIRST, FIRST + timedelta(days=days))
    generate(load_fleet(settings.fleet_dir), window, data_dir=settings.data_dir, seed=1, jobs=2)
    ingest(settings)
    return settings


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
