{#- Readings that people know to be wrong, as they came: a time holds a reading whose interval's middle it holds. -#}
{{ config(incremental_predicates=["{{ in_reach('int_set_aside_readings', 'timestamp_utc') }}"]) }}

{%- set words = vocabulary() %}

with bad_days as (

    select
        bad.asset_id,
        bad.channel,
        bad.start_utc,
        bad.end_utc,
        assets.interval_minutes,
        {{ each_day('bad.start_utc', 'bad.end_utc') }} as day_utc
    from {{ ref('reported_bad_readings') }} as bad
    inner join {{ ref('stg_assets') }} as assets on bad.asset_id = assets.asset_id

),
{% for table in ['generation', 'weather'] %}
{{ table }} as (

    select
        readings.*,
        bad_days.channel
    from {{ ref('stg_' ~ table) }} as readings
    inner join bad_days
        on
            readings.asset_id = bad_days.asset_id
            and {{ utc_date('readings.timestamp_utc') }} = bad_days.day_utc
            and {{ holds_middle(
                'bad_days.start_utc', 'bad_days.end_utc', 'readings.timestamp_utc', 'bad_days.interval_minutes'
            ) }}
    where {{ in_reach('int_set_aside_readings', 'readings.timestamp_utc') }}

),
{% endfor %}
set_aside as (
    {% for table in ['generation', 'weather'] %}
    {%- set last_table = loop.last %}
    {%- for channel in words[table] %}
    select
        asset_id,
        timestamp_utc,
        '{{ channel }}' as channel,
        cast({{ channel }} as {{ engine_type('varchar') }}) as reading
    from {{ table }}
    where
        channel in ('{{ channel }}', '*')
        and {{ channel }} is not null
    {{ 'union all' if not (loop.last and last_table) }}
    {%- endfor %}
    {%- endfor %}

)

select distinct
    asset_id,
    timestamp_utc,
    channel,
    reading
from set_aside
