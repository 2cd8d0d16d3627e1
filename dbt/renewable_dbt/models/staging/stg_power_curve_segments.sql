with source as (

    select * from {{ ref('power_curves') }}

),

segments as (

    select
        turbine_model,

        wind_speed_ms as from_wind_speed_ms,
        lead(wind_speed_ms) over curve as to_wind_speed_ms,
        power_kw as from_power_kw,
        lead(power_kw) over curve as to_power_kw
    from source
    window curve as (partition by turbine_model order by wind_speed_ms)

)

select * from segments
