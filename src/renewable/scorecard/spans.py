"""The answer key by spans, as whole events and whole local days. Worlds other than `plain` have one.

Rows of a UTC day are read from data/truth/conditions (mock_data/conditions.py says what `value` is by kind).
"""

import polars as pl

from mock_data.conditions import CONDITIONS_SCHEMA, SOILING
from renewable.scorecard.key_files import span_key
from renewable.settings import Settings
from renewable.windows import Window

_BY = ("asset_id", "kind", "channel")


def true_spans(settings: Settings, window: Window | None = None) -> pl.DataFrame:
    """All rows of the key by spans as they are written, cut at UTC midnight; empty in the world `plain`."""
    files = span_key(settings, window)
    return pl.concat(map(pl.read_parquet, files)) if files else pl.DataFrame(schema=CONDITIONS_SCHEMA)


def true_events(settings: Settings, window: Window | None = None) -> pl.DataFrame:
    """What happened in the days of `window` (default: all), one row an event, ordered by asset, kind and start.

    Columns: asset_id, kind, channel, start_utc, end_utc, value, lost_kwh (null for kinds that take nothing). Events are
    cut at the ends of the window. Dirt is no event: true_soiling has it. Empty in the world `plain`.
    """
    return joined_spans(true_spans(settings, window).filter(pl.col("kind") != SOILING))


def true_soiling(settings: Settings, timezones: pl.DataFrame, window: Window | None = None) -> pl.DataFrame:
    """The true soiling of each solar asset and local day with light: asset_id, date_local, soiling_ratio, lost_kwh.

    `timezones` has asset_id and timezone. The ratio is weighted by the light in the plane of the array.
    """
    parts = true_spans(settings, window).filter(pl.col("kind") == SOILING).join(timezones, on="asset_id")
    if parts.is_empty():
        schema = {
            "asset_id": pl.String(),
            "date_local": pl.Date(),
            "soiling_ratio": pl.Float64(),
            "lost_kwh": pl.Float64(),
        }
        return pl.DataFrame(schema=schema)
    local = pl.concat(
        rows.with_columns(pl.col("start_utc").dt.convert_time_zone(zone).dt.date().alias("date_local")).drop(
            "start_utc", "end_utc"
        )
        for (zone,), rows in parts.group_by("timezone")
    )
    return (
        local.group_by("asset_id", "date_local")
        .agg(
            ((pl.col("value") * pl.col("weight")).sum() / pl.col("weight").sum()).alias("soiling_ratio"),
            pl.col("lost_kwh").sum(),
        )
        .sort("asset_id", "date_local")
    )


def joined_spans(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans of one asset, kind and channel that touch or overlap, as one: energy adds up, the largest value stays."""
    ordered = spans.sort(*_BY, "start_utc", nulls_last=False)
    by = [pl.col(name) for name in _BY]
    # A span that an earlier, longer one covers belongs to it.
    ends = pl.col("end_utc").cum_max().shift(1).over(by)
    numbered = ordered.with_columns((pl.col("start_utc") > ends).fill_null(True).cum_sum().alias("event"))
    return (
        numbered.group_by(*_BY, "event")
        .agg(
            pl.col("start_utc").min(),
            pl.col("end_utc").max(),
            pl.col("value").sort_by(pl.col("value").abs()).last(),
            pl.when(pl.col("lost_kwh").is_not_null().any()).then(pl.col("lost_kwh").sum()).alias("lost_kwh"),
        )
        .drop("event")
        .sort("asset_id", "kind", "start_utc", "channel")
    )
