"""Entry point of loading: pending raw files through the gate into DuckDB with dlt, one transaction a table."""

import time
from collections.abc import Callable, Container, Sequence
from datetime import UTC, datetime

import duckdb

from loaders.bookkeeping import log_misnamed, log_with_registry
from loaders.dlt_package import FilesMovedError, Packages, batches, has_raw_tables, work_directory
from loaders.judging import Judge, JudgedDay, judge_misnamed, store_refusals
from loaders.load_log import create_load_log, ledger_of, publish_load_log, removal_guard
from loaders.pending import DayFiles, Unit, find_pending, refuse_to_empty
from loaders.quarantine import quarantined_units
from loaders.summary import LoadSummary, summarize
from loaders.values_set_aside import adopt_values_set_aside, create_values_set_aside
from loaders.verdicts import GateRegistry, read_standing
from renewable.errors import PipelineError
from renewable.fleet import load_fleet
from renewable.settings import Settings
from renewable.warehouse import exclusive_connection
from renewable.windows import ONE_DAY, Window


def ingest(
    settings: Settings,
    window: Window | None = None,
    *,
    again: Container[Unit] = (),
    allow_removal: bool = False,
    follow_changes: bool = True,
    report: Callable[[str], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> LoadSummary:
    """Load what is new, changed or gone under the raw directory; `window` limits it to files of those UTC days.

    Afterwards the warehouse holds, for each table and day that was touched, exactly the accepted rows of the
    files of that day. Files that cannot be accepted are set aside and do not stop the others. The table days in
    `again` are judged anew although their files are known; so are files that were refused under another contract,
    and those that name an asset whose registry row changed (not without `follow_changes`). When a table's folder or
    most of its files are gone, nothing of that table is taken out (`LoadSummary.held_back`) unless `allow_removal`
    says that it is meant.
    Raises FleetError, WarehouseBusyError, PipelineError.
    """
    try:
        return _ingest(
            settings, window, again, allow_removal, follow_changes, report or (lambda _: None), now
        )
    except (OSError, duckdb.Error) as error:
        raise PipelineError(
            f"loading stopped: {error}. What was loaded before is kept, the rest is taken by the next run;"
            " mend the cause and run `renewable ingest` again"
        ) from error


def replay(
    settings: Settings, file: str | None = None, *, report: Callable[[str], None] | None = None
) -> LoadSummary:
    """Judge again the table days of which something is set aside (of `file`, as the quarantine names it).

    What is good now is loaded, and what that settled leaves the quarantine. Raises as `ingest` does.
    """
    units = quarantined_units(settings.quarantine_dir, file)
    if not units:
        return LoadSummary()
    days = [day for _, day in units]
    window = Window(min(days), max(days) + ONE_DAY)
    return ingest(settings, window, again=units, follow_changes=False, report=report)


def _ingest(
    settings: Settings,
    window: Window | None,
    again: Container[Unit],
    allow_removal: bool,
    follow_changes: bool,
    report: Callable[[str], None],
    now: Callable[[], datetime],
) -> LoadSummary:
    started = time.monotonic()
    fleet = load_fleet(settings.fleet_dir)
    done, in_motion = list[JudgedDay](), list[str]()
    with (
        exclusive_connection(
            settings.warehouse_path,
            settings.lock_wait_s,
            report=report,
            memory_limit=settings.duckdb_memory_limit,
        ) as connection,
        work_directory(settings.work_dir) as work,
    ):
        # Both cores may insert; rows stay together by file, which is what reading a day back needs.
        connection.execute("set preserve_insertion_order = false")
        create_load_log(connection)
        create_values_set_aside(connection)
        adopt_values_set_aside(connection, settings.quarantine_dir)
        registry = GateRegistry(fleet.assets_at_most)
        log = log_with_registry(settings, connection, fleet, registry)
        standing = read_standing(connection, registry, log)
        pending = find_pending(
            settings.raw_dir,
            ledger_of(log),
            window,
            again=again,
            due=standing.due(log) if follow_changes else {},
            guard=None if allow_removal else removal_guard(settings),
        )
        if not allow_removal:
            refuse_to_empty(settings.raw_dir, pending, log.height)
        misnamed = judge_misnamed(settings, pending)
        judge = Judge(settings, fleet, standing, work)
        packages = Packages(settings, standing, connection, work, now)
        if pending.days or not has_raw_tables(connection):
            for batch in batches(pending.days, settings.max_rows_per_file):
                done += _load(judge, packages, batch, in_motion)
                if len(done) < len(pending.days):
                    report(f"loaded {len(done)} of {len(pending.days)} table days")
        log_misnamed(settings, connection, misnamed, pending.forgotten, standing.contract, now())
        publish_load_log(settings, connection)
    return summarize(done, misnamed, in_motion, pending, time.monotonic() - started)


def _load(
    judge: Judge, packages: Packages, units: Sequence[DayFiles], in_motion: list[str]
) -> list[JudgedDay]:
    """Judge and load a batch; days whose files move meanwhile are left out and their files noted."""
    started, left = time.monotonic(), list(units)
    while True:
        batch, moving = judge.days(left)
        in_motion += moving
        store_refusals(judge.settings, batch)
        try:
            packages.load(batch, started)
            return batch
        except FilesMovedError as error:
            in_motion += error.args
            left = [judged.unit for judged in batch if not judged.files.keys() & set(error.args)]
