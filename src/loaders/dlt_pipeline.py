"""Entry point of loading: pending raw files through the gate into DuckDB with dlt, one transaction a table."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from loaders.gate import (
    FileCounts,
    FileInMotionError,
    ReadFile,
    Verdict,
    judge_day,
    read_file,
    refused_by_name,
)
from loaders.load_log import DATASET, LOAD_LOG, LOAD_LOG_SCHEMA, publish_load_log
from loaders.pending import DayFiles, Fingerprint, Ledger, Pending, find_pending, ledger_name
from loaders.quarantine import clear_refused_file, store_refused_file, store_verdict
from renewable.contract import KEY, TABLES, RawTable, polars_schema
from renewable.errors import PipelineError
from renewable.fleet import Fleet, load_fleet
from renewable.settings import Settings
from renewable.warehouse import exclusive
from renewable.windows import Window, contiguous_windows

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltResource

PIPELINE = "raw_files"
_FINGERPRINT = ("size_bytes", "mtime_ns", "ctime_ns", "sha256")
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_WORK_PREFIX = "dlt-"
# Rows that are held in memory at a time; a batch is one dlt load.
_BATCH_ROWS = 2_000_000


@dataclass(frozen=True)
class LoadSummary:
    """What one call of `ingest` did. Rows are counted over the files that were new or shared a day with a new one."""

    files_seen: int = 0
    files_loaded: int = 0
    files_refused: Mapping[str, str] = field(default_factory=dict)
    files_in_motion: tuple[str, ...] = ()
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
        """One line for people."""
        if not self.files_seen:
            return "there are no raw files of these days, 0 rows loaded"
        if not self.files_loaded and not self.files_refused:
            return f"nothing new: all {self.files_seen} files were loaded before, 0 rows loaded"
        return (
            f"{self.files_loaded} of {self.files_seen} files loaded, {self.rows_loaded} rows"
            f" ({self.rows_collapsed} duplicates collapsed, {self.rows_quarantined} rows quarantined,"
            f" {self.values_set_aside} values set aside, {len(self.files_refused)} files refused)"
        )


@dataclass(frozen=True)
class _JudgedDay:
    """A table's UTC day after the gate, with its files as they were read."""

    unit: DayFiles
    verdict: Verdict
    read: Mapping[str, ReadFile]


def ingest(
    settings: Settings,
    window: Window | None = None,
    *,
    report: Callable[[str], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> LoadSummary:
    """Load what is new or changed under the raw directory; `window` limits it to files of those UTC days.

    Afterwards the warehouse holds, for each table and day that was touched, exactly the accepted rows of the
    files of that day. Files that cannot be accepted are set aside and do not stop the others.
    Raises FleetError, WarehouseBusyError, PipelineError.
    """
    started = time.monotonic()
    fleet = load_fleet(settings.fleet_dir)
    loaded: list[_JudgedDay] = []
    in_motion: list[str] = []
    with (
        exclusive(settings.warehouse_path, settings.lock_wait_s, report=report),
        _pipeline(settings) as pipeline,
    ):
        pending = find_pending(settings.raw_dir, _ledger(pipeline), window)
        misnamed = {ledger_name(p, settings.raw_dir): refused_by_name(p) for p in pending.misnamed}
        for batch, moving in _judged_batches(pending, fleet, settings):
            _set_aside(batch, settings)
            _load(pipeline, _load_log_rows(batch, {}, now()), batch)
            loaded += [_without_rows(judged) for judged in batch]
            in_motion += moving
            if report and len(pending.days) > len(batch):
                report(f"loaded {len(loaded)} of {len(pending.days)} table days")
        if misnamed:
            _set_aside_misnamed(misnamed, settings)
            _load(pipeline, _load_log_rows([], misnamed, now()), [])
        publish_load_log(settings)
    return _summary(loaded, misnamed, in_motion, pending.files_seen, time.monotonic() - started)


@contextmanager
def _pipeline(settings: Settings) -> "Iterator[dlt.Pipeline]":
    """A dlt pipeline with a working directory of its own, thrown away at the end.

    Its state comes from the warehouse each time: no lost or stale working directory can matter, and no package
    that an earlier run left behind can be loaded instead of today's data.
    """
    import dlt

    settings.work_dir.mkdir(parents=True, exist_ok=True)
    dlt.config["runtime.dlthub_telemetry"] = False
    dlt.config["runtime.log_level"] = "ERROR"
    dlt.config["load.raise_on_failed_jobs"] = True
    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    _remove_abandoned(settings.work_dir)
    with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX, dir=settings.work_dir) as directory:
        pipeline = dlt.pipeline(
            PIPELINE,
            pipelines_dir=directory,
            destination=dlt.destinations.duckdb(str(settings.warehouse_path), supports_transactions=True),
            dataset_name=DATASET,
        )
        pipeline.sync_destination()
        yield pipeline


def _remove_abandoned(work_dir: Path) -> None:
    """Working directories of killed runs; the warehouse lock is held, so none of them is in use."""
    for path in work_dir.glob(f"{_WORK_PREFIX}*"):
        shutil.rmtree(path)


def _ledger(pipeline: "dlt.Pipeline") -> Ledger:
    sources: dict[str, Any] = pipeline.state.get("sources", {})
    files = sources.get(PIPELINE, {}).get("resources", {}).get(LOAD_LOG, {}).get("files", {})
    return {name: Fingerprint(*values) for name, values in files.items()}


def _judged_batches(
    pending: Pending, fleet: Fleet, settings: Settings
) -> Iterator[tuple[list[_JudgedDay], list[str]]]:
    batch: list[_JudgedDay] = []
    in_motion: list[str] = []
    rows = 0
    for unit in pending.days:
        try:
            judged = _judge(unit, fleet, settings)
        except FileInMotionError as error:
            in_motion.append(ledger_name(error.args[0], settings.raw_dir))
            continue
        batch.append(judged)
        rows += judged.verdict.accepted.height
        if rows >= _BATCH_ROWS:
            yield batch, in_motion
            batch, in_motion, rows = [], [], 0
    if batch or in_motion:
        yield batch, in_motion


def _judge(unit: DayFiles, fleet: Fleet, settings: Settings) -> _JudgedDay:
    read = {
        ledger_name(path, settings.raw_dir): read_file(path, unit.table, max_rows=settings.max_rows_per_file)
        for path in unit.paths
    }
    frames = {name: file.frame for name, file in read.items() if file.frame is not None}
    return _JudgedDay(unit, judge_day(unit.table, unit.day, frames, fleet), read)


def _without_rows(judged: _JudgedDay) -> _JudgedDay:
    """Only what the summary needs: the frames of a batch are let go before the next one."""
    verdict = replace(judged.verdict, accepted=judged.verdict.accepted.clear())
    read = {name: replace(file, frame=None) for name, file in judged.read.items()}
    return replace(judged, verdict=verdict, read=read)


def _set_aside(batch: list[_JudgedDay], settings: Settings) -> None:
    for judged in batch:
        store_verdict(settings.quarantine_dir, judged.unit.table, judged.unit.day, judged.verdict)
        for name, file in judged.read.items():
            if file.refusal is None:
                clear_refused_file(settings.quarantine_dir, name)
            else:
                store_refused_file(settings.quarantine_dir, settings.raw_dir, name, file)


def _set_aside_misnamed(misnamed: Mapping[str, ReadFile], settings: Settings) -> None:
    for name, file in misnamed.items():
        store_refused_file(settings.quarantine_dir, settings.raw_dir, name, file)


def _load_log_rows(batch: list[_JudgedDay], misnamed: Mapping[str, ReadFile], now: datetime) -> pl.DataFrame:
    rows = []
    for judged in batch:
        for name, file in judged.read.items():
            counts = judged.verdict.counts.get(name, FileCounts(0, 0, 0, 0, 0))
            place = {"file": name, "table_name": judged.unit.table, "day": judged.unit.day}
            rows.append(
                place
                | asdict(file.fingerprint)
                | asdict(counts)
                | {"refusal": file.refusal, "loaded_at": now}
            )
    for name, file in misnamed.items():
        counts = FileCounts(0, 0, 0, 0, 0)
        rows.append(
            {
                "file": name,
                **asdict(file.fingerprint),
                **asdict(counts),
                "refusal": file.refusal,
                "loaded_at": now,
            }
        )
    return pl.DataFrame(rows, schema=LOAD_LOG_SCHEMA)


def _load(pipeline: "dlt.Pipeline", log: pl.DataFrame, batch: list[_JudgedDay]) -> None:
    """One dlt package: each table replaces its days, the load log its files, the state takes the fingerprints."""
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed

    @dlt.source(name=PIPELINE)
    def raw_files() -> "list[DltResource]":
        # A table without days is yielded too: its columns must exist for the models to build.
        days = [_table_resource(table, [j for j in batch if j.unit.table == table]) for table in TABLES]
        return [*days, _log_resource(log)]

    if log.is_empty():
        return
    try:
        pipeline.run(raw_files()).raise_on_failed_jobs()
    except PipelineStepFailed as error:
        raise PipelineError(
            f"loading into the warehouse failed, nothing of this batch counts as loaded: {error}"
        ) from error


def _table_resource(table: RawTable, days: list[_JudgedDay]) -> "DltResource":
    import dlt

    frames = [judged.verdict.accepted for judged in days] or [pl.DataFrame(schema=polars_schema(table))]
    scopes = [
        f"(timestamp >= '{window.start_utc:{_INSTANT}}' AND timestamp < '{window.end_utc:{_INSTANT}}')"
        for window in contiguous_windows(judged.unit.day for judged in days)
    ]

    @dlt.resource(name=table, primary_key=KEY, write_disposition=_replace(" OR ".join(scopes) or "1 = 0"))
    def rows() -> "Iterator[pa.Table]":
        for frame in frames:
            yield _arrow(frame, not_null=KEY)

    return rows()


def _log_resource(log: pl.DataFrame) -> "DltResource":
    import dlt

    units = log.select("table_name", "day").drop_nulls().unique().sort("table_name", "day")
    names = ", ".join(_literal(name) for name in log["file"])
    scope = " OR ".join(
        [f"file IN ({names})"]
        + [f"(table_name = '{table}' AND day = DATE '{day}')" for table, day in units.iter_rows()]
    )

    @dlt.resource(name=LOAD_LOG, primary_key="file", write_disposition=_replace(scope))
    def rows() -> "Iterator[pa.Table]":
        files: dict[str, list[Any]] = dlt.current.resource_state().setdefault("files", {})
        touched = {f"{table}_{day}" for table, day in units.iter_rows()}
        for name in [
            n for n in files if n.rpartition("/")[2].partition(".")[0].partition("__")[0] in touched
        ]:
            del files[name]
        for name, *values in log.select("file", *_FINGERPRINT).iter_rows():
            files[name] = values
        yield _arrow(log, not_null=("file",))

    return rows()


def _replace(scope: str) -> Any:
    """Delete what `scope` covers and insert the new rows, in one transaction; the gate has made keys unique."""
    return {
        "disposition": "merge",
        "strategy": "delete-insert",
        "destination_scope": scope.replace("{", "{{").replace("}", "}}"),
        "deduplicated": True,
    }


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _arrow(frame: pl.DataFrame, not_null: Sequence[str]) -> "pa.Table":
    table = frame.to_arrow()
    fields = [f.with_nullable(f.name not in not_null) for f in table.schema]
    return table.cast(pa.schema(fields))


def _summary(
    loaded: list[_JudgedDay],
    misnamed: Mapping[str, ReadFile],
    in_motion: list[str],
    files_seen: int,
    duration_s: float,
) -> LoadSummary:
    counts = [count for judged in loaded for count in judged.verdict.counts.values()]
    rules: Counter[str] = Counter()
    rows_by_table: Counter[str] = Counter()
    for judged in loaded:
        rules.update(judged.verdict.rejected["rule"].to_list())
        rules.update(judged.verdict.set_aside["rule"].to_list())
        rows_by_table[judged.unit.table] += sum(c.rows_loaded for c in judged.verdict.counts.values())
    refused = {
        name: file.refusal
        for files in [*(judged.read for judged in loaded), misnamed]
        for name, file in files.items()
        if file.refusal is not None
    }
    return LoadSummary(
        files_seen=files_seen,
        files_loaded=len(counts),
        files_refused=refused,
        files_in_motion=tuple(in_motion),
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
