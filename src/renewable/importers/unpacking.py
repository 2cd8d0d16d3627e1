"""What a delivery packs: files of an archive or the table of a page, in a temporary place; and the kind of each."""

import gzip
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Literal, cast

from renewable.errors import MappingError
from renewable.importers.encoding import recognised
from renewable.importers.markup_table import is_markup, write_table

FileKind = Literal["CSV", "Parquet", "Excel", "SQLite", "DuckDB", "JSON", "page"]
_GZIP, _ZIP, _OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MAGIC: dict[bytes, FileKind] = {b"PAR1": "Parquet", b"SQLite format 3\0": "SQLite"}
_EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_DUCKDB, _DUCKDB_AT = b"DUCK", 8
# What a file is, is told by so many bytes.
_START = 1 << 16


def kind_of(path: Path) -> FileKind:
    """What a file is, by its content; what is nothing else is taken for a text, called CSV."""
    with path.open("rb") as file:
        start = file.read(_START)
    found = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if found is not None:
        return found
    if start[_DUCKDB_AT:].startswith(_DUCKDB):
        return "DuckDB"
    if _is_excel(path, start):
        return "Excel"
    if is_markup(start):
        return "page"
    return "JSON" if _is_json(start) else "CSV"


def is_packed(path: Path) -> bool:
    """Whether a file is a gzip file or a zip, other than an Excel file."""
    start = _first_bytes(path)
    return start.startswith((_GZIP, _ZIP)) and not _is_excel(path, start)


def unpacked(path: Path, members: str | None) -> Iterator[tuple[str, Path]]:
    """What errors call each packed file, and where it lies until the next one is asked for.

    A file that is no archive is itself; of a page its largest table comes as a text. Raises MappingError for an archive
    of several files that `members` does not choose among, or where it matches none, and for a page without a table;
    else what `opened` raises.
    """
    if not is_packed(path):
        with _as_text(path, str(path)) as inner:
            yield str(path), inner
        return
    for member in _members(path, _first_bytes(path), members):
        with TemporaryDirectory(prefix="renewable-") as place, opened(path, member) as content:
            inner = Path(place) / Path(member or path.stem or path.name).name
            with inner.open("wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
            name = str(path) if member is None else f"{path}: {member}"
            with _as_text(inner, name) as text:
                yield name, text


@contextmanager
def _as_text(path: Path, name: str) -> Iterator[Path]:
    """The file itself, or the table of a page. Raises MappingError for a page without one."""
    if kind_of(path) != "page":
        yield path
        return
    with TemporaryDirectory(prefix="renewable-") as place:
        table = Path(place) / f"{path.stem}.csv"
        write_table(path, recognised(path), table)
        if not table.stat().st_size:
            raise MappingError(f"{name}: is a page without a table. Export it again, as CSV if possible")
        yield table


@contextmanager
def opened(path: Path, member: str | None = None) -> Iterator[IO[bytes]]:
    """The content of a file, unpacked; of a zip that of `member`, or of its only file."""
    with ExitStack() as stack:
        raw: IO[bytes] = stack.enter_context(path.open("rb"))
        start = _first_bytes(path)
        if start.startswith(_GZIP):
            raw = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw)))
        elif start.startswith(_ZIP) and not _is_excel(path, start):
            (member,) = [member] if member else _members(path, start, None)
            archive = stack.enter_context(zipfile.ZipFile(raw))
            raw = stack.enter_context(archive.open(member or ""))
        yield raw


def _members(path: Path, start: bytes, pattern: str | None) -> list[str | None]:
    """Names of the files of a zip that are wanted, in order; of a gzip file its nameless one."""
    if start.startswith(_GZIP):
        return [None]
    with zipfile.ZipFile(path) as archive:
        names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    chosen: list[str | None] = [name for name in names if pattern is None or fnmatch(name, pattern)]
    shown = ", ".join(names[:10])
    if pattern is None and len(chosen) != 1:
        raise MappingError(
            f'{path}: holds {len(names)} files ({shown}); say which, as in source.members: "*.csv"'
        )
    if not chosen:
        raise MappingError(
            f"{path}: source.members: {pattern!r} matches none of its {len(names)} files ({shown}). Mend it"
        )
    return chosen


def _is_excel(path: Path, start: bytes) -> bool:
    return start.startswith((_ZIP, _OLE)) and path.suffix.lower() in _EXCEL_ENDINGS


def _is_json(start: bytes) -> bool:
    """Whether a text is an object, a list of them, or lines of one each."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        text = text[1:].lstrip()
    return re.match(rb'\{\s*(?:"[^"\n]*"\s*:|\}\s*$)', text) is not None


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)
