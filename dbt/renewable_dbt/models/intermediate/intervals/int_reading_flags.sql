{#- Readings and what is doubtful about each. -#}
{{ config(materialized='view') }}

{%- set words = vocabulary() %}
{%- set flagged = words.weather + ['active_power_kw'] %}
{%- set ranged = reading_rules(words, 'out_of_range') | map(attribute='channel') | list %}

with doubts as (

    select
        asset_id,
        timestamp_utc
        {%- for channel in flagged %},
        min(rule) filter (where channel = '{{ channel }}') as {{ channel }}_rule
        {%- endfor %}
    from (
        select
            asset_id,
            timestamp_utc,
            channel,
            rule
        from {{ ref('int_doubtful_readings') }}
        union all
        select
            asset_id,
            timestamp_utc,
            channel,
            rule
        from {{ ref('int_flat_power') }}
        union all
        select
            asset_id,
            timestamp_utc,
            channel,
            'contradicted' as rule
        from {{ ref('int_contradicted_readings') }}
        union all
        select
            asset_id,
            timestamp_utc,
            'active_power_kw' as channel,
            'clipping' as rule
        from {{ ref('int_clipped_intervals') }}
        union all
        select
            asset_id,
            timestamp_utc,
            'active_power_kw' as channel,
            'frozen' as rule
        from {{ ref('int_still_meters') }}
    ) as either
    group by asset_id, timestamp_utc

),

changes as (

    {{ readings_by_channel('int_sensor_changes_daily', 'rule', flagged, '_rule', at='date_local') }}
    group by asset_id, date_local

),

out_of_range as (

    {{ readings_by_channel('int_out_of_range_readings', 'impossible_readings', ranged, '_out_of_range') }}
    group by asset_id, timestamp_utc

),

set_aside as (

    {{ readings_by_channel('int_set_aside_readings', 'reading', flagged, '_set_aside') }}
    group by asset_id, timestamp_utc

),

-- What holds for a whole day says less of a reading than what the reading itself does.
joined as (

    select
        intervals.*,
        assets.rated_power_kw,
        plateaus.is_meter_frozen
        {%- for channel in ranged %},
        out_of_range.{{ channel }}_out_of_range
        {%- endfor %}
        {%- for channel in flagged %},
        coalesce(doubts.{{ channel }}_rule, changes.{{ channel }}_rule) as {{ channel }}_rule,
        set_aside.{{ channel }}_set_aside
        {%- endfor %}
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('intervals', 'assets') }}
    left join doubts
        on
            intervals.asset_id = doubts.asset_id
            and intervals.timestamp_utc = doubts.timestamp_utc
    left join changes
        on
            intervals.asset_id = changes.asset_id
            and intervals.date_local = changes.date_local
    left join set_aside
        on
            intervals.asset_id = set_aside.asset_id
            and intervals.timestamp_utc = set_aside.timestamp_utc
    left join out_of_range
        on
            intervals.asset_id = out_of_range.asset_id
            and intervals.timestamp_utc = out_of_range.timestamp_utc
    left join {{ ref('int_plateaus') }} as plateaus
        on
            intervals.asset_id = plateaus.asset_id
            and intervals.timestamp_utc = plateaus.timestamp_utc

)

select
    asset_id,
    timestamp_utc,
    date_local,
    rated_since
    {%- for channel in words.generation + words.weather %},
    {{ channel }}
    {%- endfor %}
    {%- for channel in flagged %},
    {{ reading_flag(words, channel) }} as {{ channel }}_flag
    {%- endfor %}
from joined
