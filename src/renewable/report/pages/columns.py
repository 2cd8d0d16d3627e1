"""Frames as a page carries them: a list for each column, times as milliseconds since 1970 UTC."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl


def columns_of(rows: pl.DataFrame) -> dict[str, list[Any]]:
    """A list for each column."""
    return {name: rows[name].to_list() for name in rows.columns}


def rows_as_columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """The same of rows, for the columns `names`, which may be there without any row."""
    return {name: [row[name] for row in rows] for name in names}


def ms(column: str) -> pl.Expr:
    """An instant."""
    return pl.col(column).dt.epoch("ms")


def ms_of_day(column: str) -> pl.Expr:
    """Midnight of a day."""
    return pl.col(column).cast(pl.Datetime("ms")).dt.epoch("ms")


def day_ms() -> pl.Expr:
    """Midnight of date_local, as the column `day`."""
    return ms_of_day("date_local").alias("day")
