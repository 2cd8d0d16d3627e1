"""The export as it lies there: its files and their cells, in batches of rows. What one means is decided elsewhere."""

import csv
import errno
import glob
import gzip
import io
import re
import shutil
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import polars as pl

from renewable.errors import MappingError
from renewable.importers.mapping import Mapping, Source, whole
from renewable.importers.set_aside import Kind, SetAside

# A batch is converted in memory; wide rows are some hundred bytes.
BATCH_ROWS = 500_000
_GZIP_MAGIC, _ZIP_MAGIC, _PARQUET_MAGIC, _OLE_MAGIC = b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0"
_EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_SAMPLE = 3
_LONGEST_SHOWN = 100


@dataclass(frozen=True)
class SourceFrame:
    """Rows of one source file: cells as trimmed text or null, or typed where the file has types (Parquet).

    `name` is what errors call the file, `first_row` the row of the file that the first row here is. All batches of a
    file share one `set_aside`.
    """

    name: str
    rows: pl.DataFrame
    first_row: int = 2
    numbers: pl.Series | None = None
    set_aside: SetAside = field(default_factory=SetAside)

    def keeping(self, mask: pl.Series) -> "SourceFrame":
        """Only the rows where `mask` is true; they keep their numbers in errors."""
        numbers = pl.int_range(self.first_row, self.first_row + self.rows.height, eager=True)
        if self.numbers is not None:
            numbers = self.numbers
        return SourceFrame(
            self.name, self.rows.filter(mask), self.first_row, numbers.filter(mask), self.set_aside
        )

    def number(self, row: int) -> int:
        """Of a row here, in its file."""
        return self.first_row + row if self.numbers is None else int(self.numbers[row])


def source_paths(mapping: Mapping, mapping_path: Path) -> list[Path]:
    """The files that `source.files` names, in order of name."""
    directory, files = mapping_path.parent, mapping.source.files
    try:
        if (directory / files).is_file():
            return [directory / files]
        pattern = str(Path(glob.escape(str(directory))) / files)
        # Path.glob takes no absolute pattern.
        found = sorted(path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file())  # noqa: PTH207
    except (OSError, ValueError, re.error) as error:
        # A name that is too long or holds a null byte, a folder that may not be read.
        reason = error.strerror if isinstance(error, OSError) else error
        raise MappingError(
            f"{mapping_path}: source.files: {_cut(files)} cannot be looked for: {reason}. Mend it in the mapping"
        ) from error
    if not found:
        raise MappingError(f"{mapping_path}: source.files: {_cut(files)} matches no file under {directory}")
    return found


def read_batches(
    path: Path, source: Source, columns: list[str] | None = None, rows: int = BATCH_ROWS
) -> Iterator[SourceFrame]:
    """The rows of a file in its order, at least one batch; memory holds a few batches, never the file.

    With `columns` only these are read. Raises MappingError when the file lacks one or cannot be read, and at its end
    when those who used the batches set too much of it aside.
    """
    set_aside = SetAside(
        str(path), {"cells": source.unreadable_cells_ratio, "rows": source.unreadable_rows_ratio}
    )
    try:
        with _scanned(path, source) as scanned:
            frame = scanned.rename(nameless(scanned.collect_schema().names()))
            present = frame.collect_schema().names()
            wanted = present if columns is None else columns
            _require(str(path), wanted, present)
            filtered = source.keep if columns is not None else None
            needed = frame.select(list(dict.fromkeys([*wanted, *_names(filtered)])))
            row, any_batch = _first_row(source), False
            for batch in needed.collect_batches(chunk_size=rows, maintain_order=True):
                if not batch.height:
                    continue
                cells = _cells(batch, source)
                yield _without_blank_lines(SourceFrame(str(path), cells, row, set_aside=set_aside))
                row, any_batch = row + batch.height, True
            if not any_batch:
                yield SourceFrame(str(path), needed.head(0).collect(), row)
        set_aside.settle()
    except unreadable() as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        kind = kind_of(path)
        form = f" with delimiter {source.delimiter!r} and encoding {source.encoding}" if kind == "CSV" else ""
        step = (
            "Mend these two in the mapping, or export"
            if kind == "CSV"
            else "Open it in another program, or export"
        )
        raise MappingError(
            f"{path}: cannot be read as {kind}{form}: {one_line(error)}. {step} the file again."
        ) from error


def read_head(path: Path, source: Source, text_bytes: int, rows: int = 100) -> pl.DataFrame:
    """The first rows as `read_batches` gives them, of a text those within its first `text_bytes`.

    Raises MappingError for an archive that holds not one file, else what `unreadable` lists.
    """
    with _scanned(path, source, text_bytes) as scanned:
        head = scanned.head(rows).collect()
    return _cells(head.rename(nameless(head.columns)), source)


def text_start(path: Path, size: int) -> bytes:
    """A text, unpacked; of one longer than `size` bytes the whole lines among these. Raises as `read_head` does."""
    with _unpacked(path, _start(path)) as file:
        content = file.read(size + 1)
    return content if len(content) <= size else content[: content.rfind(b"\n", 0, size) + 1] or content[:size]


def unreadable() -> tuple[type[Exception], ...]:
    """What the readers of all formats raise for a file that is cut off, corrupt, locked or of another kind."""
    # fastexcel is slow to import, and only an Excel file needs it.
    excel = sys.modules.get("fastexcel")
    return (
        OSError,
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
        # Of archives: a password, a compression that Python does not know.
        RuntimeError,
        UnicodeError,
        csv.Error,
        pl.exceptions.PolarsError,
        *([] if excel is None else [excel.FastExcelError]),
    )


def one_line(error: Exception) -> str:
    """What an error says, without line ends, cut to some length."""
    return " ".join(str(error).split())[:300]


def _cut(files: str) -> str:
    return repr(files if len(files) <= _LONGEST_SHOWN else f"{files[:_LONGEST_SHOWN]}…")


def _without_blank_lines(frame: SourceFrame) -> SourceFrame:
    filled = frame.rows.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    return frame if filled.all() else frame.keeping(filled)


def kept(frame: SourceFrame, source: Source) -> pl.Series | None:
    """Which rows `source.keep` leaves in; None when it keeps all. Null is no."""
    if source.keep is None:
        return None
    try:
        found = frame.rows.select(pl.sql_expr(source.keep).alias("keep")).to_series()
    except pl.exceptions.PolarsError as error:
        raise MappingError(
            f"{frame.name}: source.keep {source.keep!r} cannot be used: {one_line(error)}. Mend it in the mapping"
        ) from error
    if found.dtype != pl.Boolean or found.len() != frame.rows.height:
        raise MappingError(
            f"{frame.name}: source.keep {source.keep!r} is no condition on a row: write one such as \"state\" = 'ok'"
        )
    return found.fill_null(False)


def require_none(source: SourceFrame, column: str, at_fault: pl.Series, fault: str, next_step: str) -> None:
    """Raise a MappingError with the count and a sample of the rows where `at_fault` is true."""
    rows = at_fault.arg_true()
    if rows.is_empty():
        return
    texts = source.rows[column] if column in source.rows.columns else pl.Series([""] * source.rows.height)
    texts = texts.cast(pl.String)
    sample = ", ".join(f"{texts[row] or ''!r} in row {source.number(row)}" for row in rows.head(_SAMPLE))
    raise MappingError(f"{source.name}, column {column}: {rows.len()} {fault}: {sample}. {next_step}")


def set_aside(
    source: SourceFrame,
    kind: Kind,
    column: str,
    at_fault: pl.Series,
    fault: str,
    next_step: str,
    texts: pl.Series | None = None,
) -> None:
    """Count the cells or rows where `at_fault` is true; the file is refused at its end where they are too many.

    The caller makes the cell null, or the stamp of the row. Of cells call it for every batch, also without a fault.
    `texts` are the cells of `column` where it is none of the file's, such as date and time joined.
    """
    rows = at_fault.fill_null(False).arg_true()
    if texts is None:
        texts = source.rows[column]
    seen = texts.len() - texts.null_count() if kind == "cells" else 0
    source.set_aside.add(
        kind, column, fault, next_step, seen, texts.gather(rows), [source.number(row) for row in rows]
    )


def nameless(columns: list[str]) -> dict[str, str]:
    """New names, column_N by place, for columns without one."""
    return {name: f"column_{place}" for place, name in enumerate(columns, 1) if not name.strip()}


def _require(name: str, columns: list[str], present: list[str]) -> None:
    missing = [column for column in columns if column not in present]
    if missing:
        raise MappingError(
            f"{name}: the mapping names column(s) {', '.join(missing)} that the file does not have; "
            f"it has {', '.join(present)}. Mend the mapping or its delimiter."
        )


def _names(condition: str | None) -> list[str]:
    return [] if condition is None else sorted(set(pl.sql_expr(condition).meta.root_names()))


def _first_row(source: Source) -> int:
    """Of the data, counted as a text editor does."""
    return 2 + source.skip_rows + source.skip_rows_after_header


def _cells(batch: pl.DataFrame, source: Source) -> pl.DataFrame:
    text = pl.col(pl.String).str.strip_chars()
    empty = text.is_in(["", *source.null_markers])
    if source.null_pattern is not None:
        empty |= text.str.contains(whole(source.null_pattern))
    return batch.with_columns(pl.when(~empty).then(text))


def kind_of(path: Path) -> str:
    """Parquet, Excel or CSV, by the content; whatever is neither of the first two is taken for a text."""
    start = _start(path)
    if start.startswith(_PARQUET_MAGIC):
        return "Parquet"
    return "Excel" if _is_excel(path, start) else "CSV"


def _is_excel(path: Path, start: bytes) -> bool:
    return start.startswith((_ZIP_MAGIC, _OLE_MAGIC)) and path.suffix.lower() in _EXCEL_ENDINGS


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


@contextmanager
def _scanned(path: Path, source: Source, text_bytes: int | None = None) -> Iterator[pl.LazyFrame]:
    """The file as a lazy frame; a text that Polars cannot read as it lies there is unpacked into a temporary file.

    So are the first `text_bytes` of a text, where it is not wanted whole.
    """
    start = _start(path)
    if start.startswith(_PARQUET_MAGIC):
        yield pl.scan_parquet(path)
    elif _is_excel(path, start):
        options = {"header_row": source.skip_rows, "dtypes": "string"}
        # The first sheet is the default, and a name and a number exclude each other.
        frame = pl.read_excel(path, sheet_name=source.sheet, engine="calamine", read_options=options)
        yield frame[source.skip_rows_after_header :].lazy()
    else:
        with ExitStack() as stack:
            plain = path
            is_plain = source.encoding == "utf-8" and not start.startswith((_GZIP_MAGIC, _ZIP_MAGIC))
            if text_bytes is not None or not is_plain:
                plain = Path(stack.enter_context(TemporaryDirectory(prefix="renewable-"))) / "plain.csv"
            if text_bytes is not None:
                content = text_start(path, text_bytes).decode(source.encoding)
                plain.write_text(content, encoding="utf-8", newline="")
            elif not is_plain:
                _transcode(path, start, source.encoding, plain)
            yield pl.scan_csv(
                plain,
                infer_schema=False,
                separator=source.delimiter,
                skip_rows=source.skip_rows,
                skip_rows_after_header=source.skip_rows_after_header,
                raise_if_empty=True,
            )


@contextmanager
def _unpacked(path: Path, start: bytes) -> Iterator[IO[bytes]]:
    """The content of a text, or of the one file in an archive."""
    with ExitStack() as stack:
        raw: IO[bytes] = stack.enter_context(path.open("rb"))
        if start.startswith(_GZIP_MAGIC):
            raw = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw)))
        elif start.startswith(_ZIP_MAGIC):
            archive = stack.enter_context(zipfile.ZipFile(raw))
            files = [info for info in archive.infolist() if not info.is_dir()]
            if len(files) != 1:
                raise MappingError(
                    f"{path}: holds {len(files)} files; unpack it, and name them in source.files"
                )
            raw = stack.enter_context(archive.open(files[0]))
        yield raw


def _transcode(path: Path, start: bytes, encoding: str, plain: Path) -> None:
    with (
        _unpacked(path, start) as raw,
        io.TextIOWrapper(raw, encoding=encoding, newline="") as text,
        plain.open("w", encoding="utf-8", newline="") as out,
    ):
        shutil.copyfileobj(text, out, 1 << 20)
