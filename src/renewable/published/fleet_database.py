"""`fleet.duckdb`: the published tables as one DuckDB file, for tools that open a database and no folder.

Small tables are copied into it. A table with a file a month is a view on the Parquet files of the current set, by
absolute paths: who opened the file before a publish sees the new rows through it. The table `about` says of which build
the copies are.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import duckdb

from renewable.atomic_write import replacing
from renewable.published.descriptions import TableText
from renewable.warehouse import sql_literal

FLEET_DATABASE = "fleet.duckdb"
ABOUT = "about"
# The oldest format that DuckDB still writes. Every DuckDB since 0.10 opens it; drivers of dashboards stay at 1.x for
# years, and these cannot read what DuckDB 2 writes by itself. Newer formats compress more, which matters little here.
STORAGE_VERSION = "v1.0.0"
_ATTACHED = "fleet_database"
_ABOUT_TEXT = "What this file is: the build of its tables, and the folder whose Parquet files its views read."


def write_fleet_database(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    source: Path,
    texts: Mapping[str, TableText],
    by_month: Collection[str],
    about: Mapping[str, str],
) -> None:
    """Write the database of the tables in `texts`, which lie as Parquet under `source`, with what is said of them.

    Those in `by_month` are views, so that `source` has to be a path that stays. The file gets its name when it is
    whole: a reader that has the former one open keeps it, and a kill leaves it. Any `connection` will do.
    """
    with replacing(path) as unfinished:
        unfinished.unlink(missing_ok=True)
        options = f"storage_version {sql_literal(STORAGE_VERSION)}"
        with _attached(connection, unfinished, options) as database, _transaction(connection):
            connection.execute(f"create table {database}.{ABOUT} (name varchar, value varchar)")
            connection.execute(f"comment on table {database}.{ABOUT} is {sql_literal(_ABOUT_TEXT)}")
            pairs = [list(pair) for pair in about.items()]
            connection.executemany(f"insert into {database}.{ABOUT} values (?, ?)", pairs)
            for name, text in texts.items():
                _add(connection, database, name, text, source / f"{name}.parquet", is_view=name in by_month)
        # Of a program that wrote into the former file and died: it does not fit the new one.
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def is_written(connection: duckdb.DuckDBPyConnection, path: Path, about: Mapping[str, str]) -> bool:
    """Whether the database is there and tells this of itself."""
    if not path.is_file():
        return False
    try:
        with _attached(connection, path, "read_only") as database:
            return dict(connection.execute(f"from {database}.{ABOUT}").fetchall()) == about
    except duckdb.Error:
        # Broken, or held by a program that writes into it: it is written anew, which harms neither.
        return False


def about_set(set_dir: Path, build_id: str, published_dir: Path) -> dict[str, str]:
    """What the database of a set tells of itself. It is written anew when any of it changes."""
    return {
        "product": "renewable",
        "version": version("renewable"),
        "build_id": build_id,
        "set": set_dir.name,
        "published_dir": str(published_dir),
    }


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, path: Path, options: str) -> Iterator[str]:
    """The database at `path` under a name of its own in `connection`."""
    connection.execute(f"attach {sql_literal(str(path))} as {_ATTACHED} ({options})")
    try:
        yield f"{_ATTACHED}.main"
    finally:
        connection.execute(f"detach {_ATTACHED}")


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _add(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    name: str,
    text: TableText,
    source: Path,
    *,
    is_view: bool,
) -> None:
    kind, table = "view" if is_view else "table", f"{database}.{name}"
    files = _literally(source)
    if is_view:
        # The build is a part of the folder's name, and a text.
        rows = f"{sql_literal(f'{files}/*/*.parquet')}, hive_partitioning = true, hive_types_autocast = false"
    else:
        rows = sql_literal(files)
    connection.execute(f"create {kind} {table} as select * from read_parquet({rows})")
    said = [f"comment on {kind} {table} is {sql_literal(text.description)}"]
    for column, *_ in connection.execute(f"describe {table}").fetchall():
        if about := text.columns.get(column):
            said.append(f'comment on column {table}."{column}" is {sql_literal(about.sentence)}')
    connection.execute(";".join(said))


def _literally(path: Path) -> str:
    """The path as a pattern that matches itself alone."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
