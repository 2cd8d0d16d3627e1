"""A look at the files that a mapping names: which are new, which were imported before, which are not to be taken."""

import hashlib
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from renewable.errors import MappingError
from renewable.importers.ledger import Content, Delivery, Ledger
from renewable.importers.mapping import Mapping
from renewable.importers.source import source_paths


@dataclass(frozen=True)
class Looked:
    """What a look at the files found: those to be converted with the parts of the mapping that read them."""

    parts: MappingType[Path, Sequence[int]]
    contents: MappingType[Path, Content]
    redone: MappingType[int, Path]
    gone: Sequence[Delivery]
    known: int
    refused: Sequence[str]


def look(
    ledger: Ledger, name: str, version: str, mapping: Mapping, mapping_path: Path, again: bool
) -> Looked:
    deliveries = ledger.deliveries(name)
    readers: dict[Path, list[int]] = {}
    for number, part in enumerate(mapping.parts):
        try:
            paths = source_paths(part, mapping_path)
        except MappingError:
            # An inbox may be empty once its files were imported.
            if not any(each.kind != "taken_over" for each in deliveries):
                raise
            continue
        for path in paths:
            readers.setdefault(path, []).append(number)
    by_stat = {
        (d.content.file, d.content.size, d.content.mtime_ns, d.content.ctime_ns): d for d in deliveries
    }
    by_content = {d.content.sha256: d for d in deliveries}
    parts, contents, redone, refused = dict[Path, list[int]](), dict[Path, Content](), dict[int, Path](), []
    known, met = 0, set[int]()
    for path, numbers in readers.items():
        label = _label(path, mapping_path)
        stat = path.stat()
        seen = by_stat.get((label, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
        content = seen.content if seen else content_of(path, label)
        delivery = seen or by_content.get(content.sha256)
        if delivery is not None:
            if delivery.number in met:
                known += 1
                continue
            met.add(delivery.number)
            with ledger.changing():
                ledger.seen(delivery.number, content)
            if delivery.version == version and not again:
                known += 1
                continue
            redone[delivery.number] = path
        elif ledger.is_folded(name, content.sha256):
            known += 1
            continue
        else:
            reason = None if again else ledger.refusal(name, version, content)
            if reason is not None:
                refused.append(reason if reason.startswith(str(path)) else f"{path}: {reason}")
                continue
        parts[path], contents[path] = numbers, content
    gone = [d for d in deliveries if d.kind == "file" and d.version != version and d.number not in met]
    return Looked(parts, contents, redone, gone, known, refused)


def content_of(path: Path, label: str) -> Content:
    """The content of a file, for the ledger."""
    stat = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Content(label, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, digest.hexdigest())


def _label(path: Path, mapping_path: Path) -> str:
    """What the ledger calls a file: its path as seen from the mapping."""
    try:
        return str(path.absolute().relative_to(mapping_path.absolute().parent))
    except ValueError:
        return str(path.absolute())
