{{ config(incremental_predicates=["{{ in_reach('int_reference_daily', 'day_utc', days=true) }}"]) }}

with weather as (

    select
        asset_id,
        timestamp_utc,
        precipitation_mm
    from {{ ref('stg_weather') }}
    where {{ in_reach('int_reference_daily', 'timestamp_utc') }}

),

intervals as (

    select * from {{ ref('int_intervals') }}
    where {{ in_reach('int_reference_daily', 'timestamp_utc') }}

),

expected as (

    select * from {{ ref('int_expected_power') }}
    where {{ in_reach('int_reference_daily', 'timestamp_utc') }}

),

-- Running freely where the air is warm enough for bare blades, and the sun high enough for a steady ratio.
running as (

    select
        intervals.asset_id,
        {{ utc_date('intervals.timestamp_utc') }} as day_utc,
        intervals.active_power_kw,
        expected.expected_power_of_readings_kw
    from intervals
    inner join expected
        on
            intervals.asset_id = expected.asset_id
            and intervals.timestamp_utc = expected.timestamp_utc
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where
        intervals.curtailment_limit_kw is null
        and coalesce(intervals.operating_state, 'running') in ('running', 'standby')
        and intervals.active_power_kw > 0.01 * assets.rated_power_kw
        and expected.expected_power_of_readings_kw between 0.1 * assets.rated_power_kw and 0.9 * assets.rated_power_kw
        and (
            (assets.technology = 'wind' and coalesce(intervals.air_temperature_c, 15.0) > 3.0)
            or (assets.technology = 'solar' and intervals.poa_irradiance_wm2 >= 300.0)
        )

),

ratios as (

    select
        asset_id,
        day_utc,
        count(*) as intervals,
        percentile_cont(0.5) within group (order by active_power_kw / expected_power_of_readings_kw) as ratio_to_expected
    from running
    group by asset_id, day_utc

),

rain as (

    select
        asset_id,
        {{ utc_date('timestamp_utc') }} as day_utc,
        count(precipitation_mm) > 0 as is_rain_known,
        coalesce({{ exact_sum('precipitation_mm') }}, 0.0) as precipitation_mm,
        {{ exact_sum('precipitation_mm * ' ~ hours_of_day('timestamp_utc')) }}
        / nullif({{ exact_sum('precipitation_mm') }}, 0.0) as rain_middle_hour_utc
    from weather
    group by asset_id, {{ utc_date('timestamp_utc') }}

)

select
    rain.asset_id,
    rain.day_utc,
    coalesce(ratios.intervals, 0) as intervals,
    ratios.ratio_to_expected,
    rain.is_rain_known,
    rain.precipitation_mm,
    rain.rain_middle_hour_utc
from rain
left join ratios using (asset_id, day_utc)
order by rain.day_utc, rain.asset_id
