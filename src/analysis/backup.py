"""A copy of the warehouse as one file, and its way back. The raw files are the originals; a copy only saves time."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from analysis.publish import publish
from loaders.load_log import DATASET, LOAD_LOG, publish_load_log
from renewable.atomic_write import replacing
from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.warehouse import connect, exclusive
from transform.books import read_books, write_copies

BEFORE_RESTORE = "before-restore"


def back_up(settings: Settings, target: Path, *, report: Callable[[str], None] | None = None) -> int:
    """Copy the warehouse to `target`, which appears whole or not at all; returns its size in bytes.

    Waits for a busy warehouse. Raises PipelineError when there is none, WarehouseBusyError.
    """
    warehouse = settings.warehouse_path
    if not warehouse.exists():
        raise PipelineError(f"there is no warehouse {warehouse} to back up")
    if target.is_dir():
        raise PipelineError(f"{target} is a directory: name the file that the copy is to become")
    with exclusive(warehouse, settings.lock_wait_s, report=report):
        with connect(warehouse) as connection:
            # What the write-ahead log still holds goes into the file.
            connection.execute("force checkpoint")
        with replacing(target) as copy:
            shutil.copyfile(warehouse, copy)
    _files_known(target)
    return target.stat().st_size


def restore(settings: Settings, source: Path, *, report: Callable[[str], None] | None = None) -> int:
    """Put the copy `source` in the warehouse's place, publish its tables; returns the files its load log knows.

    The present warehouse is kept beside it. Files that came, changed or went since the copy are pending afterwards.
    Raises PipelineError for a file that is no such copy, before anything is touched.
    """
    known, warehouse = _files_known(source), settings.warehouse_path
    with exclusive(warehouse, settings.lock_wait_s, report=report):
        # The write-ahead log belongs to the database that leaves.
        for name in (warehouse.name, f"{warehouse.name}.wal"):
            if (present := warehouse.with_name(name)).exists():
                present.replace(warehouse.with_name(f"{name}.{BEFORE_RESTORE}"))
        with replacing(warehouse) as copy:
            shutil.copyfile(source, copy)
        with connect(warehouse) as connection:
            publish_load_log(settings, connection)
            write_copies(settings, read_books(connection))
    try:
        publish(settings, report=report)
    except PipelineError as error:
        # The copy was made amid a build or by other models: it is back all the same, and readers keep what they had.
        (report or _nowhere)(f"not published: {error}")
    return known


def _nowhere(_: str) -> None:
    pass


def _files_known(copy: Path) -> int:
    """How many files the load log of a copy knows, which also shows that it can be read."""
    try:
        with connect(copy, read_only=True) as connection:
            ((count,),) = connection.execute(f"select count(*) from {DATASET}.{LOAD_LOG}").fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise PipelineError(f"{copy} is no copy of a warehouse of this pipeline: {reason}") from error
    return int(count)
