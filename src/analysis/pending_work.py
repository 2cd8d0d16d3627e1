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
from renewable.fleet import load_fleet
from renewable.settings import Settings
from transform.books import built_identity, read_copies, registry_version
from transform.build import present_versions
from transform.staleness import days_to_build, find_stale, needs_upgrade

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

    def fingerprint(self, days: Iterable[date]) -> str:
        """Identity of these days in their present state: another one as soon as a file of theirs changes."""
        states = "\n".join(state for day in days for state in (str(day), *self.states.get(day, ())))
        return hashlib.sha256(states.encode()).hexdigest()[:16]


def find_work(settings: Settings, now_s: float) -> Work:
    """Compare the raw directory with the load log, and the load log with what was built; opens no warehouse.

    `now_s` is the time since the epoch, by which a file without its end is judged to be growing.
    """
    pending, log = pending_files(settings), read_load_log(settings)
    states: dict[date, list[str]] = {}
    files: dict[date, list[str]] = {}
    growing: dict[date, list[str]] = {}
    for unit in pending.days:
        for path in unit.changed:
            name = ledger_name(path, settings.raw_dir)
            if (stat := _stat(path)) is None:
                continue
            if is_growing(path, stat, now_s, settings.settle_s):
                growing.setdefault(unit.day, []).append(name)
            seen = f"{name}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}"
            states.setdefault(unit.day, []).append(seen)
            files.setdefault(unit.day, []).append(name)
        states.setdefault(unit.day, []).extend([*(f"{name}|removed" for name in unit.removed), *unit.because])
        files.setdefault(unit.day, []).extend(unit.removed)
    stale, upgrade_needed = _stale(settings, log)
    of_stale = log.filter(pl.col("day").is_in(list(stale))).select("day", "file", "sha256")
    for day, reasons in stale.items():
        states.setdefault(day, []).extend(reasons)
        files.setdefault(day, [])
    for day, name, sha256 in of_stale.iter_rows():
        states[day].append(f"{name}|{sha256}")
        files[day].append(name)
    return Work(
        {day: tuple(sorted(state)) for day, state in states.items() if day not in growing},
        {day: tuple(sorted(set(names))) for day, names in files.items() if day not in growing},
        tuple(sorted(name for names in growing.values() for name in names)),
        tuple(ledger_name(path, settings.raw_dir) for path in pending.misnamed),
        pending.files_seen,
        upgrade_needed,
    )


def _stale(settings: Settings, log: pl.DataFrame) -> tuple[dict[date, list[str]], bool]:
    """Days whose tables have to be built, with what identifies the reason; whether an upgrade has to come first."""
    books, now = read_copies(settings), present_versions(load_fleet(settings.fleet_dir))
    found = find_stale(built_identity(log), books, now)
    if needs_upgrade(found):
        return {}, True
    registry = registry_version(now.registry)
    windows = {(each.window, each.why) for each in found}
    reasons: dict[date, set[str]] = {day: {f"tests|{now.tests}"} for day in days_to_build(found, books, now)}
    for window, why in windows:
        for day in window.days:
            if day in reasons:
                reasons[day].add(f"registry|{registry}" if why == "registry" else why)
    return {day: sorted(each) for day, each in reasons.items()}, False


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


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None
