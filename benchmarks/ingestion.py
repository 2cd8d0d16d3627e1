"""Loading against the least that DuckDB needs: INSERT … SELECT read_parquet of the same files, without any check."""

import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.fleet import FIRST, generated
from benchmarks.table import row
from benchmarks.timing import in_child, timed
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.contract import TABLES
from renewable.fleet import load_fleet
from renewable.settings import Settings
from renewable.warehouse import connect
from renewable.windows import Window

YEAR_DAYS, ASSETS = 365, 200
SHORT_DAYS, LONG_DAYS = 30, 1095
REPEATS = 3
DAY_REPEATS = 15


def main() -> None:
    _a_year()
    _one_day_onto_history()


def _a_year() -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = generated(Path(directory), ASSETS, YEAR_DAYS)
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
        again_s, _ = in_child(ingest, settings)
        row("ingest, nothing new", again_s, "INSERT … SELECT read_parquet", insert_s)
        print(f"resident memory of the ingestion at most {max(peak for _, peak in loads):.0f} MiB\n")


def _one_day_onto_history() -> None:
    """The two histories in turn, so that both meet the same moods of the machine."""
    with tempfile.TemporaryDirectory() as directory:
        histories = {
            days: generated(Path(directory) / str(days), 20, days) for days in (SHORT_DAYS, LONG_DAYS)
        }
        fleet = load_fleet(histories[SHORT_DAYS].fleet_dir)
        for settings in histories.values():
            ingest(settings)
        runs: dict[int, list[float]] = {days: [] for days in histories}
        for number in range(DAY_REPEATS):
            for days, settings in histories.items():
                day = Window.of_day(FIRST + timedelta(days=days + number))
                generate(fleet, day, data_dir=settings.data_dir, seed=1)
                runs[days].append(timed(lambda s=settings: ingest(s)))  # type: ignore[misc]
    print(f"20 assets, one day more; medians of {DAY_REPEATS}\n")
    row("step", "s", "reference", "s", "ratio")
    long_s, short_s = median(runs[LONG_DAYS]), median(runs[SHORT_DAYS])
    row(f"one day onto {LONG_DAYS}", long_s, f"one day onto {SHORT_DAYS}", short_s)


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
