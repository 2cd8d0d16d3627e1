{{ config(incremental_predicates=[in_window('timestamp_utc')]) }}

with weather as (

    select * from {{ ref('stg_weather') }}
    where {{ in_window('timestamp_utc') }}

),

generation as (

    select * from {{ ref('stg_generation') }}
    where {{ in_window('timestamp_utc') }}

),

assets as (

    select * from {{ ref('stg_assets') }}

),

segments as (

    select * from {{ ref('stg_power_curve_segments') }}

),

observed as (

    select
        asset_id,
        timestamp_utc,
        generation.active_power_kw,
        generation.curtailment_limit_kw,
        generation.operating_state,
        weather.wind_speed_ms,
        weather.wind_direction_deg,
        weather.air_temperature_c,
        weather.air_pressure_hpa,
        weather.relative_humidity_pct,
        weather.ghi_wm2,
        weather.poa_irradiance_wm2,
        weather.module_temperature_c,
        weather.precipitation_mm
    from weather
    full outer join generation using (asset_id, timestamp_utc)

),

placed as (

    select
        observed.*,
        assets.technology,
        assets.turbine_model,
        assets.interval_hours,
        assets.rated_power_kw,
        assets.dc_capacity_kw,
        assets.temperature_coefficient_per_c,
        assets.system_loss_ratio,
        cast({{ local_time('observed.timestamp_utc', 'assets.timezone') }} as date) as date_local,
        {{ air_density(
            'observed.air_temperature_c',
            'observed.air_pressure_hpa',
            'observed.relative_humidity_pct',
            'assets.elevation_m'
        ) }} as air_density_kg_m3
    from observed
    inner join assets using (asset_id)

),

normalised as (

    select
        *,
        case
            when technology = 'wind' then wind_speed_ms * pow(air_density_kg_m3 / 1.225, 1.0 / 3.0)
        end as normalised_wind_speed_ms,
        case when technology = 'solar' then {{ pvwatts_dc_power() }} end as expected_dc_power_kw
    from placed

),

expected as (

    select
        normalised.*,
        case
            when technology = 'wind' then {{ power_on_segment('normalised.normalised_wind_speed_ms') }}
            else {{ pvwatts_ac_power('expected_dc_power_kw', 'rated_power_kw') }}
        end as expected_power_kw
    from normalised
    {{ as_of_left_join() }} segments
        on
            normalised.turbine_model = segments.turbine_model
            and normalised.normalised_wind_speed_ms >= segments.from_wind_speed_ms

)

select
    asset_id,
    timestamp_utc,
    date_local,
    interval_hours,
    active_power_kw,
    curtailment_limit_kw,
    operating_state,
    wind_speed_ms,
    wind_direction_deg,
    air_temperature_c,
    air_pressure_hpa,
    relative_humidity_pct,
    ghi_wm2,
    poa_irradiance_wm2,
    module_temperature_c,
    precipitation_mm,
    air_density_kg_m3,
    normalised_wind_speed_ms,
    expected_power_kw,
    active_power_kw * interval_hours as energy_kwh,
    expected_power_kw * interval_hours as expected_energy_kwh
from expected
order by timestamp_utc, asset_id
