{{ config(incremental_predicates=["{{ in_state_days('day_utc') }}"]) }}

with marked as (

    select
        attribution.asset_id,
        attribution.kind,
        attribution.source,
        {{ utc_date('attribution.timestamp_utc') }} as day_utc,
        attribution.timestamp_utc as start_utc,
        {{ minutes_after('attribution.timestamp_utc', 'assets.interval_minutes') }} as end_utc,
        attribution.evidence,
        attribution.lost_kwh,
        attribution.is_unseen,
        -- What people report begins and ends when they say so.
        case when attribution.source = 'reported' then 0 else event_kinds.gap_minutes end as gap_minutes
    from {{ ref('int_attribution') }} as attribution
    inner join {{ ref('stg_assets') }} as assets on attribution.asset_id = assets.asset_id
    inner join {{ ref('event_kinds') }} as event_kinds on attribution.kind = event_kinds.kind
    where
        {{ in_state_days(utc_date('attribution.timestamp_utc')) }}
        and {{ around_state_days('attribution.timestamp_utc') }}

),

begun as (

    select
        *,
        coalesce(start_utc > {{ minutes_after('lag(end_utc) over in_order', 'gap_minutes') }}, true) as is_first
    from marked
    window in_order as (partition by asset_id, kind, source, day_utc order by start_utc)

),

numbered as (

    select
        *,
        count(*) filter (where is_first) over (
            partition by asset_id, kind, source
            order by start_utc
            rows unbounded preceding
        ) as piece
    from begun

),

-- States of whole days: dirt, worth an event from one percent on, and a lasting shortfall.
state_days as (

    select
        soiling.asset_id,
        'soiling' as kind,
        soiling.date_local,
        'days since rain' as evidence,
        (1.0 - soiling.soiling_ratio) * daily.soilable_kwh as lost_kwh
    from {{ ref('int_soiling_daily') }} as soiling
    inner join {{ ref('int_asset_daily') }} as daily
        on
            soiling.asset_id = daily.asset_id
            and soiling.date_local = daily.date_local
            and {{ in_state_days('daily.date_local') }}
    where
        soiling.soiling_ratio < 0.99
        and {{ in_state_days('soiling.date_local') }}
    union all
    select
        asset_id,
        'underperformance' as kind,
        date_local,
        evidence,
        lost_kwh
    from {{ ref('int_underperformance_daily') }}
    where {{ in_state_days('date_local') }}

),

placed_days as (

    select
        state_days.*,
        assets.timezone
    from state_days
    inner join {{ ref('stg_assets') }} as assets on state_days.asset_id = assets.asset_id

),

stretches as (

    {{ stretches_of_local_days('placed_days') }}

),

states as (

    select
        asset_id,
        kind,
        'detected' as source,
        date_local as day_utc,
        min(start_utc) as start_utc,
        max(end_utc) as end_utc,
        evidence,
        false as is_unseen,
        lost_kwh
    from stretches
    group by asset_id, kind, date_local, evidence, lost_kwh

)

select
    asset_id,
    kind,
    source,
    day_utc,
    min(start_utc) as start_utc,
    max(end_utc) as end_utc,
    {{ sorted_list('evidence') }} as evidence,
    bool_or(is_unseen) as is_unseen,
    {{ exact_sum('lost_kwh') }} as lost_kwh
from numbered
group by asset_id, kind, source, day_utc, piece
union all
select
    asset_id,
    kind,
    source,
    day_utc,
    start_utc,
    end_utc,
    evidence,
    is_unseen,
    lost_kwh
from states
order by day_utc, asset_id, kind, start_utc
