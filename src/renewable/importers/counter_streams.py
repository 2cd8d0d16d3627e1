"""Rows of a counter's stream to power, by what the mapping says of the counter."""

from collections.abc import Mapping as MappingType

import polars as pl

from renewable.contract import KEY, RawTable, column_unit
from renewable.importers.channel import Channel, Counter
from renewable.importers.counters import TOLD, counter_power
from renewable.importers.grid import exact_sum
from renewable.importers.mapping import Mapping
from renewable.importers.notes import Notes
from renewable.importers.streams import KEY_AND_NAME, OF_ONE, READING
from renewable.importers.units import FROM_CELL, Conversion, conversion


def counted_power(
    frame: pl.DataFrame, target: str, table: RawTable, channel: Channel, part: Mapping, notes: Notes
) -> pl.DataFrame:
    """Power by a counter of which it is not said when it resets (`counter: true`)."""
    seconds = part.timestamp.interval_seconds or 0
    unit = "kWh" if channel.unit == FROM_CELL else channel.stated_unit()
    change = conversion(column_unit(table, target), unit, seconds)
    return counted(frame, seconds, notes).with_columns(change.apply(pl.col(target)) * channel.sign)


def told_power(
    frame: pl.DataFrame,
    target: str,
    part: Mapping,
    grid: MappingType[str, int],
    notes: Notes,
    *,
    zones: MappingType[str, str],
    rated_kw: MappingType[str, float],
    phases: MappingType[str, int],
) -> pl.DataFrame:
    """Power by a counter whose resets are stated, by asset_id and timestamp, and TOLD, the energy of other intervals.

    `grid` are the seconds of an asset's interval; the readings of assets without one are left out and counted.
    """
    channel, stamp = part.generation[target], part.timestamp
    counter = channel.resetting
    if counter is None:
        raise ValueError(f"{target}: it is not stated when this counter resets")
    seconds = stamp.interval_seconds
    fine_us = round((stamp.holds_minutes or 0) * 60_000_000) if seconds is None else seconds * 1_000_000
    counter, change = _in_kwh(counter, "kWh" if channel.unit == FROM_CELL else channel.stated_unit())
    unplaced = ~pl.col("asset_id").is_in(list(grid)).fill_null(False)
    notes.add_rows("counter readings of assets that the registry lacks, left out", frame, unplaced)
    readings = frame.filter(~unplaced).select(
        "asset_id",
        "name",
        # Stamps are starts of intervals that a reading closes, or without a fixed interval those of the readings.
        (pl.col("timestamp") + pl.duration(seconds=seconds or 0)).alias("at"),
        change.apply(pl.col(READING + target)).alias("reading_kwh"),
    )
    told = counter_power(
        readings, counter, fine_us, grid, notes, zones=zones, rated_kw=rated_kw, phases=phases
    )
    of_asset = _of_assets(told, part, grid, notes)
    return of_asset.with_columns(pl.col("power_kw", TOLD) * channel.sign).rename({"power_kw": target})


def _in_kwh(counter: Counter, unit: str) -> tuple[Counter, Conversion]:
    change = conversion("kWh", unit)
    if counter.rolls_over_at is None:
        return counter, change
    rolls_over_kwh = pl.select(change.apply(pl.lit(counter.rolls_over_at))).item()
    return counter.model_copy(update={"rolls_over_at": rolls_over_kwh}), change


def _of_assets(told: pl.DataFrame, part: Mapping, grid: MappingType[str, int], notes: Notes) -> pl.DataFrame:
    """The counters of an asset as one. Where not all tell a power, what they tell is energy of the gap.

    Of a mean, which reads one thing several times, nothing is told where one is missing.
    """
    rule = part.asset.combine
    if rule is None:
        return told.drop("name")
    expected = pl.col("asset_id").replace_strict(
        part.asset.expected_names(), default=part.asset.expected or 1, return_dtype=pl.Int64
    )
    hours = pl.col("asset_id").replace_strict(dict(grid), return_dtype=pl.Int64).first() / 3600
    power, names = pl.col("power_kw"), pl.col("name").n_unique()
    whole = (power.count() == expected.first()) & (names == expected.first()) & (pl.len() == expected.first())
    partial_kwh = (
        exact_sum(power) * hours + exact_sum(pl.col(TOLD)) if rule == "sum" else pl.lit(None, pl.Float64)
    )
    found = told.group_by(KEY, maintain_order=True).agg(
        pl.when(whole)
        .then(exact_sum(power) if rule == "sum" else exact_sum(power) / power.count())
        .alias("power_kw"),
        pl.when(~whole).then(partial_kwh).alias(TOLD),
        partly=(power.count() > 0) & ~whole,
    )
    what = "intervals of active_power_kw left empty, as not all of their rows are there"
    notes.add_rows(what, found, pl.col("partly"))
    return found.drop("partly")


def counted(frame: pl.DataFrame, seconds: int, notes: Notes) -> pl.DataFrame:
    """Readings of counters to what was added in each interval, in the reading's unit.

    A row's `timestamp` is the start of the interval that its reading closes. The first reading of all tells nothing.
    After a gap, or where the counter fell, the interval has null: what was added meanwhile belongs to no single
    interval.
    """
    (reading,) = (name for name in frame.columns if name.startswith(READING))
    target = reading.removeprefix(READING)
    rows = frame.drop_nulls(reading).unique(maintain_order=True).sort(KEY_AND_NAME, maintain_order=True)
    step = pl.duration(seconds=seconds)
    rows = rows.with_columns(
        passed=pl.col("timestamp").diff().over(OF_ONE), added=pl.col(reading).diff().over(OF_ONE)
    ).filter(pl.col("passed").is_not_null())
    fell = (pl.col("added") < 0) & (pl.col("passed") == step)
    notes.add_rows("counter readings after a gap (their energy is set aside)", rows, pl.col("passed") > step)
    notes.add_rows("counter readings below the one before (set aside)", rows, fell)
    good = (pl.col("passed") == step) & (pl.col("added") >= 0)
    return rows.select(*KEY_AND_NAME, pl.when(good).then("added").alias(target))
