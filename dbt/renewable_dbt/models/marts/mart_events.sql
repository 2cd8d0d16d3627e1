{#- An event may have begun long before the window: what touches the window is put together anew from its days. -#}
{{ config(incremental_predicates=["{{ touches_state_days('start_utc', 'end_utc') }}"]) }}

with in_window as (

    select * from {{ ref('int_event_days') }}
    where {{ around_state_days(utc_midnight('day_utc')) }}

),

{% if is_incremental() and has_window() -%}
touched as (

    select * from {{ this }}
    where {{ touches_state_days('start_utc', 'end_utc') }}

),

parts as (

    select * from in_window
    union
    select days.*
    from {{ ref('int_event_days') }} as days
    inner join touched
        on
            days.asset_id = touched.asset_id
            and days.kind = touched.kind
            and days.source = touched.source
            and days.start_utc >= touched.start_utc
            and days.end_utc <= touched.end_utc
    where days.day_utc >= (select cast(min(touched.start_utc) as date) - 1 from touched)

),
{%- else -%}
parts as (

    select * from in_window

),
{%- endif %}

begun as (

    select
        parts.*,
        event_kinds.is_estimated,
        coalesce(
            parts.start_utc > {{ minutes_after(
                'max(parts.end_utc) over earlier',
                "case when parts.source = 'reported' then 0 else event_kinds.gap_minutes end"
            ) }},
            true
        ) as is_first
    from parts
    inner join {{ ref('event_kinds') }} as event_kinds on parts.kind = event_kinds.kind
    window earlier as (
        partition by parts.asset_id, parts.kind, parts.source
        order by parts.start_utc
        rows between unbounded preceding and 1 preceding
    )

),

numbered as (

    select
        *,
        count(*) filter (where is_first) over (
            partition by asset_id, kind, source
            order by start_utc
            rows unbounded preceding
        ) as event
    from begun

),

events as (

    select
        asset_id,
        kind,
        source,
        is_estimated or bool_or(is_unseen) as is_estimated,
        min(start_utc) as start_utc,
        max(end_utc) as end_utc,
        {{ merged_list('evidence') }} as evidence,
        {{ exact_sum('lost_kwh') }} as lost_kwh
    from numbered
    group by asset_id, kind, source, is_estimated, event

),

notes as (

    select
        events.asset_id,
        events.kind,
        events.start_utc,
        {{ sorted_list('reported.note', '; ') }} as note
    from events
    inner join {{ ref('reported_events') }} as reported
        on
            events.source = 'reported'
            and events.asset_id = reported.asset_id
            and events.kind = reported.kind
            and events.start_utc < reported.end_utc
            and events.end_utc > reported.start_utc
    group by events.asset_id, events.kind, events.start_utc

)

select
    asset_id || ' ' || kind || ' ' || {{ instant_text('start_utc') }} as event_id,
    asset_id,
    kind,
    start_utc,
    end_utc,
    {{ minutes_between('start_utc', 'end_utc') }} / 60e0 as duration_hours,
    events.lost_kwh,
    events.is_estimated,
    events.source,
    events.evidence,
    notes.note
from events
left join notes using (asset_id, kind, start_utc)
where {{ touches_state_days('start_utc', 'end_utc') }}
order by start_utc, asset_id, kind
