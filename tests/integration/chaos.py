"""The chaos suite: `ingest` is killed with SIGKILL at named stages and at random moments, then run again.

Law: whatever died, after the next run the warehouse equals the one that is built once from the final files.
`python -m tests.integration.chaos --kills 120 --seed 1` (make chaos) plays it at length.
"""

import argparse
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from loaders.dlt_pipeline import ingest
from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from renewable.contract import TABLES, RawTable
from renewable.fleet import Fleet, load_fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from tests.integration.warehouse_tables import tables

# Where the child can be told to die: a function that `ingest` reaches, and whether before or after it ran.
STAGES = {
    "before the screen": ("loaders.judging", "spotless_days", "before"),
    "after the gate, before anything is set aside": ("loaders.judging", "judge_day", "after"),
    "while a quarantine file is written": ("os", "fsync", "before"),
    "before the delete": ("loaders.replace_days.ReplaceDaysJob", "run", "before"),
    "between delete and insert": ("dlt.destinations.job_client_impl.ModelLoadJob", "run", "before"),
    "between insert and settling": ("dlt.destinations.job_client_impl.ModelLoadJob", "run", "after"),
    "before the log is replaced": ("loaders.dlt_package", "replace_in_load_log", "before"),
    "after the log is replaced, before the commit": ("loaders.dlt_package", "replace_in_load_log", "after"),
    "after the commit of one table": ("loaders.replace_days.ReplaceDaysJob", "run", "after"),
    "before dlt completes the load": (
        "dlt.destinations.job_client_impl.SqlJobClientBase",
        "complete_load",
        "before",
    ),
    "before the log is published": ("loaders.dlt_pipeline", "publish_load_log", "before"),
}
_FIRST = date(2025, 3, 1)
# So few that a load has several batches to die between.
_BATCH_ROWS = 1_500
_CHILD = """
import importlib, os, signal, sys
from pathlib import Path
data_dir, fleet_dir, place, name, when, batch_rows = sys.argv[1:]
import loaders.dlt_package, loaders.dlt_pipeline
from renewable.settings import Settings
loaders.dlt_package._BATCH_ROWS = int(batch_rows)

def found(dotted):
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError:
        module, _, attribute = dotted.rpartition(".")
        return getattr(importlib.import_module(module), attribute)

if place:
    owner = found(place)
    original = getattr(owner, name)
    def deadly(*arguments, **named):
        if when == "after":
            original(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, deadly)
print("ready", flush=True)
loaders.dlt_pipeline.ingest(Settings(data_dir=Path(data_dir), fleet_dir=Path(fleet_dir), lock_wait_s=60))
"""


class World:
    """A raw directory that changes as raw directories do, over a warehouse that was loaded before."""

    def __init__(self, settings: Settings, fleet: Fleet, chance: random.Random) -> None:
        self.settings, self._fleet, self._chance = settings, fleet, chance
        for number in range(3):
            for table in TABLES:
                self._write(table, number)
        ingest(settings)

    def change(self) -> str:
        """Make some files new, corrected, broken, partial or gone; says which kinds."""
        kinds = [
            self._chance.choice(["new", "corrected", "dirty", "broken", "part", "gone"]) for _ in range(4)
        ]
        for kind in [*kinds, "corrected"]:
            table, number = self._chance.choice(TABLES), self._chance.randrange(5)
            match kind:
                case "new" | "corrected":
                    self._write(table, number)
                case "dirty":
                    self._write(table, number, dirty=True)
                case "part":
                    self._write(table, number, part="late")
                case "broken":
                    path = self._write(table, number)
                    path.write_bytes(path.read_bytes()[: self._chance.randrange(1, 4000)])
                case "gone":
                    present = sorted(self.settings.raw_dir.rglob("*.parquet"))
                    if len(present) > 3:
                        self._chance.choice(present).unlink()
        return ", ".join(sorted(kinds))

    def _write(self, table: RawTable, number: int, part: str | None = None, *, dirty: bool = False) -> Path:
        day, seed = _FIRST + timedelta(days=number), self._chance.randrange(1_000_000)
        frame = (weather_day if table == "weather" else generation_day)(self._fleet, day, seed)
        if part:
            # A tenth of the day, with values of its own: conflicts and late rows at once.
            frame = frame.sample(fraction=0.1, seed=seed)
        if dirty:
            channel = frame.columns[2]
            frame = pl.concat([frame, frame[:7], frame[5:6].with_columns(pl.lit(1e9).alias(channel))])
        path = RawFileName(table, day, part).path_under(self.settings.raw_dir)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
        return path


def die(settings: Settings, stage: str | None = None, after_s: float = 0.0) -> bool:
    """Run `ingest` in a child that is killed at `stage`, or `after_s` seconds after it was ready; False: it lived."""
    place, name, when = STAGES[stage] if stage else ("", "", "")
    arguments = [str(settings.data_dir), str(settings.fleet_dir), place, name, when, str(_BATCH_ROWS)]
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.readline()
        if not stage:
            time.sleep(after_s)
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        said = child.stderr.read()
        code = child.wait(timeout=120)
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"the child failed by itself with {code}: {said}")
    return code == -signal.SIGKILL


def built_once(settings: Settings, directory: Path) -> dict[str, pl.DataFrame]:
    """The oracle: tables of a fresh warehouse over the same raw files."""
    fresh = settings.model_copy(update={"data_dir": directory})
    directory.mkdir(parents=True)
    (directory / "raw").symlink_to(settings.raw_dir)
    ingest(fresh)
    return tables(fresh.warehouse_path)


def differences(settings: Settings, directory: Path) -> list[str]:
    """Names of the tables that are not those of the oracle."""
    ours, oracle = tables(settings.warehouse_path), built_once(settings, directory)
    return [
        name for name in sorted(ours.keys() | oracle.keys()) if not _same(ours.get(name), oracle.get(name))
    ]


def _same(left: pl.DataFrame | None, right: pl.DataFrame | None) -> bool:
    return left is not None and right is not None and left.equals(right)


def play(kills: int, seed: int, fleet_dir: Path, directory: Path) -> Iterator[tuple[str, list[str]]]:
    """(what was done, tables that differ afterwards) of each kill; every stage in turn, random moments between."""
    chance = random.Random(seed)
    settings = Settings(data_dir=directory / "data", fleet_dir=fleet_dir)
    world = World(settings, load_fleet(fleet_dir), chance)
    stages = list(STAGES)
    for number in range(kills):
        changed = world.change()
        stage = stages[number // 2 % len(stages)] if number % 2 else None
        moment = chance.uniform(0, 1.5)
        died = die(settings, stage, moment)
        how = stage or f"{moment:.2f} s after the start"
        if chance.random() < 0.3:
            how += f", again {chance.choice(stages)}" if die(settings, chance.choice(stages)) else ""
        ingest(settings)
        yield (
            f"{changed}; {'killed' if died else 'lived'} {how}",
            differences(settings, directory / f"once{number}"),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"{arguments.kills} kills, seed {arguments.seed}")
    outcome: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        seeds = load_fleet(Settings().fleet_dir)
        fleet_dir = Path(directory) / "fleet"
        fleet_dir.mkdir()
        seeds.assets.head(3).write_csv(fleet_dir / "assets.csv")
        seeds.power_curves.write_csv(fleet_dir / "power_curves.csv")
        for what, differing in play(arguments.kills, arguments.seed, fleet_dir, Path(directory)):
            outcome["wrong" if differing else "killed" if "killed" in what else "lived"] += 1
            if differing or sum(outcome.values()) % 20 == 0:
                print(f"{sum(outcome.values()):4d} {what}: {differing or 'equal'}", flush=True)
    print(f"killed {outcome['killed']}, lived {outcome['lived']}, wrong {outcome['wrong']}")

    sys.stdout.flush()
    sys.exit(1 if outcome["wrong"] else 0)


if __name__ == "__main__":
    main()
