{#- Power of a turbine by its curve at the normalised wind speed. -#}
{{ config(materialized='view') }}

with intervals as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        intervals.rated_since,
        intervals.active_power_kw,
        intervals.curtailment_limit_kw,
        intervals.operating_state,
        assets.turbine_model,
        {{ air_density(
            'intervals.air_temperature_c',
            'intervals.air_pressure_hpa',
            'intervals.relative_humidity_pct',
            'assets.elevation_m'
        ) }} as air_density_kg_m3,
        intervals.wind_speed_ms
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('intervals', 'assets') }}
    where assets.technology = 'wind'

),

normalised as (

    select
        *,
        {{ normalised_wind_speed('wind_speed_ms', 'air_density_kg_m3') }} as normalised_wind_speed_ms
    from intervals

),

by_curve as (

    select
        normalised.*,
        {{ power_on_segment('normalised.normalised_wind_speed_ms') }} as expected_power_of_readings_kw
    from normalised
    left join {{ ref('stg_power_curve_cells') }} as cells
        on
            normalised.turbine_model = cells.turbine_model
            and cast(floor(normalised.normalised_wind_speed_ms) as integer) = cells.whole_wind_speed_ms
            and normalised.normalised_wind_speed_ms >= cells.from_wind_speed_ms
            and normalised.normalised_wind_speed_ms < coalesce(cells.to_wind_speed_ms, cells.whole_wind_speed_ms + 1.0)

)

select
    asset_id,
    timestamp_utc,
    rated_since,
    active_power_kw,
    curtailment_limit_kw,
    operating_state,
    air_density_kg_m3,
    normalised_wind_speed_ms,
    expected_power_of_readings_kw
from by_curve
