"""Which days need a run and why: raw files that are new, changed or gone, and loaded days that no build reached.

The answer follows from what lies in the directories, not from what was asked before.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from loaders.load_log import pending_files, read_load_log
from loaders.pending import ledger_name
from renewable.contract import TABLES
from renewable.contract.version import contract_version
from renewable.fleet import load_fleet
from renewable.operations.raw_input import is_delivered
from renewable.published.publish import CURRENT, published_build
from renewable.raw_files import raw_file_name, raw_file_names
from renewable.settings import Settings
from renewable.transform.books import built_identity, read_copies, registry_version
from renewable.transform.build import present_versions
from renewable.transform.staleness import Versions, days_to_build, find_stale, needs_upgrade
from renewable.windows import Window

_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Work:
    """Days that need a run. `states` identify what each of them holds now, `files` name what is behind it.

    `growing` files are still being written; their days are left for later. `misnamed` files belong to no day: the
    next load sets them aside. With `upgrade_needed` the tables were built by other models: no run builds them, and only
    files are work.
    """

    states: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    growing: tuple[str, ...] = ()
    misnamed: tuple[str, ...] = ()
    files_seen: int = 0
    upgrade_needed: bool = False

    @property
    def growing_days(self) -> set[date]:
        """The UTC days of the growing files."""
        return {parsed.day for name in self.growing if (parsed := raw_file_name(name))}

    def fingerprint(self, days: Iterable[date]) -> str:
        """Identity of these days in their present state: another one as soon as a file of theirs changes."""
        states = "\n".join(state for day in days for state in (str(day), *self.states.get(day, ())))
        return hashlib.sha256(states.encode()).hexdigest()[:16]


def find_work(settings: Settings, now_s: float) -> Work:
    """Compare the raw directory with the load log, and the load log with what was built; opens no warehouse.

    `now_s` is the time since the epoch, by which a file without its end is judged to be growing.
    """
    pending, log = pending_files(settings), read_load_log(settings)
    files: dict[date, set[str]] = {}
    present: dict[date, set[str]] = {}
    growing: dict[date, list[str]] = {}
    for unit in pending.days:
        present.setdefault(unit.day, set()).update(ledger_name(path, settings.raw_dir) for path in unit.paths)
        files.setdefault(unit.day, set()).update(unit.removed)
        for path in unit.changed:
            name = ledger_name(path, settings.raw_dir)
            if (stat := _stat(path)) is None:
                continue
            if is_growing(path, stat, now_s, settings.settle_s):
                growing.setdefault(unit.day, []).append(name)
            files[unit.day].add(name)
    now = present_versions(load_fleet(settings.fleet_dir), settings)
    stale = _stale(settings, log, now)
    for day, name in (
        log.filter(pl.col("day").is_in([*(stale or ()), *files])).select("day", "file").iter_rows()
    ):
        present.setdefault(day, set()).add(name)
        if stale and day in stale:
            files.setdefault(day, set()).add(name)
    days = [day for day in sorted({*files, *(stale or ())}) if day not in growing]
    rules = _rules(now)
    return Work(
        {day: (*_states(settings.raw_dir, present.get(day, set())), *rules) for day in days},
        {day: tuple(sorted(files.get(day, set()))) for day in days},
        tuple(sorted(name for names in growing.values() for name in names)),
        tuple(ledger_name(path, settings.raw_dir) for path in pending.misnamed),
        pending.files_seen,
        stale is None,
    )


def _stale(settings: Settings, log: pl.DataFrame, now: Versions) -> set[date] | None:
    """Days whose tables have to be built; None when an upgrade has to come first."""
    books = read_copies(settings)
    found = find_stale(built_identity(log), books, now)
    return None if needs_upgrade(found) else set(days_to_build(found, books, now))


def _rules(now: Versions) -> tuple[str, ...]:
    """What files are judged and built by: with other rules a day that was given up is another one."""
    return (
        f"registry|{registry_version(now.registry)}",
        f"reported|{hashlib.sha256(repr(now.reported).encode()).hexdigest()[:16]}",
        f"contract|{contract_version()}",
        f"tests|{now.tests}",
    )


def nothing_new(settings: Settings, window: Window, now_s: float) -> bool:
    """Whether a run over `window` would change nothing: all is delivered, loaded, built, published and reported."""
    if not is_delivered(settings, window, now_s):
        return False
    work = find_work(settings, now_s)
    if not work.files_seen or work.states or work.growing or work.misnamed or work.upgrade_needed:
        return False
    build, published = read_copies(settings).last_finished, settings.published_dir / CURRENT
    if build is None or build.build_id != published_build(settings) or not settings.report_page.exists():
        return False
    return settings.report_page.stat().st_mtime >= published.lstat().st_mtime


def first_day_of_data(settings: Settings) -> date | None:
    """The earliest UTC day of a raw file that is there or was loaded; None before there is any."""
    named = (raw_file_name(name) for name in raw_file_names(settings.raw_dir))
    loaded = read_load_log(settings)["day"].drop_nulls()
    return min([*(parsed.day for parsed in named if parsed), *loaded], default=None)


def days_without_files(settings: Settings, window: Window) -> set[date]:
    """The UTC days of `window` for which a table has no file, from the first day on that has one."""
    named = [parsed for name in raw_file_names(settings.raw_dir) if (parsed := raw_file_name(name))]
    there = {(parsed.table, parsed.day) for parsed in named}
    begun = min((parsed.day for parsed in named), default=window.end)
    return {day for day in window.days if day >= begun and any((table, day) not in there for table in TABLES)}


def is_growing(path: Path, stat: os.stat_result, now_s: float, settle_s: float) -> bool:
    """Whether the file changed within the last `settle_s` seconds and does not end as a Parquet file does.

    A writer of Parquet puts the end last, so a file that has it needs no wait. The time of the last change of the
    file itself counts: copying tools set the other one.
    """
    if not 0 <= now_s - stat.st_ctime < settle_s:
        return False
    try:
        with path.open("rb") as file:
            starts = file.read(len(_MAGIC))
            file.seek(-min(stat.st_size, len(_MAGIC)), os.SEEK_END)
            return not (starts == _MAGIC == file.read())
    except OSError:
        return False


def _states(raw_dir: Path, names: Iterable[str]) -> tuple[str, ...]:
    """All files of a day as they lie there now: the same before they are loaded and after, and whatever was built."""
    found = ((name, _stat(raw_dir / name)) for name in sorted(names))
    return tuple(f"{name}|{s.st_size}|{s.st_mtime_ns}|{s.st_ctime_ns}" for name, s in found if s is not None)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None
