{#- Power of plants that stays the same for longer than a night lasts, where nobody measures the sun: a gap that was
    filled, a meter that stands, or a plant that does. By night a plant may give the same again and again. -#}
{{ config(incremental_predicates=["{{ in_reach('int_flat_power', 'timestamp_utc') }}"]) }}

with same as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        assets.interval_minutes,
        assets.latitude_deg,
        {{ epoch_minutes('intervals.timestamp_utc') }} / 1440e0 as days
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where
        assets.technology = 'solar'
        and intervals.active_power_kw is not null
        and intervals.poa_irradiance_wm2 is null
        and intervals.ghi_wm2 is null
        and {{ around_reach('int_flat_power', 'intervals.timestamp_utc', back=1, ahead=1) }}
    window asset_time as (partition by intervals.asset_id order by intervals.timestamp_utc)
    qualify
        intervals.active_power_kw = lag(intervals.active_power_kw) over asset_time
        and {{ minutes_after('lag(intervals.timestamp_utc) over asset_time', 'assets.interval_minutes') }}
        = intervals.timestamp_utc

),

runs as (

    select
        *,
        {{ run_key('asset_id') }} as run,
        -- From noon until the sun is ten degrees high.
        degrees(acos(greatest(-1.0, least(
            1.0,
            (sin(radians(10.0)) - sin(radians(latitude_deg)) * sin(radians({{ sun_declination_deg('days') }})))
            / (cos(radians(latitude_deg)) * cos(radians({{ sun_declination_deg('days') }})))
        )))) / 15.0 as half_day_hours
    from same

),

around as (

    select
        *,
        count(*) over (
            partition by asset_id, run
            order by timestamp_utc
            range between interval '20 hours' preceding and interval '20 hours' following
        ) * interval_minutes / 60e0 as hours
    from runs

)

-- Three hours of a high sun and more: where it hardly rises nothing is told.
select
    asset_id,
    timestamp_utc,
    'active_power_kw' as channel,
    'interpolated' as rule,
    hours
from around
where
    {{ in_reach('int_flat_power', 'timestamp_utc') }}
    and half_day_hours >= 1.5
    and hours >= 24.0 - 2.0 * half_day_hours + 3.0
