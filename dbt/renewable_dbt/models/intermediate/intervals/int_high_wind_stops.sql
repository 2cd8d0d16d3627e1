{#- Cut-out in high wind: from the wind's reaching cut-out on until the turbine turns again, which it does only in
    calmer wind (hysteresis). -#}
{{ config(incremental_predicates=["{{ in_reach('int_high_wind_stops', 'timestamp_utc') }}"]) }}

with cut_outs as (

    select
        turbine_model,
        max(from_wind_speed_ms) as cut_out_wind_speed_ms
    from {{ ref('stg_power_curve_segments') }}
    where from_power_kw > 0.0
    group by turbine_model

),

-- Turbines start again up to 6 m/s below cut-out, or what the fleet says.
windy as (

    select
        assessed.asset_id,
        assessed.timestamp_utc,
        assessed.interval_minutes,
        {{ stands('assessed.active_power_kw', own_standing_power('reference', 'assessed')) }}
        and not assessed.is_stopped_by_state as stands,
        -- A mean over minutes hides gusts.
        max(assessed.normalised_wind_speed_ms) over (
            partition by assessed.asset_id
            order by assessed.timestamp_utc
            range between interval '60 minutes' preceding and current row
        ) >= cut_outs.cut_out_wind_speed_ms - assets.high_wind_margin_ms as is_storm
    from {{ ref('int_assessed_intervals') }} as assessed
    inner join {{ ref('stg_assets') }} as assets on assessed.asset_id = assets.asset_id
    inner join cut_outs on assets.turbine_model = cut_outs.turbine_model
    left join {{ ref('int_running_reference') }} as reference
        on
            assessed.asset_id = reference.asset_id
            and {{ utc_date('assessed.timestamp_utc') }} = reference.day_utc
            and {{ around_reach('int_high_wind_stops', 'reference.day_utc', back=2, days=true) }}
    where
        assessed.normalised_wind_speed_ms >= cut_outs.cut_out_wind_speed_ms - assets.high_wind_hysteresis_ms
        and {{ around_reach('int_high_wind_stops', 'assessed.timestamp_utc', back=2) }}

),

standing as (

    select
        *,
        {{ run_key('asset_id') }} as run
    from windy
    where stands

),

stormy as (

    select
        asset_id,
        timestamp_utc,
        bool_or(is_storm) over (
            partition by asset_id, run
            order by timestamp_utc
            range between interval '24 hours' preceding and current row
        ) as is_after_storm
    from standing

)

select
    asset_id,
    timestamp_utc,
    'cut-out in high wind' as evidence
from stormy
where
    is_after_storm
    and {{ in_reach('int_high_wind_stops', 'timestamp_utc') }}
