{{ config(incremental_predicates=["{{ in_reach('int_asset_hours', 'hour_utc') }}"]) }}

{%- set telling = is_telling(standing_power_kw='own_standing_power_kw') %}
{%- set stands_still = stands(standing_power_kw='own_standing_power_kw') %}

with reference as (

    select * from {{ ref('int_running_reference') }}
    where {{ in_reach('int_asset_hours', 'day_utc', days=true) }}

),

class_reference as (

    select * from {{ ref('int_class_reference') }}
    where {{ in_reach('int_asset_hours', 'day_utc', days=true) }}

),

classed as (

    select
        *,
        case
            when technology = 'wind' then {{ load_class('expected_power_kw / rated_power_kw') }}
        end as load_class
    from {{ ref('int_assessed_intervals') }}
    where {{ in_reach('int_asset_hours', 'timestamp_utc') }}

),

-- What the asset would give by its own past: its share of the registry's power, and no more than it ever gave.
assessed as (

    select
        classed.*,
        {{ own_standing_power('reference', 'classed') }} as own_standing_power_kw,
        case
            when classed.technology = 'solar' then reference.reference_ratio is not null
            else class_reference.reference_ratio is not null and classed.expected_power_source = 'own'
        end as is_usual_known,
        least(
            classed.expected_power_kw * {{ usual_ratio_in_class(
                'classed.load_class',
                'class_reference.reference_ratio',
                'reference.reference_ratio',
                'classed.registry_error_ratio'
            ) }},
            greatest(0.9 * classed.rated_power_kw, reference.highest_power_kw)
        ) as usual_power_kw
    from classed
    left join reference
        on
            classed.asset_id = reference.asset_id
            and {{ utc_date('classed.hour_utc') }} = reference.day_utc
    left join class_reference
        on
            classed.asset_id = class_reference.asset_id
            and {{ utc_date('classed.hour_utc') }} = class_reference.day_utc
            and classed.load_class = class_reference.load_class

),

weather as (

    select
        asset_id,
        {{ hour_of('timestamp_utc') }} as hour_utc,
        min(air_temperature_c) as coldest_c,
        max(relative_humidity_pct) as dampest_pct,
        {{ exact_sum('precipitation_mm') }} as precipitation_mm
    from {{ ref('int_believed_readings') }}
    where {{ in_reach('int_asset_hours', 'timestamp_utc') }}
    group by asset_id, {{ hour_of('timestamp_utc') }}

),

hours as (

    select
        asset_id,
        hour_utc,
        min(interval_minutes) as interval_minutes,
        count(*) filter (where {{ telling }} and {{ stands_still }}) as standing_intervals,
        count(*) filter (where {{ telling }} and not {{ stands_still }}) as running_intervals,
        {{ exact_sum('active_power_kw', telling ~ ' and not ' ~ stands_still) }} as active_power_sum_kw,
        {{ exact_sum('usual_power_kw', telling ~ ' and not ' ~ stands_still) }} as usual_power_sum_kw,
        {{ exact_mean('expected_power_kw / rated_power_kw', telling) }} as expected_load_ratio,
        bool_and(is_usual_known) filter (where {{ telling }} and not {{ stands_still }}) as is_usual_known
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
    hours.expected_load_ratio,
    coalesce(hours.is_usual_known, false) as is_usual_known
from hours
inner join weather
    on
        hours.asset_id = weather.asset_id
        and hours.hour_utc = weather.hour_utc
