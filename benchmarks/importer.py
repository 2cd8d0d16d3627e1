"""A long CSV through the importer, beside Polars making one Parquet file of it. ROWS=n for another size."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.table import row

_ROWS = 5_000_000
_A_YEAR = 52_560
_MAPPING = """
source: {files: export.csv}
timestamp: {column: time, format: "%Y-%m-%d %H:%M", zone: UTC}
asset: {column: unit}
weather: {wind_speed_ms: {column: wind, unit: m/s}}
generation: {active_power_kw: {column: power, unit: kW}}
"""
_REFERENCE = (
    "import polars as pl; pl.scan_csv('export.csv', try_parse_dates=True).sink_parquet('whole.parquet')"
)
_IMPORT = (
    "from pathlib import Path; from renewable.importers.convert import import_files;"
    "print(sum(import_files(Path('mapping.yaml'), Path('data/raw')).rows.values()))"
)


def write_export(path: Path, rows: int) -> int:
    """Whole years of ten-minute rows, asset after asset: the order that spreads each batch over all days."""
    times = pl.datetime_range(pl.datetime(2023, 1, 1), pl.datetime(2023, 12, 31, 23, 50), "10m", eager=True)
    text, random = times.dt.strftime("%Y-%m-%d %H:%M").alias("time"), np.random.default_rng(1)
    assets = max(1, round(rows / _A_YEAR))
    with path.open("wb") as file:
        for number in range(assets):
            wind, power = (
                random.uniform(0, 20, len(text)).round(3),
                random.uniform(0, 2000, len(text)).round(2),
            )
            frame = pl.DataFrame({"time": text, "unit": f"W{number:04d}", "wind": wind, "power": power})
            frame.write_csv(file, include_header=number == 0)
    return assets * len(text)


def measured(code: str, directory: Path) -> tuple[float, float, str]:
    """CPU seconds and peak resident memory in MiB of a Python process that runs `code`, and what it printed first."""
    tail = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code + tail], cwd=directory, check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = done.stdout.split()
    return seconds, int(said[-1]) / 1024, said[0]


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        rows = write_export(directory / "export.csv", int(os.environ.get("ROWS", _ROWS)))
        (directory / "mapping.yaml").write_text(_MAPPING, encoding="utf-8")
        plain, plain_mib, _ = measured(_REFERENCE, directory)
        first, first_mib, written = measured(_IMPORT, directory)
        again, _, _ = measured(_IMPORT, directory)
    if int(written) != 2 * rows:
        raise SystemExit(f"{written} raw rows were written, not those of two tables: {2 * rows}")
    reference = "CPU s, one Parquet file of it"
    print(f"{rows:,} rows; peak memory {first_mib:.0f} MiB importing, {plain_mib:.0f} MiB for the reference")
    row("import, CPU s", first, reference, plain)
    row("again, no change", again, reference, plain)
