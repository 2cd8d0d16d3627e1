"""Rows at no fixed interval to those of a grid: means weighted by the time for which each value held."""

import math
from collections.abc import Mapping, Sequence

import polars as pl

from renewable.importers.grid import exact_sum, over_grid
from renewable.importers.notes import Notes


def time_weighted(
    frame: pl.DataFrame,
    holds_minutes: float,
    label: str,
    enough_ratio: float,
    seconds: Mapping[str, int],
    phases: Mapping[str, int],
    notes: Notes,
    *,
    words: Sequence[str],
    directions: Sequence[str],
) -> pl.DataFrame:
    """asset_id, timestamp (start of an interval), name and the channels of `frame`, whose stamps are instants.

    A value holds from its stamp to the next row (label end: since the row before), at most `holds_minutes`; an empty
    cell holds nothing. A mean stands where values held for `enough_ratio` of the interval. Rows of assets without an
    interval stay as they are.
    """
    key = ["asset_id", "name", "timestamp"]
    channels = [name for name in frame.columns if name not in key]
    known = pl.col("asset_id").is_in(list(seconds)).fill_null(False)
    once = frame.filter(known).unique(maintain_order=True).sort(key, maintain_order=True)
    alone = pl.len().over(key) == 1
    notes.add_rows("rows that contradict another at the same time, left empty", once, ~alone)
    once = once.with_columns(pl.when(alone).then(pl.col(channels))).unique(key, maintain_order=True)
    at, hold = pl.col("timestamp"), pl.duration(microseconds=round(holds_minutes * 60_000_000))
    if label == "start":
        start, end = at, pl.min_horizontal(at.shift(-1).over("asset_id", "name"), at + hold)
    else:
        start, end = pl.max_horizontal(at.shift(1).over("asset_id", "name"), at - hold), at
    spans = once.with_columns(from_utc=start, to_utc=end).drop("timestamp")
    pieces = over_grid(spans, seconds, phases, notes.window)
    values = [_value(name, enough_ratio, name in words, name in directions) for name in channels]
    partly = [_partly(name, enough_ratio).alias(f"partly_{name}") for name in channels if name not in words]
    found = pieces.group_by("asset_id", "timestamp", "name", maintain_order=True).agg(*values, *partly)
    for name in channels:
        if name not in words:
            what = f"intervals of {name} left empty, as values held for too little of them"
            notes.add_rows(what, found, pl.col(f"partly_{name}"))
    rest = frame.filter(~known).select("asset_id", "timestamp", "name", *channels)
    return pl.concat([found.select(rest.columns), rest])


def _held_us(name: str) -> pl.Expr:
    return pl.col("overlap_us").filter(pl.col(name).is_not_null()).sum()


def _partly(name: str, enough_ratio: float) -> pl.Expr:
    return (_held_us(name) > 0) & (_held_us(name) < enough_ratio * pl.col("grid_us").first())


def _value(name: str, enough_ratio: float, is_word: bool, is_direction: bool) -> pl.Expr:
    column, held = pl.col(name), _held_us(name)
    weight = pl.col("overlap_us") / pl.col("grid_us")
    if is_word:
        words = column.drop_nulls()
        return pl.when(words.n_unique() == 1).then(words.first()).alias(name)
    enough = held >= enough_ratio * pl.col("grid_us").first()
    if is_direction:
        angle = column * math.pi / 180
        east, north = (exact_sum(part * weight) for part in (angle.sin(), angle.cos()))
        value = (pl.arctan2(east, north) * 180 / math.pi + 360) % 360
    else:
        value = exact_sum(column * weight) / (held / pl.col("grid_us").first())
    return pl.when(enough & (held > 0)).then(value).alias(name)
