"""Deletes old runs with all that is kept of them from Dagster's history; data and tables are not touched."""

import argparse
import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from dagster_project.failures import reported
from dagster_project.home import prepare_home
from renewable.ctrl_c import interruptible
from renewable.settings import Settings, load_settings

_AT_ONCE = 100
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_BUSY_WAIT_S = 30.0


@dataclass(frozen=True)
class Pruned:
    """What was deleted, and the databases that were in use all the while and kept their size."""

    runs: int
    freed_bytes: int
    in_use: tuple[str, ...] = ()

    def __str__(self) -> str:
        in_use = f"; still in use and not made smaller: {', '.join(self.in_use)}" if self.in_use else ""
        return f"{self.runs} runs, {self.freed_bytes / 1e6:.1f} MB{in_use}"


def prune(instance: dg.DagsterInstance, home: Path, before: datetime) -> Pruned:
    """Delete the finished runs that were made before `before`, their files, and what runs deleted earlier left behind.

    Dagster then shows the partitions that only these runs made as missing: it knows them by their events. Databases of
    PostgreSQL see to their space themselves.
    """
    size = size_bytes(home)
    # Before the runs are listed: what a new run makes meanwhile is no left-over.
    left = _files_of_runs(home)
    deleted = prune_runs(instance, before)
    kept = set(instance.get_run_ids())
    for run_id, paths in left.items():
        if run_id not in kept:
            _delete(instance, run_id, paths)
    _forget_checks(instance, kept)
    in_use = tuple(path.name for path in _databases(home) if not _vacuumed(path))
    return Pruned(deleted, max(0, size - size_bytes(home)), in_use)


def prune_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete the finished runs that were made before `before`, with their events; returns how many."""
    deleted, old = 0, dg.RunsFilter(statuses=_ENDED, created_before=before)
    while runs := instance.get_runs(old, limit=_AT_ONCE):
        for run in runs:
            instance.delete_run(run.run_id)
        deleted += len(runs)
    return deleted


def size_bytes(home: Path) -> int:
    """Of all files below `home`."""
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description="Delete old runs from Dagster's history.")
    parser.add_argument(
        "--keep-days", type=int, required=True, help="age in days from which runs are deleted"
    )
    options = parser.parse_args()
    known: list[Settings] = []
    with interruptible(), reported(known):
        known.append(settings := load_settings())
        if fault := _too_few(options.keep_days, settings):
            parser.error(fault)
        os.environ["DAGSTER_HOME"] = str(home := prepare_home(settings))
        before = datetime.now(UTC) - timedelta(days=options.keep_days)
        with dg.DagsterInstance.get() as instance:
            print(
                f"deleted what was made before {before:%Y-%m-%d %H:%M} UTC: {prune(instance, home, before)}"
            )


def _too_few(days: int, settings: Settings) -> str | None:
    """The schedule would take imported days for missed whose runs are forgotten."""
    if days > settings.catch_up_days:
        return None
    return f"--keep-days must be more than RENEWABLE_CATCH_UP_DAYS={settings.catch_up_days}, got {days}"


def _files_of_runs(home: Path) -> dict[str, list[Path]]:
    """What carries the id of a run: its database of events, and the directory of its output."""
    found: dict[str, list[Path]] = {}
    for path in (*(home / "history" / "runs").glob("*.db*"), *(home / "storage").glob("*")):
        run_id = path.name.partition(".")[0]
        if _is_run_id(run_id):
            found.setdefault(run_id, []).append(path)
    return found


def _is_run_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _delete(instance: dg.DagsterInstance, run_id: str, paths: Collection[Path]) -> None:
    for path in paths:
        if path.is_file():
            path.unlink(missing_ok=True)
    instance.compute_log_manager.delete_logs(prefix=[run_id])


def _forget_checks(instance: dg.DagsterInstance, kept: Collection[str]) -> None:
    """Drop the verdicts of deleted runs but the last one of each check, which says what is wrong now."""
    storage, table = instance.event_log_storage, AssetCheckExecutionsTable
    if not isinstance(storage, SqlEventLogStorage):
        return
    with storage.index_connection() as connection:
        newest = sa.select(sa.func.max(table.c.id)).group_by(table.c.asset_key, table.c.check_name)
        last = {row[0] for row in connection.execute(newest)}
        rows = connection.execute(sa.select(table.c.id, table.c.run_id)).fetchall()
        gone = [number for number, run_id in rows if run_id and run_id not in kept and number not in last]
        for start in range(0, len(gone), _AT_ONCE):
            connection.execute(table.delete().where(table.c.id.in_(gone[start : start + _AT_ONCE])))


def _databases(home: Path) -> Iterator[Path]:
    """SQLite databases that all runs share, the small ones first: they leave room for the next."""
    names = ("schedules/schedules.db", "history/runs.db", "history/runs/index.db")
    yield from sorted(
        (path for name in names if (path := home / name).is_file()), key=lambda path: path.stat().st_size
    )


def _vacuumed(path: Path) -> bool:
    """Whether the free pages of a database were given back; a reader at work does not mind."""
    with closing(sqlite3.connect(path, timeout=_BUSY_WAIT_S, isolation_level=None)) as connection:
        try:
            connection.execute("vacuum")
            return bool(connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0)
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                return False
            raise


if __name__ == "__main__":
    main()
