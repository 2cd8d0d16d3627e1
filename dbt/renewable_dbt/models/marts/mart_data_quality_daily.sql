{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set words = vocabulary() %}
{%- set judged = judged_channels(words) %}
{%- set rules = words.rules | map(attribute='rule') | unique | list %}

with flags as (

    select
        asset_id,
        date_local
        {%- for channel in judged %},
        count({{ channel }}) as {{ channel }}_present,
        count(*) filter (where {{ channel }}_flag = 'set_aside') as {{ channel }}_set_aside
        {%- for rule in rules_of(words, channel) %},
        count(*) filter (where {{ channel }}_flag = '{{ rule }}') as {{ channel }}_{{ rule }}
        {%- endfor %}
        {%- endfor %}
    from {{ ref('int_reading_flags') }}
    where
        {{ around_local_days('timestamp_utc') }}
        and {{ in_local_days('date_local') }}
    group by asset_id, date_local

),

by_channel as (
    {% for channel in judged %}
    select
        asset_id,
        date_local,
        '{{ channel }}' as channel,
        {{ "'" ~ words.technology[channel] ~ "'" if words.technology[channel] else 'null' }} as only_technology,
        {%- for rule in rules %}
        {{ channel ~ '_' ~ rule if rule in rules_of(words, channel) else '0' }} as readings_{{ rule }},
        {%- endfor %}
        {{ channel }}_set_aside as readings_set_aside,
        {{ channel }}_present as readings_present
    from flags
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

absent as (

    {%- for channel in judged %}
    select
        intervals.asset_id,
        intervals.date_local,
        '{{ channel }}' as channel,
        intervals.timestamp_utc,
        assets.interval_minutes,
        assets.interval_hours
    from {{ ref('int_intervals') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where
        intervals.{{ channel }} is null
        {%- if words.technology[channel] %}
        and assets.technology = '{{ words.technology[channel] }}'
        {%- endif %}
        and {{ around_local_days('intervals.timestamp_utc') }}
        and {{ in_local_days('intervals.date_local') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

gaps as (

    select
        asset_id,
        date_local,
        channel,
        interval_hours,
        {{ run_key('asset_id, channel') }} as run
    from absent

),

gap_lengths as (

    select
        asset_id,
        date_local,
        channel,
        count(*) * min(interval_hours) as hours
    from gaps
    group by asset_id, date_local, channel, run

),

longest_gaps as (

    select
        asset_id,
        date_local,
        channel,
        max(hours) as longest_gap_hours
    from gap_lengths
    group by asset_id, date_local, channel

)

select
    daily.asset_id,
    daily.date_local,
    by_channel.channel,
    daily.intervals_expected as readings_expected,
    by_channel.readings_present,
    daily.intervals_expected - by_channel.readings_present - by_channel.readings_set_aside
    - by_channel.readings_out_of_range as readings_missing,
    by_channel.readings_set_aside,
    {%- for rule in rules %}
    by_channel.readings_{{ rule }},
    {%- endfor %}
    changes.change,
    changes.change_limit,
    coalesce(longest_gaps.longest_gap_hours, 0.0) as longest_gap_hours
from {{ ref('mart_asset_daily') }} as daily
inner join by_channel
    on
        daily.asset_id = by_channel.asset_id
        and daily.date_local = by_channel.date_local
        and daily.technology = coalesce(by_channel.only_technology, daily.technology)
left join longest_gaps
    on
        by_channel.asset_id = longest_gaps.asset_id
        and by_channel.date_local = longest_gaps.date_local
        and by_channel.channel = longest_gaps.channel
left join {{ ref('int_sensor_changes_daily') }} as changes
    on
        by_channel.asset_id = changes.asset_id
        and by_channel.date_local = changes.date_local
        and by_channel.channel = changes.channel
        and {{ in_local_days('changes.date_local') }}
where {{ in_local_days('daily.date_local') }}
order by daily.date_local, daily.asset_id, by_channel.channel
