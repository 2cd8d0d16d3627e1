"""Spans of time laid over the grid of an asset's intervals."""

from collections.abc import Iterator, Mapping

import polars as pl

from renewable.windows import Window

_MINUTE_US = 60_000_000
# A power of two, so that dividing by it rounds nothing: steps of 1.5e-11.
_FIXED_POINT = 2.0**36


def exact_sum(value: pl.Expr) -> pl.Expr:
    """The sum in fixed point: the same whatever the order of the rows and the days asked for together."""
    return (value * _FIXED_POINT).round().cast(pl.Int64).sum() / _FIXED_POINT


def begin_of_day(day: pl.Expr, zone: str) -> pl.Expr:
    """The instant, in UTC, at which a day of a zone's clock begins; `day` is a date or its midnight.

    Where the clock leaves midnight out, it is the instant of the jump.
    """
    midnight, hours = day.cast(pl.Datetime("us")), pl.duration(hours=3)
    # The hours before a jump are those of the clock before it.
    begin, jump = (
        wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        for wall in (midnight, midnight - hours)
    )
    return pl.coalesce(begin, jump + hours).dt.convert_time_zone("UTC")


def by_zone(rows: pl.DataFrame, zones: Mapping[str, str]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of assets that share a zone; UTC where none is known."""
    zone = pl.col("asset_id").replace_strict(dict(zones), default="UTC", return_dtype=pl.String)
    for (name,), part in (
        rows.with_columns(zone_=zone).partition_by("zone_", as_dict=True, include_key=False).items()
    ):
        yield str(name), part


def over_grid(
    spans: pl.DataFrame,
    seconds: Mapping[str, int],
    phases: Mapping[str, int],
    within: pl.DataFrame | Window | None = None,
) -> pl.DataFrame:
    """The pieces of spans in each interval that they touch.

    `spans` has asset_id, from_utc and to_utc; `seconds` are the intervals by asset, assets without one are left out;
    `phases` the minutes by which an asset's grid begins late. Added are `timestamp` (start of the interval), `grid_us`
    (its length) and `overlap_us`. `within` a window, or the time that rows with `timestamp` take, nothing else is made.
    """
    grid_us = (
        pl.col("asset_id").replace_strict(dict(seconds), default=None, return_dtype=pl.Int64) * 1_000_000
    )
    phase_us = pl.col("asset_id").replace_strict(dict(phases), default=0, return_dtype=pl.Int64) * _MINUTE_US
    start, end = pl.col("from_us"), pl.col("to_us")
    laid = spans.with_columns(
        from_us=pl.col("from_utc").to_physical(),
        to_us=pl.col("to_utc").to_physical(),
        grid_us=grid_us,
        phase_us=phase_us,
    ).filter(pl.col("grid_us").is_not_null() & (end > start))
    first, last = (
        (start - pl.col("phase_us")) // pl.col("grid_us"),
        (end - 1 - pl.col("phase_us")) // pl.col("grid_us"),
    )
    low, high = _limits_us(within)
    if low is not None:
        # Intervals that start inside, whatever their phase.
        first = pl.max_horizontal(first, -((pl.col("phase_us") - low) // pl.col("grid_us")))
    if high is not None:
        last = pl.min_horizontal(last, (high - 1 - pl.col("phase_us")) // pl.col("grid_us"))
    at_us = pl.col("place") * pl.col("grid_us") + pl.col("phase_us")
    return (
        laid.with_columns(first=first, last=last)
        .filter(pl.col("last") >= pl.col("first"))
        .with_columns(place=pl.int_ranges("first", pl.col("last") + 1))
        .explode("place")
        .with_columns(
            timestamp=at_us.cast(pl.Datetime("us", "UTC")),
            overlap_us=pl.min_horizontal(end, at_us + pl.col("grid_us")) - pl.max_horizontal(start, at_us),
        )
        .drop("from_us", "to_us", "phase_us", "first", "last", "place")
    )


def _limits_us(within: pl.DataFrame | Window | None) -> tuple[int | None, int | None]:
    if within is None:
        return None, None
    if isinstance(within, Window):
        start, end = within.start_utc, within.end_utc
        return round(start.timestamp()) * 1_000_000, round(end.timestamp()) * 1_000_000
    stamps = within["timestamp"].to_physical()
    low, high = stamps.min(), stamps.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return 0, 0
    return low, high + 1
