{{ config(incremental_predicates=["{{ in_days('day_utc') }}"]) }}

with weather as (

    select * from {{ ref('stg_weather') }}
    where {{ in_window('timestamp_utc') }}

),

generation as (

    select
        asset_id,
        timestamp_utc,
        active_power_kw
    from {{ ref('stg_generation') }}
    where
        {{ in_window('timestamp_utc') }}
        and curtailment_limit_kw is null
        and coalesce(operating_state, 'running') in ('running', 'standby')

),

assets as (

    select * from {{ ref('stg_assets') }}

),

segments as (

    select * from {{ ref('stg_power_curve_segments') }}

),

running as (

    select
        assets.*,
        weather.timestamp_utc,
        weather.poa_irradiance_wm2,
        generation.active_power_kw,
        case
            when assets.technology = 'wind' then {{ normalised_wind_speed(
                'weather.wind_speed_ms',
                air_density(
                    'weather.air_temperature_c',
                    'weather.air_pressure_hpa',
                    'weather.relative_humidity_pct',
                    'assets.elevation_m'
                )
            ) }}
        end as normalised_wind_speed_ms,
        case
            when
                assets.technology = 'solar'
                then {{ reference_dc_power('coalesce(module_temperature_c, ' ~ faiman_module_temperature() ~ ')') }}
                * (1.0 - system_loss_ratio)
        end as expected_dc_power_kw
    from weather
    inner join generation using (asset_id, timestamp_utc)
    inner join assets using (asset_id)
    -- Where the air is warm enough for bare blades, and the sun high enough for a steady ratio.
    where
        generation.active_power_kw > 0.01 * assets.rated_power_kw
        and (
            (assets.technology = 'wind' and coalesce(weather.air_temperature_c, 15.0) > 3.0)
            or (assets.technology = 'solar' and weather.poa_irradiance_wm2 >= 300.0)
        )

),

expected as (

    select
        running.*,
        case
            when technology = 'wind' then {{ power_on_segment('running.normalised_wind_speed_ms') }}
            else {{ pvwatts_ac_power('expected_dc_power_kw', 'rated_power_kw') }}
        end as expected_power_kw
    from running
    {{ as_of_left_join() }} segments
        on
            running.turbine_model = segments.turbine_model
            and running.normalised_wind_speed_ms >= segments.from_wind_speed_ms

),

ratios as (

    select
        asset_id,
        cast(timestamp_utc as date) as day_utc,
        count(*) as intervals,
        percentile_cont(0.5) within group (order by active_power_kw / expected_power_kw) as ratio_to_expected
    from expected
    where expected_power_kw between 0.1 * rated_power_kw and 0.9 * rated_power_kw
    group by asset_id, cast(timestamp_utc as date)

),

rain as (

    select
        asset_id,
        cast(timestamp_utc as date) as day_utc,
        count(precipitation_mm) > 0 as is_rain_known,
        coalesce({{ exact_sum('precipitation_mm') }}, 0.0) as precipitation_mm,
        {{ exact_sum('precipitation_mm * ' ~ hours_of_day('timestamp_utc')) }}
        / nullif({{ exact_sum('precipitation_mm') }}, 0.0) as rain_middle_hour_utc
    from weather
    group by asset_id, cast(timestamp_utc as date)

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
