{#- A turbine's usual share of its registry's power by class of wind: what a closed day can know of the four weeks
    before. Warm days tell of bare blades. Where there are too few, the better quarter of all days does: ice only
    takes. -#}
{{ config(incremental_predicates=["{{ in_reach('int_class_reference', 'day_utc', days=true) }}"]) }}

with days as (

    select
        asset_id,
        day_utc
    from {{ ref('int_reference_daily') }}
    where {{ in_reach('int_class_reference', 'day_utc', days=true) }}

),

earlier as (

    select * from {{ ref('int_load_class_daily') }}
    where {{ around_reach('int_class_reference', 'day_utc', back=var('lookback_days') - 2, days=true) }}

)

select
    days.asset_id,
    days.day_utc,
    earlier.load_class,
    case
        when count(*) filter (where earlier.warm_intervals >= 3) >= 4
            then percentile_cont(0.5) within group (order by earlier.warm_ratio)
                filter (where earlier.warm_intervals >= 3)
        else percentile_cont(0.75) within group (order by earlier.ratio) filter (where earlier.intervals >= 3)
    end as reference_ratio
from days
inner join earlier
    on
        days.asset_id = earlier.asset_id
        and earlier.day_utc >= days.day_utc - {{ var('lookback_days') - 2 }}
        and earlier.day_utc < days.day_utc
group by days.asset_id, days.day_utc, earlier.load_class
having
    count(*) filter (where earlier.warm_intervals >= 3) >= 4
    or count(*) filter (where earlier.intervals >= 3) >= 6
