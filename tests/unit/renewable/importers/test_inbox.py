"""What a run without a person takes from an inbox, what it leaves for later, and where a raw value comes from."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from renewable.errors import MappingError
from renewable.importers.convert import import_all
from renewable.importers.inbox import Patience, peek
from renewable.importers.ledger import read_books, store_of
from renewable.importers.trace import sentences, trace
from tests.unit.renewable.importers.test_deliveries import INTERVALS, START, Plant, mapping_of, readings

pytestmark = pytest.mark.unit
PLAIN = mapping_of(generation={})


class Clock:
    """Time that passes where somebody sleeps; `meanwhile` is done then."""

    def __init__(self, now_s: float, meanwhile: object = None) -> None:
        self.now_s, self.slept_s, self.meanwhile = now_s, 0.0, meanwhile

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self.now_s += seconds
        if callable(self.meanwhile):
            self.meanwhile()

    def patience(self, settle_s: float = 10.0) -> Patience:
        return Patience(settle_s, lambda: self.now_s, self.sleep)


def written_at(path: Path) -> float:
    stat = path.stat()
    return max(stat.st_mtime, stat.st_ctime)


def test_a_file_that_lies_there_for_long_is_taken_at_once(tmp_path: Path) -> None:
    plant = Plant(tmp_path, PLAIN)
    plant.deliver(readings(), "a.csv")
    clock = Clock(written_at(tmp_path / "inbox" / "a.csv") + 60)
    assert plant.run(patience=clock.patience()).source_files == 1
    assert clock.slept_s == 0
    plant.deliver(readings(seed=2), "b.csv")
    ahead = Clock(written_at(tmp_path / "inbox" / "b.csv") - 1000)
    assert plant.run(patience=ahead.patience()).source_files == 1
    assert ahead.slept_s == 0, "a time in the future is the mistake of a clock"


def test_a_new_file_is_watched_and_left_while_it_grows(tmp_path: Path) -> None:
    plant, rows = Plant(tmp_path, PLAIN), readings()
    path = tmp_path / "inbox" / "a.csv"
    plant.deliver(rows[:40], "a.csv")
    clock = Clock(written_at(path) + 2, lambda: plant.deliver(rows, "a.csv"))
    summary = plant.run(patience=clock.patience())
    assert summary.source_files == 0 and 7 < clock.slept_s <= 10
    assert "a.csv: it is being written" in summary.unfinished[0] and "waits: " in summary.sentence
    still = Clock(written_at(path) + 2)
    assert plant.run(patience=still.patience()).source_files == 1
    assert plant.table().height > 0


def test_a_file_that_is_shorter_than_before_waits_for_one_look(tmp_path: Path) -> None:
    plant, rows = Plant(tmp_path, PLAIN), readings()
    later = Clock(written_at(tmp_path) + 3600).patience()
    plant.deliver(rows, "a.csv")
    plant.run(patience=later)
    plant.deliver(rows[:10], "a.csv")
    assert "shorter than at the last look" in plant.run(patience=later).unfinished[0]
    assert plant.run(patience=later).source_files == 1
    plant.deliver(rows[:5], "a.csv")
    assert plant.run().source_files == 1, "by hand nothing waits"


def test_a_last_line_without_an_end_waits_unless_files_are_said_to_end_like_this(tmp_path: Path) -> None:
    plant = Plant(tmp_path, PLAIN)
    plant.deliver(readings(), "a.csv")
    path = tmp_path / "inbox" / "a.csv"
    path.write_text(path.read_text().rstrip("\n"))
    later = Clock(written_at(path) + 3600).patience()
    assert "source.last_line: complete" in plant.run(patience=later).unfinished[0]
    assert peek(plant.mapping_path, store_of(plant.raw), later).unfinished == [str(path)]
    plant.map(mapping_of(generation={}, source={"files": "inbox/*.csv", "last_line": "complete"}))
    assert plant.run(patience=later).source_files == 1


def test_a_peek_tells_what_an_import_would_read_and_writes_nothing(tmp_path: Path) -> None:
    plant, rows = Plant(tmp_path, PLAIN), readings()
    path, store = tmp_path / "inbox" / "a.csv", store_of(plant.raw)
    plant.deliver(rows[:40], "a.csv")
    soon, later = Clock(written_at(path) + 1).patience(), Clock(written_at(path) + 3600).patience()
    assert peek(plant.mapping_path, store, soon).unfinished == [str(path)]
    assert [*peek(plant.mapping_path, store, later).due] == [str(path)]
    assert not store.exists()
    plant.run()
    assert not peek(plant.mapping_path, store, later).due
    plant.deliver(rows, "a.csv")
    assert [*peek(plant.mapping_path, store, later).due] == [str(path)]
    plant.run()
    bad = tmp_path / "inbox" / "bad.csv"
    bad.write_text("time,unit\n")
    assert [*peek(plant.mapping_path, store, later).due] == [str(bad)]
    plant.run()
    assert not peek(plant.mapping_path, store, later).due, "what was refused is due when it changes"
    plant.map(mapping_of(generation={}, weather={"wind_speed_ms": {"column": "wind", "unit": "km/h"}}))
    assert len(peek(plant.mapping_path, store, later).due) == 2, "or when the mapping does"


def test_a_file_that_may_not_be_read_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, real = Plant(tmp_path, PLAIN), Path.open
    plant.deliver(readings(), "a.csv")
    plant.deliver(readings(seed=2), "b.csv")

    def closed(self: Path, *args: str, **options: str) -> object:
        if self.name == "b.csv":
            raise PermissionError(13, os.strerror(13))
        return real(self, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", closed)
    summary = plant.run()
    assert summary.source_files == 1 and "b.csv: cannot be read: Permission denied" in summary.refused[0]


def test_all_mappings_of_a_folder_are_imported_and_one_at_fault_leaves_the_others_alone(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "mappings"
    first = Plant(folder, mapping_of("inbox/a*.csv"), "one")
    Plant(folder, mapping_of("inbox/b*.csv"), "two")
    first.deliver(readings(seed=1), "a.csv")
    first.deliver(readings(seed=2), "b.csv")
    (folder / "zzz.yaml").write_text("source: 3\n")
    done = import_all(folder, tmp_path / "data" / "raw", None, INTERVALS)
    assert [each.source_files for each in done] == [1, 1, 0]
    assert "zzz.yaml" in done[-1].refused[0]
    assert {each.mapping for each in read_books(tmp_path / "data" / "deliveries").deliveries} == {
        "one",
        "two",
    }
    with pytest.raises(MappingError, match="that holds no mapping file"):
        import_all(tmp_path / "data", tmp_path / "data" / "raw")


def test_a_raw_value_is_traced_to_the_deliveries_that_count(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    at = START + timedelta(minutes=30)
    steps = [START + timedelta(minutes=10 * step) for step in range(12)]
    plant.rotate([(step, unit, 5.0, 100.0) for step in steps for unit in INTERVALS], "first.csv")
    plant.rotate([(steps[5], "T1", 6.0, None), (steps[4], "T2", None, 101.0)], "second.csv")

    def origins(unit: str) -> dict[str, list[str]]:
        found = trace(plant.raw, unit, at, at + timedelta(minutes=INTERVALS[unit]))
        return {each.channel: [d.content.file for d in each.deliveries] for each in found}

    # Half an hour of T1 is of three readings, one of which came later.
    assert origins("T1") == {
        "wind_speed_ms": ["inbox/first.csv", "inbox/second.csv"],
        "active_power_kw": ["inbox/first.csv"],
    }
    assert origins("T2") == {"wind_speed_ms": ["inbox/first.csv"], "active_power_kw": ["inbox/second.csv"]}
    found = trace(plant.raw, "T2", at, at + timedelta(minutes=10))
    assert any("active_power_kw: from inbox/second.csv (delivery 2" in line for line in sentences(found))
    assert trace(tmp_path / "nothing" / "raw", "T2", at, at) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_a_last_line_without_an_end_is_set_aside_and_taken_once_it_has_one(
    tmp_path: Path, encoding: str
) -> None:
    source = {"files": "inbox/*.csv", "encoding": encoding}
    plant = Plant(tmp_path, mapping_of(generation={}, source=source))
    path = tmp_path / "inbox" / "a.csv"
    lines = ["time,unit,wind,total", *(f"{START:%Y-%m-%d} 2{hour}:00,T2,{hour}.25,1" for hour in range(4))]
    path.write_bytes("\n".join(lines)[:-4].encode(encoding))
    assert plant.run().notes == {"last line(s) without a line end, set aside: they may be half written": 1}
    assert plant.table()["wind_speed_ms"].to_list() == [0.25, 1.25, 2.25]
    path.write_bytes("\n".join([*lines, ""]).encode(encoding))
    assert plant.run().notes == {}
    assert plant.table()["wind_speed_ms"].to_list() == [0.25, 1.25, 2.25, 3.25]
    path.write_bytes("\n".join([*lines, f"{START:%Y-%m-%d} 23:50,T2,9.5,1"]).encode(encoding))
    plant.map(mapping_of(generation={}, source=source | {"last_line": "complete"}))
    assert plant.run().notes == {}
    assert plant.table()["wind_speed_ms"].to_list() == [0.25, 1.25, 2.25, 3.25, 9.5]


def test_a_peek_leaves_it_to_the_import_to_say_what_cannot_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, real = Plant(tmp_path, PLAIN), Path.open
    plant.deliver(readings(), "a.csv")
    path = tmp_path / "inbox" / "a.csv"
    later = Clock(written_at(path) + 3600).patience()

    def closed(self: Path, *args: str, **options: str) -> object:
        if self == path:
            raise PermissionError(13, os.strerror(13))
        return real(self, *args, **options)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", closed)
        assert [*peek(plant.mapping_path, store_of(plant.raw), later).due] == [str(path)]
    missing = tmp_path / "nothing.yaml"
    assert [*peek(missing, store_of(plant.raw), later).due] == [str(missing)]
