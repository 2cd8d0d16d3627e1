"""Publishes the marts as Parquet files, each replaced atomically. Readers open these and never the warehouse.

Beside them lie the build log and two extracts of the interval table for the fleet report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from analysis.event_intervals import EVENT_INTERVALS, EVENT_INTERVALS_SQL
from analysis.irradiance_power import IRRADIANCE_POWER, IRRADIANCE_POWER_SQL
from renewable.atomic_write import replacing, write_parquet_atomic
from renewable.errors import PipelineError
from renewable.own_files import read_own_parquet
from renewable.settings import Settings
from renewable.warehouse import exclusive_connection, sql_literal
from transform.build import read_build_log

MARTS_SCHEMA = "marts"
BUILD_LOG = "build_log"
_EXTRACTS = {EVENT_INTERVALS: EVENT_INTERVALS_SQL, IRRADIANCE_POWER: IRRADIANCE_POWER_SQL}


@dataclass(frozen=True)
class PublishSummary:
    """Rows by mart and the directory that holds them."""

    rows: Mapping[str, int]
    directory: Path

    @property
    def sentence(self) -> str:
        """One line for people."""
        marts = ", ".join(f"{mart} ({rows} rows)" for mart, rows in self.rows.items())
        return f"published {marts} under {self.directory}"


def publish(settings: Settings, *, report: Callable[[str], None] | None = None) -> PublishSummary:
    """Write every mart to `data/published/<mart>.parquet`, rows in the order of their columns.

    Raises PipelineError when there is no mart yet, WarehouseBusyError when the warehouse stays locked.
    """
    if not settings.warehouse_path.exists():
        raise PipelineError(
            f"there is no warehouse {settings.warehouse_path} yet: run `renewable ingest` first"
        )
    settings.published_dir.mkdir(parents=True, exist_ok=True)
    with exclusive_connection(settings.warehouse_path, settings.lock_wait_s, report=report) as connection:
        marts = connection.execute(
            "select table_name from information_schema.tables where table_schema = ? order by 1",
            [MARTS_SCHEMA],
        ).fetchall()
        if not marts:
            raise PipelineError("there are no marts yet: run `renewable transform` first")
        rows = {
            mart: _copy(connection, f"from {MARTS_SCHEMA}.{mart} order by all", _path(settings, mart))
            for (mart,) in marts
        }
        for name, query in _EXTRACTS.items():
            _copy(connection, query, _path(settings, name))
        write_parquet_atomic(read_build_log(connection), _path(settings, BUILD_LOG))
    return PublishSummary(rows, settings.published_dir)


def read_published(settings: Settings, name: str) -> pl.DataFrame | None:
    """A published mart or log; None when it is not published yet. Raises PipelineError for a broken file."""
    path = _path(settings, name)
    return read_own_parquet(path, "`renewable publish` writes it anew") if path.exists() else None


def _path(settings: Settings, name: str) -> Path:
    return settings.published_dir / f"{name}.parquet"


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    with replacing(path) as temporary:
        ((rows,),) = connection.execute(
            f"copy ({query}) to {sql_literal(str(temporary))} (format parquet, compression zstd)"
        ).fetchall()
    return int(rows)
