"""The rows that a build replaces, kept until it is finished, so that whatever stops it can be undone.

Like a database's rollback journal: it lies in the warehouse (schema `journal`), the window strategy of the dbt project
writes it in the transaction that replaces the rows (macros/materializations.sql), and the next build finds it when a
build died. It also gives an asset whose test fails its former rows back.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

SCHEMA = "journal"
BUILT_SCHEMAS = ("intermediate", "marts")
# The environment variable that makes the window strategy write the journal.
ENVIRONMENT = {"RENEWABLE_JOURNAL": "yes"}
_ASSET = "asset_id"


@dataclass(frozen=True)
class _Table:
    """A table of the models; `predicate` covers the rows that the build replaced, None where it made the table."""

    schema: str
    name: str
    predicate: str | None

    @property
    def sql(self) -> str:
        return f'"{self.schema}"."{self.name}"'

    @property
    def kept(self) -> str:
        return f'{SCHEMA}."{self.schema}__{self.name}"'


def open_journal(connection: duckdb.DuckDBPyConnection) -> None:
    """Begin a journal; what an earlier build left unfinished is undone first."""
    undo(connection)
    connection.execute("begin")
    connection.execute(f"create schema {SCHEMA}")
    connection.execute(
        f"create table {SCHEMA}.predicates (table_schema varchar, table_name varchar, predicate varchar)"
    )
    connection.execute(
        f"create table {SCHEMA}.tables_before as select table_schema, table_name from information_schema.tables"
        f" where table_schema in {BUILT_SCHEMAS} and table_type = 'BASE TABLE'"
    )
    connection.execute("commit")


def close_journal(connection: duckdb.DuckDBPyConnection) -> None:
    """Throw the journal away: what was built counts. It belongs into the transaction that writes the books."""
    connection.execute(f"drop schema if exists {SCHEMA} cascade")


def undo(connection: duckdb.DuckDBPyConnection) -> bool:
    """Give all tables the rows back that they had when the journal was opened; False when there is none."""
    if not _exists(connection):
        return False
    connection.execute("begin")
    try:
        for table in _touched(connection):
            if table.predicate is None:
                connection.execute(f"drop table {table.sql} cascade")
            else:
                connection.execute(
                    f"delete from {table.sql} as DBT_INCREMENTAL_TARGET where {table.predicate}"
                )
                connection.execute(f"insert into {table.sql} by name from {table.kept}")
        close_journal(connection)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return True


def give_back(connection: duckdb.DuckDBPyConnection, asset_ids: Collection[str]) -> list[str]:
    """Give the rows of these assets back that they had before the build, in every table that knows assets.

    Returns the names of the built tables that know no asset: they sum over assets and have to be built again.
    """
    sums = []
    names = list(asset_ids)
    connection.execute("begin")
    try:
        for table in _touched(connection):
            if _ASSET not in _columns(connection, table):
                sums.append(table.name)
                continue
            of_assets = f"{_ASSET} in (select unnest($names))"
            where = f"{of_assets} and ({table.predicate or 'true'})"
            connection.execute(
                f"delete from {table.sql} as DBT_INCREMENTAL_TARGET where {where}", {"names": names}
            )
            if table.predicate is not None:
                connection.execute(
                    f"insert into {table.sql} by name from {table.kept} where {of_assets}", {"names": names}
                )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return sums


def changed_months(
    connection: duckdb.DuckDBPyConnection, month_columns: Mapping[str, str]
) -> dict[str, set[date] | None]:
    """Months of which the build replaced or wrote rows, by touched table of `month_columns`; None for one it made.

    `month_columns` names the column of days or instants that says to which month a row belongs.
    """
    found: dict[str, set[date] | None] = {}
    for table in _touched(connection):
        column = month_columns.get(table.name)
        if column is None:
            continue
        if table.predicate is None:
            found[table.name] = None
            continue
        rows = connection.execute(
            f"select distinct cast(date_trunc('month', {column}) as date)"
            f" from (select {column} from {table.kept} union all"
            f" select {column} from {table.sql} as DBT_INCREMENTAL_TARGET where {table.predicate})"
        ).fetchall()
        found[table.name] = {month for (month,) in rows}
    return found


def _exists(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "select 1 from information_schema.schemata where schema_name = ? and catalog_name = current_catalog()",
        [SCHEMA],
    ).fetchall()
    return bool(found)


def _touched(connection: duckdb.DuckDBPyConnection) -> Iterator[_Table]:
    """Tables whose rows the build replaced, and tables that it made."""
    rows = connection.execute(
        f"select t.table_schema, t.table_name, p.predicate, b.table_name is not null"
        f" from information_schema.tables t"
        f" left join {SCHEMA}.predicates p using (table_schema, table_name)"
        f" left join {SCHEMA}.tables_before b using (table_schema, table_name)"
        f" where t.table_schema in {BUILT_SCHEMAS} and t.table_type = 'BASE TABLE' order by all"
    ).fetchall()
    for schema, name, predicate, was_there in rows:
        if not was_there:
            yield _Table(schema, name, None)
        elif predicate is not None:
            yield _Table(schema, name, predicate)


def _columns(connection: duckdb.DuckDBPyConnection, table: _Table) -> set[str]:
    rows = connection.execute(
        "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
        [table.schema, table.name],
    ).fetchall()
    return {name for (name,) in rows}
