{#- All causes of every interval in which an asset did not run freely, and what shows each. -#}
{{ config(incremental_predicates=["{{ in_reach('int_causes', 'timestamp_utc') }}"]) }}

with assessed as (

    select * from {{ ref('int_assessed_intervals') }}
    where {{ in_reach('int_causes', 'timestamp_utc') }}

),

plateaus as (

    select * from {{ ref('int_plateaus') }}
    where {{ in_reach('int_causes', 'timestamp_utc') }}

),

site_limits as (

    select * from {{ ref('int_site_limits') }}
    where {{ in_reach('int_causes', 'timestamp_utc') }}

),

reported as (

    select * from {{ ref('int_reported_intervals') }}
    where {{ in_reach('int_causes', 'timestamp_utc') }}

),

set_aside as (

    select * from {{ ref('int_set_aside_readings') }}
    where
        channel = 'active_power_kw'
        and {{ in_reach('int_causes', 'timestamp_utc') }}

),

stops as (

    select
        *,
        'int_stops' as shown_by
    from {{ ref('int_stops') }}
    where {{ in_reach('int_causes', 'timestamp_utc') }}
    union all
    select
        *,
        'int_stop_edges' as shown_by
    from {{ ref('int_stop_edges') }}
    where {{ in_reach('int_causes', 'timestamp_utc') }}

),

high_wind_stops as (

    select * from {{ ref('int_high_wind_stops') }}
    where {{ in_reach('int_causes', 'timestamp_utc') }}

),

cause_hours as (

    select * from {{ ref('int_cause_hours') }}
    where {{ in_reach('int_causes', 'hour_utc') }}

),

causes as (

    select
        asset_id,
        timestamp_utc,
        kind,
        'reported' as source,
        'reported' as evidence,
        'int_reported_intervals' as shown_by
    from reported
    union all
    select
        assessed.asset_id,
        assessed.timestamp_utc,
        'unmeasured' as kind,
        'detected' as source,
        case when set_aside.asset_id is null then 'no reading' else 'reading set aside' end as evidence,
        case when set_aside.asset_id is null then 'int_intervals' else 'int_set_aside_readings' end as shown_by
    from assessed
    left join set_aside
        on
            assessed.asset_id = set_aside.asset_id
            and assessed.timestamp_utc = set_aside.timestamp_utc
    where assessed.active_power_kw is null
    union all
    select
        asset_id,
        timestamp_utc,
        'downtime' as kind,
        'detected' as source,
        evidence,
        shown_by
    from stops
    union all
    select
        asset_id,
        timestamp_utc,
        'high_wind' as kind,
        'detected' as source,
        evidence,
        'int_high_wind_stops' as shown_by
    from high_wind_stops
    union all
    select
        assessed.asset_id,
        assessed.timestamp_utc,
        'curtailment' as kind,
        'detected' as source,
        case
            when assessed.operating_state = 'curtailed' then 'reported state'
            when assessed.is_at_limit and assessed.expected_power_kw > assessed.curtailment_limit_kw
                then 'reported limit'
            when plateaus.is_held then 'plateau'
            else 'plateau of the site'
        end as evidence,
        case evidence
            when 'plateau' then 'int_plateaus'
            when 'plateau of the site' then 'int_site_limits'
            else 'int_assessed_intervals'
        end as shown_by
    from assessed
    left join plateaus
        on
            assessed.asset_id = plateaus.asset_id
            and assessed.timestamp_utc = plateaus.timestamp_utc
    left join site_limits
        on
            assessed.asset_id = site_limits.asset_id
            and assessed.timestamp_utc = site_limits.timestamp_utc
    where
        assessed.operating_state = 'curtailed'
        or (assessed.is_at_limit and assessed.expected_power_kw > assessed.curtailment_limit_kw)
        or plateaus.is_held
        or site_limits.asset_id is not null
    union all
    select
        assessed.asset_id,
        assessed.timestamp_utc,
        cause_hours.kind,
        'detected' as source,
        cause_hours.evidence,
        'int_' || cause_hours.kind || '_hours' as shown_by
    from assessed
    inner join cause_hours
        on
            assessed.asset_id = cause_hours.asset_id
            and assessed.hour_utc = cause_hours.hour_utc
    where
        coalesce(assessed.expected_power_kw > 0.0, true)
        -- A share of next to nothing is no derating.
        and (cause_hours.kind <> 'derating' or assessed.expected_power_kw > 0.1 * assessed.rated_power_kw)

)

-- What is reported needs no detection of the same kind.
select
    asset_id,
    timestamp_utc,
    kind,
    source,
    evidence,
    shown_by
from causes
qualify source = 'reported' or not bool_or(source = 'reported') over (partition by asset_id, timestamp_utc, kind)
