"""Access to the DuckDB file: one writer at a time, a bounded wait, UTC on every connection."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from renewable.errors import WarehouseBusyError

_RETRY_S = 0.25
_UNREPLAYABLE = "replaying WAL file"
_HOLDER = re.compile(r"(?P<program>\S+) \(PID (?P<pid>\d+)\)")


@contextmanager
def exclusive(
    warehouse: Path, wait_s: float, *, report: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the warehouse against every other step of this pipeline, once outside readers have let go too.

    The database is left closed, for a tool that opens it itself.
    Raises WarehouseBusyError, which names the holder where it is known, after `wait_s` seconds.
    """
    tell, deadline = report or _tell, time.monotonic() + wait_s
    with _held(warehouse, wait_s, tell):
        if warehouse.exists():
            _opened(warehouse, deadline, wait_s, tell).close()
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
            _configure(connection, memory_limit)
            yield connection
        finally:
            connection.close()


@contextmanager
def connect(warehouse: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with TimeZone UTC, closed at the end. Call it inside `exclusive`."""
    connection = duckdb.connect(str(warehouse), read_only=read_only)
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
    warehouse.parent.mkdir(parents=True, exist_ok=True)
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
    write_ahead_log = warehouse.with_name(f"{warehouse.name}.wal")
    while True:
        try:
            return duckdb.connect(str(warehouse))
        except duckdb.Error as error:
            if _UNREPLAYABLE in str(error) and write_ahead_log.exists():
                # The database file was replaced by an older or another one. What is lost with the log are loads and
                # builds whose own log is lost with them: the next ones do them again.
                aside = write_ahead_log.with_name(f"{write_ahead_log.name}.of-another-database")
                write_ahead_log.replace(aside)
                tell(f"{warehouse} does not fit the write-ahead log beside it, which is now {aside.name}")
                continue
            holder = _HOLDER.search(str(error))
            if holder is None:
                raise
            who = f"{holder['program']}, process {holder['pid']}"
            if time.monotonic() >= deadline:
                raise WarehouseBusyError(_busy(warehouse, wait_s, who)) from error
            if not told:
                tell(f"{warehouse} is open in {who}; waiting up to {wait_s:.0f} s")
                told = True
            time.sleep(_RETRY_S)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _busy(warehouse: Path, wait_s: float, who: str) -> str:
    return (
        f"{warehouse} stayed busy for {wait_s:.0f} s: it is held by {who}. "
        "Close that program (readers should use the published Parquet files), or raise RENEWABLE_LOCK_WAIT_S."
    )


def _owner(owner: Path) -> str:
    try:
        return owner.read_text(encoding="utf-8") or "another run"
    except FileNotFoundError:
        return "another run"


def _this_process() -> str:
    return f"process {os.getpid()}: {' '.join(sys.argv)[:200]}"
