{#- Readings and what is doubtful about each. -#}
{{ config(materialized='view') }}

{%- set words = vocabulary() %}
{%- set flagged = words.weather + ['active_power_kw'] %}

-- What holds for a whole day says less of a reading than what the reading itself does.
with doubts as (

    select
        asset_id,
        timestamp_utc
        {%- for channel in flagged %},
        coalesce(
            min(rule) filter (where channel = '{{ channel }}' and not is_of_day),
            min(rule) filter (where channel = '{{ channel }}')
        ) as {{ channel }}_rule
        {%- endfor %}
    from (
        select
            asset_id,
            timestamp_utc,
            channel,
            rule,
            false as is_of_day
        from {{ ref('int_doubtful_readings') }}
        union all
        select
            asset_id,
            timestamp_utc,
            channel,
            'contradicted' as rule,
            false as is_of_day
        from {{ ref('int_contradicted_readings') }}
        union all
        select
            asset_id,
            timestamp_utc,
            'active_power_kw' as channel,
            'clipping' as rule,
            false as is_of_day
        from {{ ref('int_clipped_intervals') }}
        union all
        select
            intervals.asset_id,
            intervals.timestamp_utc,
            changes.channel,
            changes.rule,
            true as is_of_day
        from {{ ref('int_sensor_changes_daily') }} as changes
        inner join {{ ref('int_intervals') }} as intervals
            on
                changes.asset_id = intervals.asset_id
                and changes.date_local = intervals.date_local
    ) as either
    group by asset_id, timestamp_utc

),

set_aside as (

    {{ readings_by_channel('int_set_aside_readings', 'reading', flagged, '_set_aside') }}
    group by asset_id, timestamp_utc

),

joined as (

    select
        intervals.*,
        assets.rated_power_kw,
        plateaus.is_meter_frozen
        {%- for channel in flagged %},
        doubts.{{ channel }}_rule,
        set_aside.{{ channel }}_set_aside
        {%- endfor %}
    from {{ ref('int_intervals') }} as intervals
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('intervals', 'assets') }}
    left join doubts
        on
            intervals.asset_id = doubts.asset_id
            and intervals.timestamp_utc = doubts.timestamp_utc
    left join set_aside
        on
            intervals.asset_id = set_aside.asset_id
            and intervals.timestamp_utc = set_aside.timestamp_utc
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
