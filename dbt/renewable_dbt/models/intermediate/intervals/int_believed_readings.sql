{#- Intervals with the readings that are believed: those of a sensor that gave what cannot be are none. -#}
{{ config(materialized='view') }}

{%- set words = vocabulary() %}
{%- set judged = reading_rules(words, 'out_of_range') | map(attribute='channel') | list %}

with out_of_range as (

    {{ readings_by_channel('int_out_of_range_readings', 'impossible_readings', judged) }}
    group by asset_id, timestamp_utc

)

select
    intervals.asset_id,
    intervals.timestamp_utc,
    intervals.date_local,
    intervals.rated_since
    {%- for channel in words.generation + words.weather %},
    {%- if channel in judged %}
    case when out_of_range.{{ channel }} is null then intervals.{{ channel }} end as {{ channel }}
    {%- else %}
    intervals.{{ channel }}
    {%- endif %}
    {%- endfor %}
from {{ ref('int_intervals') }} as intervals
left join out_of_range
    on
        intervals.asset_id = out_of_range.asset_id
        and intervals.timestamp_utc = out_of_range.timestamp_utc
