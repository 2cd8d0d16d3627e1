{#- Ice: it grows in damp frost and stays until the thaw. Power falls below what the turbine gave while it was warm
    (IEA Wind Task 19), for several hours in one go, or less clearly beside a turbine of the site that is iced. -#}
{{ config(incremental_predicates=["{{ in_reach('int_icing_hours', 'hour_utc') }}"]) }}

with hours as (

    select
        hours.asset_id,
        hours.hour_utc,
        hours.coldest_c,
        hours.dampest_pct,
        hours.ratio,
        hours.expected_load_ratio,
        hours.is_usual_known,
        assets.site_id,
        assets.icing_temperature_c,
        assets.icing_humidity_pct,
        assets.registry_error_ratio
    from {{ ref('int_asset_hours') }} as hours
    inner join {{ ref('stg_assets') }} as assets on hours.asset_id = assets.asset_id
    where
        assets.technology = 'wind'
        and {{ around_reach('int_icing_hours', 'hours.hour_utc', back=6, ahead=2) }}

),

weathered as (

    select
        *,
        max(dampest_pct) over (
            partition by asset_id
            order by hour_utc
            range between interval '36 hours' preceding and current row
        ) as damp_pct,
        count(ratio) filter (where coldest_c > 2.0) over warm_hours as warm_hours,
        cast({{ fixed_point_sum('ratio', 'coldest_c > 2.0') }} over warm_hours as double) as warm_ratio_sum
    from hours
    window warm_hours as (
        partition by asset_id
        order by hour_utc
        range between interval '60 hours' preceding and current row
    )

),

frost as (

    select
        *,
        ratio / case when warm_hours >= 3 then least(1.0, greatest(0.5, warm_ratio_sum / warm_hours)) else 1.0 end
            as frost_ratio,
        cast({{ fixed_point_sum('ratio', 'ratio > 0.03') }} over site_hour as double)
        / nullif(count(*) filter (where ratio > 0.03) over site_hour, 0) as site_ratio
    from weathered
    where
        coldest_c <= icing_temperature_c
        and coalesce(damp_pct, 100.0) >= icing_humidity_pct
    window site_hour as (partition by site_id, hour_utc)

),

-- Until a turbine's own share is known, curve and anemometer may take as much as ice.
bounded as (

    select
        *,
        case
            when is_usual_known or warm_hours >= 3 then 0.88
            else 0.72 - {{ more_error('registry_error_ratio') }}
        end as iced_below,
        case
            when is_usual_known or warm_hours >= 3 then 0.95
            else least(0.95, 0.82 - {{ more_error('registry_error_ratio') }})
        end as lowered_below
    from frost

),

-- A turbine that stands, or lacks a little, is no iced one while those beside it give what they should.
lowered as (

    select
        *,
        frost_ratio between 0.03 and iced_below
        and expected_load_ratio >= 0.05 as is_evidence
    from bounded
    where
        coalesce(frost_ratio, 0.0) < lowered_below
        and (
            frost_ratio is null
            or frost_ratio between 0.03 and 0.75
            or coalesce(site_ratio < 0.92, true)
        )

),

frost_runs as (

    select
        *,
        {{ run_key('asset_id', 'hour_utc', 60) }} as run
    from lowered

),

clearly_iced as (

    select *
    from frost_runs
    window around_hour as (
        partition by asset_id, run
        order by hour_utc
        range between interval '60 hours' preceding and interval '24 hours' following
    )
    qualify
        count(*) filter (where is_evidence) over around_hour >= 4
        -- In a lull a small share of a small power is missing: it takes six minutes of rated power.
        and {{ fixed_point_sum('(1.0 - frost_ratio) * expected_load_ratio', 'is_evidence') }} over around_hour >= 0.1

),

iced as (

    select
        asset_id,
        hour_utc
    from clearly_iced
    union
    select
        frost_runs.asset_id,
        frost_runs.hour_utc
    from frost_runs
    inner join clearly_iced
        on
            frost_runs.site_id = clearly_iced.site_id
            and frost_runs.hour_utc = clearly_iced.hour_utc

),

cold_spells as (

    select
        weathered.asset_id,
        weathered.hour_utc,
        iced.hour_utc as iced_at,
        {{ run_key('weathered.asset_id', 'weathered.hour_utc', 60) }} as spell
    from weathered
    left join iced
        on
            weathered.asset_id = iced.asset_id
            and weathered.hour_utc = iced.hour_utc
    where weathered.coldest_c <= 3.0

),

-- Ice stays until the thaw: half a day between two iced hours without one, in a lull or told badly, is iced, too.
bridged as (

    select
        asset_id,
        hour_utc,
        max(iced_at) over so_far as iced_before,
        min(iced_at) over from_here as iced_after
    from cold_spells
    window
        so_far as (partition by asset_id, spell order by hour_utc rows unbounded preceding),
        from_here as (
            partition by asset_id, spell
            order by hour_utc
            rows between current row and unbounded following
        )

)

select
    asset_id,
    hour_utc,
    'icing' as kind,
    'low power in frost' as evidence
from bridged
where
    {{ in_reach('int_icing_hours', 'hour_utc') }}
    and {{ minutes_between('iced_before', 'iced_after') }} <= 13 * 60
