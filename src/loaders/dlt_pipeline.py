"""Entry point of loading: pending raw files through the gate into DuckDB with dlt, one transaction a table."""

import logging
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from loaders.adoption import adopted
from loaders.gate import (
    FileCounts,
    FileInMotionError,
    Inspected,
    claimed_rows,
    inspect_file,
    judge_day,
    read_rows,
    refused_by_name,
)
from loaders.load_log import (
    DATASET,
    FULL_SCHEMA,
    create_load_log,
    ledger_of,
    publish_load_log,
    remember_registry,
    removal_guard,
    replace_in_load_log,
    warehouse_log,
)
from loaders.pending import (
    UNREADABLE,
    DayFiles,
    Fingerprint,
    HeldBack,
    Pending,
    Unit,
    find_pending,
    ledger_name,
)
from loaders.quarantine import clear_refused_file, quarantined_units, store_refused_file, store_verdict
from loaders.screen import parquet_list, spotless_days
from loaders.verdicts import GateRegistry, Standing, named_assets, read_standing
from renewable.contract import KEY, TABLES, RawTable, polars_schema
from renewable.errors import PipelineError
from renewable.fleet import Fleet, load_fleet
from renewable.settings import Settings
from renewable.warehouse import exclusive_connection, refuse_by_error
from renewable.windows import ONE_DAY, Window, contiguous_windows

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltResource

    from loaders.replace_days import ReplaceDaysDuckDb

PIPELINE = "raw_files"
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_WORK_PREFIX = "dlt-"
_NOTHING = FileCounts(0, 0, 0, 0, 0)
# A batch is one dlt load. DuckDB streams its rows, so this bounds the transaction, not what is held in memory.
_BATCH_ROWS = 16_000_000


@dataclass(frozen=True)
class LoadSummary:
    """What one call of `ingest` did. Rows are counted over the files that were new or shared a day with a new one."""

    files_seen: int = 0
    files_loaded: int = 0
    files_refused: Mapping[str, str] = field(default_factory=dict)
    files_removed: tuple[str, ...] = ()
    files_in_motion: tuple[str, ...] = ()
    files_judged_again: int = 0
    held_back: tuple[HeldBack, ...] = ()
    rows_in: int = 0
    rows_loaded: int = 0
    rows_collapsed: int = 0
    rows_quarantined: int = 0
    values_set_aside: int = 0
    quarantined_by_rule: Mapping[str, int] = field(default_factory=dict)
    rows_by_table: Mapping[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()
    duration_s: float = 0.0

    @property
    def sentence(self) -> str:
        """One line for people, and one for each folder whose missing files were not taken out."""
        return "\n".join([self._outcome, *(f"held back: {held.sentence}" for held in self.held_back)])

    @property
    def _outcome(self) -> str:
        if not self.files_seen:
            return "there are no raw files of these days, 0 rows loaded"
        if not self.files_loaded and not self.files_refused and not self.files_removed:
            left = f", {len(self.files_in_motion)} still being written" if self.files_in_motion else ""
            return f"nothing new: all {self.files_seen} files were loaded before{left}, 0 rows loaded"
        further = (
            f", {self.files_judged_again} files judged again for a change of registry or contract"
            if self.files_judged_again
            else "",
            f", {len(self.files_removed)} files removed and their rows with them"
            if self.files_removed
            else "",
            f", {len(self.files_in_motion)} still being written" if self.files_in_motion else "",
        )
        return (
            f"{self.files_loaded} of {self.files_seen} files loaded, {self.rows_loaded} rows"
            f" ({self.rows_collapsed} duplicates collapsed, {self.rows_quarantined} rows quarantined,"
            f" {self.values_set_aside} values set aside, {len(self.files_refused)} files refused)"
            + "".join(further)
        )


@dataclass(frozen=True)
class _JudgedDay:
    """A table's UTC day after the gate. `sources` are the files that hold exactly its accepted rows.

    `assets` tells for each file that was read which assets its rows name (`named_assets`).
    """

    unit: DayFiles
    files: Mapping[str, Inspected]
    refusals: Mapping[str, str]
    counts: Mapping[str, FileCounts]
    sources: tuple[Path, ...] = ()
    assets: Mapping[str, str | None] = field(default_factory=dict)
    rules: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> Unit:
        return self.unit.table, self.unit.day


class _FilesMovedError(Exception):
    """Files changed between the gate and the commit; the names are its arguments."""


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
    done, in_motion = list[_JudgedDay](), list[str]()
    with (
        exclusive_connection(
            settings.warehouse_path,
            settings.lock_wait_s,
            report=report,
            memory_limit=settings.duckdb_memory_limit,
        ) as connection,
        _work_directory(settings) as work,
    ):
        # Both cores may insert; rows stay together by file, which is what reading a day back needs.
        connection.execute("set preserve_insertion_order = false")
        create_load_log(connection)
        registry = GateRegistry(fleet.assets)
        log = _log_with_registry(settings, connection, fleet, registry)
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
            _refuse_to_empty(settings, pending, log.height)
        misnamed = _misnamed(settings, pending)
        loader = _Loader(settings, fleet, standing, connection, work, now)
        if pending.days or not loader.has_tables():
            for batch in loader.batches(pending.days):
                done += loader.load(batch, in_motion)
                if len(done) < len(pending.days):
                    report(f"loaded {len(done)} of {len(pending.days)} table days")
        _log_misnamed(settings, connection, misnamed, pending.forgotten, standing.contract, now())
        publish_load_log(settings, connection)
    return _summary(done, misnamed, in_motion, pending, time.monotonic() - started)


def _refuse_to_empty(settings: Settings, pending: Pending, known: int) -> None:
    if known and not pending.files_seen:
        raise PipelineError(
            f"{settings.raw_dir} shows no file, but {known} were loaded from it: loading would empty the warehouse."
            " Bring the files back (is the disk mounted, may it be read?), or take everything out with"
            " `renewable ingest --allow-removal`"
        )


def _log_with_registry(
    settings: Settings, connection: duckdb.DuckDBPyConnection, fleet: Fleet, registry: GateRegistry
) -> pl.DataFrame:
    log = warehouse_log(connection)
    accepted = log.filter(pl.col("refusal").is_null())
    if accepted["registry_version"].null_count() == 0:
        return log
    set_aside = quarantined_units(settings.quarantine_dir)
    remember_registry(connection, adopted(connection, log, fleet, registry, set_aside))
    return warehouse_log(connection)


def _misnamed(settings: Settings, pending: Pending) -> dict[str, Inspected]:
    found = dict[str, Inspected]()
    for path in pending.misnamed:
        # One that is gone meanwhile needs no verdict.
        with suppress(FileInMotionError):
            found[ledger_name(path, settings.raw_dir)] = refused_by_name(path, settings.raw_dir)
    return found


@contextmanager
def _work_directory(settings: Settings) -> Iterator[Path]:
    """A directory of this run alone, thrown away at the end: dlt works in it, so no lost or stale working directory
    can matter, and no package that an earlier run left behind can be loaded instead of today's data."""
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    # Those of killed runs; the warehouse is held, so none of them is in use.
    for path in settings.work_dir.glob(f"{_WORK_PREFIX}*"):
        shutil.rmtree(path)
    with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX, dir=settings.work_dir) as directory:
        yield Path(directory)


class _Loader:
    """Judges and loads batches of table days over one open connection."""

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        standing: Standing,
        connection: duckdb.DuckDBPyConnection,
        work: Path,
        now: Callable[[], datetime],
    ) -> None:
        self._settings, self._fleet, self._standing = settings, fleet, standing
        self._connection, self._work, self._now = connection, work, now
        self._pipeline: dlt.Pipeline | None = None
        self._destination: ReplaceDaysDuckDb | None = None

    def has_tables(self) -> bool:
        """Whether the warehouse has the raw tables with all columns; the models need them even while they are empty."""
        found = self._connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = ?", [DATASET]
        ).fetchall()
        return set(found) >= {(table, column) for table in TABLES for column in polars_schema(table)}

    def batches(self, days: Sequence[DayFiles]) -> Iterator[list[DayFiles]]:
        """`days` in portions of about _BATCH_ROWS rows, by the footers; at least one, which may be empty."""
        batch, rows = list[DayFiles](), 0
        for unit in days:
            batch.append(unit)
            rows += sum(claimed_rows(path, self._settings.max_rows_per_file) for path in unit.paths)
            if rows >= _BATCH_ROWS:
                yield batch
                batch, rows = [], 0
        if batch or not days:
            yield batch

    def load(self, units: Sequence[DayFiles], in_motion: list[str]) -> list[_JudgedDay]:
        """Judge and load a batch; days whose files move meanwhile are left out and their files noted."""
        started, left = time.monotonic(), list(units)
        while True:
            batch, moving = self._judge(left)
            in_motion += moving
            self._record_refusals(batch)
            try:
                self._run(batch, started)
                return batch
            except _FilesMovedError as error:
                in_motion += error.args
                left = [judged.unit for judged in batch if not judged.files.keys() & set(error.args)]

    def _judge(self, units: Sequence[DayFiles]) -> tuple[list[_JudgedDay], list[str]]:
        inspected, in_motion = dict[Unit, tuple[DayFiles, dict[str, Inspected]]](), list[str]()
        limit, extra = self._settings.max_rows_per_file, self._settings.allowed_extra_columns
        for unit in units:
            try:
                inspected[unit.table, unit.day] = (
                    unit,
                    {
                        self._name(path): inspect_file(
                            path,
                            unit.table,
                            max_rows=limit,
                            extra_columns=extra,
                            columns_then=self._standing.columns_then[unit.table],
                        )
                        for path in unit.paths
                    },
                )
            except FileInMotionError as error:
                in_motion.append(self._name(error.args[0]))
        spotless = dict[Unit, dict[Path, list[str]]]()
        for table in TABLES:
            whole = {
                day: [file.path for file in files.values() if file.rows]
                for (found, day), (_, files) in inspected.items()
                if found == table
                and all(file.refusal is None and file.convert is None for file in files.values())
            }
            spotless |= spotless_days(
                table, {day: paths for day, paths in whole.items() if paths}, self._fleet
            )
        batch = []
        for key, (unit, files) in inspected.items():
            try:
                if key in spotless:
                    batch.append(self._judge_at_a_glance(unit, files, spotless[key]))
                else:
                    batch.append(self._judge_rows(unit, files))
            except FileInMotionError as error:
                in_motion.append(self._name(error.args[0]))
        return batch, in_motion

    def _judge_at_a_glance(
        self, unit: DayFiles, files: Mapping[str, Inspected], assets: Mapping[Path, Sequence[str]]
    ) -> _JudgedDay:
        store_verdict(self._settings.quarantine_dir, unit.table, unit.day, None)
        counts = {name: FileCounts(file.rows, file.rows, 0, 0, 0) for name, file in files.items()}
        sources = tuple(file.path for file in files.values() if file.rows)
        named = {name: named_assets(assets.get(file.path, ())) for name, file in files.items()}
        return _JudgedDay(unit, files, {}, counts, sources, named)

    def _judge_rows(self, unit: DayFiles, files: Mapping[str, Inspected]) -> _JudgedDay:
        refusals, frames = dict[str, str](), dict[str, pl.DataFrame]()
        for name, file in files.items():
            frame, refusal = (None, file.refusal) if file.refusal else read_rows(file)
            if frame is not None:
                frames[name] = frame
            elif refusal is not None:
                refusals[name] = refusal
        verdict = judge_day(unit.table, unit.day, frames, self._fleet)
        store_verdict(self._settings.quarantine_dir, unit.table, unit.day, verdict)
        accepted = self._work / f"{unit.table}_{unit.day}.parquet"
        verdict.accepted.write_parquet(accepted, compression="uncompressed")
        rules = Counter([*verdict.rejected["rule"], *verdict.set_aside["rule"]])
        named = {name: named_assets(frame["asset_id"].unique()) for name, frame in frames.items()}
        return _JudgedDay(unit, files, refusals, verdict.counts, (accepted,), named, rules)

    def _record_refusals(self, batch: Sequence[_JudgedDay]) -> None:
        for judged in batch:
            for name, file in judged.files.items():
                if name in judged.refusals:
                    store_refused_file(self._settings, name, judged.refusals[name], file.fingerprint)
                else:
                    clear_refused_file(self._settings.quarantine_dir, name)
            for name in judged.unit.removed:
                clear_refused_file(self._settings.quarantine_dir, name)

    def _run(self, batch: Sequence[_JudgedDay], started: float) -> None:
        """One dlt package: each table replaces its days and settles the log of their files in one transaction."""
        import dlt
        from dlt.pipeline.exceptions import PipelineStepFailed

        from loaders.replace_days import Replacement

        pipeline, destination = self._dlt()
        destination.failures.clear()

        def replacement(table: RawTable) -> Replacement:
            days = [judged for judged in batch if judged.unit.table == table]
            scope = _scope(judged.unit.day for judged in days)

            def settle(connection: duckdb.DuckDBPyConnection, load_id: str) -> None:
                if moved := _moved(days):
                    raise _FilesMovedError(*moved)
                _reconcile(connection, table, scope, days)
                duration_s = time.monotonic() - started
                log = _load_log_rows(days, self._standing, load_id, duration_s, self._now())
                replace_in_load_log(connection, log, [judged.key for judged in days])

            return Replacement(scope, settle)

        destination.replacements.update({table: replacement(table) for table in TABLES})

        @dlt.source(name=PIPELINE)
        def raw_files() -> "list[DltResource]":
            # A table without days is yielded too: it must exist for the models to build.
            return [
                self._resource(table, [path for j in batch if j.unit.table == table for path in j.sources])
                for table in TABLES
            ]

        try:
            pipeline.run(raw_files())
        except PipelineStepFailed as error:
            # Its package stays behind in its directory: the next batch gets a pipeline of its own.
            self._pipeline = None
            moved = [failure for failure in destination.failures if isinstance(failure, _FilesMovedError)]
            if moved:
                raise _FilesMovedError(*(name for failure in moved for name in failure.args)) from error
            cause = destination.failures[0] if destination.failures else error
            refuse_by_error(self._settings.warehouse_path, str(cause))
            raise PipelineError(
                f"loading into the warehouse failed, nothing of this batch counts as loaded: {cause}."
                " Mend the cause and run `renewable ingest` again"
            ) from error

    def _resource(self, table: RawTable, sources: Sequence[Path]) -> "DltResource":
        import dlt

        # The first file of the list gives names and types; an empty one keeps them right and the list filled.
        pattern = self._work / f"{table}.parquet"
        pl.DataFrame(schema=polars_schema(table)).write_parquet(pattern)
        columns = ", ".join(f'"{name}"' for name in polars_schema(table))
        model = self._work / f"{table}.model"
        model.write_text(
            f"dialect: duckdb\nSELECT {columns} FROM {parquet_list([pattern, *sources])}\n", encoding="utf-8"
        )

        @dlt.resource(
            name=table,
            primary_key=KEY,
            write_disposition="append",
            columns=_dlt_columns(table),
            file_format="model",
        )
        def rows() -> Iterator[object]:
            yield dlt.mark.with_file_import(str(model), "model", len(sources))

        return rows()

    def _dlt(self) -> "tuple[dlt.Pipeline, ReplaceDaysDuckDb]":
        """The pipeline, made when it is first needed: importing dlt takes longer than a look that finds nothing."""
        import dlt

        from loaders.replace_days import ReplaceDaysDuckDb

        if self._pipeline is None or self._destination is None:
            dlt.config["load.raise_on_failed_jobs"] = True
            dlt.config["load.workers"] = 1
            dlt.config["normalize.model_normalizer.add_dlt_load_id"] = False
            self._destination = ReplaceDaysDuckDb(self._connection)
            self._pipeline = dlt.pipeline(
                PIPELINE,
                pipelines_dir=tempfile.mkdtemp(prefix="pipeline-", dir=self._work),
                destination=self._destination,
                dataset_name=DATASET,
            )
            # What dlt would log as an error is raised as one. Making a pipeline sets a level, so this comes after.
            logging.getLogger("dlt").setLevel(logging.CRITICAL)
        return self._pipeline, self._destination

    def _name(self, path: Path) -> str:
        return ledger_name(path, self._settings.raw_dir)


def _scope(days: Iterator[date]) -> str:
    scopes = [
        f"(timestamp >= '{window.start_utc:{_INSTANT}}' AND timestamp < '{window.end_utc:{_INSTANT}}')"
        for window in contiguous_windows(days)
    ]
    return " OR ".join(scopes) or "1 = 0"


def _moved(days: Sequence[_JudgedDay]) -> list[str]:
    """Files that are not the ones any more which the gate judged."""
    return [
        name
        for judged in days
        for name, file in judged.files.items()
        if not _is_as_judged(file.fingerprint, file.path)
    ]


def _is_as_judged(seen: Fingerprint, path: Path) -> bool:
    try:
        return seen.has_stat_of(path)
    except OSError:
        # Nothing was taken from a file that could not be read: it is as it was while it cannot.
        return seen.sha256 == UNREADABLE and os.path.lexists(path.parent)


def _reconcile(
    connection: duckdb.DuckDBPyConnection, table: RawTable, scope: str, days: Sequence[_JudgedDay]
) -> None:
    expected = sum(count.rows_loaded for judged in days for count in judged.counts.values())
    ((found,),) = connection.execute(f"select count(*) from {DATASET}.{table} where {scope}").fetchall()
    if found != expected:
        raise PipelineError(
            f"{DATASET}.{table} would hold {found} rows of these days, the gate accepted {expected}"
        )


def _load_log_rows(
    days: Sequence[_JudgedDay], standing: Standing, load_id: str, duration_s: float, now: datetime
) -> pl.DataFrame:
    rows = [
        {"file": name, "table_name": judged.unit.table, "day": judged.unit.day}
        | asdict(file.fingerprint)
        | asdict(judged.counts.get(name, _NOTHING))
        | {
            "refusal": judged.refusals.get(name),
            "load_id": load_id,
            "duration_s": duration_s,
            "loaded_at": now,
        }
        | _given_by(standing, judged, name, file.fingerprint.sha256)
        for judged in days
        for name, file in judged.files.items()
    ]
    return pl.DataFrame(rows, schema=FULL_SCHEMA)


def _given_by(standing: Standing, judged: _JudgedDay, name: str, sha256: str) -> dict[str, str | None]:
    """By which contract and registry rows a verdict was given."""
    table, named = judged.unit.table, judged.assets.get(name, named_assets(()))
    return {
        "contract_version": standing.contract,
        "first_contract_version": None if name in judged.refusals else standing.first_version(table, sha256),
        "registry_version": standing.registry.version(table, named),
        "named_assets": named,
    }


def _log_misnamed(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    misnamed: Mapping[str, Inspected],
    forgotten: Sequence[str],
    contract: str,
    now: datetime,
) -> None:
    for name, file in misnamed.items():
        store_refused_file(settings, name, file.refusal or "", file.fingerprint)
    for name in forgotten:
        clear_refused_file(settings.quarantine_dir, name)
    rows = [
        {
            "file": name,
            **asdict(file.fingerprint),
            **asdict(_NOTHING),
            "refusal": file.refusal,
            "loaded_at": now,
            "contract_version": contract,
        }
        for name, file in misnamed.items()
    ]
    if rows or forgotten:
        connection.execute("begin")
        replace_in_load_log(connection, pl.DataFrame(rows, schema=FULL_SCHEMA), [], forgotten)
        connection.execute("commit")


def _dlt_columns(table: RawTable) -> Any:
    kinds = {pl.String: "text", pl.Float64: "double", pl.Datetime: "timestamp"}
    return {
        name: {"data_type": kinds[dtype.base_type()], "nullable": name not in KEY}
        for name, dtype in polars_schema(table).items()
    }


def _summary(
    loaded: Sequence[_JudgedDay],
    misnamed: Mapping[str, Inspected],
    in_motion: Sequence[str],
    pending: Pending,
    duration_s: float,
) -> LoadSummary:
    counts = [count for judged in loaded for count in judged.counts.values()]
    rules: Counter[str] = Counter()
    rows_by_table: Counter[str] = Counter()
    refused = {name: file.refusal or "" for name, file in misnamed.items()}
    for judged in loaded:
        rules.update(judged.rules)
        refused.update(judged.refusals)
        rows_by_table[judged.unit.table] += sum(c.rows_loaded for c in judged.counts.values())
    return LoadSummary(
        files_seen=pending.files_seen,
        files_loaded=len(counts),
        files_refused=dict(sorted(refused.items())),
        files_removed=tuple(pending.removed),
        files_in_motion=tuple(in_motion),
        files_judged_again=sum(len(judged.unit.changed) for judged in loaded if judged.unit.because),
        held_back=pending.held_back,
        rows_in=sum(c.rows_in for c in counts),
        rows_loaded=sum(c.rows_loaded for c in counts),
        rows_collapsed=sum(c.rows_collapsed for c in counts),
        rows_quarantined=sum(c.rows_quarantined for c in counts),
        values_set_aside=sum(c.values_set_aside for c in counts),
        quarantined_by_rule=dict(sorted(rules.items())),
        rows_by_table=dict(sorted(rows_by_table.items())),
        days=tuple(sorted({judged.unit.day for judged in loaded})),
        duration_s=duration_s,
    )
