"""A day in a row, with times as names of columns, made into rows of one time each."""

import re
from dataclasses import replace

import polars as pl

from renewable.errors import MappingError
from renewable.importers.asset_settings import ABOVE, PLACE
from renewable.importers.mapping import Mapping
from renewable.importers.source import SourceFrame
from renewable.importers.stamp_text import TIME_TEXT
from renewable.importers.timestamp import TIME


def one_time_a_row(batch: SourceFrame, part: Mapping) -> SourceFrame:
    """A row for each time of each row, in this order; what the channels name by {time} are columns of that name.

    A time whose cells are all empty is no row: days of 23 hours leave some out. Raises MappingError where no column of
    the file holds a time, or a column is not there that the mapping names.
    """
    across = part.timestamp.across
    if across is None:
        return batch
    templates = _templates(part, part.channel_columns())
    optional = _templates(part, part.channel_columns(optional=True))
    plain = [name for name in part.named_columns if TIME not in name]
    missing = [name for name in plain if name not in batch.rows.columns]
    # What a row above names is of all times of a row.
    plain += [ABOVE] if ABOVE in batch.rows.columns else []
    of_time: dict[str, dict[str, str]] = {}
    for template in templates:
        # A group that the pattern has of its own stays one.
        before, after = (re.escape(text) for text in template.split(TIME, 1))
        cut = pl.Series(batch.rows.columns).str.extract(f"^{before}((?:{across})){after}$", 1)
        for column, time in zip(batch.rows.columns, cut, strict=True):
            if time is not None:
                of_time.setdefault(time, {})[template] = column
    found = {template for columns in of_time.values() for template in columns}
    timeless = [template for template in templates if template not in found and template not in optional]
    if missing or timeless or not of_time:
        fault = (
            f"the mapping names column(s) {', '.join(missing)} that the file does not have"
            if missing
            else f"no column is named {' or '.join(timeless or templates)} with a time by timestamp.across {across!r}"
        )
        raise MappingError(
            f"{batch.name}: {fault}; it has {', '.join(batch.rows.columns)}. Mend the mapping or its delimiter."
        )
    number = "row of the file"
    rows = batch.rows.with_columns(pl.Series(number, _numbers(batch)))
    times = [
        rows.select(
            number,
            pl.lit(time).alias(TIME_TEXT),
            *(pl.col(name) for name in plain),
            *((pl.col(columns[t]) if t in columns else pl.lit(None)).alias(t) for t in templates),
        )
        for time, columns in of_time.items()
    ]
    # Rows keep their order, and the times of a row that of their columns.
    long = pl.concat(times, how="vertical_relaxed").sort(number, maintain_order=True)
    long = long.filter(pl.any_horizontal(pl.col(templates).is_not_null()))
    # Shares of rows are shares of times.
    batch.set_aside.rows_seen += long.height - batch.rows.height
    return replace(batch, rows=long.drop(number), numbers=long[number])


def _templates(part: Mapping, columns: list[str]) -> list[str]:
    named = [name for name in columns if TIME in name]
    tokens = part.asset.wide or {"": ""}
    return list(dict.fromkeys(name.replace(PLACE, token) for name in named for token in tokens))


def _numbers(batch: SourceFrame) -> pl.Series:
    if batch.numbers is not None:
        return batch.numbers
    return pl.int_range(batch.first_row, batch.first_row + batch.rows.height, eager=True)
