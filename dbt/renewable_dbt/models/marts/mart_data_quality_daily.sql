{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set channels = {
    'active_power_kw': none, 'wind_speed_ms': none, 'wind_direction_deg': none, 'air_temperature_c': none,
    'air_pressure_hpa': none, 'relative_humidity_pct': none, 'precipitation_mm': none,
    'ghi_wm2': 'solar', 'poa_irradiance_wm2': 'solar', 'module_temperature_c': 'solar'
} -%}
{%- set rules = ['frozen', 'interpolated', 'spike', 'night_offset', 'above_rated', 'negative'] %}

with intervals as (

    select * from {{ ref('int_interval_performance') }}
    where
        {{ around_local_days('timestamp_utc') }}
        and {{ in_local_days('date_local') }}

),

assets as (

    select * from {{ ref('stg_assets') }}

),

counts as (

    select
        asset_id,
        date_local,
        {%- for channel in channels %}
        {%- for rule in rules %}
        count(*) filter (where {{ channel }}_flag = '{{ rule }}') as {{ channel }}_{{ rule }},
        {%- endfor %}
        count({{ channel }}) as {{ channel }}_present{{ ',' if not loop.last }}
        {%- endfor %}
    from intervals
    group by asset_id, date_local

),

gaps as (

    {%- for channel in channels %}
    select
        intervals.asset_id,
        intervals.date_local,
        '{{ channel }}' as channel,
        intervals.interval_hours,
        intervals.timestamp_utc,
        {{ run_key('intervals.asset_id, intervals.date_local', 'intervals.timestamp_utc', 'assets.interval_minutes') }}
            as run
    from intervals
    inner join assets on intervals.asset_id = assets.asset_id
    where
        intervals.{{ channel }} is null
        {%- if channels[channel] %}
        and assets.technology = '{{ channels[channel] }}'
        {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

longest_gaps as (

    select
        asset_id,
        date_local,
        channel,
        max(hours) as longest_gap_hours
    from (
        select
            asset_id,
            date_local,
            channel,
            count(*) * min(interval_hours) as hours
        from gaps
        group by asset_id, date_local, channel, run
    ) as runs
    group by asset_id, date_local, channel

),

by_channel as (
    {% for channel in channels %}
    select
        asset_id,
        date_local,
        '{{ channel }}' as channel,
        {{ "'" ~ channels[channel] ~ "'" if channels[channel] else 'null' }} as only_technology,
        {{ channel }}_present as readings_present,
        {%- for rule in rules %}
        {{ channel }}_{{ rule }} as readings_{{ rule }}{{ ',' if not loop.last }}
        {%- endfor %}
    from counts
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select
    daily.asset_id,
    daily.date_local,
    by_channel.channel,
    daily.intervals_expected as readings_expected,
    by_channel.readings_present,
    daily.intervals_expected - by_channel.readings_present as readings_missing,
    {%- for rule in rules %}
    by_channel.readings_{{ rule }},
    {%- endfor %}
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
where {{ in_local_days('daily.date_local') }}
order by daily.date_local, daily.asset_id, by_channel.channel
