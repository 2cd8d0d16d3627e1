with segments as (

    select * from {{ ref('stg_power_curve_segments') }}

),

whole_speeds as (

    {{ numbers(200) }}

),

-- Above its last point a turbine stands still; that point itself belongs to the curve.
cells as (

    select
        segments.turbine_model,
        cast(whole_speeds.number as integer) as whole_wind_speed_ms,
        segments.from_wind_speed_ms,
        segments.to_wind_speed_ms,
        segments.from_power_kw,
        segments.to_power_kw
    from segments
    inner join whole_speeds
        on
            whole_speeds.number >= floor(segments.from_wind_speed_ms)
            and whole_speeds.number < coalesce(segments.to_wind_speed_ms, floor(segments.from_wind_speed_ms) + 1.0)

)

select * from cells
