"""Load logs from before verdicts were remembered with their registry: what the present one would have decided too.

A table day whose loaded rows all fit the present registry, and of which nothing is set aside, would be judged the
same by it: it is remembered so. Any other day is judged again by the next load that reaches it.
"""

from collections.abc import Container
from datetime import date

import duckdb
import polars as pl

from loaders.pending import Unit
from loaders.verdicts import GateRegistry, named_assets
from renewable.contract import POWER_RATIO_RANGE, TABLES, RawTable
from renewable.contract.schemas import POWER_CHANNELS
from renewable.fleet import Fleet

# No fingerprint: it equals none, so that the day counts as judged by another registry.
UNKNOWN = "unknown"


def adopted(
    connection: duckdb.DuckDBPyConnection,
    log: pl.DataFrame,
    fleet: Fleet,
    registry: GateRegistry,
    set_aside: Container[Unit],
) -> pl.DataFrame:
    """(file, registry_version, named_assets) of the files that `log` knows without a registry.

    `set_aside` are the table days of which the quarantine holds rows or values.
    """
    unknown = log.filter(pl.col("refusal").is_null() & pl.col("registry_version").is_null())
    found = list[tuple[str, str, str | None]]()
    for table in TABLES:
        files = unknown.filter(table_name=table).select("file", "day").rows()
        days = _days(connection, table, fleet) if files else {}
        for file, day in files:
            assets, sound = days.get(day, ([], True))
            named = named_assets(assets)
            known = sound and (table, day) not in set_aside
            found.append((file, registry.version(table, named) if known else UNKNOWN, named))
    schema = {"file": pl.String, "registry_version": pl.String, "named_assets": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _days(
    connection: duckdb.DuckDBPyConnection, table: RawTable, fleet: Fleet
) -> dict[date, tuple[list[str], bool]]:
    """Of each day the assets of its loaded rows, and whether the present registry would load all of them."""
    low, high = POWER_RATIO_RANGE
    ranges = [
        f"coalesce({name} between {low!r} * rated_power_kw and {high!r} * rated_power_kw, true)"
        for name in POWER_CHANNELS
    ]
    tests = " and ".join(
        [
            "(epoch_us(timestamp) - 60000000 * coalesce(interval_offset_minutes, 0))"
            " % (interval_minutes * 60000000) = 0",
            *(ranges if table == "generation" else []),
        ]
    )
    connection.register("gate_registry", fleet.assets_at_most.to_arrow())
    rows = connection.execute(
        f"""
        with kept as (
            select timestamp::date as day, asset_id, bool_and(coalesce({tests}, false)) as sound
            from raw.{table} left join gate_registry using (asset_id)
            group by all
        )
        select day, list(asset_id order by asset_id), bool_and(sound) from kept group by all
        """
    ).fetchall()
    connection.unregister("gate_registry")
    return {day: (assets, sound) for day, assets, sound in rows}
