{#- The intervals around each event, thinned so that no peak is lost, for people who look at an event. An event is shown
    with a quarter of its length before and after, between 2 and 24 hours, and its time is cut into 48 parts of equal
    length; of each part the first and the last interval and those of lowest and highest power are kept. -#}
{{ config(incremental_predicates=["{{ touches_state_days('shown_from_utc', 'shown_to_utc') }}"]) }}

{%- set parts = 48 %}

with events as (

    select
        events.event_id,
        events.asset_id,
        events.start_utc,
        events.end_utc,
        assets.interval_minutes,
        {{ interval_offset('assets') }} as interval_offset_minutes,
        greatest(120, least(1440, 0.25 * {{ minutes_between('events.start_utc', 'events.end_utc') }})) as beside_minutes
    from {{ ref('mart_events') }} as events
    inner join {{ ref('event_kinds') }} as event_kinds on events.kind = event_kinds.kind
    inner join {{ ref('stg_assets') }} as assets on events.asset_id = assets.asset_id
    -- No interval shows what is a factor of whole days.
    where event_kinds.seen_in = 'interval'

),

shown as (

    select
        event_id,
        asset_id,
        interval_minutes,
        interval_offset_minutes,
        {{ minutes_after('start_utc', '-beside_minutes') }} as shown_from_utc,
        {{ minutes_after('end_utc', 'beside_minutes') }} as shown_to_utc
    from events

),

days as (

    select
        shown.*,
        {{ minutes_after(utc_midnight(utc_date('shown.shown_from_utc')), '1440 * whole_days.number') }} as midnight_utc
    from shown
    inner join ({{ numbers(4000) }}) as whole_days
        on whole_days.number <= {{ minutes_between('shown.shown_from_utc', 'shown.shown_to_utc') }} / 1440.0 + 1
    where {{ touches_state_days('shown.shown_from_utc', 'shown.shown_to_utc') }}

),

-- The intervals by name, so that their power is found by an equal key.
starts as (

    select
        days.*,
        {{ minutes_after(
            'days.midnight_utc', 'slots.number * days.interval_minutes + days.interval_offset_minutes'
        ) }} as timestamp_utc
    from days
    inner join ({{ numbers(1440) }}) as slots on slots.number < {{ whole_quotient(1440, 'days.interval_minutes') }}

),

near as (

    select
        starts.event_id,
        starts.asset_id,
        starts.timestamp_utc,
        starts.shown_from_utc,
        starts.shown_to_utc,
        {{ rounded('powers.active_power_kw', 3) }} as active_power_kw,
        {{ rounded('powers.expected_power_kw', 3) }} as expected_power_kw,
        floor(
            {{ parts }} * {{ minutes_between('starts.shown_from_utc', 'starts.timestamp_utc') }}
            / {{ minutes_between('starts.shown_from_utc', 'starts.shown_to_utc') }}
        ) as part
    from starts
    inner join {{ ref('int_expected_power') }} as powers
        on
            starts.asset_id = powers.asset_id
            and starts.timestamp_utc = powers.timestamp_utc
    where
        starts.timestamp_utc >= starts.shown_from_utc
        and starts.timestamp_utc < starts.shown_to_utc

)

select
    asset_id,
    event_id,
    timestamp_utc,
    active_power_kw,
    expected_power_kw,
    shown_from_utc,
    shown_to_utc
from near
qualify
    row_number() over (partition by event_id, part order by timestamp_utc) = 1
    or row_number() over (partition by event_id, part order by timestamp_utc desc) = 1
    {%- for power in ['active_power_kw', 'expected_power_kw'] %}
    or (
        {{ power }} is not null
        and (
            row_number() over (partition by event_id, part order by {{ power }} asc nulls last, timestamp_utc) = 1
            or row_number() over (partition by event_id, part order by {{ power }} desc nulls last, timestamp_utc desc)
            = 1
        )
    )
    {%- endfor %}
order by event_id, timestamp_utc
