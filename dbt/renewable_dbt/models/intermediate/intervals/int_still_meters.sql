{#- Power meters that repeat a reading where nobody knows wind or sun, so that no plateau can be told: a plant's into
    the night, or a turbine's to the last digit for hours while no other unit of the site stands still. -#}
{{ config(incremental_predicates=["{{ in_reach('int_still_meters', 'timestamp_utc') }}"]) }}

with unknown as (

    select
        assessed.asset_id,
        assessed.timestamp_utc,
        assessed.site_id,
        assessed.technology,
        assessed.interval_minutes,
        assessed.active_power_kw,
        assessed.active_power_kw / assessed.rated_power_kw as load_ratio,
        assets.latitude_deg,
        assets.longitude_deg,
        {{ epoch_minutes('assessed.timestamp_utc') }} + assessed.interval_minutes / 2e0 as minutes
    from {{ ref('int_assessed_intervals') }} as assessed
    inner join {{ ref('stg_assets') }} as assets on assessed.asset_id = assets.asset_id
    where
        {{ around_reach('int_still_meters', 'assessed.timestamp_utc', back=1, ahead=1) }}
        and assessed.expected_power_kw is null
        and assessed.is_free_by_report
        -- What stands, or is full, is the same for hours.
        and assessed.active_power_kw > 0.02 * assessed.rated_power_kw
        and assessed.active_power_kw < 0.9 * assessed.rated_power_kw

),

repeated as (

    select
        *,
        coalesce(
            active_power_kw = lag(active_power_kw) over asset_time
            and timestamp_utc <= {{ minutes_after('lag(timestamp_utc) over asset_time', 'interval_minutes') }},
            false
        ) as repeats
    from unknown
    window asset_time as (partition by asset_id order by timestamp_utc)

),

numbered as (

    select
        *,
        count(*) filter (where not repeats) over (
            partition by asset_id
            order by timestamp_utc
            rows unbounded preceding
        ) as run
    from repeated

),

-- Of each run what lies within twelve hours: three readings and half an hour are still.
still as (

    select
        *,
        count(*) over around_interval as readings,
        count(*) over around_interval * interval_minutes as minutes_still
    from numbered
    window around_interval as (
        partition by asset_id, run
        order by timestamp_utc
        range between interval '12 hours' preceding and interval '12 hours' following
    )
    qualify
        count(*) over around_interval >= 3
        and count(*) over around_interval * interval_minutes >= 30

),

suns as (

    {{ sun_seen_from('still') }}

),

lit as (

    select
        *,
        technology = 'solar' and sun_up <= 0.0 and load_ratio > 0.03 as is_dark,
        count(*) over (partition by site_id, technology, timestamp_utc) as units_still
    from suns

),

judged as (

    select
        asset_id,
        timestamp_utc,
        technology,
        readings,
        minutes_still,
        bool_or(is_dark) over around_interval as is_dark,
        max(units_still) over around_interval as units_still
    from lit
    window around_interval as (
        partition by asset_id, run
        order by timestamp_utc
        range between interval '12 hours' preceding and interval '12 hours' following
    )

)

select
    asset_id,
    timestamp_utc,
    case when is_dark then 'power by night' else 'the same for hours' end as evidence
from judged
where
    (
        is_dark
        -- A limit would hold a plant for as long.
        or (technology = 'wind' and readings >= 6 and minutes_still >= 120 and units_still = 1)
    )
    and {{ in_reach('int_still_meters', 'timestamp_utc') }}
