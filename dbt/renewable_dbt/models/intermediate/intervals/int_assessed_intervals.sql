{#- What each interval says by itself, before any cause is looked for: power beside expected power, and what the
    controller reports. -#}
{{ config(materialized='view') }}

with assets as (

    select * from {{ ref('stg_assets') }}

),

cut_outs as (

    select
        turbine_model,
        max(from_wind_speed_ms) as cut_out_wind_speed_ms
    from {{ ref('stg_power_curve_segments') }}
    where from_power_kw > 0.0
    group by turbine_model

),

assessed as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        {{ hour_of('intervals.timestamp_utc') }} as hour_utc,
        assets.site_id,
        assets.technology,
        assets.interval_minutes,
        assets.interval_hours,
        assets.rated_power_kw,
        intervals.active_power_kw,
        intervals.curtailment_limit_kw,
        intervals.operating_state,
        intervals.wind_speed_ms,
        intervals.air_temperature_c,
        intervals.relative_humidity_pct,
        intervals.poa_irradiance_wm2,
        intervals.precipitation_mm,
        expected.expected_power_kw,
        -- Close to cut-out a turbine may wait for calmer wind.
        coalesce(expected.normalised_wind_speed_ms >= cut_outs.cut_out_wind_speed_ms - 4.0, false) as is_near_cut_out,
        coalesce(
            intervals.operating_state in ('fault', 'maintenance')
            and intervals.active_power_kw <= 0.05 * assets.rated_power_kw, false
        ) as is_stopped_by_state,
        coalesce(
            intervals.curtailment_limit_kw < 0.99 * assets.rated_power_kw
            and abs(intervals.active_power_kw - intervals.curtailment_limit_kw)
            <= greatest(0.03 * intervals.curtailment_limit_kw, 0.01 * assets.rated_power_kw),
            false
        ) as is_at_limit
    from {{ ref('int_intervals') }} as intervals
    inner join {{ ref('int_expected_power') }} as expected
        on
            intervals.asset_id = expected.asset_id
            and intervals.timestamp_utc = expected.timestamp_utc
    inner join assets on intervals.asset_id = assets.asset_id
    left join cut_outs on assets.turbine_model = cut_outs.turbine_model

)

select * from assessed
