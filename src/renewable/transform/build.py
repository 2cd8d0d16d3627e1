"""Builds the dbt models for the days that are stale, and writes the books of what was built (books.py).

A build marks its days before its first model and clears the marks after its last test. What stops it is undone by the
journal (journal.py): the tables are always those of finished builds, or say that they are not.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from loaders.load_log import (
    DATASET,
    create_load_log,
    files_of_other_registry,
    publish_load_log,
    warehouse_log,
)
from loaders.values_set_aside import create_values_set_aside
from renewable.contract import TABLES
from renewable.data_calendar import days_with_data, doubtful_holes, read_edges
from renewable.errors import PipelineError
from renewable.fleet import Fleet, asset_facts, load_fleet
from renewable.places import DBT_PROJECT
from renewable.reported import spans_of
from renewable.settings import Settings
from renewable.transform.books import (
    Books,
    Build,
    BuiltDay,
    Held,
    begin_build,
    built_identity,
    create_books,
    finish_build,
    forget_days,
    note_changed_months,
    read_books,
    registry_version,
    settle_days,
    write_copies,
)
from renewable.transform.dbt_project import (
    NO_TESTS,
    WITH_TESTS,
    DbtError,
    NodeResult,
    invoke_dbt,
    window_environment,
)
from renewable.transform.journal import (
    BUILT_SCHEMAS,
    ENVIRONMENT,
    changed_months,
    close_journal,
    give_back,
    open_journal,
    undo,
)
from renewable.transform.marts import month_columns
from renewable.transform.models_version import models_version, tests_version
from renewable.transform.spark.home import bring_home
from renewable.transform.spark.steps import (
    build_on_cluster,
    hand_over,
    mart_parts,
    need_client,
    session_of_build,
    show_on_duckdb,
)
from renewable.transform.staleness import (
    CUT,
    INSIDE,
    OUTSIDE,
    WHOLE,
    Stale,
    Versions,
    calendar_of,
    days_of_every_build,
    days_to_build,
    find_stale,
    needs_upgrade,
)
from renewable.warehouse import connect, exclusive
from renewable.windows import ONE_DAY, Window, contiguous_windows

# Rows of the interval table that one piece of a build makes at most, for so many bytes that DuckDB may take: the
# process takes some 1.9 GiB then.
PIECE_ROWS = 6_000_000
_PIECE_BYTES = 1_500_000_000
# Days between stale ones that a piece takes along rather than being cut: results look back that far anyway.
_GAP_DAYS = 30
_MINUTES_A_DAY = 24 * 60
# dbt's events at the end of a node.
_RESULTS = frozenset({"LogModelResult", "LogTestResult", "LogSeedResult"})
_ONLY_TESTS = ("--resource-type", "test")

Report = Callable[[str], None]
OnEvent = Callable[[Any], None]


class UpgradeNeededError(PipelineError):
    """The tables were built by other models than the present ones."""


@dataclass(frozen=True)
class TransformSummary:
    """The windows of UTC days that were rebuilt, and the assets whose rows a failing test held back, by test."""

    windows: tuple[Window, ...]
    full: bool = False
    held: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Of the books; None where nothing was to be built.
    build_id: str | None = None

    @property
    def sentence(self) -> str:
        """One line for people."""
        if self.full:
            done = "rebuilt everything"
        elif not self.windows:
            done = "nothing stale: every loaded day was built before"
        else:
            done = "rebuilt " + ", ".join(str(window) for window in self.windows)
        held = "; ".join(f"{', '.join(assets)} fail(s) {test}" for test, assets in self.held.items())
        return done + (f"; held at an earlier build: {held}" if held else "")


def transform(
    settings: Settings,
    window: Window | None = None,
    *,
    full: bool = False,
    report: Report | None = None,
    progress: Report | None = None,
) -> TransformSummary:
    """Build `window`, or without one exactly the stale days; `full` rebuilds all tables from nothing.

    `report` gets a line a piece, `progress` one a model and test.

    Days that are half built or that know another registry are always taken along. A data test that names an asset
    holds that asset's rows at their last finished build; any other failure undoes the build.
    Raises UpgradeNeededError when the models changed, PipelineError when a model or a test fails, WarehouseBusyError
    when the warehouse stays locked.
    """
    need_warehouse(settings)
    with exclusive(settings.warehouse_path, settings.lock_wait_s, report=report):
        return _Builder(settings, report, progress=progress).build(window, full=full)


def build_models(
    settings: Settings,
    window: Window,
    *,
    stale_too: bool = False,
    on_event: OnEvent | None = None,
    report: Report | None = None,
) -> TransformSummary:
    """Like `transform` of `window`, for a caller that holds the warehouse; `on_event` sees dbt's events.

    With `stale_too` the days that are stale are built as well.

    A long window is built piece by piece, so that memory does not grow with it; events of a node come once a piece.
    """
    return _Builder(settings, report, on_event).build(window, stale_too=stale_too)


def build_selection(
    settings: Settings,
    window: Window | None,
    arguments: Sequence[str],
    *,
    on_event: OnEvent | None = None,
) -> None:
    """Run what `arguments` select of the project; the caller holds the warehouse.

    The books never say that a selection built a day. Where something is stale, the days of `window` count as half
    built afterwards: some of their tables know what the others do not.
    """
    if settings.engine == "spark":
        raise PipelineError(
            "single models are built on DuckDB alone: with RENEWABLE_ENGINE=spark select all of them"
        )
    _Builder(settings, None, on_event).select(window, arguments)


def upgrade_tables(
    settings: Settings, *, report: Report | None = None, progress: Report | None = None
) -> TransformSummary:
    """Rebuild what other models built, in pieces; goes on where an earlier call was stopped.

    Takes `report` and `progress`, and raises, as `transform`.
    """
    need_warehouse(settings)
    with exclusive(settings.warehouse_path, settings.lock_wait_s, report=report):
        builder = _Builder(settings, report, progress=progress)
        return builder.build(None, full=needs_upgrade(builder.stale()))


def present_versions(fleet: Fleet, settings: Settings) -> Versions:
    """What a build would be made with now."""
    return Versions(
        models_version(DBT_PROJECT, settings.engine),
        tests_version(DBT_PROJECT),
        asset_facts(fleet, settings.first_day),
        spans_of(fleet.reported),
    )


def piece_rows(settings: Settings) -> int:
    """Rows that one piece of a build makes at most: in proportion to DuckDB's memory, without end on a cluster."""
    if settings.engine == "spark":
        return sys.maxsize
    return PIECE_ROWS * settings.duckdb_memory_bytes // _PIECE_BYTES


def pieces_of(days: Collection[date], rows_a_day: int, rows: int) -> Iterator[Window]:
    """Windows, in order, that hold all `days` and at most some `rows` rows, or one day.

    Days between are taken along where that spares a piece.
    """
    longest = max(1, rows // max(1, rows_a_day))
    start: date | None = None
    last: date | None = None
    for day in sorted(set(days)):
        if start is not None and last is not None:
            if (day - start).days < longest and (day - last).days <= _GAP_DAYS:
                last = day
                continue
            yield Window(start, last + ONE_DAY)
        start = last = day
    if start is not None and last is not None:
        yield Window(start, last + ONE_DAY)


class _Builder:
    """One build: what it is made of, and its steps. The warehouse is held by the caller."""

    def __init__(
        self,
        settings: Settings,
        report: Report | None,
        on_event: OnEvent | None = None,
        progress: Report | None = None,
    ) -> None:
        if settings.engine == "spark":
            need_client()
        self._settings, self._on_event, self._progress = settings, on_event, progress
        self._report: Report = report or (lambda _: None)
        self._fleet = load_fleet(settings.fleet_dir)
        self._versions = present_versions(self._fleet, settings)
        now = datetime.now(UTC)
        self._build = Build(f"{now:%Y%m%dT%H%M%S%f}Z-{os.getpid()}", now, None, _this_process())
        self._held: dict[str, set[str]] = {}
        # The session of a build on a cluster.
        self._session: str | None = None
        with self._connected() as connection:
            create_books(connection)
            create_load_log(connection)
            create_values_set_aside(connection)
            log = warehouse_log(connection)
            self._loaded = built_identity(log)
            self._misjudged = files_of_other_registry(log, self._fleet.assets_at_most)
            self._books = read_books(connection)
            self._calendar = calendar_of(self._loaded, self._versions.registry)
            self._edges = self._read_edges(connection)

    def _connected(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return connect(self._settings.warehouse_path, wait_s=self._settings.lock_wait_s)

    def stale(self) -> list[Stale]:
        return find_stale(self._loaded, self._books, self._versions)

    def _read_edges(self, connection: duckdb.DuckDBPyConnection) -> dict[date, str]:
        """Each day that has files, or belongs to the calendar, with its place in it (`BuiltDay.edge`)."""
        of_days = dict.fromkeys(self._loaded["day"], OUTSIDE) | dict.fromkeys(self._calendar.days, INSIDE)
        minutes = dict(self._fleet.assets.select("asset_id", "interval_minutes").iter_rows())
        offset = pl.col("interval_offset_minutes").fill_null(0)
        grids = self._fleet.assets.select("interval_minutes", offset).unique().rows()
        readings = [connection.table(f"{DATASET}.{name}") for name in (TABLES if self._calendar.days else ())]
        found = read_edges(self._calendar, readings, minutes)
        for day in self._calendar.last_days:
            is_cut = day in found and found[day].is_cut(grids)
            of_days[day] = CUT if is_cut else WHOLE
        return of_days

    def build(
        self, window: Window | None, *, full: bool = False, stale_too: bool = False
    ) -> TransformSummary:
        found = self.stale()
        if needs_upgrade(found) and not full:
            raise UpgradeNeededError(_upgrade_line(found))
        self._refuse_misjudged()
        wanted = set(window.days) if window else set[date]()
        if window is None or stale_too:
            wanted |= set(days_to_build(found, self._books, self._versions))
        days = wanted | set(days_of_every_build(found))
        if full:
            days = {*self._known_days(), *self._books.half_built}
        if not days and not full:
            self._write_copies()
            return TransformSummary(())
        changed_registry = any(stale.why == "registry" for stale in found)
        pieces = self._pieces(days)
        # Rows of two registries do not fit together where pieces meet.
        from_nothing = full or (changed_registry and len(pieces) > 1)
        if from_nothing and not full:
            days |= self._known_days()
            pieces = self._pieces(days)
        if any(stale.why == "calendar" for stale in found):
            for doubt in doubtful_holes(days_with_data(self._loaded)):
                self._report(doubt)
        # Nothing is marked or dropped where the cluster cannot be used.
        if self._settings.engine == "spark":
            builds_on = bool(self._books.days) and not from_nothing
            self._session = session_of_build(self._settings, builds_on=builds_on)
        self._begin(days, from_nothing=from_nothing)
        left = set(days)
        for number, piece in enumerate(pieces):
            count = f", {number + 1} of {len(pieces)}" if len(pieces) > 1 else ""
            self._report(f"dbt build {piece}{count}")
            mine = {day for day in left if day < piece.end}
            self._piece(piece, mine)
            left -= mine
        if not pieces:
            # No day is loaded: the tables are there all the same, and empty.
            self._piece(None, set())
        self._finish()
        windows = () if full else tuple(contiguous_windows(days))
        held = {test: tuple(sorted(assets)) for test, assets in sorted(self._held.items())}
        return TransformSummary(windows, full, held, self._build.build_id)

    def select(self, window: Window | None, arguments: Sequence[str]) -> None:
        found = self.stale()
        if needs_upgrade(found):
            raise UpgradeNeededError(_upgrade_line(found))
        self._refuse_misjudged()
        with self._connected() as connection:
            undo(connection)
        if window is not None and any(stale.why != "failed test" for stale in found):
            self._begin(set(window.days), from_nothing=False)
        environment = window_environment(window, self._rebuild_end(window)) if window else {}
        self._dbt(environment, [*WITH_TESTS, *arguments])

    def _refuse_misjudged(self) -> None:
        if self._misjudged:
            raise PipelineError(
                f"the registry changed since the gate judged {len(self._misjudged)} file(s), first"
                f" {self._misjudged[0]}: run `renewable ingest` first, which judges them again"
            )

    def _known_days(self) -> set[date]:
        return {*self._loaded["day"], *self._books.days, *self._calendar.days}

    def _rows_a_day(self) -> int:
        """Rows of the interval table a day: every asset has all its intervals, whether they came or not."""
        of_registry = sum(_MINUTES_A_DAY // minutes for minutes in self._fleet.assets["interval_minutes"])
        by_day = self._loaded.group_by("day", "table_name").agg(pl.col("rows_loaded").sum())
        return int(max([of_registry, *by_day["rows_loaded"].drop_nulls()]))

    def _begin(self, days: Collection[date], *, from_nothing: bool) -> None:
        """Undo what a dead build left, and mark `days`; the copies first, so that nobody takes them for done."""
        half = {**self._books.half_built, **dict.fromkeys(days, self._build.build_id)}
        builds = {**self._books.builds, self._build.build_id: self._build}
        write_copies(
            self._settings,
            Books(
                self._books.files,
                self._books.days,
                self._books.registries,
                self._books.reported,
                half,
                self._books.held,
                builds,
            ),
        )
        with self._connected() as connection:
            undo(connection)
            connection.execute("begin")
            begin_build(connection, self._build, days)
            if from_nothing:
                for schema in BUILT_SCHEMAS:
                    connection.execute(f"drop schema if exists {schema} cascade")
                forget_days(connection)
            connection.execute("commit")
            self._books = read_books(connection)

    def _pieces(self, days: Collection[date]) -> list[Window]:
        return list(pieces_of(days, self._rows_a_day(), piece_rows(self._settings)))

    def _piece(self, piece: Window | None, days: Collection[date]) -> None:
        """Models and tests of one piece, then its books."""
        environment = window_environment(piece, self._rebuild_end(piece)) if piece else {}
        built_days = {*days, *(piece.days if piece else ())}
        if self._session:
            self._piece_on_cluster(self._session, environment, days, built_days)
        else:
            self._piece_here(environment, days, built_days)

    def _piece_on_cluster(
        self,
        session: str,
        environment: Mapping[str, str],
        days: Collection[date],
        built_days: Collection[date],
    ) -> None:
        """Marts come home in the transaction that writes the books. After a failure the days stay marked, and the next
        build makes them again; what is published stays as it was.
        """
        with self._connected() as connection:
            hand_over(self._settings, connection, self._fleet, warehouse_log(connection))
        is_first = not self._books.days
        build_on_cluster(
            self._settings, session, self._fleet, environment, is_first=is_first, on_event=self._heard
        )
        show_on_duckdb(self._settings, session, self._fleet)
        parts = mart_parts(session)
        with self._books_written(days, {}, built_days) as connection:
            note_changed_months(connection, bring_home(connection, DBT_PROJECT, parts))

    def _piece_here(
        self, environment: Mapping[str, str], days: Collection[date], built_days: Collection[date]
    ) -> None:
        """On any failure the tables are as they were."""
        environment = {**environment, **ENVIRONMENT}
        with self._connected() as connection:
            open_journal(connection)
        held: dict[str, set[str]] = {}
        try:
            try:
                self._dbt(environment, WITH_TESTS)
            except DbtError as error:
                held = self._hold(error, environment)
        except BaseException:
            with self._connected() as connection:
                undo(connection)
            raise
        with self._books_written(days, held, built_days) as connection:
            note_changed_months(connection, changed_months(connection, month_columns(DBT_PROJECT)))
            close_journal(connection)
        for test, assets in held.items():
            self._held.setdefault(test, set()).update(assets)

    @contextmanager
    def _books_written(
        self, days: Collection[date], held: Mapping[str, set[str]], built_days: Collection[date]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction for what the block does and for the books of `days`; their copies after it."""
        with self._connected() as connection:
            connection.execute("begin")
            yield connection
            self._settle(connection, days, held, built_days)
            connection.execute("commit")
            self._books = read_books(connection)
            write_copies(self._settings, self._books)

    def _settle(
        self,
        connection: duckdb.DuckDBPyConnection,
        days: Collection[date],
        held: Mapping[str, set[str]],
        built_days: Collection[date],
    ) -> None:
        registry = self._versions.registry
        built = BuiltDay(self._build.build_id, self._versions.models, registry_version(registry))
        rows = [
            Held(asset, day, test, self._build.build_id, self._versions.tests)
            for test, assets in held.items()
            for asset in sorted(assets)
            for day in sorted(set(days) & {*self._loaded["day"], *self._calendar.days})
        ]
        reported = self._versions.reported_by_day(built_days)
        settle_days(connection, days, self._loaded, built, registry, rows, self._edges, reported)

    def _hold(self, error: DbtError, environment: Mapping[str, str]) -> dict[str, set[str]]:
        """Give the assets that failing tests name their former rows back, until only tests of such assets fail.

        Raises `error` where a model failed, or a test names no asset.
        """
        held: dict[str, set[str]] = {}
        while True:
            failing = self._named(error)
            new = {asset for assets in failing.values() for asset in assets}
            new -= {asset for assets in held.values() for asset in assets}
            for test, assets in failing.items():
                held.setdefault(test, set()).update(assets)
            if not new:
                return held
            self._report(f"held at their last build, as a test fails for them: {', '.join(sorted(new))}")
            if any(found.status == "skipped" for found in error.results):
                # A failing test stops what depends on it; the other assets need that.
                self._dbt(environment, NO_TESTS)
            with self._connected() as connection:
                sums = give_back(connection, {asset for assets in held.values() for asset in assets})
            if sums:
                self._dbt(environment, [*NO_TESTS, "--select", *sums])
            try:
                self._dbt(environment, _ONLY_TESTS)
                return held
            except DbtError as again:
                error = again

    def _named(self, error: DbtError) -> dict[str, set[str]]:
        """The assets in the rows that each failing test found, by the test's name."""
        failed = [found for found in error.results if found.has_failed]
        if not failed or not all(found.is_failed_test for found in failed):
            raise error
        with self._connected() as connection:
            named = {found.unique_id.split(".")[2]: _assets_in(connection, found) for found in failed}
        if not all(named.values()):
            raise error
        return {test: assets for test, assets in named.items() if assets}

    def _dbt(self, environment: Mapping[str, str], arguments: Sequence[str]) -> None:
        invoke_dbt(
            self._settings,
            ["build", *arguments],
            environment=environment,
            on_event=self._heard,
            fleet=self._fleet,
        )

    def _heard(self, event: Any) -> None:
        if self._on_event is not None:
            self._on_event(event)
        if self._progress is not None and event.info.name in _RESULTS:
            done = event.data
            total = getattr(done, "total", 0) or getattr(done, "num_models", 0)
            self._progress(f"{done.index} of {total} models and tests, {done.node_info.node_name}")

    def _rebuild_end(self, window: Window) -> date:
        """The day after the last one that was built or is built now: no later row can be out of date."""
        return max([window.end, *(day + ONE_DAY for day in self._books.days)])

    def _finish(self) -> None:
        with self._connected() as connection:
            connection.execute("begin")
            finish_build(connection, self._build.build_id, datetime.now(UTC))
            connection.execute("commit")
            self._books = read_books(connection)
        self._write_copies()

    def _write_copies(self) -> None:
        with self._connected() as connection:
            write_copies(self._settings, self._books)
            publish_load_log(self._settings, connection)


def _assets_in(connection: duckdb.DuckDBPyConnection, test: NodeResult) -> set[str] | None:
    """The assets that the rows of a failing test name; None when there is a row that names none."""
    rows = f"({test.sql or 'select 1'})"
    if "asset_id" not in connection.sql(f"from {rows}").columns:
        return None
    found = connection.execute(f"select distinct asset_id from {rows}").fetchall()
    ids = {asset for (asset,) in found}
    return None if None in ids or not ids else {str(asset) for asset in ids}


def _upgrade_line(found: Sequence[Stale]) -> str:
    days = sum(len(stale.window.days) for stale in found if stale.why == "models")
    reason = next(stale.detail for stale in found if stale.why == "models")
    return (
        f"{days} day(s) were {reason}: run `renewable upgrade`, which rebuilds them."
        " Until then files are loaded, and tables and published files stay as they are"
    )


def need_warehouse(settings: Settings) -> None:
    """Raise PipelineError, with the next step, where nothing was ever loaded."""
    if not settings.warehouse_path.exists():
        raise PipelineError(
            f"there is no warehouse {settings.warehouse_path} yet: run `renewable ingest` first"
        )


def _this_process() -> str:
    return f"process {os.getpid()} ({' '.join(Path(part).name for part in sys.argv[:3])})"
