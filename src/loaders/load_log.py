"""The load log: what became of each raw file. It is the ledger of what is loaded; readers see its published copy."""

from collections.abc import Container, Iterable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from loaders.pending import Fingerprint, Pending, RemovalGuard, Unit, find_pending
from loaders.verdicts import GateRegistry, Standing
from renewable.atomic_write import write_parquet_atomic
from renewable.contract import TABLES
from renewable.contract.version import BASELINE, contract_version
from renewable.errors import FleetError
from renewable.fleet import load_assets_at_most
from renewable.own_files import read_own_parquet
from renewable.settings import Settings
from renewable.windows import Window

DATASET = "raw"
LOAD_LOG = "load_log"
LOAD_LOG_SCHEMA = pl.Schema(
    [
        ("file", pl.String),
        ("table_name", pl.String),
        ("day", pl.Date),
        ("sha256", pl.String),
        ("size_bytes", pl.Int64),
        ("mtime_ns", pl.Int64),
        ("ctime_ns", pl.Int64),
        ("rows_in", pl.Int64),
        ("rows_loaded", pl.Int64),
        ("rows_collapsed", pl.Int64),
        ("rows_quarantined", pl.Int64),
        ("values_set_aside", pl.Int64),
        ("refusal", pl.String),
        ("load_id", pl.String),
        ("duration_s", pl.Float64),
        ("loaded_at", pl.Datetime("us", "UTC")),
        # Which contract gave the verdict, and the first one that accepted this content; null: from before they were
        # kept. The fingerprint of the registry rows that the verdict depends on; null also for misnamed files.
        ("contract_version", pl.String),
        ("first_contract_version", pl.String),
        ("registry_version", pl.String),
    ]
)
# With the assets that a file names (`verdicts.named_assets`), which only the load itself asks for.
FULL_SCHEMA = pl.Schema([*LOAD_LOG_SCHEMA.items(), ("named_assets", pl.String)])
_TABLE = f"{DATASET}.{LOAD_LOG}"
_SQL_TYPES = {
    pl.String: "varchar",
    pl.Date: "date",
    pl.Int64: "bigint",
    pl.Float64: "double",
    pl.Datetime: "timestamptz",
}


def read_load_log(settings: Settings) -> pl.DataFrame:
    """The published load log (LOAD_LOG_SCHEMA), one row a file; empty when there is no warehouse yet."""
    return _published(settings, LOAD_LOG_SCHEMA)


def read_full_load_log(settings: Settings) -> pl.DataFrame:
    """The same with the assets that each file names (FULL_SCHEMA)."""
    return _published(settings, FULL_SCHEMA)


def pending_files(settings: Settings, window: Window | None = None, again: Container[Unit] = ()) -> Pending:
    """What the next load would take, judged by the published load log.

    While the registry cannot be read, nothing is due for a change of it: the load itself says what is wrong.
    """
    log = read_full_load_log(settings)
    try:
        assets = load_assets_at_most(settings.fleet_dir)
    except FleetError:
        log = log.with_columns(registry_version=None)
        assets = pl.DataFrame(
            schema={
                "asset_id": pl.String,
                "interval_minutes": pl.Int64,
                "interval_offset_minutes": pl.Int64,
                "rated_power_kw": pl.Float64,
            }
        )
    return find_pending(
        settings.raw_dir,
        ledger_of(log),
        window,
        again=again,
        due=Standing(GateRegistry(assets)).due(log),
        guard=removal_guard(settings),
    )


def loaded_days(log: pl.DataFrame) -> pl.DataFrame:
    """asset_id, first_day, last_day: ranges of UTC days of which accepted files name the asset, ascending.

    `log` has FULL_SCHEMA.
    """
    files = log.filter(pl.col("refusal").is_null() & pl.col("day").is_not_null())
    days = (
        files.select("day", asset_id=pl.col("named_assets").str.json_decode(pl.List(pl.String)))
        .explode("asset_id")
        .drop_nulls()
        .unique()
        .sort("asset_id", "day")
    )
    gap = pl.col("day").diff().over("asset_id") != pl.duration(days=1)
    return (
        days.with_columns(number=gap.fill_null(True).cum_sum())
        .group_by("asset_id", "number", maintain_order=True)
        .agg(first_day=pl.col("day").min(), last_day=pl.col("day").max())
        .drop("number")
    )


def files_of_unknown_assets(log: pl.DataFrame) -> int:
    """How many accepted files of a load log (FULL_SCHEMA) have no note of the assets that they name."""
    return log.filter(pl.col("refusal").is_null() & pl.col("named_assets").is_null()).height


def removal_guard(settings: Settings) -> RemovalGuard:
    """When missing files are taken for an accident."""
    return RemovalGuard(settings.max_removed_ratio)


def units_of_other_contract(settings: Settings) -> set[Unit]:
    """The table days with an accepted file that another contract than the present one judged; opens no warehouse.

    `ingest(again=...)` judges them by the present one.
    """
    version = pl.col("contract_version").fill_null(BASELINE)
    log = read_load_log(settings).filter(
        pl.col("refusal").is_null() & pl.col("day").is_not_null() & (version != contract_version())
    )
    days: list[tuple[str, date]] = log.select("table_name", "day").unique().rows()
    return {(table, day) for name, day in days for table in TABLES if table == name}


def files_of_other_registry(log: pl.DataFrame, assets: pl.DataFrame) -> list[str]:
    """The files of a load log (FULL_SCHEMA) that the gate judged by other registry rows than those in `assets`."""
    due = Standing(GateRegistry(assets)).due(log.filter(pl.col("refusal").is_null()))
    return sorted(due)


def create_load_log(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the warehouse's load log, or bring an older one to the present columns."""
    columns = {name: _SQL_TYPES[dtype.base_type()] for name, dtype in FULL_SCHEMA.items()}
    connection.execute(f"create schema if not exists {DATASET}")
    connection.execute(
        f"create table if not exists {_TABLE} ({', '.join(f'{n} {t}' for n, t in columns.items())})"
    )
    for name, sql_type in columns.items():
        connection.execute(f"alter table {_TABLE} add column if not exists {name} {sql_type}")


def warehouse_log(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The load log (FULL_SCHEMA): all files whose fate the warehouse knows."""
    return _complete(connection.sql(f"from {_TABLE} order by file").pl(), FULL_SCHEMA)


def replace_in_load_log(
    connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, units: Iterable[Unit], gone: Iterable[str] = ()
) -> None:
    """Forget the files of `units` and those named in `gone`, then take `rows` (FULL_SCHEMA).

    It belongs into the transaction that replaces the rows of these table days.
    """
    days = pl.DataFrame(list(units), schema={"table_name": pl.String, "day": pl.Date}, orient="row")
    names = pl.DataFrame({"file": [*gone, *rows["file"]]}, schema={"file": pl.String})
    for name, frame in (("log_days", days), ("log_names", names), ("log_rows", rows)):
        connection.register(name, frame.to_arrow())
    connection.execute(
        f"delete from {_TABLE} where (table_name, day) in (select (table_name, day) from log_days)"
    )
    connection.execute(f"delete from {_TABLE} where file in (from log_names)")
    connection.execute(f"insert into {_TABLE} by name from log_rows")
    for name in ("log_days", "log_names", "log_rows"):
        connection.unregister(name)


def remember_registry(connection: duckdb.DuckDBPyConnection, found: pl.DataFrame) -> None:
    """Set registry_version and named_assets of the files in `found`, which has them beside `file`."""
    connection.register("found", found.to_arrow())
    connection.execute(
        f"update {_TABLE} as log set registry_version = found.registry_version, named_assets = found.named_assets"
        " from found where log.file = found.file"
    )
    connection.unregister("found")


def publish_load_log(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Copy the warehouse's load log to the published directory."""
    write_parquet_atomic(warehouse_log(connection), _path(settings))


def ledger_of(log: pl.DataFrame) -> dict[str, Fingerprint]:
    """Fingerprints of the files of a load log, by ledger_name."""
    columns = log.select("file", "size_bytes", "mtime_ns", "ctime_ns", "sha256")
    return {name: Fingerprint(*values) for name, *values in columns.iter_rows()}


def _published(settings: Settings, schema: pl.Schema) -> pl.DataFrame:
    path = _path(settings)
    if not path.exists() or not settings.warehouse_path.exists():
        return pl.DataFrame(schema=schema)
    return _complete(read_own_parquet(path, "`renewable ingest` writes it anew"), schema)


def _path(settings: Settings) -> Path:
    return settings.published_dir / f"{LOAD_LOG}.parquet"


def _complete(log: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """`log` with all columns; one that an older version wrote lacks the newer ones."""
    missing = [pl.lit(None, dtype).alias(n) for n, dtype in schema.items() if n not in log.columns]
    return log.with_columns(missing).select(schema.names()).cast(schema)
