"""Cells that need more than a number's form: those of a status column that says they are bad, those with a unit inside.

What a plain number is, `rows` says.
"""

from collections.abc import Callable

import polars as pl

from renewable.importers.channel import Channel, pattern_of
from renewable.importers.notes import Notes
from renewable.importers.source import SourceFrame, require_none
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
    return SourceFrame(batch.name, rows, batch.first_row, batch.numbers)


def with_own_units(
    batch: SourceFrame,
    column: str,
    contract_unit: str,
    interval_seconds: int | None,
    counter: bool,
    number: Callable[[SourceFrame], pl.Expr],
) -> pl.Series:
    """Cells such as "12.3 kW" or "1,590 W" in `contract_unit`, each by its own unit.

    `number` reads the number's text. Raises MappingError for cells without a unit, or with one of another kind.
    """
    cells = batch.rows[column].cast(pl.String)
    parts = cells.str.extract_groups(_NUMBER_AND_UNIT).struct.unnest()
    require_none(
        batch,
        column,
        cells.is_not_null() & (parts["number"].is_null() | parts["unit"].is_null()),
        "cell(s) are no number with a unit behind it",
        "State the channel's unit where all cells have the same, or list what means 'no value' in source.null_markers.",
    )
    units = parts["unit"].str.strip_chars()
    known: dict[str, Conversion] = {}
    for unit in units.unique(maintain_order=True).drop_nulls():
        try:
            known[unit] = conversion(contract_unit, unit, interval_seconds)
        except ValueError as error:
            fault = f"cell(s) have a unit that {error}"
            require_none(batch, column, units.eq(unit).fill_null(False), fault, "Mend these cells.")
        if counter and not is_energy(unit):
            fault = "cell(s) of a counter have no unit of energy"
            require_none(
                batch, column, units.eq(unit).fill_null(False), fault, "Remove counter, or mend these."
            )
    bare = SourceFrame(
        batch.name, batch.rows.with_columns(parts["number"].alias(column)), batch.first_row, batch.numbers
    )
    value = bare.rows.select(number(bare).alias("value"), units.alias("unit"))
    converted = pl.lit(None, pl.Float64)
    for unit, change in known.items():
        converted = pl.when(pl.col("unit") == unit).then(change.apply(pl.col("value"))).otherwise(converted)
    return value.select(converted.alias(column)).to_series()
