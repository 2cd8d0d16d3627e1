{#- Power of a plant by its modules' data sheet and PVWatts V5's inverter, with the module temperature measured and with
    the one that follows from air and wind. -#}
{{ config(materialized='view') }}

with intervals as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        intervals.rated_since,
        intervals.active_power_kw,
        intervals.curtailment_limit_kw,
        intervals.operating_state,
        intervals.poa_irradiance_wm2,
        intervals.poa_source,
        intervals.module_temperature_c,
        intervals.air_temperature_c,
        intervals.wind_speed_ms,
        assets.rated_power_kw,
        assets.dc_capacity_kw,
        assets.temperature_coefficient_per_c,
        assets.system_loss_ratio,
        {{ air_density(
            'intervals.air_temperature_c',
            'intervals.air_pressure_hpa',
            'intervals.relative_humidity_pct',
            'assets.elevation_m'
        ) }} as air_density_kg_m3
    from {{ ref('int_solar_intervals') }} as intervals
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('intervals', 'assets') }}

),

dc_powers as (

    select
        *,
        {{ reference_dc_power('coalesce(module_temperature_c, ' ~ faiman_module_temperature() ~ ')') }}
        * (1.0 - system_loss_ratio) as dc_power_of_readings_kw,
        {{ reference_dc_power(faiman_module_temperature()) }} * (1.0 - system_loss_ratio) as dc_power_of_air_kw
    from intervals

)

select
    asset_id,
    timestamp_utc,
    rated_since,
    active_power_kw,
    curtailment_limit_kw,
    operating_state,
    air_density_kg_m3,
    poa_source,
    {{ pvwatts_ac_power('dc_power_of_readings_kw', 'rated_power_kw') }} as expected_power_of_readings_kw,
    {{ pvwatts_ac_power('dc_power_of_air_kw', 'rated_power_kw') }} as expected_power_of_air_kw
from dc_powers
