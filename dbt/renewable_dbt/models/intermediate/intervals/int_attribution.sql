{#- Whose the gap between expected and actual energy is: of each interval in which an asset did not run freely the first
    cause by priority, and what a limit does not explain for the next one. -#}
{{ config(incremental_predicates=["{{ in_reach('int_attribution', 'timestamp_utc') }}"]) }}

with counted as (

    select
        asset_id,
        timestamp_utc,
        gap_energy_kwh
    from {{ ref('int_intervals') }}
    where
        {{ in_reach('int_attribution', 'timestamp_utc') }}
        and active_power_kw is null
        and gap_energy_kwh is not null

),

-- What a counter tells over a gap of the power is not lost, though nobody knows in which of its intervals it came.
assessed as (

    select
        assessed.*,
        case
            when counted.gap_energy_kwh is null
                then
                    (assessed.expected_power_kw - coalesce(assessed.active_power_kw, 0.0))
                    * assessed.interval_hours
            else coalesce(assessed.expected_power_kw * assessed.interval_hours, 0.0) - counted.gap_energy_kwh
        end as gap_kwh
    from {{ ref('int_assessed_intervals') }} as assessed
    left join counted
        on
            assessed.asset_id = counted.asset_id
            and assessed.timestamp_utc = counted.timestamp_utc
    where {{ in_reach('int_attribution', 'assessed.timestamp_utc') }}

),

causes as (

    select * from {{ ref('int_causes') }}
    where {{ in_reach('int_attribution', 'timestamp_utc') }}

),

-- What people know comes before what is found in the data.
in_order as (

    select
        causes.*,
        lead(causes.kind) over by_priority as next_kind,
        row_number() over by_priority as rank
    from causes
    inner join {{ ref('event_kinds') }} as event_kinds on causes.kind = event_kinds.kind
    window by_priority as (
        partition by causes.asset_id, causes.timestamp_utc
        order by causes.source = 'reported' desc, event_kinds.priority
    )

),

first_causes as (

    select
        in_order.asset_id,
        in_order.timestamp_utc,
        in_order.kind,
        in_order.source,
        in_order.evidence,
        assessed.active_power_kw is null as is_unseen,
        case when in_order.kind = 'curtailment' then in_order.next_kind end as rest_kind,
        assessed.gap_kwh,
        case
            when
                in_order.kind = 'curtailment'
                and assessed.curtailment_limit_kw is not null
                -- A limit that holds nothing back says nothing of one that people know.
                and (in_order.source = 'detected' or assessed.curtailment_limit_kw < assessed.expected_power_kw)
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
    source,
    evidence,
    is_unseen,
    lost_kwh,
    rest_kind,
    gap_kwh - lost_kwh as rest_kwh
from first_causes
