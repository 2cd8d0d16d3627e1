{#- A turbine's share of its registry's power by class of wind: what later days are compared with. -#}
{{ config(incremental_predicates=["{{ in_reach('int_load_class_daily', 'day_utc', days=true) }}"]) }}

with telling as (

    select
        asset_id,
        timestamp_utc,
        {{ load_class('expected_power_kw / rated_power_kw') }} as load_class,
        active_power_kw / expected_power_kw as ratio
    from {{ ref('int_assessed_intervals') }}
    where
        {{ in_reach('int_load_class_daily', 'timestamp_utc') }}
        and technology = 'wind'
        and expected_power_source = 'own'
        and {{ is_telling('wind') }}
        and not {{ stands() }}
        and active_power_kw <= 1.02 * rated_power_kw

),

temperatures as (

    select
        asset_id,
        timestamp_utc,
        air_temperature_c
    from {{ ref('int_believed_readings') }}
    where {{ in_reach('int_load_class_daily', 'timestamp_utc') }}

),

-- Warm enough for bare blades.
running as (

    select
        telling.*,
        {{ utc_date('telling.timestamp_utc') }} as day_utc,
        coalesce(temperatures.air_temperature_c > 3.0, true) as is_warm
    from telling
    inner join temperatures
        on
            telling.asset_id = temperatures.asset_id
            and telling.timestamp_utc = temperatures.timestamp_utc

)

select
    asset_id,
    day_utc,
    load_class,
    count(*) as intervals,
    percentile_cont(0.5) within group (order by ratio) as ratio,
    count(*) filter (where is_warm) as warm_intervals,
    percentile_cont(0.5) within group (order by ratio) filter (where is_warm) as warm_ratio
from running
group by asset_id, day_utc, load_class
