"""Sums and ratios of sums over rows of the marts, by the macros that the marts are made with.

The formula of a KPI is written once, in the dbt project (macros/ratios.sql, macros/rollup.sql). Here its text is run on
frames, so that a report over thirty days and a mart over a month say the same, to the last bit and in any order of the
rows.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import duckdb
import polars as pl

from renewable.places import DBT_PROJECT
from renewable.transform.macros import macros
from renewable.warehouse import NO_EXTENSIONS


def ratios_by(daily: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Rows of mart_asset_daily rolled up by `keys` (none: one row) as mart_asset_monthly and mart_fleet_daily are.

    Columns: the keys, `assets` and `days` (how many different ones), and those of the macro `rolled_up`; ordered by the
    keys. A sum of nulls alone is null, and so is a column that rows of an earlier version lack.
    """
    lacking = _summed_columns() - set(daily.columns)
    return _grouped(
        daily.with_columns(pl.lit(None, pl.Float64).alias(name) for name in sorted(lacking)),
        keys,
        ("count(distinct asset_id) as assets", "count(distinct date_local) as days", _rolled_up()),
    )


def coverage_by(daily: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Rows of mart_asset_daily by `keys`: the keys, `observed_hours`, `expected_hours` and `data_coverage_ratio`."""
    observed, expected = _exact_sum("observed_hours"), _exact_sum("expected_hours")
    ratio = _macros().data_coverage(observed, expected)
    sums = (f"{observed} as observed_hours", f"{expected} as expected_hours")
    return _grouped(daily, keys, (*sums, f"{ratio} as data_coverage_ratio"))


def sums_by(rows: pl.DataFrame, columns: Sequence[str], *keys: str) -> pl.DataFrame:
    """`columns` summed by `keys` in fixed point, as the marts sum energies; ordered by the keys."""
    return _grouped(rows, keys, [f"{_exact_sum(column)} as {column}" for column in columns])


def _grouped(rows: pl.DataFrame, keys: Sequence[str], expressions: Sequence[str]) -> pl.DataFrame:
    by = ", ".join(keys)
    grouping = f" group by {by} order by {by}" if keys else ""
    with _engine().cursor() as cursor:
        cursor.register("given", rows.to_arrow())
        statement = f"select {', '.join([*keys, *expressions])} from given{grouping}"
        found: pl.DataFrame = cursor.sql(statement).pl()
    return found


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """A database in memory, for its arithmetic alone."""
    return duckdb.connect(":memory:", config=NO_EXTENSIONS)


@cache
def _rolled_up() -> str:
    return str(_macros().rolled_up())


@cache
def _summed_columns() -> set[str]:
    """Columns of mart_asset_daily with energies, powers and times that the roll-up reads."""
    return set(re.findall(r"\b[a-z_]+_(?:kwh|kw|hours)\b", _rolled_up()))


@cache
def _exact_sum(column: str) -> str:
    return str(_macros().exact_sum(column))


@cache
def _macros() -> Any:
    return macros(DBT_PROJECT, ("ratios.sql", "rollup.sql", "exact_sum.sql"))
