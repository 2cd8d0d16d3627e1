"""Reads what judge.py compares: the answer key of a simulated fleet, its intervals and its published tables."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import polars as pl

from mock_data.conditions import SOILING
from mock_data.losses import ALL_LOSS_KINDS
from renewable.published.publish import finished_build
from renewable.scorecard.judge import Frames
from renewable.scorecard.key_files import answer_key, world_of
from renewable.scorecard.spans import true_soiling, true_spans
from renewable.settings import Settings
from renewable.transform.books import read_books
from renewable.vocabulary import event_kinds
from renewable.warehouse import exclusive_connection, sql_literal
from renewable.windows import Window

# So many, with all their intervals, are in memory at once.
_ASSETS_AT_A_TIME = 8
_SPAN_COLUMNS = ("asset_id", "kind", "channel", "start_utc", "end_utc", "value")


def read_frames(
    settings: Settings, window: Window | None = None, *, report: Callable[[str], None] | None = None
) -> Iterator[Frames]:
    """The days of `window` (default: all) of a fleet that was generated, loaded and built, some assets at a time.

    The warehouse is locked until the last of them. Raises WarehouseBusyError when it stays locked, PipelineError where
    its last build did not finish.
    """
    truth, spans = answer_key(settings, window), true_spans(settings, window)
    is_plain = world_of(settings) == "plain"
    with exclusive_connection(settings.warehouse_path, settings.lock_wait_s, report=report) as connection:
        finished_build(read_books(connection), settings)
        zones = connection.sql("select asset_id, timezone from staging.stg_assets order by asset_id").pl()
        dirty = true_soiling(settings, zones, window)
        for some in zones.select("asset_id").iter_slices(_ASSETS_AT_A_TIME):
            chosen = ", ".join(map(sql_literal, some["asset_id"]))
            intervals = _intervals(connection, truth, chosen)
            if intervals.is_empty():
                continue
            yield _frames(
                intervals,
                published=_in_utc(connection.sql(_PUBLISHED.format(assets=chosen)).pl()),
                days=connection.sql(_DAYS.format(lost=_day_losses(), assets=chosen)).pl(),
                spans=None if is_plain else spans.join(some, on="asset_id", how="semi").select(_SPAN_COLUMNS),
                dirty=dirty.join(some, on="asset_id", how="semi"),
            )


def _frames(
    intervals: pl.DataFrame,
    published: pl.DataFrame,
    days: pl.DataFrame,
    spans: pl.DataFrame | None,
    dirty: pl.DataFrame,
) -> Frames:
    """`spans` are None where there is no key but that by intervals."""
    by_day = ["asset_id", "date_local"]
    named = [kind.kind for kind in event_kinds("day") if kind.kind != SOILING]
    soiling = _plain_soiling(intervals) if spans is None else _soiling(intervals, dirty)
    return Frames(
        intervals.drop("sensor_fault", "sensor_channel"),
        _spans_of_intervals(intervals) if spans is None else spans,
        published,
        days.join(intervals.select(by_day).unique(), on=by_day, how="semi"),
        pl.concat([soiling, *(_true_days(intervals, kind) for kind in named)]),
    )


_INTERVALS = """
select
    found.asset_id,
    assets.technology,
    found.timestamp_utc as start_utc,
    found.interval_hours as hours,
    found.date_local,
    truth.potential_power_kw * found.interval_hours as potential_kwh,
    truth.lost_power_kw * found.interval_hours as lost_kwh,
    case when truth.kind in ({losses}) then truth.kind else 'none' end as true_kind,
    truth.sensor_fault,
    truth.sensor_channel,
    coalesce(found.event_kind, 'none') as found_kind,
    found.active_power_kw is null as is_unmeasured
    {columns}
from read_parquet([{files}]) as truth
inner join intermediate.int_interval_performance as found
    on truth.asset_id = found.asset_id and truth.timestamp = found.timestamp_utc
inner join (select distinct asset_id, technology from marts.mart_asset_daily) as assets
    on found.asset_id = assets.asset_id
where found.asset_id in ({assets})
order by found.asset_id, found.timestamp_utc
"""
_PUBLISHED = """
select asset_id, kind, start_utc, end_utc from marts.mart_events
where source = 'detected' and asset_id in ({assets})
"""
_DAYS = """
select daily.asset_id, daily.technology, daily.date_local, daily.soiling_ratio {lost}
from marts.mart_asset_daily as daily
left join marts.mart_losses_daily as losses using (asset_id, date_local)
where daily.asset_id in ({assets})
group by all
order by daily.asset_id, daily.date_local
"""


def _intervals(connection: duckdb.DuckDBPyConnection, truth: list[Path], assets: str) -> pl.DataFrame:
    there = [name for name, *_ in connection.sql("describe intermediate.int_interval_performance").fetchall()]
    channels = [name.removesuffix("_flag") for name in there if name.endswith("_flag")]
    readings = [f"found.{name} is not null as {name}_arrived, found.{name}_flag" for name in channels]
    lost = [f"found.{kind.kind}_kwh" for kind in event_kinds("interval")]
    sql = _INTERVALS.format(
        losses=", ".join(map(sql_literal, ALL_LOSS_KINDS)),
        columns="".join(f", {text}" for text in (*readings, *lost)),
        files=", ".join(sql_literal(str(path)) for path in truth),
        assets=assets,
    )
    return _in_utc(connection.sql(sql).pl())


def _in_utc(frame: pl.DataFrame) -> pl.DataFrame:
    """Times as those of the key."""
    return frame.with_columns(
        pl.col(name).dt.convert_time_zone("UTC").dt.cast_time_unit("us")
        for name in ("start_utc", "end_utc")
        if name in frame.columns
    )


def _day_losses() -> str:
    return "".join(
        f", sum(losses.lost_kwh) filter (where losses.loss_category = '{kind.kind}') as {kind.kind}_kwh"
        for kind in event_kinds("day")
    )


def _spans_of_intervals(intervals: pl.DataFrame) -> pl.DataFrame:
    """Sensor faults of the key by intervals, a span each; the world `plain` has no other key."""
    return intervals.filter(pl.col("sensor_fault").is_not_null()).select(
        "asset_id",
        pl.col("sensor_fault").alias("kind"),
        pl.col("sensor_channel").alias("channel"),
        "start_utc",
        (pl.col("start_utc") + pl.duration(seconds=pl.col("hours") * 3600.0)).alias("end_utc"),
        pl.lit(None, pl.Float64).alias("value"),
    )


def _plain_soiling(intervals: pl.DataFrame) -> pl.DataFrame:
    """By days on which an hour at least was touched by nothing but dirt."""
    told = intervals.filter(
        pl.col("true_kind").is_in((SOILING, "none")), pl.col("potential_kwh") > 0.0, ~pl.col("is_unmeasured")
    ).filter(pl.col("technology") == "solar")
    return (
        told.group_by("asset_id", "date_local")
        .agg(
            (pl.col("lost_kwh").sum() / pl.col("potential_kwh").sum()).alias("loss_ratio"),
            pl.col("lost_kwh").filter(pl.col("true_kind") == SOILING).sum(),
            pl.col("hours").sum(),
        )
        .filter(pl.col("hours") >= 1.0)
        .select("asset_id", "date_local", pl.lit(SOILING).alias("kind"), "loss_ratio", "lost_kwh")
    )


def _soiling(intervals: pl.DataFrame, true: pl.DataFrame) -> pl.DataFrame:
    """What the key by spans says, less what dirt took while nobody measured."""
    unseen = (
        intervals.filter(pl.col("true_kind") == SOILING, "is_unmeasured")
        .group_by("asset_id", "date_local")
        .agg(pl.col("lost_kwh").sum().alias("unseen_kwh"))
    )
    return true.join(unseen, on=["asset_id", "date_local"], how="left").select(
        "asset_id",
        "date_local",
        pl.lit(SOILING).alias("kind"),
        (1.0 - pl.col("soiling_ratio")).alias("loss_ratio"),
        pl.col("lost_kwh") - pl.col("unseen_kwh").fill_null(0.0),
    )


def _true_days(intervals: pl.DataFrame, kind: str) -> pl.DataFrame:
    of_kind = pl.col("true_kind") == kind
    possible = pl.col("potential_kwh").filter(pl.col("potential_kwh") > 0.0).sum()
    return (
        intervals.group_by("asset_id", "date_local")
        .agg(
            pl.when(possible > 0.0)
            .then(pl.col("lost_kwh").filter(of_kind).sum() / possible)
            .alias("loss_ratio"),
            pl.col("lost_kwh").filter(of_kind & ~pl.col("is_unmeasured")).sum(),
        )
        .select("asset_id", "date_local", pl.lit(kind).alias("kind"), "loss_ratio", "lost_kwh")
    )
