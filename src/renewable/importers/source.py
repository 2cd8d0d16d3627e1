"""The export as it lies there: its files and their cells, in batches of rows. What one means is decided elsewhere."""

import csv
import errno
import glob
import os
import re
import sqlite3
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from renewable.errors import MappingError
from renewable.importers.asset_settings import ABOVE, Asset
from renewable.importers.databases import duckdb_table, json_table, sqlite_table
from renewable.importers.encoding import has_old_line_ends, recognised, transcode
from renewable.importers.mapping import Mapping
from renewable.importers.remote import fetched, is_url
from renewable.importers.set_aside import Kind, SetAside
from renewable.importers.settings import whole
from renewable.importers.source_settings import BLANKS, Source
from renewable.importers.text_table import MISFIT, Table, blanks_to_tabs, header_of, text_table
from renewable.importers.unpacking import is_packed, kind_of, unpacked
from renewable.near_names import did_you_mean

# A batch is converted in memory; wide rows are some hundred bytes.
BATCH_ROWS = 500_000
_SAMPLE = 3
_SAMPLE_BYTES = 1 << 20
_LONGEST_SHOWN = 100


@dataclass(frozen=True)
class SourceFrame:
    """Rows of one source file: cells as trimmed text or null, or typed where the file has types (Parquet).

    `name` is what errors call the file, `first_row` the row of the file that the first row here is. All batches of a
    file share one `set_aside`. `lines` stand above the data, `lacking` are the optional columns that the file has not,
    and `rows_about` is how many rows the file may have, where that is easy to tell.
    """

    name: str
    rows: pl.DataFrame
    first_row: int = 2
    numbers: pl.Series | None = None
    set_aside: SetAside = field(default_factory=SetAside)
    lines: tuple[str, ...] = ()
    lacking: frozenset[str] = frozenset()
    rows_about: int | None = None

    @property
    def file_name(self) -> str:
        """Of the file, or of the archive and its member, without the folder."""
        archive, mark, member = self.name.partition(": ")
        return f"{Path(archive).name}{mark}{member}"

    def keeping(self, mask: pl.Series) -> "SourceFrame":
        """Only the rows where `mask` is true; they keep their numbers in errors."""
        numbers = pl.int_range(self.first_row, self.first_row + self.rows.height, eager=True)
        if self.numbers is not None:
            numbers = self.numbers
        return replace(self, rows=self.rows.filter(mask), numbers=numbers.filter(mask))

    def number(self, row: int) -> int:
        """Of a row here, in its file."""
        return self.first_row + row if self.numbers is None else int(self.numbers[row])


def source_paths(mapping: Mapping, mapping_path: Path) -> list[Path]:
    """The files that `source.files` names, in order of name."""
    directory, files = mapping_path.parent, mapping.source.files
    if is_url(files):
        return fetched(files, mapping_path)
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


def part_batches(path: Path, part: Mapping) -> Iterator[SourceFrame]:
    """The rows of a file as a source of a mapping reads them: its columns, and what rows above tell of those below."""
    batches = read_batches(path, part.source, part.source_columns, optional=part.optional_columns)
    return told_above(batches, part.asset)


def told_above(batches: Iterable[SourceFrame], asset: Asset | None) -> Iterator[SourceFrame]:
    """The batches, with the column ABOVE where the closest row above names the asset of a row."""
    file: SetAside | None = None
    told: str | None = None
    for batch in batches:
        if asset is None or asset.above is None:
            yield batch
            continue
        if batch.set_aside is not file:
            file, told = batch.set_aside, None
        telling = condition(batch, asset.above, "asset.above")
        name = pl.when(pl.lit(telling)).then(naming_text(asset))
        names = batch.rows.select(name.forward_fill().fill_null(pl.lit(told)).alias(ABOVE)).to_series()
        told = names[-1] if names.len() else told
        yield replace(batch, rows=batch.rows.with_columns(names))


def naming_text(asset: Asset) -> pl.Expr:
    """The text of a row in the columns that name an asset."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in asset.naming_columns], separator=" ")


def read_batches(
    path: Path,
    source: Source,
    columns: list[str] | None = None,
    rows: int = BATCH_ROWS,
    *,
    optional: frozenset[str] = frozenset(),
) -> Iterator[SourceFrame]:
    """The rows of a file in its order, at least one batch; memory holds a few batches, never the file.

    With `columns` only these are read; of them the `optional` ones may be absent. An archive gives the rows of its
    members one after the other, each as a file of its own. Raises MappingError when a file lacks a column or cannot be
    read, and at its end when those who used the batches set too much of it aside.
    """
    try:
        for name, unpacked_path in unpacked(path, source.members):
            yield from _batches_of_one(name, unpacked_path, source, columns, rows, optional)
    except unreadable() as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        kind = kind_of(path) if path.exists() else "file"
        form = (
            f" with delimiter {source.delimiter!r} and encoding {source.encoding or '(recognised)'}"
            if kind == "CSV"
            else ""
        )
        step = (
            "Mend these two in the mapping, or export"
            if kind == "CSV"
            else "Open it in another program, or export"
        )
        raise MappingError(
            f"{path}: cannot be read as {kind}{form}: {one_line(error)}. {step} the file again."
        ) from error


def _batches_of_one(
    name: str, path: Path, source: Source, columns: list[str] | None, rows: int, optional: frozenset[str]
) -> Iterator[SourceFrame]:
    set_aside = SetAside(name, {"cells": source.unreadable_cells_ratio, "rows": source.unreadable_rows_ratio})
    with _scanned(path, name, source, names=columns or ()) as table:
        scanned = _renamed(table.frame, name, source)
        filtered = _names(source.keep) if columns is not None else []
        scanned = _trimmed(scanned, [*(columns or ()), *filtered])
        present = scanned.collect_schema().names()
        wanted = [column for column in present if column != MISFIT] if columns is None else columns
        lacking = frozenset(optional.difference(present))
        for column in sorted(lacking):
            set_aside.note(f"file(s) without the optional column {column}")
        wanted = [column for column in wanted if column not in lacking]
        _require(name, wanted, present)
        misfit = [MISFIT] if MISFIT in present else []
        needed = scanned.select(list(dict.fromkeys([*wanted, *filtered, *misfit])))
        frame = SourceFrame(
            name, pl.DataFrame(), table.first_row, None, set_aside, table.lines, lacking, _rows_about(path)
        )
        # The last batch of a text waits: its last line may be half written.
        last: pl.DataFrame | None = None
        for batch in needed.collect_batches(chunk_size=rows, maintain_order=True):
            if not batch.height:
                continue
            if last is not None:
                yield _without_blank_lines(replace(frame, rows=_cells(last, source)))
                frame = replace(frame, first_row=frame.first_row + last.height)
            last = batch
        if last is not None and lacks_end(path, source):
            set_aside.note("last line(s) without a line end, set aside: they may be half written")
            last = last.head(-1)
        if last is None:
            last = needed.head(0).collect()
        yield _without_blank_lines(replace(frame, rows=_cells(last, source)))
    set_aside.settle()


def _rows_about(path: Path) -> int | None:
    """Rows of a file: of Parquet as it says, of a text by the length of its first lines."""
    kind = kind_of(path)
    if kind == "Parquet":
        return int(pl.scan_parquet(path).select(pl.len()).collect().item())
    if kind not in ("CSV", "JSON"):
        return None
    with path.open("rb") as file:
        start = file.read(_SAMPLE_BYTES)
    return path.stat().st_size * start.count(b"\n") // max(1, len(start))


def lacks_end(path: Path, source: Source) -> bool:
    """Whether a text's last line has no line end, and the mapping does not say that its files end like this."""
    if source.last_line == "complete" or not path.stat().st_size or kind_of(path) != "CSV":
        return False
    with path.open("rb") as file:
        file.seek(-min(4, path.stat().st_size), os.SEEK_END)
        # What is packed is looked at once it is unpacked; UTF-16 and UTF-32 have null bytes beside each line end.
        return not file.read().strip(b"\0").endswith((b"\n", b"\r")) and not is_packed(path)


def unreadable() -> tuple[type[Exception], ...]:
    """What the readers of all formats raise for a file that is cut off, corrupt, locked or of another kind."""
    # These two are slow to import, and only their own files need them.
    excel, duckdb = sys.modules.get("fastexcel"), sys.modules.get("duckdb")
    return (
        OSError,
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
        # Of archives: a password, a compression that Python does not know.
        RuntimeError,
        UnicodeError,
        csv.Error,
        sqlite3.Error,
        pl.exceptions.PolarsError,
        *([] if excel is None else [excel.FastExcelError]),
        *([] if duckdb is None else [duckdb.Error]),
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
    """Which rows `source.keep` leaves in; None when it keeps all."""
    return None if source.keep is None else condition(frame, source.keep, "source.keep")


def condition(frame: SourceFrame, sql: str, setting: str) -> pl.Series:
    """The rows for which an SQL condition on the cells as texts holds. Null is no."""
    try:
        found = frame.rows.select(pl.sql_expr(sql).alias("holds")).to_series()
    except pl.exceptions.PolarsError as error:
        raise MappingError(
            f"{frame.name}: {setting} {sql!r} cannot be used: {one_line(error)}. Mend it in the mapping"
        ) from error
    if found.dtype != pl.Boolean or found.len() != frame.rows.height:
        raise MappingError(
            f"{frame.name}: {setting} {sql!r} is no condition on a row: write one such as \"state\" = 'ok'"
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


def _renamed(frame: pl.LazyFrame, name: str, source: Source) -> pl.LazyFrame:
    """Columns by the names that the mapping uses."""
    frame = frame.rename(nameless(frame.collect_schema().names()))
    present = frame.collect_schema().names()
    names = {old: new for old, new in source.rename.items() if old in present}
    after = [names.get(column, column) for column in present]
    twice = sorted({column for column in after if after.count(column) > 1})
    if twice:
        raise MappingError(
            f"{name}: source.rename gives {', '.join(twice)} to several of its columns. Name one of them in the mapping"
        )
    return frame.rename(names)


def _trimmed(frame: pl.LazyFrame, wanted: Sequence[str]) -> pl.LazyFrame:
    """Columns that differ from the wanted names by blanks around them alone, by these names."""
    present = frame.collect_schema().names()
    bare = [column.strip() for column in present]
    strays = [column for column in wanted if column not in present and bare.count(column.strip()) == 1]
    return frame.rename({present[bare.index(column.strip())]: column for column in strays})


def _require(name: str, columns: list[str], present: list[str]) -> None:
    missing = [column for column in columns if column not in present]
    there = [column for column in present if column != MISFIT]
    if missing:
        raise MappingError(
            f"{name}: the mapping names column(s) {', '.join(missing)} that the file does not have"
            f"{did_you_mean(missing[0], there)}; it has {', '.join(there)}. Mend the mapping or its delimiter."
        )


def _names(condition: str | None) -> list[str]:
    return [] if condition is None else sorted(set(pl.sql_expr(condition).meta.root_names()) - {ABOVE})


def _cells(batch: pl.DataFrame, source: Source) -> pl.DataFrame:
    text = pl.col(pl.String).exclude(MISFIT).str.strip_chars()
    empty = text.is_in(["", *source.null_markers])
    if source.null_pattern is not None:
        empty |= text.str.contains(whole(source.null_pattern))
    return batch.with_columns(pl.when(~empty).then(text))


@contextmanager
def _scanned(path: Path, name: str, source: Source, names: Sequence[str] = ()) -> Iterator[Table]:
    """An unpacked file as a lazy frame; what Polars cannot read as it lies there is written again in a temporary place.

    `names` are the columns that are looked for, of which an encoding is told.
    """
    with TemporaryDirectory(prefix="renewable-") as place:
        match kind_of(path):
            case "Parquet":
                yield Table(pl.scan_parquet(path))
            case "Excel":
                yield _sheet(path, name, source)
            case "SQLite":
                yield Table(sqlite_table(path, name, source.table, Path(place)))
            case "DuckDB":
                yield Table(duckdb_table(path, name, source.table, Path(place)))
            case "JSON":
                yield Table(json_table(path, name))
            case "CSV":
                yield text_table(_plain(path, source, Path(place), names), name, source)


def _plain(path: Path, source: Source, place: Path, names: Sequence[str]) -> Path:
    """A text in UTF-8, its cells apart by one sign."""
    encoding, ends = recognised(path, names, source.encoding), has_old_line_ends(path)
    if encoding != "utf-8" or ends:
        plain = place / "plain.csv"
        with path.open("rb") as raw:
            transcode(raw, encoding, plain, new_line_ends=ends)
        path = plain
    if source.delimiter == BLANKS:
        blanks_to_tabs(path, place / "aligned.csv")
        path = place / "aligned.csv"
    return path


def _sheet(path: Path, name: str, source: Source) -> Table:
    """A sheet as texts. Rows of a sheet without any cell filled are left out by its reader."""

    def read(options: dict[str, object]) -> pl.DataFrame:
        # The first sheet is the default, and a name and a number exclude each other.
        options = {"dtypes": "string"} | options
        return pl.read_excel(path, sheet_name=source.sheet, engine="calamine", read_options=options)

    def lines(rows: pl.DataFrame) -> tuple[str, ...]:
        return tuple(" ".join(filter(None, row)) for row in rows.iter_rows())

    if source.header_rows == 1 and source.header_text is None and source.comment_prefix is None:
        frame = read({"header_row": source.skip_rows})[source.skip_rows_after_header :]
        above = read({"header_row": None, "n_rows": source.skip_rows}) if source.skip_rows else pl.DataFrame()
        return Table(frame.lazy(), lines(above), 2 + source.skip_rows + source.skip_rows_after_header)
    rows = read({"header_row": None, "skip_rows": source.skip_rows})
    form = source.model_copy(update={"skip_rows": 0})
    header = header_of(name, ((row, place) for place, row in enumerate(rows.iter_rows(), 1)), form)
    frame = rows[header.line :].rename(dict(zip(rows.columns, header.names, strict=False)))
    if source.comment_prefix is not None:
        frame = frame.filter(~pl.nth(0).str.starts_with(source.comment_prefix).fill_null(False))
    return Table(frame.lazy(), lines(rows[: header.line]), 1 + source.skip_rows + header.line)
