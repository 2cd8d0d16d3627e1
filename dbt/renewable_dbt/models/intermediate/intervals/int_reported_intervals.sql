{#- Intervals of which people report what happened: an interval belongs to an event that holds its middle. -#}
{{ config(incremental_predicates=["{{ in_reach('int_reported_intervals', 'timestamp_utc') }}"]) }}

with intervals as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        {{ utc_date('intervals.timestamp_utc') }} as day_utc,
        assets.interval_minutes
    from {{ ref('int_intervals') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where {{ in_reach('int_reported_intervals', 'intervals.timestamp_utc') }}

),

event_days as (

    select
        asset_id,
        kind,
        start_utc,
        end_utc,
        {{ each_day('start_utc', 'end_utc') }} as day_utc
    from {{ ref('reported_events') }}

)

select distinct
    intervals.asset_id,
    intervals.timestamp_utc,
    event_days.kind
from intervals
inner join event_days
    on
        intervals.asset_id = event_days.asset_id
        and intervals.day_utc = event_days.day_utc
        and {{ holds_middle(
            'event_days.start_utc', 'event_days.end_utc', 'intervals.timestamp_utc', 'intervals.interval_minutes'
        ) }}
