"""The intervals around each event, thinned, for people who look at an event; published beside the marts."""

import polars as pl

EVENT_INTERVALS = "event_intervals"
EVENT_INTERVALS_SCHEMA = pl.Schema(
    [
        ("asset_id", pl.String),
        ("event_id", pl.String),
        ("timestamp_utc", pl.Datetime("us", "UTC")),
        ("active_power_kw", pl.Float64),
        ("expected_power_kw", pl.Float64),
    ]
)
BUCKETS = 48
THINNING = (
    f"Each event is shown with a quarter of its length before and after, between 2 and 24 hours. Its time is cut into "
    f"{BUCKETS} parts of equal length; of each part the first and the last interval and those of lowest and highest "
    "measured and expected power are kept, so that no peak is lost. Power is rounded to 1 W."
)

# Soiling is a factor of whole days, which no interval shows. Joined by day: each event knows its days, and a day's
# intervals are met by a hash instead of by comparing every interval with every event.
EVENT_INTERVALS_SQL = f"""
with windows as (
    select
        event_id,
        asset_id,
        start_utc - to_seconds(cast(pad_s as bigint)) as from_utc,
        end_utc + to_seconds(cast(pad_s as bigint)) as to_utc
    from (
        select *, greatest(7200, least(86400, 0.25 * epoch(end_utc - start_utc))) as pad_s
        from marts.mart_events
        where kind <> 'soiling'
    )
),
days as (
    select *, unnest(generate_series(epoch_ms(from_utc) // 86400000, epoch_ms(to_utc) // 86400000)) as day_number
    from windows
),
near as (
    select
        days.asset_id,
        days.event_id,
        intervals.timestamp_utc,
        round(intervals.active_power_kw, 3) as active_power_kw,
        round(intervals.expected_power_kw, 3) as expected_power_kw,
        cast(floor({BUCKETS} * epoch(intervals.timestamp_utc - days.from_utc)
            / epoch(days.to_utc - days.from_utc)) as integer) as bucket
    from intermediate.int_interval_performance as intervals
    inner join days
        on intervals.asset_id = days.asset_id
        and epoch_ms(intervals.timestamp_utc) // 86400000 = days.day_number
    where intervals.timestamp_utc >= days.from_utc and intervals.timestamp_utc < days.to_utc
),
kept as (
    select asset_id, event_id, unnest([
        min(timestamp_utc), max(timestamp_utc),
        min_by(timestamp_utc, (active_power_kw, timestamp_utc)) filter (where active_power_kw is not null),
        max_by(timestamp_utc, (active_power_kw, timestamp_utc)) filter (where active_power_kw is not null),
        min_by(timestamp_utc, (expected_power_kw, timestamp_utc)) filter (where expected_power_kw is not null),
        max_by(timestamp_utc, (expected_power_kw, timestamp_utc)) filter (where expected_power_kw is not null)
    ]) as timestamp_utc
    from near
    group by asset_id, event_id, bucket
)
select asset_id, event_id, timestamp_utc, active_power_kw, expected_power_kw
from near
semi join kept using (asset_id, event_id, timestamp_utc)
order by all
"""
