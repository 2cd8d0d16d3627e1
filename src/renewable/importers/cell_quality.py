"""Cells that need more than a number's form: those of a status column that says they are bad, those with a unit inside.

What a plain number is, `rows` says.
"""

from dataclasses import replace

import polars as pl

from renewable.importers.channel import Channel, pattern_of
from renewable.importers.notes import Notes
from renewable.importers.number_cells import numbers
from renewable.importers.source import SourceFrame, set_aside
from renewable.importers.source_settings import Source
from renewable.importers.units import Conversion, conversion, is_energy

# A number with any marks between its digits, then what is written behind it.
_NUMBER_AND_UNIT = (
    r"^(?<number>[+-]?\s*[\d.,'\s\u00a0\u202f]*\d(?:[eE][+-]?\d+)?)[\s\u00a0\u202f]*(?<unit>\S.*)?$"
)


def good_cells(batch: SourceFrame, channel: Channel, target: str, notes: Notes) -> SourceFrame:
    """The batch with the channel's cells empty, and counted, wherever its quality column has none of the good words."""
    if channel.quality is None:
        return batch
    words = channel.quality.good
    # An empty cell is null: the word "" means it.
    status = pl.col(channel.quality.column).cast(pl.String).fill_null("")
    is_good = status.is_in([word for word in words if pattern_of(word) is None])
    for pattern in filter(None, map(pattern_of, words)):
        is_good = is_good | status.str.contains(f"(?i){pattern}")
    good = batch.rows.select(is_good.alias("good")).to_series()
    columns = channel.source_columns[:-1]
    filled = batch.rows.select(pl.any_horizontal(pl.col(columns).is_not_null())).to_series()
    notes.add(f"cells of {target} left empty, as their quality is not good", int((filled & ~good).sum()))
    rows = batch.rows.with_columns(
        pl.when(pl.lit(good)).then(pl.col(name)).alias(name) for name in dict.fromkeys(columns)
    )
    return replace(batch, rows=rows)


def with_own_units(
    batch: SourceFrame,
    column: str,
    contract_unit: str,
    interval_seconds: int | None,
    counter: bool,
    form: Source,
) -> pl.Series:
    """Cells such as "12.3 kW" or "1,590 W" in `contract_unit`, each by its own unit.

    Cells without a unit, or with one of another kind, are set aside.
    """
    cells = batch.rows[column].cast(pl.String)
    parts = cells.str.extract_groups(_NUMBER_AND_UNIT).struct.unnest()
    units = parts["unit"].str.strip_chars()
    known: dict[str, Conversion] = {}
    for unit in units.unique(maintain_order=True).drop_nulls():
        try:
            change = conversion(contract_unit, unit, interval_seconds)
        except ValueError:
            continue
        if not counter or is_energy(unit):
            known[unit] = change
    value = pl.DataFrame([numbers(parts["number"].alias("value"), form), units.alias("unit")])
    converted = pl.lit(None, pl.Float64)
    for unit, change in known.items():
        converted = pl.when(pl.col("unit") == unit).then(change.apply(pl.col("value"))).otherwise(converted)
    found = value.select(converted.alias(column)).to_series()
    kind = "energy" if counter else contract_unit
    set_aside(
        batch,
        "cells",
        column,
        cells.is_not_null() & found.is_null(),
        f"are no number with a unit of {kind} behind it",
        "State the channel's unit where all cells have the same, or list what means 'no value' in source.null_markers.",
    )
    return found
