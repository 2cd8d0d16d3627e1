"""Speed of the simulator: against Polars writing the same frames, two processes against one, memory.

Every figure is taken in this run; runs of the two sides of a ratio take turns, so that a busy machine hits
both.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from mock_data.day import Simulator
from mock_data.fleet_maker import make_fleet, write_fleet
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.windows import Window

FIRST_DAY = date(2025, 1, 1)
TURNS = 3
ASSETS, DAYS = 200, 30
# The run that shows scaling and memory.
LONG_DAYS = 180
_RUN = """
import sys, time, resource
from datetime import date, timedelta
from pathlib import Path
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.windows import Window
fleet, out, days, jobs = load_fleet(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
start = time.perf_counter()
window = Window(date(2025, 1, 1), date(2025, 1, 1) + timedelta(days))
generate(fleet, window, data_dir=out, seed=7, jobs=jobs, overwrite=True)
rss = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(time.perf_counter() - start, rss / 1024)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        fleet_dir = scratch / "fleet"
        fleet = make_fleet(ASSETS // 2, ASSETS // 2, 1, interval_minutes=5)
        write_fleet(fleet, fleet_dir)
        to_writing(fleet, DAYS, scratch / "ratio")
        scaling(fleet_dir, scratch / "jobs", DAYS, LONG_DAYS)


def to_writing(fleet: Fleet, days: int, out: Path) -> None:
    """Simulating and writing against writing the very same frames plainly, in turn."""
    window = Window(FIRST_DAY, FIRST_DAY + timedelta(days))
    simulator = Simulator(fleet, 7, "typical")
    (out / "plain").mkdir(parents=True)
    total, written, rows = [], [], 0
    for turn in range(TURNS):
        start = time.perf_counter()
        rows += generate(fleet, window, data_dir=out / str(turn), seed=7).rows
        total.append(time.perf_counter() - start)
        plain = 0.0
        for day in window.days:
            frames = simulator.day(day)
            start = time.perf_counter()
            for name in ("weather", "generation", "truth"):
                getattr(frames, name).write_parquet(out / "plain" / f"{name}.parquet")
            plain += time.perf_counter() - start
        written.append(plain)
    print(
        f"{len(fleet.asset_ids)} assets, {TURNS} times {days} days, 5 minutes, {rows:,} rows of three tables"
    )
    print(f"  Polars threads: {pl.thread_pool_size()}; rows a second: {rows / sum(total):,.0f}")
    print(f"  simulate and write {sum(total):.2f} s, only write {sum(written):.2f} s")
    print(f"  total / writing: {sum(total) / sum(written):.2f} (goal: at most 2.5)")
    print(f"  peak memory {_own_mib():.0f} MiB (goal: under 600)")


def scaling(fleet_dir: Path, out: Path, short_days: int, long_days: int) -> None:
    """Processes with one Polars thread each, in turn; then memory of one process by number of days."""
    for days in (short_days, long_days):
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(3):
            for jobs, found in seconds.items():
                found.append(_run(fleet_dir, out, days, jobs)[0])
        one, two = min(seconds[1]), min(seconds[2])
        print(
            f"{days} days, one Polars thread a process: --jobs 1 {one:.2f} s, --jobs 2 {two:.2f} s: "
            f"{one / two:.2f} times (goal 1.7)"
        )
    short, long = _run(fleet_dir, out, short_days, 1)[1], _run(fleet_dir, out, long_days, 1)[1]
    print(
        f"peak memory of one process: {short:.0f} MiB after {short_days} days, {long:.0f} MiB "
        f"after {long_days}"
    )


def _run(fleet_dir: Path, out: Path, days: int, jobs: int) -> tuple[float, float]:
    arguments = [sys.executable, "-c", _RUN, str(fleet_dir), str(out), str(days), str(jobs)]
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    answer = subprocess.run(
        arguments, env=environment, check=True, capture_output=True, text=True
    ).stdout.split()
    return float(answer[0]), float(answer[1])


def _own_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
