"""Values that the gate set aside, in the warehouse: beside the readings, so that models can judge the sensor by them.

The quarantine on disk is for people. This table is replaced in the transaction that replaces a table day's rows.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import polars as pl

from loaders.pending import Unit
from loaders.screen import parquet_list
from renewable.contract import TABLES

VALUES_SET_ASIDE = "values_set_aside"
_TABLE = f"raw.{VALUES_SET_ASIDE}"
_COLUMNS = ("asset_id", "timestamp", "channel", "original_value", "rule")


def create_values_set_aside(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table where the warehouse has none. `original_value` is text: what was set aside may be no number."""
    connection.execute("create schema if not exists raw")
    connection.execute(
        f"create table if not exists {_TABLE} (table_name varchar, day date, asset_id varchar,"
        " timestamp timestamptz, channel varchar, original_value varchar, rule varchar)"
    )


def replace_values_set_aside(
    connection: duckdb.DuckDBPyConnection, units: Iterable[Unit], found: Iterable[tuple[Unit, Path]]
) -> None:
    """Forget the values of `units`, then take those of the files in `found` (gate.SET_ASIDE_SCHEMA).

    It belongs into the transaction that replaces the rows of these table days.
    """
    days = pl.DataFrame(list(units), schema={"table_name": pl.String, "day": pl.Date}, orient="row")
    connection.register("set_aside_days", days.to_arrow())
    connection.execute(
        f"delete from {_TABLE} where (table_name, day) in (select (table_name, day) from set_aside_days)"
    )
    connection.unregister("set_aside_days")
    for (table, day), path in found:
        connection.execute(
            f"insert into {_TABLE} select ?, ?, {', '.join(_COLUMNS)} from {parquet_list([path])}",
            [table, day],
        )


def adopt_values_set_aside(connection: duckdb.DuckDBPyConnection, quarantine_dir: Path) -> None:
    """Take from the quarantine the values of table days that were loaded before this table was kept."""
    unknown = connection.execute(
        "select table_name, day from raw.load_log where refusal is null and values_set_aside > 0"
        f" and (table_name, day) not in (select (table_name, day) from {_TABLE}) group by all order by all"
    ).fetchall()
    for name, day in unknown:
        path = quarantine_dir / "values" / f"{name}_{day}.parquet"
        (table,) = (table for table in TABLES if table == name)
        if path.is_file():
            replace_values_set_aside(connection, [(table, day)], [((table, day), path)])
