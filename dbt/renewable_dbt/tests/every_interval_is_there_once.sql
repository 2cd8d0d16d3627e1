{{ config(meta={'dagster': {'ref': {'name': 'int_expected_power'}}}) }}

-- A day of the calendar holds all intervals of each asset once, and so does every table of intervals. Counted by
-- asset and day: millions of keys need not be compared one by one.
with intervals as (

    select
        asset_id,
        {{ utc_date('timestamp_utc') }} as day_utc,
        count(*) as rows_found
    from {{ ref('int_intervals') }}
    where {{ in_reach('int_expected_power', 'timestamp_utc') }}
    group by 1, 2

),

powers as (

    select
        asset_id,
        {{ utc_date('timestamp_utc') }} as day_utc,
        count(*) as rows_found
    from {{ ref('int_expected_power') }}
    where {{ in_reach('int_expected_power', 'timestamp_utc') }}
    group by 1, 2

),

-- Of the days around those that are built now, some may never have been built.
days as (

    select
        day_utc,
        {{ minutes_between(utc_midnight('day_utc'), 'last_start_utc') }} as minutes_to_last_start,
        {{ minutes_between(utc_midnight('day_utc'), 'end_utc') }} as minutes_to_end
    from {{ ref('utc_days') }}
    where {{ in_reach('int_intervals', 'day_utc', days=true) }}

),

-- Where an asset begins and ends a UTC day is part of a local day. Where the data end part of the day may count.
whole_days as (

    select
        assets.asset_id,
        days.day_utc,
        {{ intervals_that_count('days', 'assets') }} as rows_expected
    from {{ ref('stg_assets') }} as assets
    inner join days
        on
            days.day_utc > assets.first_day_local + 1
            and coalesce(days.day_utc < assets.last_day_local - 1, true)

)

select
    asset_id,
    day_utc,
    whole_days.rows_expected,
    intervals.rows_found as intervals_found,
    powers.rows_found as powers_found
from whole_days
full outer join intervals using (asset_id, day_utc)
full outer join powers using (asset_id, day_utc)
where
    intervals.rows_found is distinct from powers.rows_found
    or intervals.rows_found is distinct from coalesce(whole_days.rows_expected, intervals.rows_found)
