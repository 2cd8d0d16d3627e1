{{ config(incremental_predicates=["{{ in_reach('int_asset_hours', 'hour_utc') }}"]) }}

with assessed as (

    select * from {{ ref('int_assessed_intervals') }}
    where {{ in_reach('int_asset_hours', 'timestamp_utc') }}

),

days as (

    select
        asset_id,
        day_utc
    from {{ ref('int_reference_daily') }}
    where {{ in_reach('int_asset_hours', 'day_utc', days=true) }}

),

earlier as (

    select * from {{ ref('int_reference_daily') }}
    where
        {{ around_reach('int_asset_hours', 'day_utc', back=var('lookback_days') - 2, days=true) }}
        and intervals >= 3

),

-- How the asset ran on the days before, while nothing held it back.
reference as (

    select
        days.asset_id,
        days.day_utc,
        percentile_cont(0.5) within group (order by earlier.ratio_to_expected) as reference_ratio
    from days
    inner join earlier
        on
            days.asset_id = earlier.asset_id
            and earlier.day_utc >= days.day_utc - {{ var('lookback_days') - 2 }}
            and earlier.day_utc < days.day_utc
    group by days.asset_id, days.day_utc
    having count(*) >= 5

),

weather as (

    select
        asset_id,
        {{ hour_of('timestamp_utc') }} as hour_utc,
        min(air_temperature_c) as coldest_c,
        max(relative_humidity_pct) as dampest_pct,
        {{ exact_sum('precipitation_mm') }} as precipitation_mm
    from {{ ref('int_intervals') }}
    where {{ in_reach('int_asset_hours', 'timestamp_utc') }}
    group by asset_id, {{ hour_of('timestamp_utc') }}

),

hours as (

    select
        asset_id,
        hour_utc,
        min(interval_minutes) as interval_minutes,
        count(*) filter (where {{ is_telling() }}) as telling_intervals,
        {{ exact_sum('active_power_kw', is_telling()) }} as active_power_sum_kw,
        {{ exact_sum('expected_power_kw', is_telling()) }} as expected_power_sum_kw,
        {{ exact_mean('expected_power_kw / rated_power_kw', is_telling()) }} as expected_load_ratio
    from assessed
    group by asset_id, hour_utc

)

select
    hours.asset_id,
    hours.hour_utc,
    weather.coldest_c,
    weather.dampest_pct,
    weather.precipitation_mm,
    -- Half of the hour at least has to tell how the asset runs.
    case
        when 2 * hours.telling_intervals >= {{ whole_quotient(60, 'hours.interval_minutes') }}
            then
                hours.active_power_sum_kw
                / hours.expected_power_sum_kw
                / greatest(0.8, least(1.02, coalesce(reference.reference_ratio, 1.0)))
    end as ratio,
    hours.expected_load_ratio
from hours
inner join weather
    on
        hours.asset_id = weather.asset_id
        and hours.hour_utc = weather.hour_utc
left join reference
    on
        hours.asset_id = reference.asset_id
        and {{ utc_date('hours.hour_utc') }} = reference.day_utc
