"""Suspicions of a preview about values: empty columns, units, and energy columns beside the power that is used."""

import re
from collections.abc import Iterator

import polars as pl

from renewable.contract import RawTable
from renewable.importers.evidence import Evidence
from renewable.importers.mapping import Mapping
from renewable.importers.source import read_batches, source_paths

# Power that is the right one stays below this share of rated power, and over some weeks comes above the other.
_ABOVE, _BELOW, _BELOW_DAYS = 1.2, 0.55, 28
# Consumption at standstill above this share of rated power is none.
_STANDSTILL_RATIO = 0.02
# What a wrong unit or interval multiplies power by, the likeliest first.
_FACTORS = {
    1000: "W and kW, or kW and MW, taken for each other",
    60: "hours and minutes",
    10: "a scale of tenths",
}
# Power of a right unit comes this near to rated power; a factor may be told from fewer days where it is large.
_NEAR = (0.3, 1.1)
_FACTOR_DAYS = {1000: 1, 60: 3, 10: 7}
# So many different values make a power; standby has fewer.
_VALUES = 10
# Of clear noons irradiance is never above the first, and over some days not all below the second.
_MOST_WM2, _LEAST_WM2, _LIGHT_DAYS = 1800.0, 2.0, 3
_SUMS_AGREE = 0.02
_ENERGY_WORDS = re.compile("power|energ|leist|puiss|potenc|kwh|_kw|active", re.IGNORECASE)
_UNIT = re.compile(r"(?<![a-z])([kmg]?)w(h?)(?![a-z])", re.IGNORECASE)
_PREFIX = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}


def suspicious_values(seen: Evidence) -> Iterator[str]:
    """Columns without a value, power and irradiance out of proportion, other columns of the file that disagree."""
    yield from _empty(seen)
    yield from _power(seen)
    yield from _irradiance(seen)
    for number, part in enumerate(seen.mapping.parts):
        yield from _energy_columns(seen, number, part)


def _empty(seen: Evidence) -> Iterator[str]:
    for table, frame in seen.tables.items():
        channels = {name for part in seen.mapping.parts for name in part.channels(table)}
        filled = frame.select(pl.len().alias("rows_"), *(pl.col(name).count() for name in sorted(channels)))
        row = filled.collect().row(0, named=True)
        for name in sorted(channels):
            if row["rows_"] and not row[name]:
                part = seen.part_of(table, name)
                of = seen.mapping.parts[part].channels(table)[name]
                kind = "column" if of.expression is None else "expression"
                yield (
                    f"{table}.{name} has no value in any of {row['rows_']} rows: is"
                    f" {seen.channel_line(table, name, kind)} the right one, or are all its cells words that mean"
                    " nothing?"
                )
        yield from _empty_of_assets(seen, table, frame, [name for name in sorted(channels) if row[name]])


def _empty_of_assets(
    seen: Evidence, table: RawTable, frame: pl.LazyFrame, channels: list[str]
) -> Iterator[str]:
    """Channels that some assets have, and others nowhere."""
    if not channels:
        return
    counts = frame.group_by("asset_id").agg(pl.col(channels).count()).sort("asset_id").collect()
    for name in channels:
        # In a fleet of several kinds others have no such channel.
        parts = [n for n, part in enumerate(seen.mapping.parts) if name in part.channels(table)]
        named = seen.stamps.filter(pl.col("part").is_in(parts))["asset_id"].unique()
        own = counts.filter(pl.col("asset_id").is_in(named.implode()))
        empty = own.filter(pl.col(name) == 0)["asset_id"].to_list()
        if empty:
            more = f" and {len(empty) - 10} more" if len(empty) > 10 else ""
            yield (
                f"{table}.{name} has no value at all of {', '.join(map(str, empty[:10]))}{more}: see"
                f" {seen.channel_line(table, name, 'column')}"
            )


def _power(seen: Evidence) -> Iterator[str]:
    if "generation" not in seen.tables:
        return
    registry = seen.assets.lazy().select("asset_id", "rated_power_kw")
    ratio = pl.col("active_power_kw") / pl.col("rated_power_kw")
    found = (
        seen.tables["generation"]
        .join(registry, on="asset_id")
        .group_by("asset_id")
        .agg(
            high=ratio.quantile(0.999),
            low=ratio.quantile(0.01),
            days=pl.col("timestamp").dt.date().n_unique(),
            values=pl.col("active_power_kw").n_unique(),
        )
        .sort("asset_id")
        .collect()
    )
    for asset_id, high, low, days, values in found.drop_nulls("high").iter_rows():
        unit = seen.channel_line("generation", "active_power_kw")
        if high > _ABOVE:
            yield f"{asset_id}: power reaches {high:.4g} times rated power{_factor(high)}: is {unit} right?"
        elif 0 < high < _BELOW and values >= _VALUES and (factor := _factor_below(high, days)):
            yield f"{asset_id}: power hardly passes {high:.4g} of rated power{factor}: is {unit} right?"
        elif high < _BELOW and days >= _BELOW_DAYS:
            yield (
                f"{asset_id}: power hardly passes {high:.2f} of rated power: half an hour's energy read as power, a"
                f" wrong unit ({unit}), one of several inverters, or a calm season?"
            )
        if low < -_STANDSTILL_RATIO:
            sign = seen.channel_line("generation", "active_power_kw", "sign")
            yield f"{asset_id}: consumes {-low:.1%} of rated power at standstill: is {sign} right?"


def _factor(high: float) -> str:
    """Which factor brings a power above rated power down to it."""
    near = next((f for f in sorted(_FACTORS) if _NEAR[0] <= high / f <= _NEAR[1]), None)
    return "" if near is None else f", as if {near} times too large ({_FACTORS[near]})"


def _factor_below(high: float, days: int) -> str | None:
    """Which factor lifts a power that stays low to rated power; None where too few days say so."""
    near = next((f for f in sorted(_FACTORS) if _NEAR[0] <= high * f <= _NEAR[1]), None)
    if near is None or days < _FACTOR_DAYS[near]:
        return None
    return f", as if {near} times too small ({_FACTORS[near]})"


def _irradiance(seen: Evidence) -> Iterator[str]:
    frame = seen.tables.get("weather")
    if frame is None:
        return
    for name in ("poa_irradiance_wm2", "ghi_wm2"):
        high, days = (
            frame.select(pl.col(name).quantile(0.999), pl.col("timestamp").dt.date().n_unique().alias("days"))
            .collect()
            .row(0)
        )
        unit = seen.channel_line("weather", name)
        if high is not None and high > _MOST_WM2:
            yield f"{name} reaches {high:.0f} W/m², more than the sun gives: is {unit} right?"
        elif high is not None and 0 < high < _LEAST_WM2 and days >= _LIGHT_DAYS:
            yield f"{name} hardly passes {high:.2g} W/m² on {days} days, as if it were in kW/m²: is {unit} right?"


def _energy_columns(seen: Evidence, number: int, part: Mapping) -> Iterator[str]:
    """Other columns of a file that run with the power that is used, and say another amount."""
    channel = part.generation.get("active_power_kw")
    if channel is None or channel.column is None or part.asset.wide or channel.counter:
        return
    path = source_paths(part, seen.mapping_path)[0]
    sample = next(read_batches(path, part.source.model_copy(update={"keep": None})))
    comma = part.source.decimal_comma
    text = pl.col(pl.String).str.replace(",", ".", literal=True) if comma else pl.col(pl.String)
    numbers = sample.rows.select(text.cast(pl.Float64, strict=False)).with_columns(
        sample.rows.select(pl.col(pl.Float64, pl.Int64))
    )
    if channel.column not in numbers.columns:
        return
    hours = (part.timestamp.interval_seconds or _registered_seconds(seen)) / 3600
    for name in (name for name in numbers.columns if _ENERGY_WORDS.search(name) or _UNIT.search(name)):
        both = numbers.select(ours=channel.column, theirs=name).drop_nulls()
        if name == channel.column or both.height < 50 or both["theirs"].n_unique() < 20:
            continue
        fit, share = both.select(
            fit=pl.corr("ours", "theirs"), share=pl.col("theirs").sum() / pl.col("ours").sum()
        ).row(0)
        if fit is None or fit <= 0.9 or not share:
            continue
        line = seen.line("generation.active_power_kw.column", number)
        right = _right_share(channel.column, channel.unit, name, hours)
        if right is None:
            if abs(share - 1) > 0.005 and abs(share / hours - 1) > _SUMS_AGREE:
                yield (
                    f"{path.name}: column {name} runs with {channel.column} and adds up to {share:.3f} of it: make sure"
                    f" which of them is the power to be used in {line}"
                )
        elif abs(share / right - 1) > _SUMS_AGREE:
            yield (
                f"{path.name}: column {name} runs with {channel.column}, and by its unit it says {share / right:.4g}"
                f" times as much energy: make sure of {line} and of its unit"
            )


def _registered_seconds(seen: Evidence) -> float:
    return float(seen.assets["interval_minutes"][0]) * 60 if seen.assets.height else 3600.0


def _right_share(ours: str, our_unit: str | None, theirs: str, hours: float) -> float | None:
    """What the sum of a column is of that of another by the units in their names; None where one has none."""
    units = [_UNIT.search(our_unit or ours), _UNIT.search(theirs)]
    watts = [_PREFIX[unit[1].lower()] / (hours if unit[2] else 1.0) for unit in units if unit is not None]
    return watts[0] / watts[1] if len(watts) == 2 else None
