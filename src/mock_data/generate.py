"""Writes simulated days as raw files. What is in them comes from generate_weather and generate_generation."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from renewable.contract import TABLES, RawTable
from renewable.errors import RenewableError
from renewable.fleet import Fleet, load_fleet
from renewable.raw_files import RawFileName, write_parquet_atomic
from renewable.settings import load_settings
from renewable.windows import Window, requested_window


@dataclass(frozen=True)
class GenerateSummary:
    """Files written, files that were there already and kept, rows written."""

    written: int
    kept: int
    rows: int


def generate(
    fleet: Fleet,
    window: Window,
    *,
    data_dir: Path,
    seed: int,
    overwrite: bool = False,
    tables: Sequence[RawTable] = TABLES,
    report: Callable[[str], None] | None = None,
) -> GenerateSummary:
    """Write one file a table and UTC day of `window` under `data_dir`/raw; existing files stay unless `overwrite`."""
    written = kept = rows = 0
    for day in window.days:
        paths = {table: RawFileName(table, day).path_under(data_dir / "raw") for table in tables}
        wanted = [table for table, path in paths.items() if overwrite or not path.exists()]
        kept += len(paths) - len(wanted)
        weather = weather_day(fleet, day, seed) if wanted else None
        for table in wanted:
            frame = weather if table == "weather" else generation_day(fleet, day, seed, weather)
            assert frame is not None
            write_parquet_atomic(frame, paths[table])
            written, rows = written + 1, rows + frame.height
        if report and wanted:
            report(f"simulated {day}")
    return GenerateSummary(written, kept, rows)


def run_script(table: RawTable, arguments: Sequence[str] | None = None) -> None:
    """Command line of `generate_weather.py` and `generate_generation.py`."""
    parser = argparse.ArgumentParser(
        description=f"Write simulated {table} files, one a UTC day, for the fleet of RENEWABLE_FLEET_DIR."
    )
    parser.add_argument("--start", type=date.fromisoformat, help="first UTC day")
    parser.add_argument("--end", type=date.fromisoformat, help="UTC day after the last one")
    parser.add_argument("--days", type=int, help="instead: the N whole days before today (default 14)")
    parser.add_argument("--seed", type=int, help="default: RENEWABLE_SEED")
    parser.add_argument("--data-dir", type=Path, help="default: RENEWABLE_DATA_DIR")
    parser.add_argument("--fleet-dir", type=Path, help="default: RENEWABLE_FLEET_DIR")
    parser.add_argument("--overwrite", action="store_true", help="write existing files anew")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
        today = datetime.now(UTC).date()
        window = requested_window(options.start, options.end, options.days, today=today)
        summary = generate(
            load_fleet(options.fleet_dir or settings.fleet_dir),
            window or requested_window(None, None, 14, today=today) or Window.of_day(today),
            data_dir=options.data_dir or settings.data_dir,
            seed=settings.seed if options.seed is None else options.seed,
            overwrite=options.overwrite,
            tables=[table],
            report=lambda line: print(line, file=sys.stderr),
        )
    except RenewableError as error:
        parser.exit(2, f"{error}\n")
    print(f"{table}: {summary.written} files written, {summary.kept} kept, {summary.rows} rows")
