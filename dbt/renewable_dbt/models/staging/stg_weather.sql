with source as (

    select * from {{ source('raw', 'weather') }}

),

renamed as (

    select
        asset_id,

        timestamp as timestamp_utc,

        wind_speed_ms,
        wind_direction_deg,
        air_temperature_c,
        air_pressure_hpa,
        relative_humidity_pct,
        ghi_wm2,
        poa_irradiance_wm2,
        module_temperature_c,
        precipitation_mm
    from source

)

select * from renamed
