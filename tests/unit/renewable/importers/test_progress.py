"""A long import says how far it is; a short one says nothing."""

from itertools import pairwise
from pathlib import Path

import pytest

from renewable.importers import progress, source
from renewable.importers.convert import import_files
from renewable.importers.progress import Progress, told
from tests.unit.renewable.importers.test_deliveries import Plant, readings

pytestmark = pytest.mark.unit


def test_what_is_left_follows_from_the_pace_so_far() -> None:
    said, times = list[str](), iter([0.0, 2.0, 30.0, 33.0, 60.0, 100.0])
    step = Progress("converting 2 file(s)", said.append, lambda: next(times))
    for done in (0.1, 0.25, 0.3, 0.2, 1.0):
        step.at(done)
    assert said == [
        "converting 2 file(s): 25% done, about 2 min left",
        # A share that went back is the one before.
        "converting 2 file(s): 30% done, about 2 min left",
    ]


def test_a_time_is_told_in_its_largest_units() -> None:
    assert [told(seconds) for seconds in (0.2, 44, 89, 3599, 7500)] == [
        "1 s",
        "44 s",
        "1 min",
        "1 h 0 min",
        "2 h 5 min",
    ]


def test_an_import_tells_its_progress_file_by_file_and_day_by_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = list[str]()
    monkeypatch.setattr(progress, "_EVERY_S", -1.0)
    monkeypatch.setattr(source.read_batches, "__defaults__", (None, 20))
    plant = Plant(tmp_path)
    for number, name in enumerate(("a.csv", "b.csv")):
        plant.deliver(readings(seed=number), name)
    import_files(plant.mapping_path, plant.raw, progress=said.append)
    for step in ("converting 2 file(s)", "writing"):
        shares = [int(line.partition(": ")[2].partition("%")[0]) for line in said if line.startswith(step)]
        assert len(shares) > 1
        assert all(earlier <= later for earlier, later in pairwise(shares))
    assert not any("100%" in line for line in said)
