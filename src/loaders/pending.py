"""Which raw files are new or changed, by comparing the directory with a ledger of what was loaded."""

import hashlib
import os
import stat
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from renewable.contract import RawTable
from renewable.raw_files import raw_file_name, raw_file_names
from renewable.windows import Window

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """Identity of a file's content. An unchanged stat spares the hash; only the hash says that content is equal."""

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    sha256: str

    def has_stat_of(self, path: str | Path) -> bool:
        """Whether the file looks as it did; raises FileNotFoundError when it is gone."""
        found = os.lstat(path)
        known = (self.size_bytes, self.mtime_ns, self.ctime_ns)
        return known == (found.st_size, found.st_mtime_ns, found.st_ctime_ns)


Ledger = Mapping[str, Fingerprint]
Unit = tuple[RawTable, date]


class _Every(Container[Unit]):
    def __contains__(self, unit: object) -> bool:
        return True


EVERY_UNIT = _Every()


@dataclass(frozen=True, order=True)
class DayFiles:
    """All files of one table and UTC day: the unit that is loaded.

    `changed` are the ones the ledger does not know, `removed` the names it knows that are there no more.
    """

    table: RawTable
    day: date
    paths: tuple[Path, ...]
    changed: tuple[Path, ...]
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pending:
    """What the next load has to do, and what the directory holds in all.

    `misnamed` files and the names of `forgotten` ones, which were misnamed and are there no more, belong to no day.
    """

    days: tuple[DayFiles, ...]
    misnamed: tuple[Path, ...]
    forgotten: tuple[str, ...]
    files_seen: int

    @property
    def files(self) -> list[Path]:
        return [path for day in self.days for path in day.changed] + list(self.misnamed)

    @property
    def removed(self) -> list[str]:
        return [name for day in self.days for name in day.removed] + list(self.forgotten)

    @property
    def partition_days(self) -> list[date]:
        """The UTC days with something new, ascending."""
        return sorted({unit.day for unit in self.days})


def find_pending(
    raw_dir: Path, ledger: Ledger, window: Window | None = None, *, again: Container[Unit] = ()
) -> Pending:
    """Compare `raw_dir` with `ledger` (keyed by ledger_name); `window` limits the look to its days.

    The table days in `again` count as changed with all their files. A file whose name does not parse belongs to
    no day: it is listed whatever the window.
    """
    by_unit: dict[Unit, list[str]] = {}
    removed: dict[Unit, list[str]] = {}
    misnamed, forgotten = list[str](), list[str]()
    gone = set(ledger)
    present = raw_file_names(raw_dir)
    for name in present:
        gone.discard(name)
        parsed = raw_file_name(name)
        if parsed is None:
            if is_new(raw_dir, name, ledger):
                misnamed.append(name)
        elif window is None or parsed.day in window:
            by_unit.setdefault((parsed.table, parsed.day), []).append(name)
    for name in sorted(gone):
        parsed = raw_file_name(name)
        if parsed is None:
            forgotten.append(name)
        elif window is None or parsed.day in window:
            removed.setdefault((parsed.table, parsed.day), []).append(name)
    days = []
    for unit in sorted(by_unit.keys() | removed.keys(), key=lambda unit: (unit[1], unit[0])):
        names, lost = by_unit.get(unit, []), removed.get(unit, [])
        changed = names if unit in again else [name for name in names if is_new(raw_dir, name, ledger)]
        if changed or lost:
            paths, new = (tuple(raw_dir / name for name in group) for group in (names, changed))
            days.append(DayFiles(*unit, paths, new, tuple(lost)))
    return Pending(tuple(days), tuple(raw_dir / name for name in misnamed), tuple(forgotten), len(present))


def is_new(raw_dir: Path, name: str, ledger: Ledger) -> bool:
    """Whether the ledger does not hold this file with this content. A file that vanishes meanwhile is not new."""
    known = ledger.get(name)
    path = f"{raw_dir}/{name}"
    try:
        if known is None:
            os.lstat(path)
            return True
        return not known.has_stat_of(path) and fingerprint(Path(path)).sha256 != known.sha256
    except FileNotFoundError:
        return False


def fingerprint(path: Path) -> Fingerprint:
    """Stat and SHA-256 of the content; of anything but a regular file, which is not read, a hash of what it is."""
    status = path.lstat()
    digest = hashlib.sha256()
    if path.is_symlink():
        digest.update(str(path.readlink()).encode())
    elif not stat.S_ISREG(status.st_mode):
        digest.update(stat.filemode(status.st_mode).encode())
    else:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_ctime_ns, digest.hexdigest())


def ledger_name(path: Path, raw_dir: Path) -> str:
    """The file's path below `raw_dir`, the same on every machine."""
    return path.relative_to(raw_dir).as_posix()
