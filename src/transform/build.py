"""Builds the dbt models. A day is stale when its files differ from those it was built from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import polars as pl

from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.warehouse import connect, exclusive
from renewable.windows import ONE_DAY, Window, contiguous_windows
from transform.dbt_project import invoke_dbt, window_environment

_IDENTITY = ("table_name", "day", "file", "sha256", "rows_loaded")
# Rows of the interval table that one build makes at most, some 1.5 GiB of work for DuckDB.
PIECE_ROWS = 3_000_000
BUILD_LOG_SCHEMA = pl.Schema(
    {"table_name": pl.String, "day": pl.Date, "file": pl.String, "sha256": pl.String, "rows_loaded": pl.Int64}
)


@dataclass(frozen=True)
class TransformSummary:
    """The windows of UTC days that were rebuilt; `full` when it was everything."""

    windows: tuple[Window, ...]
    full: bool = False

    @property
    def sentence(self) -> str:
        """One line for people."""
        if self.full:
            return "rebuilt everything"
        if not self.windows:
            return "nothing stale: every loaded day was built before"
        return "rebuilt " + ", ".join(str(window) for window in self.windows)


def transform(
    settings: Settings,
    window: Window | None = None,
    *,
    full: bool = False,
    report: Callable[[str], None] | None = None,
) -> TransformSummary:
    """Run `dbt build` for `window`; without one for exactly the stale days; `full` rebuilds all tables.

    Raises PipelineError when a model or a test fails, WarehouseBusyError when the warehouse stays locked.
    """
    if not settings.warehouse_path.exists():
        raise PipelineError(
            f"there is no warehouse {settings.warehouse_path} yet: run `renewable ingest` first"
        )
    with exclusive(settings.warehouse_path, settings.lock_wait_s, report=report):
        if full:
            _rebuild(settings, report)
            return TransformSummary((), full=True)
        windows = [window] if window else list(contiguous_windows(_stale_in_warehouse(settings)))
        for each in windows:
            if report:
                report(f"dbt build {each}")
            build_models(settings, each)
    return TransformSummary(tuple(windows))


def _rebuild(settings: Settings, report: Callable[[str], None] | None) -> None:
    """Every table anew; a long history piece by piece, so that memory does not grow with it."""
    with connect(settings.warehouse_path) as connection:
        log = _read_log(connection, "raw", "load_log").drop_nulls("day")
    pieces = list(pieces_of(log, PIECE_ROWS))
    if len(pieces) <= 1:
        build_models(settings, None, ["--full-refresh"])
        return
    for number, piece in enumerate(pieces):
        if report:
            report(f"dbt build {piece}, {number + 1} of {len(pieces)}")
        environment = window_environment(piece, piece.end)
        _run_dbt(settings, environment, [] if number else ["--full-refresh"])


def pieces_of(load_log: pl.DataFrame, rows: int) -> Iterator[Window]:
    """Windows of whole days, in order, that hold all loaded days and some `rows` rows of one table each."""
    if load_log.is_empty():
        return
    first, after = min(load_log["day"].to_list()), max(load_log["day"].to_list()) + ONE_DAY
    of_days = load_log.group_by("day", "table_name").agg(pl.col("rows_loaded").sum())
    days = max(1, rows // max(1, max(of_days["rows_loaded"].to_list())))
    while first < after:
        end = min(first + days * ONE_DAY, after)
        yield Window(first, end)
        first = end


def build_models(
    settings: Settings,
    window: Window | None,
    arguments: Sequence[str] = (),
    *,
    on_event: Callable[[Any], None] | None = None,
) -> None:
    """`dbt build` with its data tests for what a change of `window` reaches; the caller holds the warehouse.

    None builds everything. A long window is built piece by piece, so that memory does not grow with it; events of a
    node then come once a piece. Raises PipelineError when a model or a test fails.
    """
    if window is None:
        _run_dbt(settings, {}, arguments, on_event)
        return
    with connect(settings.warehouse_path) as connection:
        log = _read_log(connection, "raw", "load_log").filter(pl.col("day").is_in(window.days))
    pieces = list(pieces_of(log, PIECE_ROWS)) or [window]
    # Days of the window without data have nothing to build, but may have something to delete.
    pieces[0] = Window(window.start, pieces[0].end)
    pieces[-1] = Window(pieces[-1].start, window.end)
    for piece in pieces:
        _run_dbt(settings, window_environment(piece, _rebuild_end(settings, piece)), arguments, on_event)


def _run_dbt(
    settings: Settings,
    environment: Mapping[str, str],
    arguments: Sequence[str],
    on_event: Callable[[Any], None] | None = None,
) -> None:
    command = ["build", "--exclude-resource-type", "unit_test", *arguments]
    invoke_dbt(settings, command, environment=environment, on_event=on_event)


def _rebuild_end(settings: Settings, window: Window) -> date:
    """The day after the last one that was built or is built now: no later row can be out of date."""
    with connect(settings.warehouse_path) as connection:
        built = read_build_log(connection)["day"].drop_nulls()
    return window.end if built.is_empty() else max(window.end, max(built.to_list()) + ONE_DAY)


def stale_days(load_log: pl.DataFrame, build_log: pl.DataFrame) -> list[date]:
    """UTC days whose loaded files are not the ones they were built from, ascending.

    Both frames hold the columns of BUILD_LOG_SCHEMA at least, one row a file.
    """
    loaded = load_log.select(_IDENTITY).drop_nulls("day")
    built = build_log.select(_IDENTITY)
    changed = pl.concat(
        [
            loaded.join(built, on=_IDENTITY, how="anti").select("day"),
            built.join(loaded, on=_IDENTITY, how="anti").select("day"),
        ]
    )
    return changed["day"].unique().sort().to_list()


def read_build_log(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The build log (BUILD_LOG_SCHEMA); empty before the first build."""
    return _read_log(connection, "intermediate", "int_build_log")


def _stale_in_warehouse(settings: Settings) -> list[date]:
    with connect(settings.warehouse_path) as connection:
        return stale_days(_read_log(connection, "raw", "load_log"), read_build_log(connection))


def _read_log(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> pl.DataFrame:
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchall()
    if not found:
        return pl.DataFrame(schema=BUILD_LOG_SCHEMA)
    columns = ", ".join(BUILD_LOG_SCHEMA)
    log: pl.DataFrame = connection.sql(f"select {columns} from {schema}.{table} order by all").pl()
    return log
