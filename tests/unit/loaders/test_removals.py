"""Laws of missing files: an accident takes nothing out of the warehouse, and what is meant is done."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import pending
from loaders.pending import (
    UNREADABLE,
    Fingerprint,
    Pending,
    RemovalGuard,
    find_pending,
    fingerprint,
    ledger_name,
    unreadable_fingerprint,
)
from renewable.raw_files import list_raw_files, name_fault, printable_name, raw_file_name
from renewable.windows import Window

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)
GUARD = RemovalGuard(0.5)


def _file(table: str, number: int, part: str = "") -> str:
    return f"{table}/{table}_{FIRST + timedelta(days=number)}{part}.parquet"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Twelve days of weather and of generation."""
    for table in ("weather", "generation"):
        (tmp_path / table).mkdir()
        for number in range(12):
            (tmp_path / _file(table, number)).write_text(f"{table} {number}")
    return tmp_path


def _ledger(raw: Path) -> dict[str, Fingerprint]:
    return {ledger_name(raw / name, raw): fingerprint(raw / name) for name in list_raw_files(raw).names}


def _held(found: Pending) -> set[str]:
    return {name for held in found.held_back for name in held.files}


def _link(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))


def _replace_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("no directory")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("accident", "said"),
    [
        (shutil.rmtree, "is missing"),
        (lambda folder: folder.rename(folder.with_name("old")), "is missing"),
        (_link, "symbolic link"),
        (_replace_by_a_file, "not a directory"),
        (_empty, "RENEWABLE_MAX_REMOVED_RATIO=0.5"),
    ],
)
@pytest.mark.parametrize("table", ["weather", "generation"])
def test_a_tables_folder_that_is_gone_takes_nothing_out_and_the_rest_goes_on(
    raw: Path, table: str, accident: Callable[[Path], object], said: str
) -> None:
    ledger, other = _ledger(raw), "generation" if table == "weather" else "weather"
    accident(raw / table)
    (raw / _file(other, 3)).write_text("corrected")
    (raw / _file(other, 4)).unlink()
    found = find_pending(raw, ledger, guard=GUARD)
    assert found.removed == [_file(other, 4)]
    assert [(unit.table, unit.day) for unit in found.days] == [
        (other, FIRST + timedelta(days=3)),
        (other, FIRST + timedelta(days=4)),
    ]
    (held,) = found.held_back
    assert held.folder == raw / table and said in held.sentence and "--allow-removal" in held.sentence
    assert _held(found) == {_file(table, number) for number in range(12)}
    assert len(find_pending(raw, ledger).removed) == 13, "without a guard everything goes"


def test_one_file_of_a_missing_folder_is_enough(raw: Path) -> None:
    ledger = {name: seen for name, seen in _ledger(raw).items() if name in (_file("weather", 0),)}
    shutil.rmtree(raw / "weather")
    assert _held(find_pending(raw, ledger, guard=GUARD)) == {_file("weather", 0)}


def test_a_folder_that_the_system_does_not_show_takes_nothing_out(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = _ledger(raw)
    listed = os.scandir

    def refused(path: Any) -> Any:
        if str(path).rstrip("/").endswith("weather"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    found = find_pending(raw, ledger, guard=GUARD)
    assert found.days == () and len(_held(found)) == 12
    assert "cannot be listed (Permission denied)" in found.held_back[0].sentence
    (unseen,) = find_pending(raw, {}, guard=GUARD).held_back
    assert unseen.files == () and f"{raw / 'weather'} cannot be listed" in unseen.sentence


def test_a_listing_that_breaks_off_takes_nothing_out(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = _ledger(raw)
    listed = os.scandir

    class Broken:
        def __init__(self, path: Any) -> None:
            self._entries, self._fails = listed(path), str(path).rstrip("/").endswith("weather")

        def __enter__(self) -> Iterator[Any]:
            return self._some()

        def __exit__(self, *_: object) -> None:
            self._entries.close()

        def _some(self) -> Iterator[Any]:
            for number, entry in enumerate(self._entries):
                if self._fails and number == 11:
                    raise OSError(5, "Input/output error")
                yield entry

    monkeypatch.setattr(os, "scandir", Broken)
    found = find_pending(raw, ledger, guard=GUARD)
    assert found.removed == [] and len(_held(found)) == 1


@pytest.mark.parametrize(("gone", "held"), [(9, 0), (12, 12)])
def test_more_than_the_share_and_at_least_ten_are_taken_for_an_accident(
    raw: Path, gone: int, held: int
) -> None:
    ledger = _ledger(raw)
    for number in range(gone):
        (raw / _file("weather", number)).unlink()
    found = find_pending(raw, ledger, guard=GUARD)
    assert len(_held(found)) == held and len(found.removed) == gone - held
    assert len(find_pending(raw, ledger, guard=RemovalGuard(1.0)).removed) == gone, "the share is a setting"


def test_the_share_counts_over_all_known_files_whatever_the_window(raw: Path) -> None:
    ledger = _ledger(raw)
    for number in range(11):
        (raw / _file("weather", number)).unlink()
    one_day = Window.of_day(FIRST + timedelta(days=2))
    found = find_pending(raw, ledger, one_day, guard=GUARD)
    assert found.removed == [] and _held(found) == {_file("weather", 2)}
    one_left = Window.of_day(FIRST + timedelta(days=11))
    assert find_pending(raw, ledger, one_left, guard=GUARD).held_back == (), "nothing of this day is missing"


def test_new_and_changed_files_of_other_days_load_beside_what_is_held_back(raw: Path) -> None:
    ledger = _ledger(raw)
    for number in range(11):
        (raw / _file("weather", number)).unlink()
    (raw / _file("weather", 11)).write_text("corrected")
    (raw / _file("weather", 20)).write_text("new")
    (raw / _file("weather", 5, "__late")).write_text("a part of a day whose other part is missing")
    found = find_pending(raw, ledger, guard=GUARD)
    assert [path.name for path in found.files] == [Path(_file("weather", n)).name for n in (11, 20)]
    assert found.removed == [] and found.held_back[0].waiting == (_file("weather", 5, "__late"),)


def test_files_that_only_got_other_names_are_not_missing(raw: Path) -> None:
    ledger = _ledger(raw)
    for number in range(12):
        (raw / _file("weather", number)).rename(raw / _file("weather", number, "__site-a"))
    found = find_pending(raw, ledger, guard=GUARD)
    assert found.held_back == () and len(found.removed) == 12 and len(found.days) == 12
    shutil.move(raw / "weather", raw / "aside")
    for path in (raw / "aside").iterdir():
        path.rename(raw / path.name)
    assert find_pending(raw, ledger, guard=GUARD).held_back == (), "moved out of their folder"


def test_an_empty_directory_leaves_everything_as_it_is(raw: Path) -> None:
    ledger = _ledger(raw)
    for table in ("weather", "generation"):
        for number in range(12):
            (raw / _file(table, number)).unlink()
    found = find_pending(raw, ledger, guard=GUARD)
    assert found.files_seen == 0 and found.days == () and len(_held(found)) == 24
    few = {name: seen for name, seen in ledger.items() if name.endswith("01-01.parquet")}
    assert len(_held(find_pending(raw, few, guard=GUARD))) == 2, "however few they were"
    shutil.rmtree(raw)
    assert len(_held(find_pending(raw, ledger, guard=GUARD))) == 24


def test_files_that_cannot_be_read_any_more_count_as_missing(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = _ledger(raw)
    for number in range(11):
        (raw / _file("weather", number)).touch()
    _deny(monkeypatch, "weather_")
    found = find_pending(raw, ledger, guard=GUARD)
    assert found.days == () and len(_held(found)) == 11


def test_an_unreadable_file_is_work_once_it_can_be_read(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = raw / _file("weather", 0)
    ledger = _ledger(raw) | {_file("weather", 0): unreadable_fingerprint(path)}
    assert ledger[_file("weather", 0)].sha256 == UNREADABLE
    with monkeypatch.context() as denied:
        _deny(denied, path.name)
        assert find_pending(raw, ledger, guard=GUARD).days == (), "it was told, and nothing changed"
    assert find_pending(raw, ledger, guard=GUARD).files == [path]


@given(name=st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_a_stored_name_can_be_stored_anywhere_and_is_no_other_files(name: bytes) -> None:
    text = os.fsdecode(name)
    stored = printable_name(text)
    stored.encode("utf-8")
    assert stored.isprintable()
    back = stored.encode("ascii", "backslashreplace") if stored != text else None
    if back is not None:
        # Python reads the same escapes; what it cannot tell apart would be one name for two files.
        undone = stored.encode("utf-16", "surrogatepass").decode("utf-16").replace("\\x", "\\udc")
        assert undone.encode("raw_unicode_escape").decode("unicode_escape", "surrogatepass") == text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1969-12-31", "2200-01-01"])
def test_a_day_beyond_all_plants_is_a_fault_of_the_name(day: str) -> None:
    name = f"weather/weather_{day}.parquet"
    assert raw_file_name(name) is None and day in str(name_fault(name))


@pytest.mark.parametrize("day", ["1970-01-01", "2199-12-31", "2099-01-01"])
def test_a_day_far_away_is_a_day(day: str) -> None:
    name = f"weather/weather_{day}.parquet"
    assert name_fault(name) is None
    parsed = raw_file_name(name)
    assert parsed is not None and Window.of_day(parsed.day).end_utc


def _deny(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """What a system does that denies reading; whoever runs the tests may be allowed everything."""
    opened = pending.opened

    def denied(path: Path) -> Any:
        if part in path.name:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(pending, "opened", denied)
