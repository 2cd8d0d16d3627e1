"""A copy of the warehouse as one file, and its way back. The raw files are the originals; a copy only saves time."""

import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import duckdb

from loaders.load_log import DATASET, LOAD_LOG, publish_load_log
from renewable.atomic_write import replacing
from renewable.errors import PipelineError, WarehouseError
from renewable.published.publish import publish
from renewable.settings import Settings
from renewable.transform.books import read_books, write_copies
from renewable.warehouse import connect, exclusive, has_load_log, refuse_damaged

BEFORE_RESTORE = "before-restore"


def back_up(settings: Settings, target: Path, *, report: Callable[[str], None] | None = None) -> int:
    """Copy the warehouse to `target`, which appears whole or not at all; returns its size in bytes.

    Waits for a busy warehouse. Raises PipelineError when there is none or the copy cannot be read, WarehouseBusyError,
    WarehouseError when what lies there is no sound warehouse. A `target` that was there stays then.
    """
    warehouse = settings.warehouse_path
    if target.is_dir():
        raise PipelineError(f"{target} is a directory: name the file that the copy is to become")
    if target.resolve() == warehouse.resolve():
        raise PipelineError(f"{target} is the warehouse itself: name another file for the copy")
    with exclusive(warehouse, settings.lock_wait_s, report=report):
        if not warehouse.exists():
            raise PipelineError(f"there is no warehouse {warehouse} to back up: `renewable ingest` makes one")
        with connect(warehouse) as connection:
            if not has_load_log(connection):
                raise PipelineError(f"nothing was ever loaded into {warehouse}: there is nothing to back up")
            # What the write-ahead log still holds goes into the file.
            connection.execute("force checkpoint")
        # A copy of a damaged one would take the place of a sound one.
        refuse_damaged(warehouse)
        with replacing(target) as copy:
            shutil.copyfile(warehouse, copy)
            _files_known(copy)
    return target.stat().st_size


def restore(settings: Settings, source: Path, *, report: Callable[[str], None] | None = None) -> int:
    """Put the copy `source` in the warehouse's place, publish its tables; returns the files its load log knows.

    What is there is kept beside it, whatever it is. Files that came, changed or went since the copy are pending
    afterwards. Raises PipelineError for a file that is no such copy, before anything is touched.
    """
    known, warehouse = _files_known(source), settings.warehouse_path
    if source.resolve() == warehouse.resolve():
        raise PipelineError(f"{source} is the warehouse itself: name a file that `renewable backup` made")
    with exclusive(warehouse, settings.lock_wait_s, report=report, broken_too=True):
        with replacing(warehouse) as copy:
            shutil.copyfile(source, copy)
            _files_known(copy)
            # The write-ahead log belongs to the database that leaves.
            for name in (warehouse.name, f"{warehouse.name}.wal"):
                _keep_beside(warehouse.with_name(name))
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


def _keep_beside(present: Path) -> None:
    """Rename what lies at `present`, if anything, to a name that is free."""
    if not os.path.lexists(present):
        return
    names = (f"{present.name}.{BEFORE_RESTORE}{'' if n == 1 else f'-{n}'}" for n in count(1))
    aside = next(path for path in map(present.with_name, names) if not os.path.lexists(path))
    present.rename(aside)


def _files_known(copy: Path) -> int:
    """How many files the load log of a copy knows, which also shows that it can be read."""
    if not copy.exists():
        raise PipelineError(
            f"{copy} is no copy of a warehouse: there is no such file. Name one that `renewable backup` made"
        )
    try:
        refuse_damaged(copy)
        with connect(copy, read_only=True) as connection:
            ((files,),) = connection.execute(f"select count(*) from {DATASET}.{LOAD_LOG}").fetchall()
    except (duckdb.Error, WarehouseError) as error:
        reason = error.what if isinstance(error, WarehouseError) else str(error).splitlines()[0]
        raise PipelineError(
            f"{copy} is no copy of a warehouse of this pipeline: {reason}. Name a file that `renewable backup` made"
        ) from error
    return int(files)
