"""What built tables and views are like: rows in all and by day, and which upstream columns each column is made of."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from renewable.atomic_write import write_text_atomic
from renewable.settings import Settings
from renewable.transform.dbt_project import ensure_manifest, target_dir
from renewable.warehouse import connect
from renewable.windows import ONE_DAY, Window

_TIMES = ("timestamp", "timestamp_utc", "hour_utc", "start_utc")
_DAYS = ("day_utc", "date_local", "day")

Relation = tuple[str, str]
Columns = Mapping[str, str]
# column -> the (schema, table, column) that it is made of
Lineage = dict[str, list[tuple[str, str, str]]]


@dataclass(frozen=True)
class TableFacts:
    """Rows of a table in all and by day of the window asked for (UTC, or local where the table has local days).

    `rows` is None of a view, which would have to be computed whole; `rows_by_day` is None where the rows belong to no
    day.
    """

    rows: int | None
    rows_by_day: Mapping[date, int] | None = None
    lineage: Lineage = field(default_factory=dict)


def table_facts(
    settings: Settings, relations: Iterable[Relation], window: Window
) -> dict[Relation, TableFacts]:
    """Facts of `relations` (schema, name) that exist; the caller holds the warehouse and has built them with dbt."""
    with connect(settings.warehouse_path) as connection:
        columns, views = _columns(connection), _views(connection)
        found = {
            relation: (
                None if relation in views else _rows(connection, relation),
                _rows_by_day(connection, relation, columns[relation], window),
            )
            for relation in relations
            if relation in columns
        }
    # Lineage is read from DuckDB's text of the models.
    lineages = _lineages(settings, list(found), columns) if settings.engine == "duckdb" else {}
    return {
        relation: TableFacts(rows, by_day, lineages.get(relation, {}))
        for relation, (rows, by_day) in found.items()
    }


def column_lineage(
    sql: str, database: str, columns: Mapping[Relation, Columns], of: Iterable[str]
) -> Lineage:
    """For each column in `of` of the query `sql`, the columns of tables that its value is computed from.

    Columns that only filter, join or order are not among them. `columns` gives each table's columns and types.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.lineage import lineage
    from sqlglot.optimizer import build_scope
    from sqlglot.optimizer.qualify import qualify

    tables: dict[str, dict[str, Columns]] = {}
    for (schema_name, table), types in columns.items():
        tables.setdefault(schema_name, {})[table] = types
    schema: dict[str, object] = {database: tables}
    query = qualify(
        sqlglot.parse_one(sql, dialect="duckdb"),
        schema=schema,
        dialect="duckdb",
        validate_qualify_columns=False,
    )
    # One scope for all columns: the largest query has a hundred parts.
    scope = build_scope(query)
    found: Lineage = {}
    for column in of:
        leaves = set()
        for node in lineage(column, query, schema=schema, dialect="duckdb", scope=scope, copy=False).walk():
            leaf = None if node.downstream else node.expression.find(exp.Table)
            if leaf is not None:
                leaves.add((leaf.db, leaf.name, node.name.rsplit(".", 1)[-1].strip('"')))
        found[column] = sorted(origin for origin in leaves if origin[2] in columns.get(origin[:2], {}))
    return found


def _rows(connection: duckdb.DuckDBPyConnection, relation: Relation) -> int:
    ((rows,),) = connection.execute(f"select count(*) from {_quoted(relation)}").fetchall()
    return int(rows)


def _rows_by_day(
    connection: duckdb.DuckDBPyConnection, relation: Relation, columns: Columns, window: Window
) -> dict[date, int] | None:
    time = next((name for name in _TIMES if name in columns), None)
    day = next((name for name in _DAYS if name in columns), None)
    if day is None and time is None:
        return None
    bounds: list[tuple[str, object, object]] = []
    if day is not None:
        bounds.append((day, window.start, window.end))
    if time is not None:
        # Instants reach through the joins of a view, days do not. A local day begins up to 14 hours early or late.
        beside = ONE_DAY if day else timedelta(0)
        bounds.append((time, window.start_utc - beside, window.end_utc + beside))
    condition = " and ".join(f"{column} >= ? and {column} < ?" for column, _, _ in bounds)
    by_day = connection.execute(
        f"select {day or f'{time}::date'}, count(*) from {_quoted(relation)} where {condition} group by 1",
        [bound for _, first, after in bounds for bound in (first, after)],
    )
    return dict(by_day.fetchall())


def _quoted(relation: Relation) -> str:
    return '"{}"."{}"'.format(*relation)


def _views(connection: duckdb.DuckDBPyConnection) -> set[Relation]:
    found = connection.execute(
        "select schema_name, view_name from duckdb_views() where not internal"
    ).fetchall()
    return {(schema, name) for schema, name in found}


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[Relation, dict[str, str]]:
    found: dict[Relation, dict[str, str]] = {}
    listed = connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
    )
    for schema, table, column, data_type in listed.fetchall():
        found.setdefault((schema, table), {})[column] = data_type
    return found


def _lineages(
    settings: Settings, relations: Iterable[Relation], columns: Mapping[Relation, Columns]
) -> dict[Relation, Lineage]:
    """From a file beside the parsed project; worked out (seconds for the largest model) where it is not there yet."""
    directory, parsed = target_dir(settings), ensure_manifest(settings)
    manifest = json.loads(parsed.read_text("utf-8"))
    path = parsed.with_name("column_lineage.json")
    known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    nodes = {(node["schema"], node["name"]): node for node in manifest["nodes"].values()}
    lineages, changed = dict[Relation, Lineage](), False
    for relation in relations:
        node = nodes.get(relation)
        is_sql = node is not None and node["resource_type"] == "model" and node["language"] == "sql"
        sql = _compiled(directory, node) if node and is_sql else None
        if node is None or sql is None:
            continue
        made_from = [node["checksum"]["checksum"], sorted(columns[relation])]
        entry = known.get(node["unique_id"])
        if entry is None or entry["made_from"] != made_from:
            found = column_lineage(sql, node["database"], columns, columns[relation])
            entry = known[node["unique_id"]] = {"made_from": made_from, "lineage": found}
            changed = True
        lineages[relation] = {
            column: [(s, t, c) for s, t, c in deps] for column, deps in entry["lineage"].items()
        }
    if changed:
        write_text_atomic(json.dumps(known), path)
    return lineages


def _compiled(directory: Path, node: Mapping[str, Any]) -> str | None:
    path = directory / "compiled" / node["package_name"] / node["original_file_path"]
    return path.read_text("utf-8") if path.exists() else None
