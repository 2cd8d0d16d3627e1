{#- Derating: the same share is missing for a day and more. -#}
{{ config(incremental_predicates=["{{ in_reach('int_derating_hours', 'hour_utc') }}"]) }}

with explained as (

    select
        asset_id,
        hour_utc
    from {{ ref('int_icing_hours') }}
    where {{ around_reach('int_derating_hours', 'hour_utc', back=6, ahead=4) }}
    union all
    select
        asset_id,
        hour_utc
    from {{ ref('int_snow_hours') }}
    where {{ around_reach('int_derating_hours', 'hour_utc', back=6, ahead=4) }}

),

steady_hours as (

    select
        hours.asset_id,
        hours.hour_utc,
        hours.ratio,
        hours.expected_load_ratio,
        -- Until an asset's own share is known, its registry may err by as much.
        hours.ratio between 0.45 and case
            when hours.is_usual_known then 0.93
            else least(0.93, 0.85 - {{ more_error('assets.registry_error_ratio') }})
        end as is_low,
        row_number() over (partition by hours.asset_id order by hours.hour_utc) as position
    from {{ ref('int_asset_hours') }} as hours
    inner join {{ ref('stg_assets') }} as assets on hours.asset_id = assets.asset_id
    left join explained
        on
            hours.asset_id = explained.asset_id
            and hours.hour_utc = explained.hour_utc
    where
        hours.ratio is not null
        and hours.expected_load_ratio >= 0.12
        and explained.asset_id is null
        and {{ around_reach('int_derating_hours', 'hours.hour_utc', back=6, ahead=4) }}

),

low_runs as (

    select
        *,
        position - row_number() over (partition by asset_id order by hour_utc) as run
    from steady_hours
    where is_low

),

low_stretches as (

    select
        asset_id,
        hour_utc,
        run,
        count(*) over around_hour as hours,
        max(expected_load_ratio) over around_hour as highest_load_ratio,
        min(hour_utc) over around_hour as first_hour_utc,
        max(hour_utc) over around_hour as last_hour_utc,
        cast({{ fixed_point_sum('ratio') }} over around_hour as double) as ratio_sum,
        cast({{ fixed_point_sum('ratio * ratio') }} over around_hour as double) as ratio_squares
    from low_runs
    window around_hour as (
        partition by asset_id, run
        order by hour_utc
        range between interval '60 hours' preceding and interval '24 hours' following
    )

),

steady_stretches as (

    select
        asset_id,
        hour_utc,
        run,
        min(hour_utc) over around_hour as first_hour_utc,
        max(hour_utc) over around_hour as last_hour_utc
    from low_stretches
    where
        hours >= 6
        and highest_load_ratio >= 0.35
        and last_hour_utc - first_hour_utc >= interval '23 hours'
        and ratio_squares / hours - pow(ratio_sum / hours, 2) <= 0.0025
    window around_hour as (
        partition by asset_id, run
        order by hour_utc
        range between interval '60 hours' preceding and interval '24 hours' following
    )

),

-- Of a stretch whose ends do not fit no single hour is left.
derated_hours as (

    select
        asset_id,
        hour_utc,
        lead(hour_utc) over (partition by asset_id, run order by hour_utc) as next_hour_utc
    from steady_stretches
    where last_hour_utc - first_hour_utc >= interval '23 hours'

),

-- Up to the next derated hour it may be calm or dark.
spans as (

    select
        derated_hours.asset_id,
        {{ minutes_after('derated_hours.hour_utc', '60 * later.number') }} as hour_utc
    from derated_hours
    inner join ({{ numbers(20) }}) as later
        on
            later.number = 0
            or (
                {{ minutes_after('derated_hours.hour_utc', '60 * later.number') }} < derated_hours.next_hour_utc
                and derated_hours.next_hour_utc <= {{ minutes_after('derated_hours.hour_utc', 48 * 60) }}
            )

)

select distinct
    asset_id,
    hour_utc,
    'derating' as kind,
    'constant share' as evidence
from spans
where {{ in_reach('int_derating_hours', 'hour_utc') }}
