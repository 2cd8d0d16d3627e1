"""Which raw files are new or changed, by comparing the directory with a ledger of what was loaded."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from renewable.contract import RawTable
from renewable.raw_files import parse_raw_file_name, raw_file_paths
from renewable.windows import Window

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """Identity of a file's content. An unchanged stat spares the hash; only the hash says that content is equal."""

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    sha256: str

    def has_stat_of(self, path: Path) -> bool:
        stat = path.lstat()
        return (self.size_bytes, self.mtime_ns, self.ctime_ns) == (
            stat.st_size,
            stat.st_mtime_ns,
            stat.st_ctime_ns,
        )


Ledger = Mapping[str, Fingerprint]


@dataclass(frozen=True, order=True)
class DayFiles:
    """All files of one table and UTC day: the unit that is loaded. `changed` are the ones the ledger does not know."""

    table: RawTable
    day: date
    paths: tuple[Path, ...]
    changed: tuple[Path, ...]


@dataclass(frozen=True)
class Pending:
    """What the next load has to do, and what the directory holds in all."""

    days: tuple[DayFiles, ...]
    misnamed: tuple[Path, ...]
    files_seen: int

    @property
    def files(self) -> list[Path]:
        return [path for day in self.days for path in day.changed] + list(self.misnamed)

    @property
    def partition_days(self) -> list[date]:
        """The UTC days with something new, ascending."""
        return sorted({unit.day for unit in self.days})


def find_pending(raw_dir: Path, ledger: Ledger, window: Window | None = None) -> Pending:
    """Compare `raw_dir` with `ledger` (keyed by ledger_name); `window` limits the look to its days.

    A file whose name does not parse belongs to no day: it is listed whatever the window.
    """
    by_unit: dict[tuple[RawTable, date], list[Path]] = {}
    misnamed: list[Path] = []
    seen = 0
    for path in raw_file_paths(raw_dir):
        seen += 1
        name = parse_raw_file_name(path.name)
        if name is None:
            if is_new(path, raw_dir, ledger):
                misnamed.append(path)
        elif window is None or name.day in window:
            by_unit.setdefault((name.table, name.day), []).append(path)
    days = []
    for (table, day), paths in sorted(by_unit.items(), key=lambda item: (item[0][1], item[0][0])):
        changed = tuple(path for path in paths if is_new(path, raw_dir, ledger))
        if changed:
            days.append(DayFiles(table, day, tuple(paths), changed))
    return Pending(tuple(days), tuple(misnamed), seen)


def is_new(path: Path, raw_dir: Path, ledger: Ledger) -> bool:
    """Whether the ledger does not hold this file with this content. A file that vanishes meanwhile is not new."""
    known = ledger.get(ledger_name(path, raw_dir))
    try:
        if known is None:
            path.lstat()
            return True
        return not known.has_stat_of(path) and fingerprint(path).sha256 != known.sha256
    except FileNotFoundError:
        return False


def fingerprint(path: Path) -> Fingerprint:
    """Stat and SHA-256 of the content; of a symbolic link, those of the link itself, which is never followed."""
    stat = path.lstat()
    digest = hashlib.sha256()
    if path.is_symlink():
        digest.update(os.readlink(path).encode())
    else:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return Fingerprint(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, digest.hexdigest())


def ledger_name(path: Path, raw_dir: Path) -> str:
    """The file's path below `raw_dir`, the same on every machine."""
    return path.relative_to(raw_dir).as_posix()


def batch_hash(paths: Iterable[Path], raw_dir: Path) -> str:
    """Identity of a set of pending files with their present state, for run keys."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        stat = path.lstat()
        digest.update(f"{ledger_name(path, raw_dir)}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}\n".encode())
    return digest.hexdigest()[:16]

