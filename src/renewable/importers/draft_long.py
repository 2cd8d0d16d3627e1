"""A table in long form: a row a reading, with a tag that says what it is of. Each kind of tag becomes a source."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from renewable.contract import TABLES, RawTable, column_called, column_unit, measurements
from renewable.importers.draft_assets import renamings
from renewable.importers.draft_channels import POWER, counters, is_flag, power_rank
from renewable.importers.draft_lines import Line, asked, paired, quoted
from renewable.importers.draft_units import energy, is_of_kind, spelled, usual_units

_LAST_WORD = re.compile(r"^(?P<asset>.+?)(?P<sep>[./|:])(?P<kind>[^./|:]+)$")
_UNIT_NAME = re.compile(r"unit|einheit|uom", re.IGNORECASE)
_MOST_TAGS, _MOST_KINDS = 400, 30


@dataclass(frozen=True)
class LongPart:
    """One kind of tag as a source: its condition, its asset (None: as of the whole table) and its channel."""

    keep: str
    asset: Line | None
    table: RawTable
    channel: Line


def long_parts(
    rows: pl.DataFrame, free: Sequence[str], numbers: pl.DataFrame, clock: pl.Series, ids: Sequence[str]
) -> list[LongPart]:
    """The parts of a table in long form, power first; none where it is of another form."""
    values = [name for name in free if name in numbers.columns and not is_flag(numbers[name])]
    if len(values) != 1 or not clock.drop_nulls().is_duplicated().any():
        return []
    for column in (name for name in free if rows.schema[name] == pl.String and name not in values):
        tags = rows[column].drop_nulls().unique(maintain_order=True).to_list()
        if not 2 <= len(tags) <= _MOST_TAGS:
            continue
        cut = {tag: found for tag in tags if (found := _LAST_WORD.match(tag))}
        whole = len(cut) < len(tags)
        kinds = list(dict.fromkeys(tags if whole else [found["kind"] for found in cut.values()]))
        known = {kind: means for kind in kinds[:_MOST_KINDS] if (means := _target(kind))}
        if len(kinds) < 2 or not known or len(kinds) > _MOST_KINDS:
            continue
        parts, taken = list[LongPart](), set[str]()
        for kind, (table, target) in known.items():
            if target in taken:
                continue
            taken.add(target)
            own = (
                rows[column].fill_null("") == kind
                if whole
                else rows[column].fill_null("").str.ends_with(kind)
            )
            sep = "" if whole else next(found["sep"] for found in cut.values() if found["kind"] == kind)
            names = [] if whole else [found["asset"] for found in cut.values() if found["kind"] == kind]
            parts.append(
                LongPart(
                    _condition(column, kind, sep),
                    None if whole else _asset(column, kind, sep, names, ids),
                    table,
                    _channel(rows, numbers, values[0], target, table, own, clock, column),
                )
            )
        return sorted(parts, key=lambda part: part.table != "generation")
    return []


def _target(kind: str) -> tuple[RawTable, str] | None:
    for table in reversed(TABLES):
        for target in measurements(table):
            unit = column_unit(table, target)
            if target == POWER or not unit:
                continue
            if any(re.search(each, kind, re.IGNORECASE) for each in column_called(table, target)):
                return table, target
    return ("generation", POWER) if power_rank(kind) is not None else None


def _condition(column: str, kind: str, sep: str) -> str:
    word = kind.replace("'", "''")
    return f"\"{column}\" LIKE '%{sep}{word}'" if sep else f"\"{column}\" = '{word}'"


def _asset(column: str, kind: str, sep: str, names: Sequence[str], ids: Sequence[str]) -> Line:
    pattern = rf"^(?P<asset>.*){re.escape(sep)}{re.escape(kind)}$"
    head = f"asset: {{column: {quoted(column)}, pattern: {quoted(pattern)}"
    return asked(
        f"what are the names in {column!r} called in assets.csv?",
        [f"{head}, rename: {paired(each)}}}" if each else head + "}" for each in renamings(names, ids)],
    )


def _channel(
    rows: pl.DataFrame,
    numbers: pl.DataFrame,
    value: str,
    target: str,
    table: RawTable,
    own: pl.Series,
    clock: pl.Series,
    column: str,
) -> Line:
    unit_columns = [name for name in rows.columns if _UNIT_NAME.search(name)]
    words = {word for name in unit_columns for word in rows.filter(own)[name].drop_nulls().unique().to_list()}
    contract_unit = column_unit(table, target)
    units = [unit for word in sorted(words) if (unit := spelled(word)) and is_of_kind(unit, contract_unit)]
    if len(units) != 1:
        more = usual_units(contract_unit, energy=True) if target == POWER else []
        units = [*usual_units(contract_unit), *more]
    kind = str(rows[column].filter(own)[0])
    how = counters(kind, numbers[value].filter(own), rows[column].filter(own), clock.filter(own))
    return asked(
        f"in which unit is {target}, and is it a counter?",
        [
            f"{target}: {{column: {quoted(value)}, unit: {quoted(unit)}{counter}}}"
            for unit in units
            for counter in (how if energy(unit) else ("",))
        ],
    )
