{#- What each interval says by itself, before any cause is looked for: power beside expected power, and what the
    controller reports. -#}
{{ config(materialized='view') }}

with assets as (

    select * from {{ ref('stg_asset_ratings') }}

),

cut_outs as (

    select
        turbine_model,
        max(from_wind_speed_ms) as cut_out_wind_speed_ms
    from {{ ref('stg_power_curve_segments') }}
    where from_power_kw > 0.0
    group by turbine_model

),

reported as (

    select distinct
        asset_id,
        timestamp_utc
    from {{ ref('int_reported_intervals') }}

),

assessed as (

    select
        expected.asset_id,
        expected.timestamp_utc,
        {{ hour_of('expected.timestamp_utc') }} as hour_utc,
        assets.site_id,
        assets.technology,
        assets.interval_minutes,
        assets.interval_hours,
        assets.rated_power_kw,
        assets.standing_power_ratio * assets.rated_power_kw as standing_power_kw,
        assets.is_standing_power_ratio_set,
        assets.registry_error_ratio,
        assets.stop_expected_ratio,
        expected.active_power_kw,
        expected.curtailment_limit_kw,
        expected.operating_state,
        expected.air_density_kg_m3,
        expected.normalised_wind_speed_ms,
        expected.expected_power_kw,
        expected.expected_power_source,
        expected.expected_power_of_readings_kw,
        expected.neighbours_power_kw,
        -- Close to cut-out a turbine may wait for calmer wind.
        coalesce(expected.normalised_wind_speed_ms >= cut_outs.cut_out_wind_speed_ms - 4.0, false) as is_near_cut_out,
        coalesce(
            expected.operating_state in ('fault', 'maintenance')
            and expected.active_power_kw <= 0.05 * assets.rated_power_kw, false
        ) as is_stopped_by_state,
        {{ is_at_limit(
            'expected.active_power_kw',
            'expected.curtailment_limit_kw',
            'assets.rated_power_kw',
            'assets.limit_tolerance_ratio'
        ) }} as is_at_limit,
        reported.asset_id is not null as is_reported
    from {{ ref('int_expected_power') }} as expected
    inner join assets on {{ is_rated_by('expected', 'assets') }}
    left join cut_outs on assets.turbine_model = cut_outs.turbine_model
    left join reported
        on
            expected.asset_id = reported.asset_id
            and expected.timestamp_utc = reported.timestamp_utc

)

select
    *,
    active_power_kw is not null
    and not is_at_limit
    and not is_reported
    and coalesce(operating_state in ('running', 'standby'), true) as is_free_by_report
from assessed
