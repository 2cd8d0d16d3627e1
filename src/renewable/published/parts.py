"""The parts of a published set, and which of them a database lacks: pure but for reading the files' bytes."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from renewable.published.descriptions import BUILD_ID
from renewable.published.publish import NO_MONTH

WHOLE = "all"
_BETWEEN = "; "


@dataclass(frozen=True, order=True)
class Part:
    """A month of a table (`2025-03`), or all of one that is not cut by months; `columns` are its names and types.

    The only part of a table by months that has no rows is called `empty`.
    """

    table: str
    part: str
    sha256: str
    columns: str
    rows: int

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.split(" ")[0] for column in self.columns.split(_BETWEEN)]

    @property
    def month(self) -> date | None:
        """First day of the part's month; None where the part is the whole table."""
        return None if self.part in (WHOLE, NO_MONTH) else date.fromisoformat(f"{self.part}-01")


@dataclass(frozen=True)
class Changes:
    """What makes the parts that are there those that ought to be: tables made anew, parts sent, parts taken out."""

    remade: frozenset[str]
    sent: tuple[Part, ...]
    gone: tuple[Part, ...]

    def __bool__(self) -> bool:
        return bool(self.remade or self.sent or self.gone)


def parts_of_set(set_dir: Path, tables: Collection[str]) -> dict[Part, Path]:
    """Every part of the set's tables with its file."""
    found = {}
    for table in sorted(tables):
        path = set_dir / f"{table}.parquet"
        for file in sorted(path.glob("*/*.parquet")) if path.is_dir() else [path]:
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            part = WHOLE if file is path else file.stem
            about = pq.read_metadata(file)
            columns = _columns(about.schema.to_arrow_schema())
            found[Part(table, part, digest, columns, about.num_rows)] = file
    return found


def changes(
    wanted: Collection[Part], there: Collection[Part], rows_there: Mapping[str, int | None]
) -> Changes:
    """What is to be done where `there` was written before, and the tables have `rows_there` (None: no such table).

    A table whose columns changed, or that has another number of rows than was written, is made anew.
    """
    tables = {part.table for part in wanted}
    written = {table: sum(part.rows for part in there if part.table == table) for table in tables}
    columns = {part.table: part.columns for part in wanted}
    remade = {
        table
        for table in tables
        if rows_there.get(table) != written[table]
        or any(part.columns != columns[table] for part in there if part.table == table)
    }
    kept = {_content(part) for part in there if part.table not in remade}
    sent = [part for part in wanted if _content(part) not in kept]
    names = {(part.table, part.part) for part in wanted}
    gone = [part for part in there if (part.table, part.part) not in names and part.table not in remade]
    return Changes(frozenset(remade), tuple(sorted(sent)), tuple(sorted(gone)))


def rows_of(file: Path) -> pa.Table:
    """The rows of a part, without the build, which the database tells once."""
    rows = pq.ParquetFile(file).read()
    return rows.drop_columns(
        [name for name in rows.column_names if name == BUILD_ID]
    ).replace_schema_metadata()


def has_empty_text(rows: pa.Table) -> bool:
    """Whether a text is empty in the rows, and not null."""
    texts = (
        column
        for column in rows.columns
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    )
    return any(pc.any(pc.equal(column, "")).as_py() for column in texts)


def _content(part: Part) -> tuple[str, str, str]:
    return part.table, part.part, part.sha256


def _columns(schema: pa.Schema) -> str:
    return _BETWEEN.join(f"{field.name} {field.type}" for field in schema if field.name != BUILD_ID)
