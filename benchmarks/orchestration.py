"""What loading Dagster's definitions costs beyond importing Dagster, and a look of the file sensor at known files."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks.table import row
from loaders.load_log import LOAD_LOG_SCHEMA
from loaders.pending import fingerprint
from renewable.fleet import load_fleet
from renewable.operations.pending_work import find_work
from renewable.settings import Settings
from renewable.transform.books import Books, BuiltDay, built_identity, registry_version, write_copies
from renewable.transform.build import present_versions

_REFERENCE = "import dagster"
_DEFINITIONS = "import dagster_project.definitions as d; d.defs()"


def cpu_seconds(code: str, environment: dict[str, str]) -> float:
    """CPU seconds, user and system, of a Python process that runs `code`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def known_files(settings: Settings, days: int) -> int:
    """Make `days` raw files of each table that are all loaded and built; how many there are."""
    rows = []
    for table in ("weather", "generation"):
        directory = settings.raw_dir / table
        directory.mkdir(parents=True)
        for number in range(days):
            day = date(2010, 1, 1) + timedelta(days=number)
            path = directory / f"{table}_{day}.parquet"
            pl.DataFrame({"asset_id": ["a"]}).write_parquet(path)
            counts = {name: 0 for name in LOAD_LOG_SCHEMA if name.startswith("rows_")}
            rows.append(
                {
                    "file": f"{table}/{path.name}",
                    "table_name": table,
                    "day": day,
                    "loaded_at": datetime.now(UTC),
                }
                | asdict(fingerprint(path))
                | counts
            )
    log = pl.DataFrame(rows, schema=LOAD_LOG_SCHEMA)
    settings.published_dir.mkdir()
    log.write_parquet(settings.published_dir / "load_log.parquet")
    now = present_versions(load_fleet(settings.fleet_dir), settings.first_day)
    built, version = built_identity(log), registry_version(now.registry)
    days = {day: BuiltDay("once", now.models, version) for day in set(built["day"])}
    write_copies(settings, Books(built, days, {version: now.registry}))
    settings.warehouse_path.parent.mkdir()
    settings.warehouse_path.touch()
    return log.height


def look(settings: Settings) -> float:
    """Seconds of one look at the raw files."""
    started = time.perf_counter()
    work = find_work(settings, time.time())
    assert not work.states, "every file is known"
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        few, many = (Settings(data_dir=Path(directory) / name) for name in ("few", "many"))
        counts = known_files(few, 50), known_files(many, 5_000)
        seconds = [median(look(settings) for _ in range(5)) for settings in (many, few)]
        row(f"sensor, {counts[1]} known files", seconds[0], f"sensor, {counts[0]} known files", seconds[1])
    with tempfile.TemporaryDirectory() as data_dir:
        environment = os.environ | {"RENEWABLE_DATA_DIR": data_dir}
        first = cpu_seconds(_DEFINITIONS, environment)
        pairs = [
            (cpu_seconds(_REFERENCE, environment), cpu_seconds(_DEFINITIONS, environment)) for _ in range(5)
        ]
        reference, definitions = (median(values) for values in zip(*pairs, strict=True))
        row("definitions, after a model changed", first, _REFERENCE, reference)
        row("definitions (CPU seconds, goal 3)", definitions, _REFERENCE, reference)
