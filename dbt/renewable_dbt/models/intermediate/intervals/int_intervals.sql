{{ config(incremental_predicates=["{{ in_reach('int_intervals', 'timestamp_utc') }}"]) }}

{%- set readings = channels('generation') + channels('weather') %}

with weather as (

    select * from {{ ref('stg_weather') }}
    where {{ in_reach('int_intervals', 'timestamp_utc') }}

),

generation as (

    select * from {{ ref('stg_generation') }}
    where {{ in_reach('int_intervals', 'timestamp_utc') }}

),

assets as (

    select * from {{ ref('stg_assets') }}

),

reported as (

    select
        asset_id,
        timestamp_utc
        {%- for channel in channels('generation') %},
        generation.{{ channel }}
        {%- endfor %}
        {%- for channel in channels('weather') %},
        weather.{{ channel }}
        {%- endfor %}
    from weather
    full outer join generation using (asset_id, timestamp_utc)

),

rows_of_days as (

    select
        asset_id,
        cast(timestamp_utc as date) as day_utc,
        count(*) as intervals
    from reported
    group by asset_id, cast(timestamp_utc as date)

),

-- A day counts for the whole fleet as soon as one asset has data of it.
incomplete_days as (

    select
        assets.asset_id,
        assets.interval_minutes,
        days.day_utc
    from assets
    cross join (select distinct day_utc from rows_of_days) as days
    left join rows_of_days
        on
            assets.asset_id = rows_of_days.asset_id
            and days.day_utc = rows_of_days.day_utc
    where coalesce(rows_of_days.intervals, 0) < {{ whole_quotient(1440, 'assets.interval_minutes') }}

),

slots as (

    {{ numbers(1440) }}

),

absent as (

    select
        incomplete_days.asset_id,
        {{ minutes_after(utc_midnight('incomplete_days.day_utc'), 'slots.number * incomplete_days.interval_minutes') }}
            as timestamp_utc
    from incomplete_days
    inner join slots on slots.number < {{ whole_quotient(1440, 'incomplete_days.interval_minutes') }}

),

intervals as (

    select * from reported
    union all
    select
        absent.asset_id,
        absent.timestamp_utc
        {%- for channel in readings %},
        null as {{ channel }}
        {%- endfor %}
    from absent
    left join reported
        on
            absent.asset_id = reported.asset_id
            and absent.timestamp_utc = reported.timestamp_utc
    where reported.asset_id is null

),

placed as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        {{ local_date('intervals.timestamp_utc', 'utc_offsets.utc_offset_minutes') }} as date_local
        {%- for channel in readings %},
        intervals.{{ channel }}
        {%- endfor %},
        assets.commissioned_on
    from intervals
    inner join assets on intervals.asset_id = assets.asset_id
    inner join {{ ref('utc_offsets') }} as utc_offsets
        on
            assets.timezone = utc_offsets.timezone
            and {{ in_offset_period('intervals.timestamp_utc') }}

)

select
    asset_id,
    timestamp_utc,
    date_local
    {%- for channel in readings %},
    {{ channel }}
    {%- endfor %}
from placed
where date_local >= commissioned_on
order by timestamp_utc, asset_id
