"""Brings what a cluster built into the warehouse: marts as rows, tables of intervals as views of the cluster's files.

A partition of a Spark table is replaced whole, under new file names. So a partition whose files are those of the last
time has the same rows, and only the others are read.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from loaders.screen import unglobbed
from renewable.errors import PipelineError
from renewable.transform.marts import MARTS_SCHEMA, mart_names, mart_properties, month_columns
from renewable.transform.spark.landing import PARTITION
from renewable.transform.spark.server import ClusterTable
from renewable.warehouse import BOOKS, sql_literal

_NOTE = f"{BOOKS}.brought_home"
# As in macros/materializations_spark.sql (partition_of_model).
DATES = ("day_utc", "date_local", "month_local")
INSTANTS = ("timestamp_utc", "hour_utc", "start_utc", "shown_from_utc")
_PREDICATES = re.compile(r"incremental_predicates=\[(.*?)\]\s*[,)]", re.DOTALL)
_PARTITION_OF = re.compile(r"/([a-z_]+)=(\d{4}-\d\d-\d\d)/[^/]+$")
_TYPES = {"string": "varchar", "timestamp": "timestamptz", "int": "integer"}
INTERVALS_SCHEMA = "intermediate"

# Partition value -> paths of its files.
Parts = Mapping[date, Sequence[Path]]


def partition_of(project: Path, mart: str) -> tuple[str, str]:
    """The partition column of a mart on Spark, and SQL that gives its value for a row of the mart in the warehouse.

    Raises PipelineError where the model names no column of time.
    """
    text = (project / "models" / MARTS_SCHEMA / f"{mart}.sql").read_text("utf-8")
    predicates = _PREDICATES.search(text)
    named = re.findall(r"'([a-z_]+)'", predicates.group(1)) if predicates else []
    column = next((name for name in named if name in DATES + INSTANTS), None)
    if column is None:
        raise PipelineError(f"model {mart}: its incremental_predicates name no column of time")
    if column in DATES:
        return column, column
    return PARTITION, f"cast({column} at time zone 'UTC' as date)"


def parts_of(uris: Collection[str]) -> dict[date, list[Path]]:
    """The files of a Spark table by partition, from what Spark says of them (file:///…/<column>=<day>/part-….parquet).

    Raises PipelineError for a file that is not on a local or mounted path.
    """
    found: dict[date, list[Path]] = {}
    for uri in sorted(uris):
        parsed = urlsplit(uri)
        path = unquote(parsed.path)
        day = _PARTITION_OF.search(path)
        if parsed.scheme not in ("file", "") or day is None:
            raise PipelineError(
                f"the cluster keeps a table in {uri}: this machine has to reach its files by a path, in folders by day"
            )
        found.setdefault(date.fromisoformat(day.group(2)), []).append(Path(path))
    return found


def show_intervals(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, ClusterTable]) -> None:
    """Make a view in the warehouse of each table, for who explains and scores intervals."""
    connection.execute(f"create schema if not exists {INTERVALS_SCHEMA}")
    for name, table in tables.items():
        columns = [column for column in table.columns if column != PARTITION]
        if table.files:
            (path, *_) = next(iter(parts_of(table.files).values()))
            # A pattern: the view shows partitions that come later, too.
            pattern = f"{unglobbed(str(path.parent.parent))}/*/*.parquet"
            rows = _rows_in([pattern], path.parent.name.partition("=")[0])
            query = f"select {', '.join(columns)} from {rows}"
        else:
            nulls = (f"cast(null as {_duckdb_type(table.columns[name])}) as {name}" for name in columns)
            query = f"select {', '.join(nulls)} where false"
        connection.execute(f"create or replace view {INTERVALS_SCHEMA}.{name} as {query}")


def bring_home(
    connection: duckdb.DuckDBPyConnection, project: Path, marts: Mapping[str, Parts]
) -> dict[str, set[date] | None]:
    """Replace in the warehouse what changed in `marts`; which months changed, as `journal.changed_months` tells it.

    The caller holds the transaction, so that marts and books change together.
    """
    connection.execute(f"create schema if not exists {MARTS_SCHEMA}")
    connection.execute(f"create table if not exists {_NOTE} (table_name varchar, part date, files varchar[])")
    months, changed = month_columns(project), dict[str, set[date] | None]()
    for mart in mart_names(project):
        parts = {day: [str(path) for path in sorted(paths)] for day, paths in marts[mart].items()}
        is_new = not _exists(connection, mart)
        if is_new:
            connection.execute(f"create table {MARTS_SCHEMA}.{mart} ({_columns(project, mart)})")
            connection.execute(f"delete from {_NOTE} where table_name = ?", [mart])
        known = dict(
            connection.execute(f"select part, files from {_NOTE} where table_name = ?", [mart]).fetchall()
        )
        different = sorted(day for day in parts.keys() | known.keys() if parts.get(day) != known.get(day))
        found = (
            _replace(connection, project, mart, different, parts, months.get(mart)) if different else set()
        )
        if mart in months and (is_new or different):
            changed[mart] = None if is_new else found
    return changed


def _replace(
    connection: duckdb.DuckDBPyConnection,
    project: Path,
    mart: str,
    days: Sequence[date],
    parts: Mapping[date, Sequence[str]],
    month_column: str | None,
) -> set[date]:
    """Replace the rows of the partitions `days`; the months of `month_column` that rows went from or came to."""
    column, value = partition_of(project, mart)
    table = f"{MARTS_SCHEMA}.{mart}"
    listed = ", ".join(f"date '{day}'" for day in days)
    months = _months(connection, table, month_column, f"{value} in ({listed})")
    connection.execute(f"delete from {table} where {value} in ({listed})")
    files = [unglobbed(path) for day in days for path in parts.get(day, ())]
    if files:
        left_out = f" exclude ({PARTITION})" if column == PARTITION else ""
        rows = _rows_in(files, column)
        connection.execute(f"insert into {table} by name select *{left_out} from {rows} order by all")
        months |= _months(connection, table, month_column, f"{value} in ({listed})")
    connection.execute(f"delete from {_NOTE} where table_name = ? and part in ({listed})", [mart])
    for day in days:
        if day in parts:
            connection.execute(f"insert into {_NOTE} values (?, ?, ?)", [mart, day, list(parts[day])])
    return months


def _rows_in(patterns: Sequence[str], partition: str) -> str:
    """A read_parquet call over files in folders by day; `partition` is the column that the folders tell."""
    listed = ", ".join(sql_literal(pattern) for pattern in patterns)
    kinds = f"hive_partitioning = true, hive_types = {{'{partition}': date}}, union_by_name = true"
    return f"read_parquet([{listed}], {kinds})"


def _duckdb_type(of_spark: str) -> str:
    if of_list := re.fullmatch(r"array<(\w+)>", of_spark):
        return f"{_duckdb_type(of_list[1])}[]"
    return _TYPES.get(of_spark, of_spark)


def _months(connection: duckdb.DuckDBPyConnection, table: str, column: str | None, where: str) -> set[date]:
    if column is None:
        return set()
    rows = connection.execute(
        f"select distinct cast(date_trunc('month', {column}) as date) from {table} where {where}"
    ).fetchall()
    return {month for (month,) in rows}


def _exists(connection: duckdb.DuckDBPyConnection, mart: str) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
        [MARTS_SCHEMA, mart],
    ).fetchall()
    return bool(found)


def _columns(project: Path, mart: str) -> str:
    (properties,) = (found for found in mart_properties(project) if found["name"] == mart)
    return ", ".join(f"{column['name']} {column['data_type']}" for column in properties["columns"])
