"""The dbt build against the same compiled SQL run straight in DuckDB, and one day on short and long histories."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.ingestion import in_child
from benchmarks.table import row
from loaders.dlt_pipeline import ingest
from mock_data.fleet_maker import make_fleet, write_fleet
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.settings import Settings
from renewable.transform import build
from renewable.transform.build import transform
from renewable.transform.dbt_project import target_dir
from renewable.warehouse import connect
from renewable.windows import Window

FIRST = date(2023, 1, 1)
YEAR_DAYS, ASSETS = 365, 200
SHORT_DAYS, LONG_DAYS, FEW_ASSETS = 30, 1095, 20
DAY_REPEATS = 7
REBUILDS = 3


def main() -> None:
    _a_year()
    _one_day_onto_history()
    rebuild_and_its_journal()


def _a_year() -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = _loaded(Path(directory), ASSETS, YEAR_DAYS)
        plain = settings.warehouse_path.with_name("plain.duckdb")
        shutil.copy(settings.warehouse_path, plain)
        build_s, peak_mib = in_child(_full_build, settings)
        statements_s, _ = in_child(_plain_statements, settings)
        print(
            f"{ASSETS} assets, {YEAR_DAYS} days; each in a process of its own,"
            f" memory_limit {settings.duckdb_memory_limit}\n"
        )
        row("step", "s", "reference", "s", "ratio")
        row("dbt build, full", build_s, "its SQL, tests too, in DuckDB", statements_s)
        print(f"resident memory of the build at most {peak_mib:.0f} MiB\n")


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


def _full_build(settings: Settings) -> None:
    transform(settings, full=True)


def _plain_statements(settings: Settings) -> None:
    """What the build has just run, in its order: DDL of models and queries of tests; the registry is there already."""
    plain = settings.warehouse_path.with_name("plain.duckdb")
    artefacts = target_dir(settings)
    results = json.loads((artefacts / "run_results.json").read_text())["results"]
    nodes: dict[str, Any] = json.loads((artefacts / "manifest.json").read_text())["nodes"]
    with connect(plain) as connection:
        connection.execute(f"set memory_limit = '{settings.duckdb_memory_limit}'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set enable_progress_bar = false")
        for schema in ("seeds", "staging", "intermediate", "marts"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute(f"attach '{settings.warehouse_path}' as built (read_only)")
        for table in ("assets", "power_curves", "utc_offsets"):
            connection.execute(f"create table seeds.{table} as from built.seeds.{table}")
        connection.execute("detach built")
        for result in results:
            node = nodes[result["unique_id"]]
            name = f'"{node["schema"]}"."{node["alias"]}"'
            if node["resource_type"] == "model" and node["schema"] != "seeds":
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                connection.execute(f"create {kind} {name} as {_for(plain, result)}")
            elif node["resource_type"] == "test":
                connection.execute(f"select count(*) from ({_for(plain, result)})").fetchall()


def _for(plain: Path, result: dict[str, Any]) -> str:
    """The compiled SQL, pointed at the other database."""
    sql: str = result["compiled_code"]
    return sql.replace('"renewable".', f'"{plain.stem}".')


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
