"""A look at the files that a mapping names: which are new, which were imported before, which are not to be taken."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from renewable.errors import MappingError
from renewable.importers.ledger import FORGOTTEN, Content, Delivery, Ledger, looked_at
from renewable.importers.mapping import Mapping, load_mapping, mapping_files
from renewable.importers.source import lacks_end, source_paths


@dataclass(frozen=True)
class Patience:
    """How a run without a person waits for files that are still being written.

    A file that changed within the last `settle_s` seconds is looked at again when they have passed.
    """

    settle_s: float
    now_s: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Looked:
    """What a look at the files found.

    `parts` are the files to be converted with the parts of the mapping that read them, `redone` those of them that take
    the place of a delivery, `gone` deliveries of another version of the mapping whose file is not there any more.
    `refused` and `waiting` say of each file why it is not taken; `forgotten` are those that somebody took out.
    """

    parts: MappingType[Path, Sequence[int]]
    contents: MappingType[Path, Content]
    redone: MappingType[int, Path]
    gone: Sequence[Delivery]
    known: int
    refused: Sequence[str]
    waiting: Sequence[str]
    forgotten: Sequence[str] = ()


def look(
    ledger: Ledger,
    name: str,
    version: str,
    mapping: Mapping,
    mapping_path: Path,
    *,
    again: bool = False,
    patience: Patience | None = None,
) -> Looked:
    """Compare the files that a mapping names with the ledger, and remember how they lie there.

    Raises MappingError where there is no file, and none was ever imported.
    """
    readers = _readers(mapping, mapping_path, ledger.has_files(name))
    parts, contents, redone = dict[Path, list[int]](), dict[Path, Content](), dict[int, Path]()
    refused, waiting, seen, met, known = list[str](), list[str](), list[Content](), set[int](), 0
    forgotten = list[str]()
    for path, numbers in readers.items():
        label = label_of(path, mapping_path)
        before = ledger.look_of(name, label)
        try:
            if before is not None and before.sha256 and _is_as_then(path, before):
                content = before
            elif patience and (why := _unfinished(path, before, mapping, numbers, patience)):
                waiting.append(why)
                seen.append(_stat_of(path, label))
                continue
            else:
                content = _content_of(path, label)
        except OSError as error:
            refused.append(
                f"{path}: cannot be read: {error.strerror or error}. Mend its rights, or move it away"
            )
            continue
        seen.append(content)
        delivery = ledger.of_content(name, content.sha256)
        if delivery is not None:
            number, converted_by = delivery
            is_done = number in met or (converted_by == version and not again)
            met.add(number)
            if is_done:
                known += 1
                continue
            redone[number] = path
        elif ledger.is_folded(name, content.sha256):
            known += 1
            continue
        elif (reason := None if again else ledger.refusal(name, version, content)) is not None:
            if reason == FORGOTTEN:
                forgotten.append(str(path))
            else:
                refused.append(reason if reason.startswith(str(path)) else f"{path}: {reason}")
            continue
        parts[path], contents[path] = numbers, content
    with ledger.changing():
        ledger.looked(name, seen)
    gone = [each for each in ledger.of_other_versions(name, version) if each.number not in met]
    return Looked(parts, contents, redone, gone, known, refused, waiting, forgotten)


@dataclass(frozen=True)
class Peek:
    """Files that the next import would read, each with its size and time of change, and those that it would leave."""

    due: MappingType[str, str]
    unfinished: Sequence[str]


def peek(mapping: Path, store: Path, patience: Patience) -> Peek:
    """What an import by a mapping, or by a folder of them, would find; nothing is written, waited for or converted.

    A file is told by size and times of change, so one that was merely touched is due. So are a mapping at fault and
    a file that cannot be looked at: the import says what is wrong.
    """
    due, unfinished = dict[str, str](), list[str]()
    with looked_at(store) as ledger:
        for path in mapping_files(mapping):
            try:
                found = _to_import(ledger, path, patience)
            except MappingError:
                found = {path: "due"}
            due |= {str(file): _state(file) for file, state in found.items() if state == "due"}
            unfinished += [str(file) for file, state in found.items() if state == "unfinished"]
    return Peek(due, unfinished)


def fingerprint(mapping: Mapping) -> str:
    """Of what a mapping says about rows; which files it names is no matter of theirs."""
    # Settings that are not stated are left out: those that a later version of this program has change nothing.
    stated = mapping.model_dump(mode="json", exclude_defaults=True)
    content = json.dumps(_without_files(stated), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def label_of(path: Path, mapping_path: Path) -> str:
    """What the ledger calls a file: its path as seen from the mapping."""
    try:
        return str(path.absolute().relative_to(mapping_path.absolute().parent))
    except ValueError:
        return str(path.absolute())


def _to_import(
    ledger: Ledger | None, path: Path, patience: Patience
) -> dict[Path, Literal["due", "unfinished"]]:
    mapping, name = load_mapping(path), path.stem
    version, has_files = fingerprint(mapping), ledger is not None and ledger.has_files(name)
    found = dict[Path, Literal["due", "unfinished"]]()
    for file, numbers in _readers(mapping, path, has_files).items():
        before = None if ledger is None else ledger.look_of(name, label_of(file, path))
        try:
            is_seen = before is not None and bool(before.sha256) and _is_as_then(file, before)
            is_unfinished = not is_seen and (
                _left_s(file, patience) > 0 or _lacks_end(file, mapping, numbers)
            )
        except OSError:
            is_seen = is_unfinished = False
        if ledger is None or before is None or not is_seen:
            found[file] = "unfinished" if is_unfinished else "due"
            continue
        delivery = ledger.of_content(name, before.sha256)
        is_known = ledger.is_folded(name, before.sha256) or ledger.refusal(name, version, before) is not None
        if delivery[1] != version if delivery else not is_known:
            found[file] = "due"
    return found


def _readers(mapping: Mapping, mapping_path: Path, may_be_empty: bool) -> dict[Path, list[int]]:
    """The files with the numbers of the mapping's parts that name them."""
    readers: dict[Path, list[int]] = {}
    for number, part in enumerate(mapping.parts):
        try:
            paths = source_paths(part, mapping_path)
        except MappingError:
            # An inbox may be empty once its files were imported.
            if not may_be_empty:
                raise
            continue
        for path in paths:
            readers.setdefault(path, []).append(number)
    return readers


def _unfinished(
    path: Path, before: Content | None, mapping: Mapping, numbers: Sequence[int], patience: Patience
) -> str | None:
    """Why a file seems to be still in the making, after some patience; None where it does not."""
    stat = path.stat()
    if (left_s := _left_s(path, patience)) > 0:
        patience.sleep(left_s)
        then, stat = stat, path.stat()
        if (then.st_size, then.st_mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            return f"{path}: it is being written: the next look takes it"
    if before is not None and stat.st_size < before.size:
        return f"{path}: it is shorter than at the last look: the next one takes it, unless it shrinks again"
    if _lacks_end(path, mapping, numbers):
        return (
            f"{path}: its last line has no end, so it may be half written. `renewable import` takes the lines before"
            " it; where files always end like this, say source.last_line: complete"
        )
    return None


def _left_s(path: Path, patience: Patience) -> float:
    """For how long a file has to stay as it is before it counts as written."""
    stat = path.stat()
    left_s = patience.settle_s - (patience.now_s() - max(stat.st_mtime, stat.st_ctime))
    # A time in the future is the mistake of a clock.
    return left_s if left_s <= patience.settle_s else 0.0


def _lacks_end(path: Path, mapping: Mapping, numbers: Sequence[int]) -> bool:
    return any(lacks_end(path, mapping.parts[number].source) for number in numbers)


def _state(path: Path) -> str:
    """Size and times of a file, in a text."""
    try:
        stat = path.stat()
    except OSError as error:
        return error.strerror or "cannot be looked at"
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def _stat_of(path: Path, label: str) -> Content:
    """How a file lies there, unread."""
    stat = path.stat()
    return Content(label, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, "")


def _content_of(path: Path, label: str) -> Content:
    found = _stat_of(path, label)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Content(label, found.size, found.mtime_ns, found.ctime_ns, digest.hexdigest())


def _is_as_then(path: Path, then: Content) -> bool:
    stat = path.stat()
    return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) == (then.size, then.mtime_ns, then.ctime_ns)


def _without_files(part: dict[str, object]) -> dict[str, object]:
    source, also = part["source"], part.get("also", [])
    assert isinstance(source, dict) and isinstance(also, list)
    named = {key: value for key, value in source.items() if key != "files"}
    return part | {"source": named, "also": [_without_files(each) for each in also]}
