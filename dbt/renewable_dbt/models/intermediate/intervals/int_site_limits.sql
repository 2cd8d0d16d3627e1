{#- Whoever limits a plant limits all of its units to the same share. Three and more of them at one load, far below what
    each could give, and none above it: the site is limited, however short the readings of one unit are. -#}
{{ config(incremental_predicates=["{{ in_reach('int_site_limits', 'timestamp_utc') }}"]) }}

with excused_hours as (

    {{ icy_and_snowy_hours('int_site_limits', days=1) }}

),

loads as (

    select
        assessed.asset_id,
        assessed.timestamp_utc,
        assessed.site_id,
        assessed.technology,
        assessed.interval_minutes,
        assessed.active_power_kw / assessed.rated_power_kw as load_ratio,
        assessed.expected_power_kw / assessed.rated_power_kw
        * {{ usual_ratio('reference.reference_ratio', 'assessed.registry_error_ratio') }} as usual_load_ratio
    from {{ ref('int_assessed_intervals') }} as assessed
    left join excused_hours
        on
            assessed.asset_id = excused_hours.asset_id
            and assessed.hour_utc = excused_hours.hour_utc
    left join {{ ref('int_running_reference') }} as reference
        on
            assessed.asset_id = reference.asset_id
            and {{ utc_date('assessed.timestamp_utc') }} = reference.day_utc
            and {{ around_reach('int_site_limits', 'reference.day_utc', back=1, ahead=1, days=true) }}
    where
        {{ around_reach('int_site_limits', 'assessed.timestamp_utc', back=1, ahead=1) }}
        and assessed.expected_power_kw >= 0.05 * assessed.rated_power_kw
        and assessed.expected_power_source <> 'power of neighbours'
        and not {{ stands('assessed.active_power_kw', 'assessed.standing_power_kw') }}
        and assessed.active_power_kw is not null
        and not assessed.is_stopped_by_state
        and excused_hours.asset_id is null

),

-- In weak wind loads are alike, and a little below what is usual, by themselves.
judged as (

    select
        *,
        load_ratio between 0.05 and 0.97
        and load_ratio <= 0.85 * usual_load_ratio
        and load_ratio <= usual_load_ratio - 0.1 as is_low
    from loads

),

moments as (

    select
        site_id,
        technology,
        timestamp_utc,
        min(interval_minutes) as interval_minutes,
        {{ exact_sum('load_ratio') }} as load_sum,
        {{ exact_sum('usual_load_ratio') }} as usual_load_sum,
        {{ exact_sum('load_ratio', 'is_low') }} / {{ exact_sum('usual_load_ratio', 'is_low') }} as low_share,
        (min(load_ratio) filter (where is_low) + max(load_ratio) filter (where is_low)) / 2.0 as level,
        coalesce(
            count(*) filter (where is_low) >= 3
            and max(load_ratio) - min(load_ratio) filter (where is_low) <= 0.025,
            false
        ) as is_capped
    from judged
    group by site_id, technology, timestamp_utc

),

-- A pyranometer that reads high makes all units low, but not from one moment to the next.
sudden as (

    select *
    from moments
    window around_moment as (
        partition by site_id, technology
        order by timestamp_utc
        range between interval '4 hours' preceding and interval '4 hours' following
    )
    qualify
        is_capped
        and count(*) filter (where not is_capped) over around_moment >= 2
        and low_share <= 0.85
        * cast({{ fixed_point_sum('load_sum', 'not is_capped') }} over around_moment as double)
        / cast({{ fixed_point_sum('usual_load_sum', 'not is_capped') }} over around_moment as double)

),

-- One level twice, and for half an hour: clouds do not come back to it.
held as (

    select
        sudden.site_id,
        sudden.technology,
        sudden.timestamp_utc,
        sudden.level
    from sudden
    inner join sudden as again
        on
            sudden.site_id = again.site_id
            and sudden.technology = again.technology
            and abs({{ minutes_between('sudden.timestamp_utc', 'again.timestamp_utc') }}) <= 90
            and abs(sudden.level - again.level) <= 0.0125
    group by sudden.site_id, sudden.technology, sudden.timestamp_utc, sudden.level
    having count(*) >= 2 and sum(again.interval_minutes) >= 30

)

select distinct
    judged.asset_id,
    judged.timestamp_utc
from judged
inner join held
    on
        judged.site_id = held.site_id
        and judged.technology = held.technology
        and abs({{ minutes_between('judged.timestamp_utc', 'held.timestamp_utc') }}) <= 90
        and abs(judged.load_ratio - held.level) <= 0.0125
where
    judged.usual_load_ratio >= judged.load_ratio + 0.02
    and {{ in_reach('int_site_limits', 'judged.timestamp_utc') }}
