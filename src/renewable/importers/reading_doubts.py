"""Readings of an import that the models will doubt: the rules of the vocabulary over frames of raw readings.

The same rules as dbt's int_doubtful_readings, which the examples of its unit tests hold against this module. Only that
a gap of stamps is a row there, and none here.
"""

from collections.abc import Iterator

import polars as pl

from renewable.vocabulary import ReadingRule, reading_rules

DOUBTS_SCHEMA = pl.Schema(
    {
        "asset_id": pl.String(),
        "timestamp": pl.Datetime("us", "UTC"),
        "channel": pl.String(),
        "rule": pl.String(),
    }
)
# Readings on a line have second differences of nothing but rounding.
_STRAIGHT = 1e-9
# So many readings stand before the first one that repeats, or goes on along a line.
_BEFORE = {"frozen": 1, "interpolated": 2}
_MINUTE_US = 60_000_000


def doubtful_readings(readings: pl.DataFrame, assets: pl.DataFrame) -> pl.DataFrame:
    """DOUBTS_SCHEMA of `readings`: asset_id, timestamp and channels, some of them maybe missing.

    `assets` has asset_id, interval_minutes and site_id; readings of other assets are left out. Of several rules for a
    reading the first of the alphabet.
    """
    stamped = (
        readings.join(assets.select("asset_id", "site_id", "interval_minutes"), on="asset_id")
        .with_columns(pl.col("timestamp").cast(DOUBTS_SCHEMA["timestamp"]))
        .sort("asset_id", "timestamp")
    )
    found = [
        _runs(stamped, rule) if rule.rule in _BEFORE else _spikes(stamped, rule)
        for rule in reading_rules()
        if rule.rule in (*_BEFORE, "spike") and rule.channel in readings.columns
    ]
    if not found:
        return pl.DataFrame(schema=DOUBTS_SCHEMA)
    # Air that stands still stands still at all units of a site.
    still_air = (pl.col("channel") == "air_temperature_c") & (pl.col("rule") == "frozen")
    shared = pl.len().over("site_id", "timestamp", "channel", "rule") > 1
    doubts = pl.concat(found).filter(~(still_air & shared))
    return (
        doubts.group_by("asset_id", "timestamp", "channel")
        .agg(pl.col("rule").min())
        .select(DOUBTS_SCHEMA.names())
        .sort(DOUBTS_SCHEMA.names())
    )


def doubt_sentences(readings: pl.DataFrame, assets: pl.DataFrame, least_ratio: float) -> Iterator[str]:
    """A sentence an asset, channel and rule that at least `least_ratio` of the readings break."""
    doubts = doubtful_readings(readings, assets).group_by("asset_id", "channel", "rule")
    told = doubts.agg(pl.len().alias("doubtful"), pl.col("timestamp").min().alias("first"))
    for asset_id, channel, rule, doubtful, first in told.sort("asset_id", "channel", "rule").iter_rows():
        count = readings.filter(pl.col("asset_id") == asset_id)[channel].count()
        if doubtful >= least_ratio * count:
            yield (
                f"{asset_id}: {doubtful} of {count} readings of {channel} are {rule}, first"
                f" {first:%Y-%m-%d %H:%M} UTC; the models will not believe them. Was something filled in?"
            )


def _spikes(stamped: pl.DataFrame, rule: ReadingRule) -> pl.DataFrame:
    value = pl.col(rule.channel)
    from_before = value - value.shift(1).over("asset_id")
    from_after = value - value.shift(-1).over("asset_id")
    leaps = (
        (from_before.abs() > rule.step)
        & (from_after.abs() > rule.step)
        & (from_before.sign() == from_after.sign())
    )
    return _told(stamped.filter(leaps), rule)


def _runs(stamped: pl.DataFrame, rule: ReadingRule) -> pl.DataFrame:
    before = _BEFORE[rule.rule]
    minute = pl.col("timestamp").to_physical() // _MINUTE_US
    minutes = pl.col("interval_minutes").cast(pl.Int64)
    steady = stamped.filter(_repeats(rule) if rule.rule == "frozen" else _continues(rule)).with_columns(
        run=minute - minutes * pl.int_range(pl.len(), dtype=pl.Int64).over("asset_id")
    )
    enough = pl.max_horizontal(pl.lit(rule.readings, pl.Int64), rule.minutes // minutes)
    long = steady.filter(pl.len().over("asset_id", "run") + before >= enough)
    first = long.filter(pl.col("timestamp") == pl.col("timestamp").min().over("asset_id", "run"))
    back = [
        first.with_columns(timestamp=pl.col("timestamp") - pl.duration(minutes=minutes * steps))
        for steps in range(1, before + 1)
    ]
    return _told(pl.concat([long, *back]), rule)


def _repeats(rule: ReadingRule) -> pl.Expr:
    value = pl.col(rule.channel)
    repeats = value == value.shift(1).over("asset_id")
    if rule.honest_channel is None:
        return repeats
    telling = pl.col(rule.honest_channel) > rule.honest_up_to
    if rule.honest_if_null is not None:
        telling = telling.fill_null(not rule.honest_if_null)
    return repeats & telling


def _continues(rule: ReadingRule) -> pl.Expr:
    value = pl.col(rule.channel)
    one, two = (value.shift(steps).over("asset_id") for steps in (1, 2))
    return ((value - 2.0 * one + two).abs() < _STRAIGHT) & (value != one)


def _told(rows: pl.DataFrame, rule: ReadingRule) -> pl.DataFrame:
    return rows.select(
        "asset_id",
        "site_id",
        "timestamp",
        pl.lit(rule.channel).alias("channel"),
        pl.lit(rule.rule).alias("rule"),
    )
