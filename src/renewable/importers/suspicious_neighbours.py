"""Suspicions of a preview that assets of one site tell about one another: clocks that differ, and amounts."""

from collections.abc import Iterator
from datetime import timedelta
from math import log

import polars as pl

from renewable.importers.evidence import Evidence

_MOST_LAG_MINUTES = 14 * 60
# Wind needs minutes from one turbine to the next; clocks differ by half hours.
_STEP_MINUTES = 30
_LEAST_HOURS = 48
# A clock is doubted where another fits so well, and that much better.
_FIT, _GAIN = 0.8, 0.05
_FACTORS = (10, 60, 1000)
# Amounts of neighbours that are apart by a factor are it within this share.
_LIKE_RATIO = 0.3
_DAYS_AGO = 400


def suspicious_neighbours(seen: Evidence) -> Iterator[str]:
    """For each site with several assets of a kind that deliver power: whose clock or amount is not the others'."""
    frame = seen.tables.get("generation")
    if frame is None:
        return
    registry = seen.assets.select("asset_id", "site_id", "technology", "interval_minutes", "rated_power_kw")
    rows = frame.select("asset_id", "timestamp", "active_power_kw").drop_nulls()
    since = pl.col("timestamp").max() - timedelta(days=_DAYS_AGO)
    shares = (
        rows.filter(pl.col("timestamp") > since)
        .unique(["asset_id", "timestamp"], keep="none")
        .join(registry.lazy(), on="asset_id")
        .with_columns(share=pl.col("active_power_kw") / pl.col("rated_power_kw"))
        .sort("site_id", "technology", "asset_id", "timestamp")
        .collect()
    )
    for _, site in shares.group_by("site_id", "technology", maintain_order=True):
        for asset_id in site["asset_id"].unique().sort():
            own, others = (
                site.filter(pl.col("asset_id") == asset_id),
                site.filter(pl.col("asset_id") != asset_id),
            )
            if others["asset_id"].n_unique() == 1 and asset_id > others["asset_id"][0]:
                # Of two the other one was asked.
                continue
            yield from _compared(seen, asset_id, own, others)


def _compared(seen: Evidence, asset_id: str, own: pl.DataFrame, others: pl.DataFrame) -> Iterator[str]:
    """Own shares of rated power against the mean of those of the others."""
    if others.is_empty():
        return
    mean = others.group_by("timestamp").agg(theirs=pl.col("share").mean()).sort("timestamp")
    minutes = own["interval_minutes"][0]
    pair = others["asset_id"].n_unique() == 1
    whom = others["asset_id"][0] if pair else "the others of its site"
    part = _part_of(seen, asset_id)
    lag = lag_minutes(own.select("timestamp", ours="share"), mean, minutes)
    if lag:
        which = f", or that of {whom}: a source of its own (under also) has its own clock" if pair else ""
        how = "behind" if lag > 0 else "ahead of"
        yield (
            f"{asset_id}: its power runs {abs(lag)} minutes {how} that of {whom}: is the"
            f" clock right that {seen.line('timestamp.zone', part)} states{which}?"
        )
    both = own.select("timestamp", ours="share").join(mean, on="timestamp")
    if both.height * minutes >= 60 * _LEAST_HOURS:
        sums = both.select(pl.col("ours").sum(), pl.col("theirs").sum()).row(0)
        if min(sums) > 0 and (factor := _factor(sums[0] / sums[1])):
            yield (
                f"{asset_id}: its power is about {factor} that of {whom}, each as a share of rated power: is"
                f" {seen.line('generation.active_power_kw.unit', part)} right, and rated_power_kw of the registry?"
            )


def lag_minutes(ours: pl.DataFrame, theirs: pl.DataFrame, interval_minutes: int) -> int:
    """By how many minutes a series comes later than another, where their correlation says so; else 0.

    `ours` has timestamp and ours, `theirs` timestamp and theirs.
    """
    step = -(-_STEP_MINUTES // interval_minutes) * interval_minutes
    most = _MOST_LAG_MINUTES // step * step
    fits = dict[int, float]()
    for lag in range(-most, most + 1, step):
        moved = ours.with_columns(pl.col("timestamp") - timedelta(minutes=lag))
        both = moved.join(theirs, on="timestamp")
        if both.height * interval_minutes >= 60 * _LEAST_HOURS:
            fit = both.select(pl.corr("ours", "theirs")).item()
            if fit is not None and fit == fit:
                fits[lag] = fit
    if 0 not in fits:
        return 0
    best = max(fits, key=lambda lag: (round(fits[lag], 4), -abs(lag)))
    return best if fits[best] >= _FIT and fits[best] - fits[0] >= _GAIN else 0


def _factor(ratio: float) -> str | None:
    for factor in _FACTORS:
        if abs(log(ratio / factor)) < _LIKE_RATIO:
            return f"{factor} times"
        if abs(log(ratio * factor)) < _LIKE_RATIO:
            return f"1/{factor} of"
    return None


def _part_of(seen: Evidence, asset_id: str) -> int:
    """The part of the mapping that delivers the power of an asset."""
    powers = [n for n, part in enumerate(seen.mapping.parts) if "active_power_kw" in part.generation]
    found = seen.stamps.filter((pl.col("asset_id") == asset_id) & pl.col("part").is_in(powers))["part"]
    return powers[0] if found.is_empty() else int(found.sort()[0])
