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
_HOLDER = re.compile(r"(?P<program>\S+) \(PID (?P<pid>\d+)\)")


@contextmanager
def exclusive(
    warehouse: Path, wait_s: float, *, report: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the warehouse against every other step of this pipeline, once outside readers have let go too.

    Raises WarehouseBusyError, which names the holder where it is known, after `wait_s` seconds.
    """
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    tell = report or (lambda line: print(line, file=sys.stderr))
    deadline = time.monotonic() + wait_s
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
        _wait_for_readers(warehouse, deadline, wait_s, tell)
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def connect(warehouse: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with TimeZone UTC, closed at the end. Call it inside `exclusive`."""
    connection = duckdb.connect(str(warehouse), read_only=read_only)
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _wait_for_readers(warehouse: Path, deadline: float, wait_s: float, tell: Callable[[str], None]) -> None:
    told = False
    while warehouse.exists():
        try:
            duckdb.connect(str(warehouse)).close()
            return
        except duckdb.IOException as error:
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
