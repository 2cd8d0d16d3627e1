{#- Underperformance: for a week an asset has given less, while nothing known held it back, than in the three months
    before and than its neighbours. Only the days up to each day are asked. -#}
{{ config(incremental_predicates=["{{ in_state_days('date_local') }}"]) }}

{%- set recent_days = 7 %}

with assets as (

    select * from {{ ref('stg_assets') }}

),

ratios as (

    select
        daily.asset_id,
        daily.date_local,
        daily.telling_energy_kwh / daily.telling_expected_kwh as ratio
    from {{ ref('int_asset_daily') }} as daily
    inner join assets on daily.asset_id = assets.asset_id
    where
        -- Half an hour of rated power tells something.
        daily.telling_expected_kwh >= 0.5 * assets.rated_power_kw
        and {{ in_running_days('daily.date_local') }}

),

recent as (

    select
        days.asset_id,
        days.date_local,
        count(*) as days,
        percentile_cont(0.5) within group (order by earlier.ratio) as ratio
    from ratios as days
    inner join ratios as earlier
        on
            days.asset_id = earlier.asset_id
            and earlier.date_local <= days.date_local
            and earlier.date_local > days.date_local - {{ recent_days }}
    where {{ in_state_days('days.date_local') }}
    group by days.asset_id, days.date_local
    having count(*) >= 4

),

reference as (

    select
        recent.asset_id,
        recent.date_local,
        percentile_cont(0.25) within group (order by earlier.ratio) as lower_ratio,
        percentile_cont(0.5) within group (order by earlier.ratio) as ratio,
        percentile_cont(0.75) within group (order by earlier.ratio) as upper_ratio
    from recent
    inner join ratios as earlier
        on
            recent.asset_id = earlier.asset_id
            and earlier.date_local <= recent.date_local - {{ recent_days }}
            and earlier.date_local > recent.date_local - {{ running_days() }}
    group by recent.asset_id, recent.date_local
    having count(*) >= 15

),

compared as (

    select
        recent.asset_id,
        recent.date_local,
        assets.site_id,
        assets.technology,
        assets.underperformance_ratio,
        -- The dirt of the day is a cause that has a name.
        recent.ratio / reference.ratio / coalesce(soiling.soiling_ratio, 1.0) as change_ratio,
        -- Standard error of the median of so many days, whose scatter the quartiles tell.
        (reference.upper_ratio - reference.lower_ratio) / 1.349 * 1.253 / sqrt(recent.days) / reference.ratio
            as standard_error
    from recent
    inner join reference
        on
            recent.asset_id = reference.asset_id
            and recent.date_local = reference.date_local
    inner join assets on recent.asset_id = assets.asset_id
    left join {{ ref('int_soiling_daily') }} as soiling
        on
            recent.asset_id = soiling.asset_id
            and recent.date_local = soiling.date_local
            and {{ in_state_days('soiling.date_local') }}

),

-- What all units of a site lose is the weather's, or a matter of its sensors.
beside as (

    select
        *,
        least(
            1.0,
            coalesce(
                (cast({{ fixed_point_sum('change_ratio') }} over site_day as double) - change_ratio)
                / nullif(count(*) over site_day - 1, 0),
                1.0
            )
        ) as neighbours_change_ratio
    from compared
    window site_day as (partition by site_id, technology, date_local)

),

shortfalls as (

    select
        *,
        1.0 - change_ratio / neighbours_change_ratio as shortfall_ratio
    from beside

)

select
    shortfalls.asset_id,
    shortfalls.date_local,
    shortfalls.change_ratio,
    shortfalls.neighbours_change_ratio,
    shortfalls.standard_error,
    shortfalls.shortfall_ratio,
    -- No more than what no other cause explains.
    least(
        shortfalls.shortfall_ratio * daily.free_expected_kwh,
        greatest(
            0.0,
            daily.unexplained_kwh - coalesce((1.0 - soiling.soiling_ratio) * daily.soilable_kwh, 0.0)
        )
    ) as lost_kwh
from shortfalls
inner join {{ ref('int_asset_daily') }} as daily
    on
        shortfalls.asset_id = daily.asset_id
        and shortfalls.date_local = daily.date_local
        and {{ in_state_days('daily.date_local') }}
left join {{ ref('int_soiling_daily') }} as soiling
    on
        shortfalls.asset_id = soiling.asset_id
        and shortfalls.date_local = soiling.date_local
        and {{ in_state_days('soiling.date_local') }}
where
    shortfalls.shortfall_ratio >= shortfalls.underperformance_ratio
    and shortfalls.shortfall_ratio >= 4.0 * shortfalls.standard_error
order by shortfalls.date_local, shortfalls.asset_id
