"""The load log: what became of each raw file. It is the ledger of what is loaded; readers see its published copy."""

from collections.abc import Container, Iterable

import duckdb
import polars as pl

from loaders.pending import Fingerprint, Pending, Unit, find_pending
from renewable.atomic_write import write_parquet_atomic
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
    ]
)
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
    path = settings.published_dir / f"{LOAD_LOG}.parquet"
    if not path.exists() or not settings.warehouse_path.exists():
        return pl.DataFrame(schema=LOAD_LOG_SCHEMA)
    return _complete(read_own_parquet(path, "`renewable ingest` writes it anew"))


def published_ledger(settings: Settings) -> dict[str, Fingerprint]:
    """The ledger as readers may know it, without opening the warehouse."""
    return _ledger(read_load_log(settings))


def pending_files(settings: Settings, window: Window | None = None, again: Container[Unit] = ()) -> Pending:
    """What the next load would take, judged by the published load log."""
    return find_pending(settings.raw_dir, published_ledger(settings), window, again=again)


def create_load_log(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the warehouse's load log, or bring an older one to the present columns."""
    columns = {name: _SQL_TYPES[dtype.base_type()] for name, dtype in LOAD_LOG_SCHEMA.items()}
    connection.execute(f"create schema if not exists {DATASET}")
    connection.execute(
        f"create table if not exists {_TABLE} ({', '.join(f'{n} {t}' for n, t in columns.items())})"
    )
    for name, sql_type in columns.items():
        connection.execute(f"alter table {_TABLE} add column if not exists {name} {sql_type}")


def warehouse_ledger(connection: duckdb.DuckDBPyConnection) -> dict[str, Fingerprint]:
    """Fingerprints of all files whose fate the warehouse knows, by ledger_name."""
    return _ledger(_read(connection))


def replace_in_load_log(
    connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, units: Iterable[Unit], gone: Iterable[str] = ()
) -> None:
    """Forget the files of `units` and those named in `gone`, then take `rows` (LOAD_LOG_SCHEMA).

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


def publish_load_log(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Copy the warehouse's load log to the published directory."""
    write_parquet_atomic(_read(connection), settings.published_dir / f"{LOAD_LOG}.parquet")


def _read(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    columns = ", ".join(LOAD_LOG_SCHEMA)
    return _complete(connection.sql(f"select {columns} from {_TABLE} order by file").pl())


def _complete(log: pl.DataFrame) -> pl.DataFrame:
    """`log` with all columns; one that an older version wrote lacks the newer ones."""
    missing = [pl.lit(None, dtype).alias(n) for n, dtype in LOAD_LOG_SCHEMA.items() if n not in log.columns]
    return log.with_columns(missing).select(LOAD_LOG_SCHEMA.names()).cast(LOAD_LOG_SCHEMA)


def _ledger(log: pl.DataFrame) -> dict[str, Fingerprint]:
    columns = log.select("file", "size_bytes", "mtime_ns", "ctime_ns", "sha256")
    return {name: Fingerprint(*values) for name, *values in columns.iter_rows()}
