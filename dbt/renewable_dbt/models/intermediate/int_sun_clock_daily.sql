{#- Clocks beside the sun: the middle of a plant's power beside the middle of the sun on its modules, over two weeks,
    for clouds move the middle of a day. Late stamps have a positive offset. Only the days up to each day are asked. -#}
{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set days_asked = 14 %}
{%- set days_needed = 7 %}

with dated as (

    select
        intervals.asset_id,
        intervals.date_local,
        intervals.active_power_kw / assets.rated_power_kw as load_ratio,
        assets.interval_hours,
        assets.latitude_deg,
        assets.longitude_deg,
        assets.mounting,
        assets.tilt_deg,
        assets.azimuth_deg,
        {{ epoch_minutes('intervals.timestamp_utc') }} + assets.interval_minutes / 2e0 as minutes
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where
        assets.technology = 'solar'
        and intervals.active_power_kw is not null
        and {{ around_local_days('intervals.timestamp_utc', back=days_asked - 1) }}

),

suns as (

    {{ sun_seen_from('dated') }}

),

-- The sun on the modules through a clear sky (Meinel 1976): the air takes from a low sun. A tracker has it from morning
-- to evening.
lit as (

    select
        asset_id,
        date_local,
        interval_hours,
        minutes,
        case when load_ratio > 0.01 then load_ratio else 0.0 end as load_ratio,
        case
            when sun_up <= 0.0 then 0.0
            else pow(0.7, pow(1.0 / (sun_up + 0.02), 0.678))
        end * case
            when mounting = 'single_axis_tracker' then sqrt(greatest(0.0, sun_up))
            else greatest(0.0, {{ sun_upright() }})
        end as light
    from suns

),

middles as (

    select
        asset_id,
        date_local,
        {{ exact_sum('load_ratio * interval_hours') }} as load_hours,
        {{ exact_sum('minutes * load_ratio') }} / nullif({{ exact_sum('load_ratio') }}, 0.0)
        - {{ exact_sum('minutes * light') }} / nullif({{ exact_sum('light') }}, 0.0) as offset_minutes
    from lit
    group by asset_id, date_local
    having {{ exact_sum('interval_hours') }} >= 22.0

)

select
    days.asset_id,
    days.date_local,
    count(*) as days,
    percentile_cont(0.5) within group (order by earlier.offset_minutes) as clock_minutes
from middles as days
inner join middles as earlier
    on
        days.asset_id = earlier.asset_id
        and earlier.date_local <= days.date_local
        and earlier.date_local > days.date_local - {{ days_asked }}
where
    {{ in_local_days('days.date_local') }}
    -- An hour at rated power shapes a day.
    and earlier.load_hours >= 1.0
group by days.asset_id, days.date_local
having count(*) >= {{ days_needed }}
