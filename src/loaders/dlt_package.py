"""A batch of judged days as one dlt package: each table replaces its days in one transaction, or nothing happens."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from loaders.bookkeeping import load_log_rows
from loaders.gate import claimed_rows
from loaders.judging import JudgedDay
from loaders.load_log import DATASET, replace_in_load_log
from loaders.pending import UNREADABLE, DayFiles, Fingerprint
from loaders.screen import parquet_list
from loaders.values_set_aside import replace_values_set_aside
from loaders.verdicts import Standing
from renewable.contract import KEY, TABLES, RawTable, polars_schema
from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.warehouse import refuse_by_error
from renewable.windows import contiguous_windows

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltResource

    from loaders.replace_days import ReplaceDaysDuckDb

PIPELINE = "raw_files"
_WORK_PREFIX = "dlt-"
_PIPELINE_PREFIX = "pipeline-"
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


# A batch is one dlt load. DuckDB streams its rows, so this bounds the transaction, not what is held in memory.
_BATCH_ROWS = 16_000_000


class FilesMovedError(Exception):
    """Files changed between the gate and the commit; the names are its arguments."""


def batches(days: Sequence[DayFiles], max_rows_per_file: int) -> Iterator[list[DayFiles]]:
    """`days` in portions of about _BATCH_ROWS rows, by the footers; at least one, which may be empty."""
    batch, rows = list[DayFiles](), 0
    for unit in days:
        batch.append(unit)
        rows += sum(claimed_rows(path, max_rows_per_file) for path in unit.paths)
        if rows >= _BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch or not days:
        yield batch


@contextmanager
def work_directory(parent: Path) -> Iterator[Path]:
    """A directory of this run alone, thrown away at the end: dlt works in it, so no lost or stale working directory
    can matter, and no package that an earlier run left behind can be loaded instead of today's data.

    What dlt's own commands look at stays under `parent`/dlt until the next load; no load reads it.
    """
    parent.mkdir(parents=True, exist_ok=True)
    # Those of killed runs; the warehouse is held, so none of them is in use.
    for path in parent.glob(f"{_WORK_PREFIX}*"):
        shutil.rmtree(path)
    with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX, dir=parent) as directory:
        try:
            yield Path(directory)
        finally:
            _keep_last_pipeline(Path(directory), parent / "dlt")


def _keep_last_pipeline(work: Path, kept: Path) -> None:
    used = sorted(work.glob(f"{_PIPELINE_PREFIX}*/{PIPELINE}"), key=lambda path: path.stat().st_mtime_ns)
    if used:
        if kept.exists():
            shutil.rmtree(kept)
        used[-1].parent.rename(kept)


class Packages:
    """Loads batches over one open connection; dlt works under `work`."""

    def __init__(
        self,
        settings: Settings,
        standing: Standing,
        connection: duckdb.DuckDBPyConnection,
        work: Path,
        now: Callable[[], datetime],
    ) -> None:
        self._settings, self._standing = settings, standing
        self._connection, self._work, self._now = connection, work, now
        self._pipeline: dlt.Pipeline | None = None
        self._destination: ReplaceDaysDuckDb | None = None

    def load(self, batch: Sequence[JudgedDay], started: float) -> None:
        """One dlt package: each table replaces its days and settles the log of their files in one transaction.

        Raises FilesMovedError when files changed since they were judged, PipelineError when the load failed; either
        way nothing of the batch is loaded.
        """
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
                    raise FilesMovedError(*moved)
                _reconcile(connection, table, scope, days)
                duration_s = time.monotonic() - started
                log = load_log_rows(days, self._standing, load_id, duration_s, self._now())
                replace_in_load_log(connection, log, [judged.key for judged in days])
                set_aside = [(judged.key, judged.set_aside) for judged in days if judged.set_aside]
                replace_values_set_aside(connection, [judged.key for judged in days], set_aside)

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
            moved = [failure for failure in destination.failures if isinstance(failure, FilesMovedError)]
            if moved:
                raise FilesMovedError(*(name for failure in moved for name in failure.args)) from error
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
                pipelines_dir=tempfile.mkdtemp(prefix=_PIPELINE_PREFIX, dir=self._work),
                destination=self._destination,
                dataset_name=DATASET,
            )
            # What dlt would log as an error is raised as one. Making a pipeline sets a level, so this comes after.
            logging.getLogger("dlt").setLevel(logging.CRITICAL)
        return self._pipeline, self._destination


def has_raw_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the warehouse has the raw tables with all columns; the models need them even while they are empty."""
    found = connection.execute(
        "select table_name, column_name from information_schema.columns where table_schema = ?", [DATASET]
    ).fetchall()
    return set(found) >= {(table, column) for table in TABLES for column in polars_schema(table)}


def _scope(days: Iterator[date]) -> str:
    scopes = [
        f"(timestamp >= '{window.start_utc:{_INSTANT}}' AND timestamp < '{window.end_utc:{_INSTANT}}')"
        for window in contiguous_windows(days)
    ]
    return " OR ".join(scopes) or "1 = 0"


def _moved(days: Sequence[JudgedDay]) -> list[str]:
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
    connection: duckdb.DuckDBPyConnection, table: RawTable, scope: str, days: Sequence[JudgedDay]
) -> None:
    expected = sum(count.rows_loaded for judged in days for count in judged.counts.values())
    ((found,),) = connection.execute(f"select count(*) from {DATASET}.{table} where {scope}").fetchall()
    if found != expected:
        raise PipelineError(
            f"{DATASET}.{table} would hold {found} rows of these days, the gate accepted {expected}"
        )


def _dlt_columns(table: RawTable) -> Any:
    kinds = {pl.String: "text", pl.Float64: "double", pl.Datetime: "timestamp"}
    return {
        name: {"data_type": kinds[dtype.base_type()], "nullable": name not in KEY}
        for name, dtype in polars_schema(table).items()
    }
