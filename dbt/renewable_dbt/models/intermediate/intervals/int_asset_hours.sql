{{ config(incremental_predicates=["{{ in_reach('int_asset_hours', 'hour_utc') }}"]) }}

with reference as (

    select * from {{ ref('int_running_reference') }}
    where {{ in_reach('int_asset_hours', 'day_utc', days=true) }}

),

-- What the asset would give by its own past: its share of the registry's power, and no more than it ever gave.
assessed as (

    select
        assessed.*,
        least(
            assessed.expected_power_kw * {{ usual_ratio('reference.reference_ratio') }},
            greatest(0.9 * assessed.rated_power_kw, reference.highest_power_kw)
        ) as usual_power_kw
    from {{ ref('int_assessed_intervals') }} as assessed
    left join reference
        on
            assessed.asset_id = reference.asset_id
            and {{ utc_date('assessed.hour_utc') }} = reference.day_utc
    where {{ in_reach('int_asset_hours', 'assessed.timestamp_utc') }}

),

weather as (

    select
        asset_id,
        {{ hour_of('timestamp_utc') }} as hour_utc,
        min(air_temperature_c) as coldest_c,
        max(relative_humidity_pct) as dampest_pct,
        {{ exact_sum('precipitation_mm') }} as precipitation_mm
    from {{ ref('int_intervals') }}
    where {{ in_reach('int_asset_hours', 'timestamp_utc') }}
    group by asset_id, {{ hour_of('timestamp_utc') }}

),

hours as (

    select
        asset_id,
        hour_utc,
        min(interval_minutes) as interval_minutes,
        count(*) filter (where {{ is_telling() }} and {{ stands() }}) as standing_intervals,
        count(*) filter (where {{ is_telling() }} and not {{ stands() }}) as running_intervals,
        {{ exact_sum('active_power_kw', is_telling() ~ ' and not ' ~ stands()) }} as active_power_sum_kw,
        {{ exact_sum('usual_power_kw', is_telling() ~ ' and not ' ~ stands()) }} as usual_power_sum_kw,
        {{ exact_mean('expected_power_kw / rated_power_kw', is_telling()) }} as expected_load_ratio
    from assessed
    group by asset_id, hour_utc

)

select
    hours.asset_id,
    hours.hour_utc,
    weather.coldest_c,
    weather.dampest_pct,
    weather.precipitation_mm,
    -- Half of the hour at least has to tell how the asset runs, or that it stands.
    case
        when 2 * hours.running_intervals >= {{ whole_quotient(60, 'hours.interval_minutes') }}
            then hours.active_power_sum_kw / hours.usual_power_sum_kw
        when 2 * hours.standing_intervals >= {{ whole_quotient(60, 'hours.interval_minutes') }} then 0.0
    end as ratio,
    hours.expected_load_ratio
from hours
inner join weather
    on
        hours.asset_id = weather.asset_id
        and hours.hour_utc = weather.hour_utc
