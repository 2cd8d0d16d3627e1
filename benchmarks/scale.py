"""How large a fleet one machine takes: raw files to published marts of a thousand assets and ever more days.

Each history is built from nothing. Cost is seconds per million intervals, which should not grow with the history; the
reference of a step is the same step of the shortest history in the same run.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.fleet import FIRST, made_fleet
from benchmarks.table import row
from benchmarks.timing import in_child, timed
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.published.publish import publish
from renewable.transform.build import transform
from renewable.windows import Window

ASSETS = int(os.environ.get("SCALE_ASSETS", "1000"))
# 10, 21, 42 and 105 million intervals of 5 minutes.
DAYS = [int(days) for days in os.environ.get("SCALE_DAYS", "35 73 146 365").split()]
INTERVALS_A_DAY = 288
WITHIN_S = 30 * 60.0
_LOOK_S = 1.0
_STEPS = {"ingest": ingest, "transform": transform, "publish": publish}


def main() -> None:
    root = os.environ.get("SCALE_DIR")
    with tempfile.TemporaryDirectory(dir=root) as directory:
        print(f"{ASSETS} assets; {os.cpu_count()} cores; s/M: seconds per million intervals\n")
        settings = made_fleet(Path(directory), ASSETS)
        print(f"memory_limit of DuckDB {settings.duckdb_memory_limit}\n")
        shortest: dict[str, float] = {}
        largest = 0.0
        for days in DAYS:
            millions = ASSETS * days * INTERVALS_A_DAY / 1e6
            window = Window(FIRST, FIRST + timedelta(days=days))
            fleet = load_fleet(settings.fleet_dir)
            simulated_s = timed(
                lambda w=window, f=fleet: generate(f, w, data_dir=settings.data_dir, seed=1, jobs=2)  # type: ignore[misc]
            )
            simulated = set(settings.data_dir.iterdir())
            print(
                f"{millions:.1f} M intervals, {days} days (simulated in {simulated_s:.0f} s more)", flush=True
            )
            costs, peak_mib = dict[str, float](), 0.0
            with peak_disk(settings.data_dir) as disk:
                for step, run in _STEPS.items():
                    seconds, resident_mib = in_child(run, settings)
                    costs[step], peak_mib = seconds / millions, max(peak_mib, resident_mib)
            costs["all"] = sum(costs.values())
            for step, cost in costs.items():
                row(f"{step}, s/M", cost, f"{DAYS[0]} days, s/M", shortest.setdefault(step, cost))
            took_s = costs["all"] * millions
            disk_gib = disk[0] / 2**30
            print(
                f"{took_s:.0f} s; {peak_mib:.0f} MiB resident; {disk_gib:.1f} GiB on disk at most\n",
                flush=True,
            )
            if took_s <= WITHIN_S:
                largest = millions
            _remove(set(settings.data_dir.iterdir()) - simulated)
        print(f"largest of these within {WITHIN_S / 60:.0f} min: {largest:.0f} M intervals a table")


@contextmanager
def peak_disk(folder: Path) -> Iterator[list[int]]:
    """The most bytes that `folder` holds meanwhile, looked at each second; known at the end."""
    peak, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_S):
            peak[0] = max(peak[0], _bytes_in(folder))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield peak
    finally:
        ended.set()
        watching.join()
        peak[0] = max(peak[0], _bytes_in(folder))


def _bytes_in(folder: Path) -> int:
    """What the files take on disk; a file that is linked twice counts once."""
    found: dict[int, int] = {}
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                known = Path(directory, name).lstat()
            except FileNotFoundError:
                continue
            found[known.st_ino] = known.st_blocks * 512
    return sum(found.values())


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
