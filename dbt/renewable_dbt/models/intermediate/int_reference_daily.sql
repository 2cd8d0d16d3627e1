{{ config(incremental_predicates=["{{ in_reach('int_reference_daily', 'day_utc', days=true) }}"]) }}

with weather as (

    select
        asset_id,
        timestamp_utc,
        precipitation_mm,
        poa_irradiance_wm2
    from {{ ref('stg_weather') }}
    where {{ in_reach('int_reference_daily', 'timestamp_utc') }}

),

-- Free to run, where the air is warm enough for bare blades, and the sun high enough for a steady ratio.
running as (

    select
        assessed.asset_id,
        {{ utc_date('assessed.timestamp_utc') }} as day_utc,
        assessed.active_power_kw,
        assessed.expected_power_of_readings_kw,
        assessed.expected_power_of_readings_kw between 0.1 * assessed.rated_power_kw and 0.9 * assessed.rated_power_kw
        and (
            (assessed.technology = 'wind' and coalesce(intervals.air_temperature_c > 3.0, true))
            or (assessed.technology = 'solar' and intervals.poa_irradiance_wm2 >= 300.0)
        ) as is_steady
    from {{ ref('int_assessed_intervals') }} as assessed
    inner join {{ ref('int_believed_readings') }} as intervals
        on
            assessed.asset_id = intervals.asset_id
            and assessed.timestamp_utc = intervals.timestamp_utc
    where
        {{ in_reach('int_reference_daily', 'assessed.timestamp_utc') }}
        and {{ in_reach('int_reference_daily', 'intervals.timestamp_utc') }}
        and assessed.is_free_by_report
        and assessed.expected_power_source = 'own'
        and assessed.active_power_kw > greatest(0.01 * assessed.rated_power_kw, assessed.standing_power_kw)
        and assessed.active_power_kw <= 1.02 * assessed.rated_power_kw

),

ratios as (

    select
        asset_id,
        day_utc,
        count(*) filter (where is_steady) as intervals,
        percentile_cont(0.5) within group (order by active_power_kw / expected_power_of_readings_kw)
            filter (where is_steady) as ratio_to_expected,
        max(active_power_kw) as highest_power_kw
    from running
    group by asset_id, day_utc

),

-- What an asset shows at rest, in air too calm for any rotor, or in the dark: all but the highest tenth.
resting as (

    select
        asset_id,
        {{ utc_date('timestamp_utc') }} as day_utc,
        percentile_cont(0.9) within group (order by active_power_kw / rated_power_kw) as resting_power_ratio
    from {{ ref('int_assessed_intervals') }}
    where
        {{ in_reach('int_reference_daily', 'timestamp_utc') }}
        and active_power_kw is not null
        and expected_power_source = 'own'
        and expected_power_of_readings_kw = 0.0
        and (technology = 'solar' or normalised_wind_speed_ms <= 2.0)
        and not is_standing_power_ratio_set
    group by asset_id, {{ utc_date('timestamp_utc') }}
    having {{ exact_sum('interval_hours') }} >= 0.5

),

rain as (

    select
        asset_id,
        {{ utc_date('timestamp_utc') }} as day_utc,
        count(precipitation_mm) > 0 as is_rain_known,
        count(poa_irradiance_wm2) > 0 as is_irradiance_known,
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
    ratios.highest_power_kw,
    resting.resting_power_ratio,
    rain.is_irradiance_known,
    rain.is_rain_known,
    rain.precipitation_mm,
    rain.rain_middle_hour_utc
from rain
left join ratios using (asset_id, day_utc)
left join resting using (asset_id, day_utc)
order by rain.day_utc, rain.asset_id
