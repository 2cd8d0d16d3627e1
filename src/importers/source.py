"""The export as it lies there: its files and their text. What a text means is decided elsewhere."""

import glob
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from importers.mapping import Mapping, Source
from renewable.errors import MappingError

_GZIP_MAGIC = b"\x1f\x8b"
_FIRST_ROW = 2  # the header is row 1
_SAMPLE = 3


@dataclass(frozen=True)
class SourceFrame:
    """The rows of one source file, every column as trimmed text or null; `name` is what errors call it."""

    name: str
    rows: pl.DataFrame


def source_paths(mapping: Mapping, mapping_path: Path) -> list[Path]:
    """The files that `source.files` names, in order of name."""
    directory, files = mapping_path.parent, mapping.source.files
    if (directory / files).is_file():
        return [directory / files]
    pattern = str(Path(glob.escape(str(directory))) / files)
    found = sorted(path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file())
    if not found:
        raise MappingError(f"{mapping_path}: source.files: {files!r} matches no file under {directory}")
    return found


def read_source(path: Path, source: Source) -> SourceFrame:
    """Every row and column of a CSV file; null markers and empty texts become null."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
        text = content.decode(source.encoding).removeprefix("\ufeff").rstrip("\r\n")
        rows = pl.read_csv(io.StringIO(text), infer_schema=False, separator=source.delimiter)
    except (OSError, EOFError, zlib.error, UnicodeError, pl.exceptions.PolarsError) as error:
        raise MappingError(
            f"{path}: cannot be read as CSV with delimiter {source.delimiter!r} "
            f"and encoding {source.encoding}: {error}. "
            "Mend these two in the mapping, or export the file again."
        ) from error
    text_of = pl.all().str.strip_chars()
    return SourceFrame(
        str(path), rows.select(pl.when(~text_of.is_in(["", *source.null_markers])).then(text_of))
    )


def require_columns(source: SourceFrame, columns: list[str]) -> None:
    """Raise a MappingError when the file lacks a column that the mapping names."""
    missing = [name for name in columns if name not in source.rows.columns]
    if missing:
        raise MappingError(
            f"{source.name}: the mapping names column(s) {', '.join(missing)} that the file does not have; "
            f"it has {', '.join(source.rows.columns)}. Mend the mapping or its delimiter."
        )


def require_none(source: SourceFrame, column: str, at_fault: pl.Series, fault: str, next_step: str) -> None:
    """Raise a MappingError with the count and a sample of the rows where `at_fault` is true."""
    rows = at_fault.arg_true()
    if rows.is_empty():
        return
    texts = source.rows[column]
    sample = ", ".join(f"{texts[row] or ''!r} in row {row + _FIRST_ROW}" for row in rows.head(_SAMPLE))
    raise MappingError(f"{source.name}, column {column}: {rows.len()} {fault}: {sample}. {next_step}")
