{#- How the asset ran on the days before each day, while nothing held it back: what a closed day can know. -#}
{{ config(incremental_predicates=["{{ in_reach('int_running_reference', 'day_utc', days=true) }}"]) }}

with days as (

    select
        asset_id,
        day_utc
    from {{ ref('int_reference_daily') }}
    where {{ in_reach('int_running_reference', 'day_utc', days=true) }}

),

earlier as (

    select * from {{ ref('int_reference_daily') }}
    where {{ around_reach('int_running_reference', 'day_utc', back=var('lookback_days') - 2, days=true) }}

)

select
    days.asset_id,
    days.day_utc,
    case
        when count(*) filter (where earlier.intervals >= 3) >= 5
            then
                percentile_cont(0.5) within group (order by earlier.ratio_to_expected)
                    filter (where earlier.intervals >= 3)
    end as reference_ratio,
    {{ standing_ratio_of('earlier.resting_power_ratio') }} as standing_power_ratio,
    max(earlier.highest_power_kw) as highest_power_kw,
    max(earlier.highest_power_kw) filter (where earlier.day_utc >= days.day_utc - 7) as highest_of_week_kw
from days
inner join earlier
    on
        days.asset_id = earlier.asset_id
        and earlier.day_utc >= days.day_utc - {{ var('lookback_days') - 2 }}
        and earlier.day_utc < days.day_utc
group by days.asset_id, days.day_utc
