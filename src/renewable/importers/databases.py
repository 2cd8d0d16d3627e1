"""Tables of a database and objects of JSON, as frames of Polars. Which columns are wanted is decided elsewhere."""

import csv
import json
import sqlite3
from collections.abc import Iterator
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


def json_table(plain: Path, name: str) -> pl.LazyFrame:
    """Objects: one a line, in one list, or in the only list of objects that an object holds at any depth.

    Lists of equal length beside one another are columns. Fields of an object inside are called `outer.inner`; an object
    with a list of objects inside has a row for each of these. Raises MappingError where several lists could be the
    table.
    """
    if _is_of_lines(plain):
        frame = pl.scan_ndjson(plain, infer_schema_length=None)
    else:
        with plain.open(encoding="utf-8-sig") as file:
            whole = json.load(file)
        lists = {"": whole} if isinstance(whole, list) else dict(_lists_of_objects(whole))
        lists = lists or dict(_side_by_side(whole))
        if len(lists) > 1:
            raise MappingError(
                f"{name}: holds several lists of objects ({', '.join(lists)}); which one is the table cannot be"
                " told. Write the one that is wanted to a file of its own"
            )
        rows = _without_inner_lists(next(iter(lists.values()), [whole]), name)
        frame = pl.read_json(json.dumps(rows).encode(), infer_schema_length=None).lazy()
    while inner := [name for name, dtype in frame.collect_schema().items() if isinstance(dtype, pl.Struct)]:
        frame = frame.unnest(inner, separator=".")
    schema = frame.collect_schema()
    # A field that is null in every object has no type; lists are no cells.
    frame = frame.drop(name for name, dtype in schema.items() if isinstance(dtype, pl.List))
    return frame.with_columns(pl.col(n).cast(pl.String) for n, dtype in schema.items() if dtype == pl.Null)


def _is_of_lines(plain: Path) -> bool:
    """Whether the file is lines of one object each: more than one, and the first is whole."""
    with plain.open(encoding="utf-8-sig") as file:
        filled = (line for line in file if line.strip())
        first, second = next(filled, ""), next(filled, None)
    try:
        return second is not None and isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _lists_of_objects(value: object, path: str = "") -> Iterator[tuple[str, list[object]]]:
    """The lists of objects within an object, by the names that lead to them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lists_of_objects(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        yield path, value


def _side_by_side(value: object, path: str = "") -> Iterator[tuple[str, list[object]]]:
    """The objects of an object whose fields are lists of one length: each list is a column."""
    if not isinstance(value, dict):
        return
    columns = {key: each for key, each in value.items() if isinstance(each, list) and each}
    plain = all(not isinstance(cell, dict | list) for column in columns.values() for cell in column)
    if len(columns) > 1 and plain and len({len(column) for column in columns.values()}) == 1:
        yield path, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return
    for key, inner in value.items():
        yield from _side_by_side(inner, f"{path}.{key}" if path else str(key))


def _without_inner_lists(rows: list[object], name: str) -> list[object]:
    """Rows that hold a list of objects, or of lists, as a row for each of these, with what stands beside the list."""
    objects = [row for row in rows if isinstance(row, dict)]
    inner = {key for row in objects for key, cell in row.items() if _is_list_of_rows(cell)}
    if not inner:
        return rows
    if len(inner) > 1:
        raise MappingError(
            f"{name}: its objects hold several lists ({', '.join(sorted(inner))}); which one is the table cannot be"
            " told. Write the one that is wanted to a file of its own"
        )
    (key,) = inner
    found: list[object] = []
    for row in objects:
        beside = {field: cell for field, cell in row.items() if field != key}
        found += [beside | _fields(key, each) for each in row.get(key) or []]
    return _without_inner_lists(found, name)


def _is_list_of_rows(cell: object) -> bool:
    return isinstance(cell, list) and any(isinstance(each, dict | list) for each in cell)


def _fields(key: str, row: object) -> dict[str, object]:
    """The cells of a row within a list: by their names, or by their places from 1."""
    cells = row if isinstance(row, dict) else dict(enumerate(row if isinstance(row, list) else [row], 1))
    return {f"{key}.{field}": cell for field, cell in cells.items()}


def _chosen(name: str, table: str | None, tables: list[str]) -> str:
    shown = ", ".join(tables[:20])
    if table is not None and table not in tables:
        raise MappingError(f"{name}: has no table {table!r}, only {shown}; mend source.table")
    if table is None and len(tables) != 1:
        raise MappingError(f"{name}: has {len(tables)} tables ({shown}); say which by source.table")
    return table or tables[0]


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
