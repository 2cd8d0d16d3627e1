"""How large a fleet one machine takes: raw files to published marts of a thousand assets and ever more days.

Each history is built from nothing. Cost is seconds per million intervals, which should not grow with the history; the
reference of a step is the same step of the shortest history in the same run. Where Spark is installed, a smaller fleet
is built on a cluster of this machine, beside DuckDB.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from benchmarks.fleet import FIRST, made_fleet
from benchmarks.table import row
from benchmarks.timing import in_child, timed
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.published.publish import publish
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.windows import Window

ASSETS = int(os.environ.get("SCALE_ASSETS", "1000"))
# With 1,000 assets 10, 21, 42 and 105 million intervals of 5 minutes.
DAYS = [int(days) for days in os.environ.get("SCALE_DAYS", "35 73 146 365").split()]
SPARK_ASSETS, SPARK_DAYS = 100, [int(days) for days in os.environ.get("SCALE_SPARK_DAYS", "7 35").split()]
# Where the gigabytes go; by default to the machine's folder for temporary files.
ROOT = os.environ.get("SCALE_DIR")
INTERVALS_A_DAY = 288
WITHIN_S = 30 * 60.0
_LOOK_S = 1.0
_STEPS = {"ingest": ingest, "transform": transform, "publish": publish}


@dataclass(frozen=True)
class Costs:
    """What a history cost: seconds per million intervals by step, and at most what memory and disk."""

    millions: float
    s_per_million: Mapping[str, float]
    resident_mib: float
    disk_gib: float

    @property
    def sentence(self) -> str:
        seconds = self.s_per_million["all"] * self.millions
        return f"{seconds:.0f} s; {self.resident_mib:.0f} MiB resident; {self.disk_gib:.1f} GiB on disk at most\n"


def main() -> None:
    print(f"{os.cpu_count()} cores; s/M: seconds per million intervals\n")
    on_duckdb()
    if find_spec("pyspark") is None:
        print("Spark is not installed here: `.venv-spark/bin/python -m benchmarks scale` builds there, too")
    else:
        on_spark()


def on_duckdb() -> None:
    """Ever longer histories of the same fleet."""
    with tempfile.TemporaryDirectory(dir=ROOT) as directory:
        settings = made_fleet(Path(directory), ASSETS)
        print(f"DuckDB, memory_limit {settings.duckdb_memory_limit}: {ASSETS} assets\n")
        shortest: dict[str, float] = {}
        largest = 0.0
        for days in DAYS:
            costs = cost_of(settings, days, Path(directory))
            for step, cost in costs.s_per_million.items():
                row(f"{step}, s/M", cost, f"{DAYS[0]} days, s/M", shortest.setdefault(step, cost))
            print(costs.sentence, flush=True)
            if costs.s_per_million["all"] * costs.millions <= WITHIN_S:
                largest = costs.millions
        print(f"largest of these within {WITHIN_S / 60:.0f} min: {largest:.0f} M intervals a table\n")


def on_spark() -> None:
    """The same raw files on both engines in turn; the cluster is that of the tests."""
    import pyspark
    from tests.spark.cluster import running_cluster

    with tempfile.TemporaryDirectory(dir=ROOT) as directory:
        folder = Path(directory)
        here = made_fleet(folder, SPARK_ASSETS)
        print(f"Spark, master and two workers of one core here: {SPARK_ASSETS} assets\n")
        for days in SPARK_DAYS:
            ours = cost_of(here, days, folder)
            # A catalogue of its own for each history.
            with running_cluster(Path(pyspark.__path__[0]), folder / f"cluster_{days}") as cluster:
                there = here.model_copy(update={"engine": "spark", "spark_remote": cluster.remote})
                theirs = cost_of(there, days, folder)
            for step, cost in theirs.s_per_million.items():
                row(f"{step}, s/M", cost, "DuckDB, s/M", ours.s_per_million[step])
            print(theirs.sentence, flush=True)


def cost_of(settings: Settings, days: int, folder: Path) -> Costs:
    """Simulate what is missing of `days`, then take each step in a process of its own; raw files are kept.

    `folder` holds all that is written.
    """
    fleet, window = load_fleet(settings.fleet_dir), Window(FIRST, FIRST + timedelta(days=days))
    millions = fleet.assets.height * days * INTERVALS_A_DAY / 1e6
    simulated_s = timed(lambda: generate(fleet, window, data_dir=settings.data_dir, seed=1, jobs=2))
    simulated = set(settings.data_dir.iterdir())
    print(f"{millions:.1f} M intervals, {days} days (simulated in {simulated_s:.0f} s)", flush=True)
    found, resident = dict[str, float](), 0.0
    with peak_disk(folder) as disk:
        for step, run in _STEPS.items():
            seconds, mib = in_child(run, settings)
            found[step], resident = seconds / millions, max(resident, mib)
    for path in set(settings.data_dir.iterdir()) - simulated:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return Costs(millions, {**found, "all": sum(found.values())}, resident, disk[0] / 2**30)


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
