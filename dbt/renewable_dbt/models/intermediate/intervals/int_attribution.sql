{#- Whose the gap between expected and actual energy is: of each interval in which an asset did not run freely the first
    cause by priority, and what a limit does not explain for the next one. -#}
{{ config(incremental_predicates=["{{ in_reach('int_attribution', 'timestamp_utc') }}"]) }}

with assessed as (

    select
        *,
        (expected_power_kw - coalesce(active_power_kw, 0.0)) * interval_hours as gap_kwh
    from {{ ref('int_assessed_intervals') }}
    where {{ in_reach('int_attribution', 'timestamp_utc') }}

),

plateaus as (

    select * from {{ ref('int_plateaus') }}
    where {{ in_reach('int_attribution', 'timestamp_utc') }}

),

stops as (

    select * from {{ ref('int_stops') }}
    where {{ in_reach('int_attribution', 'timestamp_utc') }}

),

cause_hours as (

    select * from {{ ref('int_cause_hours') }}
    where {{ in_reach('int_attribution', 'hour_utc') }}

),

causes as (

    select
        asset_id,
        timestamp_utc,
        'unmeasured' as kind,
        'no reading' as evidence
    from assessed
    where active_power_kw is null
    union all
    select
        asset_id,
        timestamp_utc,
        'downtime' as kind,
        evidence
    from stops
    union all
    select
        assessed.asset_id,
        assessed.timestamp_utc,
        'curtailment' as kind,
        case
            when assessed.operating_state = 'curtailed' then 'reported state'
            when assessed.is_at_limit and assessed.expected_power_kw > assessed.curtailment_limit_kw
                then 'reported limit'
            else 'plateau'
        end as evidence
    from assessed
    left join plateaus
        on
            assessed.asset_id = plateaus.asset_id
            and assessed.timestamp_utc = plateaus.timestamp_utc
    where
        assessed.operating_state = 'curtailed'
        or (assessed.is_at_limit and assessed.expected_power_kw > assessed.curtailment_limit_kw)
        or plateaus.is_held
    union all
    select
        assessed.asset_id,
        assessed.timestamp_utc,
        cause_hours.kind,
        cause_hours.evidence
    from assessed
    inner join cause_hours
        on
            assessed.asset_id = cause_hours.asset_id
            and assessed.hour_utc = cause_hours.hour_utc
    where
        coalesce(assessed.expected_power_kw > 0.0, true)
        -- A share of next to nothing is no derating.
        and (cause_hours.kind <> 'derating' or assessed.expected_power_kw > 0.1 * assessed.rated_power_kw)

),

in_order as (

    select
        causes.*,
        lead(causes.kind) over by_priority as next_kind,
        row_number() over by_priority as rank
    from causes
    inner join {{ ref('event_kinds') }} as event_kinds on causes.kind = event_kinds.kind
    window by_priority as (partition by causes.asset_id, causes.timestamp_utc order by event_kinds.priority)

),

first_causes as (

    select
        in_order.asset_id,
        in_order.timestamp_utc,
        in_order.kind,
        in_order.evidence,
        case when in_order.kind = 'curtailment' then in_order.next_kind end as rest_kind,
        assessed.gap_kwh,
        case
            when in_order.kind = 'curtailment' and assessed.curtailment_limit_kw is not null
                then
                    least(
                        assessed.gap_kwh,
                        (assessed.expected_power_kw - assessed.curtailment_limit_kw) * assessed.interval_hours
                    )
            else assessed.gap_kwh
        end as lost_kwh
    from in_order
    inner join assessed
        on
            in_order.asset_id = assessed.asset_id
            and in_order.timestamp_utc = assessed.timestamp_utc
    where in_order.rank = 1

)

select
    asset_id,
    timestamp_utc,
    kind,
    evidence,
    lost_kwh,
    rest_kind,
    gap_kwh - lost_kwh as rest_kwh
from first_causes
