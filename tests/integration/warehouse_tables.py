"""Reading a warehouse's tables for comparison, by name from information_schema.tables."""

from pathlib import Path

import polars as pl

from renewable.settings import Settings
from renewable.warehouse import connect

# Columns that say when or by which load a row came, not what it is.
_OF_THE_LOAD = ("load_id", "duration_s", "loaded_at", "mtime_ns", "ctime_ns", "first_contract_version")
# What contracts there have been, not what is loaded.
_HISTORY = ("contract_versions",)
_BESIDE_A_LIMIT = ("unmeasured", "downtime", "icing", "snow", "derating")
LAYERS = ("raw", "intermediate", "marts")


def tables(warehouse: Path) -> dict[str, pl.DataFrame]:
    """Every table of the layers with its rows in order, without the columns that tell of the load."""
    with connect(warehouse, read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            f" where table_schema in {LAYERS} and not starts_with(table_name, '_dlt') order by all"
        ).fetchall()
        names = [(schema, table) for schema, table in names if table not in _HISTORY]
        found = {f"{s}.{t}": connection.sql(f"from {s}.{t} order by all").pl() for s, t in names}
    return {name: frame.drop(_OF_THE_LOAD, strict=False).pipe(_sorted) for name, frame in found.items()}


def interval_labels(settings: Settings) -> pl.DataFrame:
    """What the interval table takes each interval for: event, flags and a cause beside a limit."""
    causes = " ".join(f"when {cause}_kwh <> 0 then '{cause}'" for cause in _BESIDE_A_LIMIT)
    with connect(settings.warehouse_path, read_only=True) as connection:
        found: pl.DataFrame = connection.sql(
            "select asset_id, timestamp_utc, event_kind, columns('.*_flag'),"
            f" case when event_kind = 'curtailment' then case {causes} end end as second_cause,"
            " contradicted.asset_id is not null as is_contradicted"
            " from intermediate.int_interval_performance as intervals"
            " left join (select distinct asset_id, timestamp_utc from intermediate.int_contradicted_readings)"
            " as contradicted using (asset_id, timestamp_utc)"
        ).pl()
    return found


def assert_same_tables(left: Path, right: Path) -> None:
    """Both warehouses hold the same tables with the same rows, to the last bit."""
    ours, theirs = tables(left), tables(right)
    assert ours.keys() == theirs.keys()
    for name, frame in ours.items():
        columns = sorted(frame.columns)
        left_rows, right_rows = (_sorted(found.select(columns)) for found in (frame, theirs[name]))
        assert left_rows.equals(right_rows), f"{name} differs"


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(frame.columns)
