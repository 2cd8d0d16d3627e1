{#- Hours in which an asset gave less than usual after a step down: what a derating is made of. A cause that acts from a
    load on leaves the hours below it alone, so the hours above each of six loads are looked at for themselves. What
    slid down slowly, as dirt does, has no step, and what goes on for more than a week is no derating. -#}
{{ config(incremental_predicates=["{{ in_reach('int_low_hours', 'hour_utc') }}"]) }}

with explained as (

    select
        asset_id,
        hour_utc
    from {{ ref('int_icing_hours') }}
    where {{ around_reach('int_low_hours', 'hour_utc', back=11, ahead=1) }}
    union all
    select
        asset_id,
        hour_utc
    from {{ ref('int_snow_hours') }}
    where {{ around_reach('int_low_hours', 'hour_utc', back=11, ahead=1) }}

),

loads as (

    select case number when 0 then 0.12 else cast(0.1 * (number + 1) as double) end as least_load_ratio
    from ({{ numbers(6) }}) as numbers

),

told_hours as (

    select
        hours.asset_id,
        hours.hour_utc,
        hours.ratio,
        hours.expected_load_ratio,
        loads.least_load_ratio,
        -- Until an asset's own share is known, its registry may err by as much.
        hours.ratio between 0.45 and case
            when hours.is_usual_known then 0.9
            else least(0.9, 0.85 - {{ more_error('assets.registry_error_ratio') }})
        end as is_low
    from {{ ref('int_asset_hours') }} as hours
    inner join loads on hours.expected_load_ratio >= loads.least_load_ratio
    inner join {{ ref('stg_assets') }} as assets on hours.asset_id = assets.asset_id
    left join explained
        on
            hours.asset_id = explained.asset_id
            and hours.hour_utc = explained.hour_utc
    where
        hours.ratio > 0.0
        and explained.asset_id is null
        and {{ around_reach('int_low_hours', 'hours.hour_utc', back=11, ahead=1) }}

),

-- One hour that is no low one, a gust or a mixed one, ends nothing.
run_hours as (

    select
        *,
        is_low
        or coalesce(
            lag(is_low) over in_order
            and lead(is_low) over in_order
            and lead(hour_utc) over in_order - lag(hour_utc) over in_order <= interval '12 hours',
            false
        ) as is_in_run,
        count(*) over three_days_before as hours_before,
        cast({{ fixed_point_sum('ratio') }} over three_days_before as double) as ratio_sum_before,
        cast({{ fixed_point_sum('ratio * ratio') }} over three_days_before as double) as ratio_squares_before
    from told_hours
    window
        in_order as (partition by asset_id, least_load_ratio order by hour_utc),
        three_days_before as (
            partition by asset_id, least_load_ratio
            order by hour_utc
            range between interval '72 hours' preceding and interval '1 hour' preceding
        )

),

begun as (

    select
        *,
        not coalesce(
            lag(is_in_run) over in_order and hour_utc - lag(hour_utc) over in_order <= interval '72 hours',
            false
        ) as is_first
    from run_hours
    window in_order as (partition by asset_id, least_load_ratio order by hour_utc)

),

numbered as (

    select
        *,
        count(*) filter (where is_first) over (
            partition by asset_id, least_load_ratio
            order by hour_utc
            rows unbounded preceding
        ) as run
    from begun
    where is_in_run

),

-- How steadily it ran before tells what a step is.
dated as (

    select
        *,
        min(hour_utc) over of_run as begun_utc,
        max(
            case
                when
                    is_first
                    and hours_before >= 3
                    and ratio_squares_before / hours_before - pow(ratio_sum_before / hours_before, 2) <= 0.0064
                    then ratio_sum_before / hours_before
            end
        ) over of_run as ratio_before
    from numbered
    window of_run as (partition by asset_id, least_load_ratio, run)

)

select
    asset_id,
    hour_utc,
    least_load_ratio,
    begun_utc,
    ratio,
    ratio_before,
    expected_load_ratio
from dated
where
    is_low
    and ratio_before is not null
    and hour_utc - begun_utc <= interval '7 days'
    and {{ in_reach('int_low_hours', 'hour_utc') }}
