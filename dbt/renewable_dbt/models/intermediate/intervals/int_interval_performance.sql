{#- Everything that is known of an interval, side by side. -#}
{{ config(materialized='view') }}

{%- set words = vocabulary() %}
{%- set flagged = words.weather + ['active_power_kw'] %}

with doubts as (

    select
        asset_id,
        timestamp_utc
        {%- for channel in flagged %},
        any_value(rule) filter (where channel = '{{ channel }}') as {{ channel }}_rule
        {%- endfor %}
    from {{ ref('int_doubtful_readings') }}
    group by asset_id, timestamp_utc

),

joined as (

    select
        intervals.*,
        assessed.interval_hours,
        assessed.rated_power_kw,
        assessed.air_density_kg_m3,
        assessed.normalised_wind_speed_ms,
        assessed.expected_power_kw,
        assessed.expected_power_source,
        assessed.is_free_by_report,
        plateaus.is_meter_frozen,
        {%- for channel in flagged %}
        doubts.{{ channel }}_rule,
        {%- endfor %}
        attribution.kind as event_kind,
        attribution.evidence as event_evidence,
        attribution.lost_kwh,
        attribution.rest_kind,
        attribution.rest_kwh,
        (assessed.expected_power_kw - coalesce(intervals.active_power_kw, 0.0)) * assessed.interval_hours as gap_kwh
    from {{ ref('int_intervals') }} as intervals
    inner join {{ ref('int_assessed_intervals') }} as assessed
        on
            intervals.asset_id = assessed.asset_id
            and intervals.timestamp_utc = assessed.timestamp_utc
    left join doubts
        on
            intervals.asset_id = doubts.asset_id
            and intervals.timestamp_utc = doubts.timestamp_utc
    left join {{ ref('int_plateaus') }} as plateaus
        on
            intervals.asset_id = plateaus.asset_id
            and intervals.timestamp_utc = plateaus.timestamp_utc
    left join {{ ref('int_attribution') }} as attribution
        on
            intervals.asset_id = attribution.asset_id
            and intervals.timestamp_utc = attribution.timestamp_utc

)

select
    asset_id,
    timestamp_utc,
    date_local,
    interval_hours,
    {%- for channel in words.generation + words.weather %}
    {{ channel }},
    {%- endfor %}
    {%- for channel in flagged %}
    {{ reading_flag(words, channel) }} as {{ channel }}_flag,
    {%- endfor %}
    air_density_kg_m3,
    normalised_wind_speed_ms,
    expected_power_kw,
    expected_power_source,
    active_power_kw * interval_hours as energy_kwh,
    expected_power_kw * interval_hours as expected_energy_kwh,
    event_kind is null and is_free_by_report as is_free,
    event_kind,
    event_evidence,
    {%- for kind in kinds(words, ['interval']) %}
    case when event_kind = '{{ kind }}' then lost_kwh when rest_kind = '{{ kind }}' then rest_kwh else 0.0 end as {{ kind }}_kwh,
    {%- endfor %}
    -- Soiling, which is a factor of the day, and the residual share what is left.
    case
        when event_kind is null then gap_kwh
        when event_kind = 'curtailment' and rest_kind is null then rest_kwh
        else 0.0
    end as unexplained_kwh
from joined
