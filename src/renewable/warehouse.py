"""The one door to the DuckDB file: what lies there is a warehouse, one writer at a time, a bounded wait, UTC.

A warehouse bears a mark, the table `renewable_books.about`. It is made with the mark in it and gets its name only then.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from renewable.atomic_write import replacing
from renewable.errors import WarehouseBusyError, WarehouseError
from renewable.warehouse_file import FileFault, damaged, fault_of_file, look_at, look_through, newer, stranger

__all__ = [
    "BOOKS",
    "NO_EXTENSIONS",
    "WAREHOUSE_LAYOUT",
    "connect",
    "exclusive",
    "exclusive_connection",
    "fault_of_file",
    "has_load_log",
    "refuse_by_error",
    "refuse_damaged",
    "sql_literal",
]

# Version of what this software keeps in a warehouse; one with a higher number is left alone.
WAREHOUSE_LAYOUT = 1
# The schema of the mark, and of what else the pipeline notes for itself. DuckDB names a database after its file, and
# a schema that is called like its database cannot be addressed.
BOOKS = "renewable_books"
_SCHEMAS = {BOOKS, "raw", "staging", "intermediate", "marts", "seeds", "journal", "main"}
_PRODUCT = "renewable"
_ABOUT = f"{BOOKS}.about"
# A warehouse from before the mark is known by these columns of its load log.
_LOAD_LOG, _LOAD_LOG_COLUMNS = ("raw", "load_log"), {"file", "table_name", "day", "sha256"}
# Everything that is needed is built in: a file cannot make DuckDB look for an extension.
NO_EXTENSIONS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_RETRY_S = 0.25
_UNREPLAYABLE = "replaying WAL file"
_SIGNS_OF_NEWER = ("was created with a newer version",)
_SIGNS_OF_DAMAGE = (
    "Corrupt database file",
    "Could not read enough bytes",
    "not a valid DuckDB database",
    "Failed to deserialize",
)
_FULL, _DENIED = "No space left on device", "Permission denied"
_NAMED_FILE = re.compile(r'file "(/[^"]+)"')
_NO_MEMORY = "Out of Memory Error"
_LOCKED = "Could not set lock"
_HOLDER = re.compile(r"(?P<program>\S+) \(PID (?P<pid>\d+)\)")


@contextmanager
def exclusive(
    warehouse: Path, wait_s: float, *, report: Callable[[str], None] | None = None, broken_too: bool = False
) -> Iterator[None]:
    """Hold the warehouse against every other step of this pipeline, once outside readers have let go too.

    The database is left closed, for a tool that opens it itself. With `broken_too` it may be no warehouse, for who
    replaces it.
    Raises WarehouseBusyError, which names the holder where it is known, after `wait_s` seconds, and WarehouseError.
    """
    tell, deadline = report or _tell, time.monotonic() + wait_s
    with _held(warehouse, wait_s, tell):
        if os.path.lexists(warehouse):
            try:
                _opened(warehouse, deadline, wait_s, tell).close()
            except WarehouseError:
                if not broken_too:
                    raise
        with _told_in_one_line(warehouse):
            yield


@contextmanager
def exclusive_connection(
    warehouse: Path,
    wait_s: float,
    *,
    report: Callable[[str], None] | None = None,
    memory_limit: str | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Like `exclusive`, with the database open all the while, so that no outside reader can come in between."""
    tell, deadline = report or _tell, time.monotonic() + wait_s
    with _held(warehouse, wait_s, tell):
        connection = _opened(warehouse, deadline, wait_s, tell)
        try:
            with _told_in_one_line(warehouse):
                _configure(connection, memory_limit)
                yield connection
        finally:
            connection.close()


@contextmanager
def connect(
    warehouse: Path, *, read_only: bool = False, wait_s: float = 0.0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with TimeZone UTC, closed at the end. Call it inside `exclusive`.

    A program outside that opened the database meanwhile is waited for, `wait_s` seconds.
    Raises WarehouseError, WarehouseBusyError.
    """
    with _told_in_one_line(warehouse):
        connection = (
            _through_the_door(warehouse, read_only=True)
            if read_only
            else _opened(warehouse, time.monotonic() + wait_s, wait_s, _tell)
        )
        try:
            _configure(connection, None)
            yield connection
        finally:
            connection.close()


def sql_literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _configure(connection: duckdb.DuckDBPyConnection, memory_limit: str | None) -> None:
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    if memory_limit is not None:
        connection.execute("set memory_limit = $limit", {"limit": memory_limit})


@contextmanager
def _held(warehouse: Path, wait_s: float, tell: Callable[[str], None]) -> Iterator[None]:
    _make_directory(warehouse)
    owner = warehouse.with_name(f"{warehouse.name}.owner")
    lock = FileLock(f"{warehouse}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"{warehouse} is busy ({_owner(owner)}); waiting up to {wait_s:.0f} s")
        try:
            lock.acquire(timeout=wait_s)
        except Timeout as error:
            raise WarehouseBusyError(_busy(warehouse, wait_s, _owner(owner))) from error
    try:
        owner.write_text(_this_process(), encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _opened(
    warehouse: Path, deadline: float, wait_s: float, tell: Callable[[str], None]
) -> duckdb.DuckDBPyConnection:
    """The database, opened as soon as no other program has it open."""
    told = False
    write_ahead_log = _write_ahead_log(warehouse)
    while True:
        try:
            with _told_in_one_line(warehouse):
                return _through_the_door(warehouse)
        except duckdb.Error as error:
            if _UNREPLAYABLE in str(error) and write_ahead_log.exists():
                # The database file was replaced by an older or another one. What is lost with the log are loads and
                # builds whose own log is lost with them: the next ones do them again.
                aside = _set_aside(write_ahead_log)
                tell(f"{warehouse} does not fit the write-ahead log beside it, which is now {aside.name}")
                continue
            if _LOCKED not in str(error):
                raise
            who = _holder(str(error))
            if time.monotonic() >= deadline:
                raise WarehouseBusyError(_busy(warehouse, wait_s, who)) from error
            if not told:
                tell(f"{warehouse} is open in {who}; waiting up to {wait_s:.0f} s")
                told = True
            time.sleep(_RETRY_S)


def _through_the_door(warehouse: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """The database, which is known to be a warehouse; one that may be written is made and marked where need be."""
    _refuse(look_at(warehouse))
    if warehouse.stem.lower() in _SCHEMAS:
        raise WarehouseError(
            f"{warehouse} is called like a schema in it, which DuckDB cannot tell apart",
            "Give it another name, such as renewable.duckdb",
        )
    if not read_only and not warehouse.exists():
        _make(warehouse)
    connection = duckdb.connect(str(warehouse), read_only=read_only, config=NO_EXTENSIONS)
    try:
        mark = _mark(connection)
        _refuse(_fault_of_mark(warehouse, connection, mark))
        if not read_only and mark.get("duckdb_version") != duckdb.__version__:
            _write_mark(connection, mark)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse(fault: FileFault | None) -> None:
    if fault is not None:
        raise WarehouseError(fault.what, fault.next_step)


def _make(warehouse: Path) -> None:
    """An empty warehouse with its mark. It gets its name when it is whole, so that a kill leaves none without."""
    with replacing(warehouse) as unfinished:
        unfinished.unlink(missing_ok=True)
        connection = duckdb.connect(str(unfinished), config=NO_EXTENSIONS)
        try:
            _write_mark(connection, {})
        finally:
            connection.close()
        # That of a database that was deleted alone; DuckDB must not take it for the new one's.
        if (orphan := _write_ahead_log(warehouse)).exists():
            _set_aside(orphan)


def _write_ahead_log(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.name}.wal")


def _set_aside(write_ahead_log: Path) -> Path:
    return write_ahead_log.replace(write_ahead_log.with_name(f"{write_ahead_log.name}.of-another-database"))


def _mark(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The mark's values by name; empty when there is none."""
    if {"name", "value"} - _columns(connection, BOOKS, "about"):
        return {}
    return dict(connection.execute(f"select name, value from {_ABOUT}").fetchall())


def _write_mark(connection: duckdb.DuckDBPyConnection, before: dict[str, str]) -> None:
    """Say what this database is and who wrote it last; `created_at` stays as it was."""
    values = {
        "created_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        **before,
        "product": _PRODUCT,
        "layout_version": str(WAREHOUSE_LAYOUT),
        "duckdb_version": duckdb.__version__,
    }
    connection.begin()
    connection.execute(f"create schema if not exists {BOOKS}")
    connection.execute(f"create or replace table {_ABOUT} (name varchar, value varchar)")
    connection.executemany(f"insert into {_ABOUT} values (?, ?)", [list(pair) for pair in values.items()])
    connection.commit()


def _fault_of_mark(
    warehouse: Path, connection: duckdb.DuckDBPyConnection, mark: dict[str, str]
) -> FileFault | None:
    if mark.get("product") == _PRODUCT:
        layout = mark.get("layout_version", "")
        if not layout.isdecimal():
            return damaged(warehouse, f"its mark says layout version {layout!r}")
        if int(layout) > WAREHOUSE_LAYOUT:
            what = f"its layout version is {layout}, this software knows {WAREHOUSE_LAYOUT}"
            return newer(warehouse, what)
        return None
    if has_load_log(connection) or _is_empty(connection):
        return None
    return stranger(warehouse, "a DuckDB database of something else")


def has_load_log(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the database has the load log, with the columns that it always had."""
    return _columns(connection, *_LOAD_LOG) >= _LOAD_LOG_COLUMNS


def _columns(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> set[str]:
    found = connection.execute(
        "select column_name from duckdb_columns()"
        " where database_name = current_database() and schema_name = ? and table_name = ?",
        [schema, table],
    ).fetchall()
    return {name for (name,) in found}


def _is_empty(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether nobody has put anything into the database."""
    ((things,),) = connection.execute(
        """
        select
            (select count(*) from duckdb_tables() where database_name = current_database() and not internal)
            + (select count(*) from duckdb_views() where database_name = current_database() and not internal)
            + (select count(*) from duckdb_schemas() where database_name = current_database() and not internal)
            + (select count(*) from duckdb_sequences() where database_name = current_database())
        """
    ).fetchall()
    return bool(things == 0)


def fault_of_error(warehouse: Path, message: str) -> FileFault | None:
    """What DuckDB's `message` says about the file: damaged, newer, no room, no right; None: about something else."""
    if _UNREPLAYABLE in message or _LOCKED in message:
        return None
    if any(sign in message for sign in _SIGNS_OF_NEWER):
        return newer(warehouse, message.partition(", but")[0].partition(": ")[2])
    lines = [line for line in message.splitlines() if any(sign in line for sign in _SIGNS_OF_DAMAGE)]
    if lines:
        return damaged(warehouse, lines[0])
    named = _NAMED_FILE.search(message)
    file = Path(named[1]) if named else warehouse
    if _FULL in message:
        return FileFault(
            f"{file} cannot be written: {_FULL}",
            f"Free space on the disk of {file.parent} and run it again; nothing half done counts",
        )
    if _NO_MEMORY in message:
        return FileFault(
            f"DuckDB ran out of memory over {warehouse}",
            "Raise RENEWABLE_DUCKDB_MEMORY_LIMIT, or give fewer days at once with --start and --end",
        )
    if _DENIED in message:
        return FileFault(
            f"{file} cannot be opened: {_DENIED}",
            f"Give this user the right to write it and its folder {file.parent}",
        )
    return None


def refuse_damaged(warehouse: Path) -> None:
    """Read the whole file, which nobody may have open; WarehouseError when a block of it is not as it was written."""
    _refuse(look_through(warehouse))


def busy_by_error(warehouse: Path, wait_s: float, message: str) -> None:
    """Raise WarehouseBusyError when `message`, of a tool that wanted the database, says that another one has it."""
    if _LOCKED in message:
        raise WarehouseBusyError(_busy(warehouse, wait_s, _holder(message)))


def busy_holder(message: str) -> str | None:
    """Who has the database open, by DuckDB's `message`; None where it is about something else."""
    return _holder(message) if _LOCKED in message else None


def refuse_by_error(warehouse: Path, message: str) -> None:
    """Raise WarehouseError when `message`, of a tool that had the database open, is about the file."""
    _refuse(fault_of_error(warehouse, message))


@contextmanager
def _told_in_one_line(warehouse: Path) -> Iterator[None]:
    """What DuckDB raises about the file as a WarehouseError; other errors pass."""
    try:
        yield
    except duckdb.Error as error:
        refuse_by_error(warehouse, str(error))
        raise


def _make_directory(warehouse: Path) -> None:
    try:
        warehouse.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise WarehouseError(
            f"{error.filename} is a file, and {warehouse} is to lie under it",
            "Move it away, or name other places with RENEWABLE_DATA_DIR or RENEWABLE_WAREHOUSE",
        ) from error


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _busy(warehouse: Path, wait_s: float, who: str) -> str:
    return (
        f"{warehouse} stayed busy for {wait_s:.0f} s: it is held by {who}. "
        "Close that program (readers should use the published Parquet files), or raise RENEWABLE_LOCK_WAIT_S."
    )


def _holder(message: str) -> str:
    found = _HOLDER.search(message)
    return f"{found['program']}, process {found['pid']}" if found else "another program"


def _owner(owner: Path) -> str:
    try:
        return owner.read_text(encoding="utf-8") or "another run"
    except FileNotFoundError:
        return "another run"


def _this_process() -> str:
    return f"process {os.getpid()}: {' '.join(sys.argv)[:200]}"
