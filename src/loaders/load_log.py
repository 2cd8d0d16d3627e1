"""The load log: what became of each raw file. The warehouse holds it; readers see its published copy."""

import polars as pl

from loaders.pending import Fingerprint, Pending, find_pending
from renewable.atomic_write import write_parquet_atomic
from renewable.settings import Settings
from renewable.warehouse import connect
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
        ("loaded_at", pl.Datetime("us", "UTC")),
    ]
)


def read_load_log(settings: Settings) -> pl.DataFrame:
    """The published load log (LOAD_LOG_SCHEMA), one row a file; empty when there is no warehouse yet."""
    path = settings.published_dir / f"{LOAD_LOG}.parquet"
    if not path.exists() or not settings.warehouse_path.exists():
        return pl.DataFrame(schema=LOAD_LOG_SCHEMA)
    return pl.read_parquet(path)


def published_ledger(settings: Settings) -> dict[str, Fingerprint]:
    """The ledger as readers may know it, without opening the warehouse."""
    log = read_load_log(settings)
    columns = log.select("file", "size_bytes", "mtime_ns", "ctime_ns", "sha256")
    return {name: Fingerprint(*values) for name, *values in columns.iter_rows()}


def pending_files(settings: Settings, window: Window | None = None) -> Pending:
    """What the next load would take, judged by the published load log."""
    return find_pending(settings.raw_dir, published_ledger(settings), window)


def publish_load_log(settings: Settings) -> None:
    """Copy the warehouse's load log to the published directory. Call it while the warehouse is held."""
    log = pl.DataFrame(schema=LOAD_LOG_SCHEMA)
    with connect(settings.warehouse_path) as connection:
        found = connection.execute(
            "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
            [DATASET, LOAD_LOG],
        ).fetchall()
        if found:
            columns = ", ".join(LOAD_LOG_SCHEMA)
            log = connection.sql(f"select {columns} from {DATASET}.{LOAD_LOG} order by file").pl()
    write_parquet_atomic(log.cast(LOAD_LOG_SCHEMA), settings.published_dir / f"{LOAD_LOG}.parquet")
