"""Loading against the least that DuckDB needs: INSERT … SELECT read_parquet of the same files, without any check."""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from benchmarks.table import row
from loaders.dlt_pipeline import ingest
from mock_data.fleet_maker import make_fleet, write_fleet
from mock_data.generate import generate
from renewable.contract import TABLES
from renewable.fleet import load_fleet
from renewable.settings import Settings
from renewable.warehouse import connect
from renewable.windows import Window

FIRST = date(2023, 1, 1)
YEAR_DAYS, ASSETS = 365, 200
SHORT_DAYS, LONG_DAYS = 30, 1095
REPEATS = 3
DAY_REPEATS = 15


def main() -> None:
    _a_year()
    _one_day_onto_history()


def _a_year() -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = _settings(Path(directory), ASSETS)
        window = Window(FIRST, FIRST + timedelta(days=YEAR_DAYS))
        generate(load_fleet(settings.fleet_dir), window, data_dir=settings.data_dir, seed=1, jobs=2)
        print(
            f"{ASSETS} assets, {YEAR_DAYS} days, both tables; medians of {REPEATS}, each in a process of its own\n"
        )
        row("step", "s", "reference", "s", "ratio")
        loads, inserts = [], []
        for _ in range(REPEATS):
            inserts.append(in_child(_plain_insert, settings))
            loads.append(in_child(_fresh_ingest, settings))
        load_s, insert_s = (median(seconds for seconds, _ in runs) for runs in (loads, inserts))
        row("ingest, gate and all", load_s, "INSERT … SELECT read_parquet", insert_s)
        again_s, _ = in_child(_ingest, settings)
        row("ingest, nothing new", again_s, "INSERT … SELECT read_parquet", insert_s)
        print(f"resident memory of the ingestion at most {max(peak for _, peak in loads):.0f} MiB\n")


def _one_day_onto_history() -> None:
    """The two histories in turn, so that both meet the same moods of the machine."""
    with tempfile.TemporaryDirectory() as directory:
        histories = {days: _settings(Path(directory) / str(days), 20) for days in (SHORT_DAYS, LONG_DAYS)}
        fleet = load_fleet(histories[SHORT_DAYS].fleet_dir)
        for days, settings in histories.items():
            before = Window(FIRST, FIRST + timedelta(days=days))
            generate(fleet, before, data_dir=settings.data_dir, seed=1, jobs=2)
            ingest(settings)
        runs: dict[int, list[float]] = {days: [] for days in histories}
        for number in range(DAY_REPEATS):
            for days, settings in histories.items():
                day = Window.of_day(FIRST + timedelta(days=days + number))
                generate(fleet, day, data_dir=settings.data_dir, seed=1)
                started = time.perf_counter()
                ingest(settings)
                runs[days].append(time.perf_counter() - started)
    print(f"20 assets, one day more; medians of {DAY_REPEATS}\n")
    row("step", "s", "reference", "s", "ratio")
    long_s, short_s = median(runs[LONG_DAYS]), median(runs[SHORT_DAYS])
    row(f"one day onto {LONG_DAYS}", long_s, f"one day onto {SHORT_DAYS}", short_s)


def _settings(directory: Path, assets: int) -> Settings:
    settings = Settings(data_dir=directory / "data", fleet_dir=directory / "fleet")
    write_fleet(make_fleet(assets // 2, assets // 2, 1), settings.fleet_dir)
    return settings


def in_child(run: Callable[[Settings], None], settings: Settings) -> tuple[float, float]:
    """(seconds of `run`, peak resident MiB) in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (run, settings))


def _measured(run: Callable[[Settings], None], settings: Settings) -> tuple[float, float]:
    started = time.perf_counter()
    run(settings)
    return time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ingest(settings: Settings) -> None:
    ingest(settings)


def _fresh_ingest(settings: Settings) -> None:
    settings.warehouse_path.unlink(missing_ok=True)
    ingest(settings)


def _plain_insert(settings: Settings) -> None:
    path = settings.data_dir / "plain.duckdb"
    path.unlink(missing_ok=True)
    with connect(path) as connection:
        for table in TABLES:
            files = f"read_parquet('{settings.raw_dir}/{table}/*.parquet')"
            connection.execute(f"create table {table} as from {files} limit 0")
            connection.execute(f"insert into {table} from {files}")
    path.unlink()
