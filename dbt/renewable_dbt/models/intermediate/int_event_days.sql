{{ config(incremental_predicates=["{{ in_local_days('day_utc') }}"]) }}

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
        {{ in_local_days(utc_date('attribution.timestamp_utc')) }}
        and {{ around_local_days('attribution.timestamp_utc') }}

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
            partition by asset_id, kind, source, day_utc
            order by start_utc
            rows unbounded preceding
        ) as piece
    from begun

),

dirty_days as (

    select
        soiling.asset_id,
        soiling.date_local,
        soiling.soiling_ratio,
        assets.timezone
    from {{ ref('int_soiling_daily') }} as soiling
    inner join {{ ref('stg_assets') }} as assets on soiling.asset_id = assets.asset_id
    where
        soiling.soiling_ratio < 0.99
        and {{ in_local_days('soiling.date_local') }}

),

stretches as (

    {{ stretches_of_local_days('dirty_days') }}

),

-- Dirt is a state of the day, worth an event from one percent on.
dirty as (

    select
        stretches.asset_id,
        'soiling' as kind,
        'detected' as source,
        stretches.date_local as day_utc,
        min(stretches.start_utc) as start_utc,
        max(stretches.end_utc) as end_utc,
        'days since rain' as evidence,
        false as is_unseen,
        any_value((1.0 - stretches.soiling_ratio) * daily.soilable_kwh) as lost_kwh
    from stretches
    inner join {{ ref('int_asset_daily') }} as daily
        on
            stretches.asset_id = daily.asset_id
            and stretches.date_local = daily.date_local
    where {{ in_local_days('daily.date_local') }}
    group by stretches.asset_id, stretches.date_local

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
from dirty
order by day_utc, asset_id, kind, start_utc
