"""Raw tables as files that a cluster reads: Parquet, one file for each table and UTC day, replaced at once.

`<folder>/<table>/partition_day_utc=<day>/rows.parquet`. The load log lies beside them and is written last: it says of
which load each day's rows are, so that a landing that was killed is completed by the next one.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from loaders.load_log import DATASET, LOAD_LOG
from loaders.values_set_aside import VALUES_SET_ASIDE
from renewable.atomic_write import write_parquet_atomic
from renewable.contract import TABLES, polars_schema
from renewable.windows import ONE_DAY

PARTITION = "partition_day_utc"
FILE = "rows.parquet"
# A file without rows, of a day that no reading is of: it tells Spark the columns of a table that may be empty.
_COLUMNS_ONLY = date(1900, 1, 1)

Loads = Mapping[tuple[str, date], frozenset[tuple[str, str | None]]]


def land(connection: duckdb.DuckDBPyConnection, folder: Path, log: pl.DataFrame) -> list[tuple[str, date]]:
    """Bring the files in `folder` up to what the warehouse has loaded; the table days that changed.

    `log` is the warehouse's load log. The caller holds the warehouse.
    """
    noted = folder / LOAD_LOG / FILE
    before = _loads(pl.read_parquet(noted)) if noted.exists() else {}
    now = _loads(log)
    changed = sorted(unit for unit in before.keys() | now.keys() if before.get(unit) != now.get(unit))
    for table in TABLES:
        days = {day for name, day in changed if name == table}
        _land_days(connection, folder, table, ", ".join(polars_schema(table)), days)
    _land_days(connection, folder, VALUES_SET_ASIDE, "*", {day for _, day in changed})
    if changed or not noted.exists():
        write_parquet_atomic(log, noted)
    return changed


def _loads(log: pl.DataFrame) -> Loads:
    """By table day the accepted files, each with the load that brought it."""
    accepted = log.filter(pl.col("refusal").is_null() & pl.col("day").is_not_null())
    found: dict[tuple[str, date], set[tuple[str, str | None]]] = {}
    for table, day, file, load_id in accepted.select("table_name", "day", "file", "load_id").iter_rows():
        found.setdefault((table, day), set()).add((file, load_id))
    return {unit: frozenset(files) for unit, files in found.items()}


def _land_days(
    connection: duckdb.DuckDBPyConnection, folder: Path, table: str, columns: str, days: set[date]
) -> None:
    for day in sorted({_COLUMNS_ONLY, *days}):
        path = folder / table / f"{PARTITION}={day}" / FILE
        rows = connection.sql(
            f"select {columns} from {DATASET}.{table}"
            " where timestamp >= $start and timestamp < $end order by all",
            params={"start": f"{day} 00:00:00+00", "end": f"{day + ONE_DAY} 00:00:00+00"},
        ).pl()
        if rows.height or day == _COLUMNS_ONLY:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_parquet_atomic(rows.with_columns(pl.col(pl.Datetime).dt.convert_time_zone("UTC")), path)
        elif path.exists():
            path.unlink()
            path.parent.rmdir()
