{{ config(incremental_predicates=["{{ in_reach('int_intervals', 'timestamp_utc') }}"]) }}

{%- set words = vocabulary() %}
{%- set readings = words.generation + words.weather %}

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

weather_days as (

    select
        asset_id,
        {{ utc_date('timestamp_utc') }} as day_utc,
        count(*) as intervals
    from {{ ref('stg_weather') }}
    where {{ in_reach('int_intervals', 'timestamp_utc') }}
    group by asset_id, {{ utc_date('timestamp_utc') }}

),

-- From the first day that has data of any asset to the last one, whatever came between. On the last one the data may
-- not have come so far yet.
days as (

    select
        day_utc,
        {{ minutes_between(utc_midnight('day_utc'), 'last_start_utc') }} as minutes_to_last_start,
        {{ minutes_between(utc_midnight('day_utc'), 'end_utc') }} as minutes_to_end
    from {{ ref('utc_days') }}
    where {{ in_reach('int_intervals', 'day_utc', days=true) }}

),

incomplete_days as (

    select
        assets.asset_id,
        assets.interval_minutes,
        {{ interval_offset('assets') }} as interval_offset_minutes,
        days.day_utc,
        {{ intervals_that_count('days', 'assets') }} as intervals
    from assets
    cross join days
    left join weather_days
        on
            assets.asset_id = weather_days.asset_id
            and days.day_utc = weather_days.day_utc
    where coalesce(weather_days.intervals, 0) < {{ whole_quotient(1440, 'assets.interval_minutes') }}

),

slots as (

    {{ numbers(1440) }}

),

wanted as (

    select
        incomplete_days.asset_id,
        {{ minutes_after(
            utc_midnight('incomplete_days.day_utc'),
            'slots.number * incomplete_days.interval_minutes + incomplete_days.interval_offset_minutes'
        ) }} as timestamp_utc
    from incomplete_days
    inner join slots on slots.number < incomplete_days.intervals

),

intervals as (

    select
        asset_id,
        timestamp_utc
        {%- for channel in words.generation %},
        generation.{{ channel }}
        {%- endfor %}
        {%- for channel in words.weather %},
        weather.{{ channel }}
        {%- endfor %}
    from weather
    full outer join generation using (asset_id, timestamp_utc)
    union all
    select
        wanted.asset_id,
        wanted.timestamp_utc
        {%- for channel in readings %},
        null as {{ channel }}
        {%- endfor %}
    from wanted
    left join {{ ref('stg_weather') }} as weather
        on
            wanted.asset_id = weather.asset_id
            and wanted.timestamp_utc = weather.timestamp_utc
            and {{ in_reach('int_intervals', 'weather.timestamp_utc') }}
    left join {{ ref('stg_generation') }} as generation
        on
            wanted.asset_id = generation.asset_id
            and wanted.timestamp_utc = generation.timestamp_utc
            and {{ in_reach('int_intervals', 'generation.timestamp_utc') }}
    where
        weather.asset_id is null
        and generation.asset_id is null

),

-- One row an asset and day, two on a day whose clock or whose rating changes. `distinct` keeps the planner from joining
-- the readings with every asset of their day.
asset_days as (

    select distinct
        assets.asset_id,
        assets.first_day_local,
        assets.last_day_local,
        days.day_utc,
        ratings.rated_since,
        greatest(utc_offsets.since_utc, {{ begin_of_local_day('ratings.rated_since') }}) as since_utc,
        least(utc_offsets.until_utc, {{ begin_of_local_day('ratings.rated_until') }}) as until_utc,
        utc_offsets.utc_offset_minutes
    from assets
    inner join {{ ref('stg_asset_ratings') }} as ratings on assets.asset_id = ratings.asset_id
    cross join days
    inner join {{ ref('utc_offsets') }} as utc_offsets
        on
            assets.timezone = utc_offsets.timezone
            and utc_offsets.since_utc < {{ minutes_after(utc_midnight('days.day_utc'), 1440) }}
            and utc_offsets.until_utc > {{ utc_midnight('days.day_utc') }}

),

-- Readings that people know to be wrong are none.
set_aside as (

    {{ readings_by_channel('int_set_aside_readings', 'reading', readings) }}
    where {{ in_reach('int_intervals', 'timestamp_utc') }}
    group by asset_id, timestamp_utc

),

placed as (

    select
        intervals.*,
        {{ local_date('intervals.timestamp_utc', 'utc_offsets.utc_offset_minutes') }} as date_local,
        utc_offsets.first_day_local,
        utc_offsets.last_day_local,
        utc_offsets.rated_since
    from intervals
    inner join asset_days as utc_offsets
        on
            intervals.asset_id = utc_offsets.asset_id
            and {{ utc_date('intervals.timestamp_utc') }} = utc_offsets.day_utc
            and {{ in_offset_period('intervals.timestamp_utc') }}

)

select
    placed.asset_id,
    placed.timestamp_utc,
    placed.date_local,
    placed.rated_since
    {%- for channel in readings %},
    case when set_aside.{{ channel }} is null then placed.{{ channel }} end as {{ channel }}
    {%- endfor %}
from placed
left join set_aside
    on
        placed.asset_id = set_aside.asset_id
        and placed.timestamp_utc = set_aside.timestamp_utc
where
    placed.date_local >= placed.first_day_local
    and coalesce(placed.date_local <= placed.last_day_local, true)
