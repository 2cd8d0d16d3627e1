{#- Days whose ratio tells of dirt, and what happened to the ratio from one to the next. Dirt comes slowly and goes at
    once: a sudden fall is something else (a string, snow, a sensor), until the ratio is back. -#}
{{ config(incremental_predicates=["{{ in_reach('int_clear_days', 'day_utc', days=true) }}"]) }}

{#- A step is a change of 2.5 % and of six times the plant's usual change from day to day. Dirt of a day takes 0.4 % at
    most, so much may be missing for each day that was not seen. -#}
{%- set step = 0.025 -%}
{%- set usual_changes = 6 -%}
{%- set dirt_of_a_day = 0.004 -%}
{#- Days: how old a neighbour may be, how long changes are looked at, how long a fall may last before it is the new
    level. -#}
{%- set neighbour_days = 10 -%}
{%- set change_days = 10 -%}
{%- set fall_days = 25 -%}

with days as (

    select
        daily.asset_id,
        daily.day_utc,
        daily.ratio_to_expected as ratio
    from {{ ref('int_reference_daily') }} as daily
    inner join {{ ref('stg_assets') }} as assets on daily.asset_id = assets.asset_id
    where
        {{ around_reach('int_clear_days', 'daily.day_utc', back=reach('int_clear_days')[1], days=true) }}
        and assets.technology = 'solar'
        and daily.intervals * assets.interval_hours >= 1.0
        and daily.ratio_to_expected between 0.3 and 1.7

),

-- The three clear days before each.
followed as (

    select
        *,
        case when lag(day_utc) over by_day > day_utc - {{ neighbour_days }} then lag(ratio) over by_day end as ratio_1,
        lag(ratio, 2) over by_day as ratio_2,
        case when lag(day_utc, 3) over by_day > day_utc - {{ neighbour_days }} then lag(ratio, 3) over by_day end
            as ratio_3,
        {{ minutes_between('lag(day_utc) over by_day', 'day_utc') }} / 1440e0 as days_since
    from days
    window by_day as (partition by asset_id order by day_utc)

),

compared as (

    select
        asset_id,
        day_utc,
        ratio,
        ratio_1 as earlier_ratio,
        days_since,
        -- The middle one of three, so that one odd day makes no step back.
        case
            when ratio_3 is null then ratio_1
            else greatest(least(ratio_1, ratio_2), least(greatest(ratio_1, ratio_2), ratio_3))
        end as middle_ratio
    from followed

),

looked_at as (

    select
        compared.asset_id,
        compared.day_utc + cast(after.number as int) as day_utc,
        abs(compared.ratio - compared.earlier_ratio) as change
    from compared
    cross join ({{ numbers(change_days) }}) as after

),

usual as (

    select
        asset_id,
        day_utc,
        greatest({{ step }}, {{ usual_changes }} * percentile_cont(0.5) within group (order by change)) as step
    from looked_at
    group by asset_id, day_utc

),

steps as (

    select
        compared.*,
        usual.step,
        coalesce(
            least(compared.earlier_ratio, compared.middle_ratio) - compared.ratio
            > usual.step + {{ dirt_of_a_day }} * (compared.days_since - 1),
            false
        ) as is_fall,
        coalesce(compared.ratio - greatest(compared.earlier_ratio, compared.middle_ratio) > usual.step, false)
            as is_rise
    from compared
    inner join usual
        on
            compared.asset_id = usual.asset_id
            and compared.day_utc = usual.day_utc

),

so_far as (

    select
        *,
        max(case when is_fall then day_utc end) over by_day as fell_on,
        max(case when is_rise then day_utc end) over by_day as rose_on,
        max_by(middle_ratio - step, case when is_fall then day_utc end) over by_day as ratio_before_fall
    from steps
    window by_day as (partition by asset_id order by day_utc rows between unbounded preceding and current row)

),

held as (

    select
        *,
        coalesce(
            fell_on > day_utc - {{ fall_days }}
            and (rose_on is null or rose_on < fell_on)
            and ratio < ratio_before_fall,
            false
        ) as is_held_down
    from so_far

)

select
    asset_id,
    day_utc,
    ratio,
    is_held_down,
    is_rise and not coalesce(lag(is_held_down) over (partition by asset_id order by day_utc), false) as is_recovery
from held
where {{ in_reach('int_clear_days', 'day_utc', days=true) }}
order by day_utc, asset_id
