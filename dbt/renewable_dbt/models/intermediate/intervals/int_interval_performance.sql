{#- Everything that is known of an interval, side by side. -#}
{{ config(materialized='view') }}

{%- set words = vocabulary() %}
{%- set flagged = words.weather + ['active_power_kw'] %}

with joined as (

    select
        flags.*,
        assessed.interval_hours,
        assessed.air_density_kg_m3,
        assessed.normalised_wind_speed_ms,
        assessed.expected_power_kw,
        assessed.expected_power_source,
        assessed.is_free_by_report,
        attribution.kind as event_kind,
        attribution.source as event_source,
        attribution.evidence as event_evidence,
        attribution.lost_kwh,
        attribution.rest_kind,
        attribution.rest_kwh,
        (assessed.expected_power_kw - coalesce(flags.active_power_kw, 0.0)) * assessed.interval_hours as gap_kwh
    from {{ ref('int_reading_flags') }} as flags
    inner join {{ ref('int_assessed_intervals') }} as assessed
        on
            flags.asset_id = assessed.asset_id
            and flags.timestamp_utc = assessed.timestamp_utc
    left join {{ ref('int_attribution') }} as attribution
        on
            flags.asset_id = attribution.asset_id
            and flags.timestamp_utc = attribution.timestamp_utc

)

select
    asset_id,
    timestamp_utc,
    date_local,
    rated_since,
    interval_hours,
    {%- for channel in words.generation + words.weather %}
    {{ channel }},
    {%- endfor %}
    {%- for channel in flagged %}
    {{ channel }}_flag,
    {%- endfor %}
    air_density_kg_m3,
    normalised_wind_speed_ms,
    expected_power_kw,
    expected_power_source,
    active_power_kw * interval_hours as energy_kwh,
    expected_power_kw * interval_hours as expected_energy_kwh,
    event_kind is null and is_free_by_report as is_free,
    event_kind,
    event_source,
    event_evidence,
    {%- for kind in kinds(words, ['interval']) %}
    case
        when event_kind = '{{ kind }}' then lost_kwh
        when rest_kind = '{{ kind }}' then rest_kwh
        else 0.0
    end
    {%- if kind == 'unmeasured' %}
    -- A gap that ended before this interval, whose own power is known.
    - case when active_power_kw is null then 0.0 else coalesce(gap_energy_kwh, 0.0) end
    {%- endif %} as {{ kind }}_kwh,
    {%- endfor %}
    -- Soiling, which is a factor of the day, and the residual share what is left.
    case
        when event_kind is null then gap_kwh
        when event_kind = 'curtailment' and rest_kind is null then rest_kwh
        else 0.0
    end as unexplained_kwh
from joined
