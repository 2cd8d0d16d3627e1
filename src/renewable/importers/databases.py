"""Tables of a database and lines of JSON, as files that Polars scans. Which columns are wanted is decided elsewhere."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl

from renewable.errors import MappingError

_ROWS = 10_000


def sqlite_table(path: Path, name: str, table: str | None, place: Path) -> pl.LazyFrame:
    """A table or view of an SQLite file as texts; the numbers as Python prints them, so that no bit is lost."""
    plain = place / "table.csv"
    with (
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection,
        plain.open("w", encoding="utf-8", newline="") as out,
    ):
        of_file = (
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        )
        chosen = _chosen(name, table, [row[0] for row in connection.execute(of_file + " ORDER BY name")])
        rows = connection.execute(f"SELECT * FROM {_quoted(chosen)}")
        names = [column[0] for column in rows.description]
        writer = csv.writer(out)
        while some := rows.fetchmany(_ROWS):
            writer.writerows(some)
    return pl.scan_csv(plain, has_header=False, schema=dict.fromkeys(names, pl.String), raise_if_empty=False)


def duckdb_table(path: Path, name: str, table: str | None, place: Path) -> pl.LazyFrame:
    """A table or view of a DuckDB file with its types."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        of_file = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY ALL"
        chosen = _chosen(name, table, [row[0] for row in connection.execute(of_file).fetchall()])
        connection.sql(f"SELECT * FROM {_quoted(chosen)}").write_parquet(str(place / "table.parquet"))
    return pl.scan_parquet(place / "table.parquet")


def json_lines(plain: Path) -> pl.LazyFrame:
    """Objects, one a line or in one list; fields of an object inside are called `outer.inner`."""
    with plain.open("rb") as file:
        is_list = file.read(1 << 12).lstrip().startswith(b"[")
    if is_list:
        frame = pl.read_json(plain, infer_schema_length=None).lazy()
    else:
        frame = pl.scan_ndjson(plain, infer_schema_length=None)
    while inner := [name for name, dtype in frame.collect_schema().items() if isinstance(dtype, pl.Struct)]:
        frame = frame.unnest(inner, separator=".")
    schema = frame.collect_schema()
    # A field that is null in every object has no type; lists are no cells.
    frame = frame.drop(name for name, dtype in schema.items() if isinstance(dtype, pl.List))
    return frame.with_columns(pl.col(n).cast(pl.String) for n, dtype in schema.items() if dtype == pl.Null)


def _chosen(name: str, table: str | None, tables: list[str]) -> str:
    shown = ", ".join(tables[:20])
    if table is not None and table not in tables:
        raise MappingError(f"{name}: has no table {table!r}, only {shown}; mend source.table")
    if table is None and len(tables) != 1:
        raise MappingError(f"{name}: has {len(tables)} tables ({shown}); say which by source.table")
    return table or tables[0]


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
