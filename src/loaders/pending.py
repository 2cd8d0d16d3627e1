"""Which raw files are new, changed or gone, by comparing the directory with a ledger of what was loaded."""

import hashlib
import os
import stat
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Literal

from renewable.contract import TABLES, RawTable
from renewable.errors import PipelineError
from renewable.raw_files import RawListing, list_raw_files, printable_name, raw_file_name
from renewable.windows import Window

_CHUNK_BYTES = 1 << 20
# Stands in a fingerprint for the hash of a file that could not be read.
UNREADABLE = "unreadable"
# Fewer files than these may go by hand, whatever their share.
_MANY_FILES = 10


@dataclass(frozen=True)
class Fingerprint:
    """Identity of a file's content. An unchanged stat spares the hash; only the hash says that content is equal.

    `sha256` is UNREADABLE where nobody could read the content: such a file is tried again at each look.
    """

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

    `changed` are the ones to be judged: unknown to the ledger, or with a verdict that does not hold any more; then
    `because` tells for what. `removed` are the names that the ledger knows and that are there no more.
    """

    table: RawTable
    day: date
    paths: tuple[Path, ...]
    changed: tuple[Path, ...]
    removed: tuple[str, ...] = ()
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class HeldBack:
    """Files that were loaded and are not found, and whose rows stay in the warehouse all the same.

    `waiting` are new or changed files of the same table days, which are loaded whole or not at all. Without files it
    is a folder that cannot be looked into, of which nothing was loaded.
    """

    folder: Path
    reason: str
    files: tuple[str, ...]
    waiting: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """One line for people, with the next step."""
        if not self.files:
            return f"{self.folder} {self.reason}: nothing of it is loaded. Give the pipeline the right to read it"
        waiting = f" {len(self.waiting)} further files of these days wait." if self.waiting else ""
        return (
            f"{self.folder} {self.reason}: the rows of {len(self.files)} files that were loaded from it stay in the"
            f" warehouse.{waiting} Bring the files back (is the disk mounted?), or take them out with"
            " `renewable ingest --allow-removal`"
        )


@dataclass(frozen=True)
class RemovalGuard:
    """When so much is gone that it is taken for an accident: a table's folder, or more than this share of its files
    and at least ten."""

    max_removed_ratio: float


@dataclass(frozen=True)
class Pending:
    """What the next load has to do, and what the directory holds in all.

    `misnamed` files and the names of `forgotten` ones, which were misnamed and are there no more, belong to no day.
    `held_back` is no work: it waits for a person.
    """

    days: tuple[DayFiles, ...]
    misnamed: tuple[Path, ...]
    forgotten: tuple[str, ...]
    files_seen: int
    held_back: tuple[HeldBack, ...] = ()

    @property
    def files(self) -> list[Path]:
        return [path for day in self.days for path in day.changed] + list(self.misnamed)

    @property
    def removed(self) -> list[str]:
        return [name for day in self.days for name in day.removed] + list(self.forgotten)


def find_pending(
    raw_dir: Path,
    ledger: Ledger,
    window: Window | None = None,
    *,
    again: Container[Unit] = (),
    due: Mapping[str, str] | None = None,
    guard: RemovalGuard | None = None,
) -> Pending:
    """Compare `raw_dir` with `ledger` (keyed by ledger_name); `window` limits the look to its days.

    The table days in `again` count as changed with all their files, the files in `due` for the reason that is given
    with them and whatever the window: days of two registries do not fit together. A file whose name does not parse
    belongs to no day: it is listed whatever the window. With a `guard` files that seem to be gone by accident are held
    back.
    """
    due = due or {}
    listing = list_raw_files(raw_dir)
    by_unit: dict[Unit, list[str]] = {}
    misnamed, looks = list[str](), dict[str, Look]()
    gone = set(ledger)
    for name in listing.names:
        parsed = raw_file_name(name)
        # Names that parse are plain.
        known_as = name if parsed else printable_name(name)
        gone.discard(known_as)
        if parsed is None:
            if known_as in due or _look(raw_dir, name, ledger.get(known_as)) != "same":
                misnamed.append(name)
        elif window is None or parsed.day in window or name in due:
            looks[name] = _look(raw_dir, name, ledger.get(name))
            by_unit.setdefault((parsed.table, parsed.day), []).append(name)
    lost = gone | {name for name, look in looks.items() if look == "unreadable"}
    kept, reasons = _held_back(raw_dir, listing, ledger, lost, guard)
    removed, forgotten = dict[Unit, list[str]](), list[str]()
    for name in sorted(gone):
        parsed = raw_file_name(name)
        if parsed is None:
            forgotten += () if name in kept else (name,)
        elif window is None or parsed.day in window:
            removed.setdefault((parsed.table, parsed.day), []).append(name)
    days, held = list[DayFiles](), dict[RawTable, tuple[list[str], list[str]]]()
    for unit in sorted(by_unit.keys() | removed.keys(), key=lambda unit: (unit[1], unit[0])):
        names, missing = by_unit.get(unit, []), removed.get(unit, [])
        changed = [name for name in names if unit in again or name in due or looks[name] != "same"]
        staying = [name for name in (*missing, *names) if name in kept]
        if staying:
            files, waiting = held.setdefault(unit[0], ([], []))
            files += staying
            waiting += [name for name in changed if name not in kept and looks[name] != "same"]
        elif changed or missing:
            paths, new = (tuple(raw_dir / name for name in group) for group in (names, changed))
            because = tuple(sorted({due[name] for name in changed if name in due}))
            days.append(DayFiles(*unit, paths, new, tuple(missing), because))
    return Pending(
        tuple(days),
        tuple(raw_dir / name for name in misnamed),
        tuple(forgotten),
        len(listing.names),
        (
            *(
                HeldBack(*reasons[table], tuple(sorted(files)), tuple(w))
                for table, (files, w) in held.items()
            ),
            *_unseen(raw_dir, listing, reasons.values()),
        ),
    )


def refuse_to_empty(raw_dir: Path, pending: Pending, known: int) -> None:
    """Raise PipelineError where `known` files were loaded from a directory that shows none now."""
    if known and not pending.files_seen:
        raise PipelineError(
            f"{raw_dir} shows no file, but {known} were loaded from it: loading would empty the warehouse."
            " Bring the files back (is the disk mounted, may it be read?), or take everything out with"
            " `renewable ingest --allow-removal`"
        )


def _unseen(raw_dir: Path, listing: RawListing, told: Iterable[tuple[Path, str]]) -> Iterator[HeldBack]:
    """The directories that cannot be listed, but for those of which it is told already."""
    known = {folder for folder, _ in told}
    for folder, why in listing.unlisted.items():
        if raw_dir / folder not in known:
            yield HeldBack(raw_dir / folder, f"cannot be listed ({why})", ())


Look = Literal["same", "new", "unreadable"]


def _look(raw_dir: Path, name: str, known: Fingerprint | None) -> Look:
    """What is there now, compared with what is known of it. A file that vanishes meanwhile is not new.

    "unreadable" is said of a file that was known and cannot be compared any more.
    """
    path = f"{raw_dir}/{name}"
    try:
        if known is None:
            os.lstat(path)
            return "new"
        if known.sha256 == UNREADABLE:
            fingerprint(Path(path))
            return "new"
        return "same" if known.has_stat_of(path) or _hash_is(path, known) else "new"
    except (FileNotFoundError, NotADirectoryError):
        return "same"
    except OSError:
        if known is None:
            return "new"
        return "same" if known.sha256 == UNREADABLE else "unreadable"


def _hash_is(path: str, known: Fingerprint) -> bool:
    return fingerprint(Path(path)).sha256 == known.sha256


def _held_back(
    raw_dir: Path, listing: RawListing, ledger: Ledger, lost: set[str], guard: RemovalGuard | None
) -> tuple[set[str], dict[RawTable, tuple[Path, str]]]:
    """(names that are lost and stay loaded, folder and reason by table)."""
    kept, reasons = set[str](), dict[RawTable, tuple[Path, str]]()
    if guard is None or not lost:
        return kept, reasons
    lost = lost - _moved(raw_dir, listing, ledger, lost)
    faults = _folder_faults(raw_dir, listing)
    kept |= {name for name in lost if raw_file_name(name) is None and _lies_in(name, faults)}
    for table in TABLES:
        known = [name for name in ledger if _table(name) == table]
        missing = [name for name in known if name in lost]
        fault = next((faults[folder] for folder in ("", table) if folder in faults), None)
        if fault and any(_lies_in(name, faults) for name in missing):
            reasons[table] = (raw_dir if "" in faults else raw_dir / table, fault)
        elif len(missing) >= _MANY_FILES and len(missing) > guard.max_removed_ratio * len(known):
            reasons[table] = (
                raw_dir / table,
                f"lacks {len(missing)} of {len(known)} known files,"
                f" more than RENEWABLE_MAX_REMOVED_RATIO={guard.max_removed_ratio:g} allows",
            )
        if table in reasons:
            kept |= set(missing)
    return kept, reasons


def _folder_faults(raw_dir: Path, listing: RawListing) -> dict[str, str]:
    """What is wrong with the directories that files were loaded from, by path below `raw_dir`."""
    faults = {folder: f"cannot be listed ({why})" for folder, why in listing.unlisted.items()}
    if not listing.names:
        faults.setdefault("", "holds no file")
    for folder in TABLES:
        path = raw_dir / folder
        if path.is_symlink():
            faults[folder] = "is a symbolic link, and links are not followed"
        elif folder not in faults and not os.path.lexists(path):
            faults[folder] = "is missing"
        elif folder not in faults and not path.is_dir():
            faults[folder] = "is not a directory"
    return faults


def _lies_in(name: str, folders: Container[str]) -> bool:
    parts = name.split("/")[:-1]
    return any("/".join(parts[:depth]) in folders for depth in range(len(parts) + 1))


def _moved(raw_dir: Path, listing: RawListing, ledger: Ledger, lost: Iterable[str]) -> set[str]:
    """The lost names whose content lies under a new name of the same table now: nothing is missing there."""
    sought = {name: (_table(name), ledger[name].size_bytes, ledger[name].sha256) for name in lost}
    sizes = {(table, size) for table, size, _ in sought.values() if table}
    found = set[tuple[RawTable | None, int, str]]()
    for name in listing.names:
        path = raw_dir / name
        try:
            if name not in ledger and (_table(name), path.lstat().st_size) in sizes:
                seen = fingerprint(path)
                found.add((_table(name), seen.size_bytes, seen.sha256))
        except OSError:
            # It cannot be told what it is, so it stands for no other file.
            continue
    return {name for name, content in sought.items() if content in found}


def _table(name: str) -> RawTable | None:
    parsed = raw_file_name(name)
    return parsed.table if parsed else None


def fingerprint(path: Path) -> Fingerprint:
    """Stat and SHA-256 of the content; of anything but a regular file, which is not read, a hash of what it is.

    Raises OSError when the file cannot be read.
    """
    status = path.lstat()
    digest = hashlib.sha256()
    if stat.S_ISLNK(status.st_mode):
        digest.update(os.fsencode(path.readlink()))
    elif not stat.S_ISREG(status.st_mode):
        digest.update(stat.filemode(status.st_mode).encode())
    else:
        with opened(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_ctime_ns, digest.hexdigest())


def unreadable_fingerprint(path: Path) -> Fingerprint:
    """What can be said of a file whose content cannot be read; nothing at all where even its stat is denied."""
    try:
        status = path.lstat()
    except OSError:
        return Fingerprint(0, 0, 0, UNREADABLE)
    return Fingerprint(status.st_size, status.st_mtime_ns, status.st_ctime_ns, UNREADABLE)


def opened(path: Path) -> BinaryIO:
    """A raw file, open for reading: the one door to what is inside, where a refusal of the system comes from."""
    return path.open("rb")


def ledger_name(path: Path, raw_dir: Path) -> str:
    """The file's path below `raw_dir`, the same on every machine, and one that can be stored and printed."""
    return printable_name(path.relative_to(raw_dir).as_posix())
