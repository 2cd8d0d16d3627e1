{#- Derating: after a step down the same share is missing for a day and more. -#}
{{ config(incremental_predicates=["{{ in_reach('int_derating_hours', 'hour_utc') }}"]) }}

with low_stretches as (

    select
        asset_id,
        hour_utc,
        least_load_ratio,
        begun_utc,
        ratio_before,
        count(*) over around_hour as hours,
        max(expected_load_ratio) over around_hour as highest_load_ratio,
        min(hour_utc) over around_hour as first_hour_utc,
        max(hour_utc) over around_hour as last_hour_utc,
        cast({{ fixed_point_sum('ratio') }} over around_hour as double) as ratio_sum,
        cast({{ fixed_point_sum('ratio * ratio') }} over around_hour as double) as ratio_squares
    from {{ ref('int_low_hours') }}
    where {{ around_reach('int_derating_hours', 'hour_utc', back=6, ahead=4) }}
    window around_hour as (
        partition by asset_id, least_load_ratio, begun_utc
        order by hour_utc
        range between interval '60 hours' preceding and interval '24 hours' following
    )

),

steady_stretches as (

    select
        asset_id,
        hour_utc,
        min(hour_utc) over around_hour as first_hour_utc,
        max(hour_utc) over around_hour as last_hour_utc
    from low_stretches
    where
        hours >= 8
        and highest_load_ratio >= 0.35
        and last_hour_utc - first_hour_utc >= interval '23 hours'
        and ratio_squares / hours - pow(ratio_sum / hours, 2) <= 0.0049
        and ratio_sum / hours <= 0.88 * ratio_before
    window around_hour as (
        partition by asset_id, least_load_ratio, begun_utc
        order by hour_utc
        range between interval '60 hours' preceding and interval '24 hours' following
    )

),

-- Of a stretch whose ends do not fit no single hour is left.
derated_hours as (

    select distinct
        asset_id,
        hour_utc
    from steady_stretches
    where last_hour_utc - first_hour_utc >= interval '23 hours'

),

paired as (

    select
        asset_id,
        hour_utc,
        lead(hour_utc) over (partition by asset_id order by hour_utc) as next_hour_utc
    from derated_hours

),

-- Up to the next derated hour it may be calm or dark.
spans as (

    select
        paired.asset_id,
        {{ minutes_after('paired.hour_utc', '60 * later.number') }} as hour_utc
    from paired
    inner join ({{ numbers(20) }}) as later
        on
            later.number = 0
            or (
                {{ minutes_after('paired.hour_utc', '60 * later.number') }} < paired.next_hour_utc
                and paired.next_hour_utc <= {{ minutes_after('paired.hour_utc', 36 * 60) }}
            )

)

select distinct
    asset_id,
    hour_utc,
    'derating' as kind,
    'constant share after a step' as evidence
from spans
where {{ in_reach('int_derating_hours', 'hour_utc') }}
