{#- Underperformance: for two weeks an asset has given less, while nothing known held it back, than in the weeks before
    and than its neighbours; or all units of a site at once. Told from the first day on. -#}
{{ config(incremental_predicates=["{{ in_state_days('date_local') }}"]) }}

with {{ judged_days() }},

-- Dirt takes up to a tenth of one plant more than of its neighbours. Who has none to compare with is told nothing: the
-- sensor may have changed.
short as (

    select
        *,
        coalesce(
            days_told >= 8
            and jumps_told >= 8
            and shortfall_ratio >= underperformance_ratio
            and shortfall_ratio >= 5.0 * standard_error
            and load_shortfall_ratio >= 0.5 * shortfall_ratio,
            false
        ) as is_short,
        -- Several sensors do not err alike at once, and no dirt falls in a day on all units that takes so much.
        bool_and(
            coalesce(
                days_told >= 8
                and own_shortfall_ratio >= 0.08
                and largest_fall >= 0.75 * own_shortfall_ratio,
                false
            )
        ) over site_day
        and count(*) over site_day > 1
        and min(weather) over site_day < max(weather) over site_day as is_site_short
    from judged
    window site_day as (partition by site_id, technology, date_local)

),

-- A day is told by any of the two weeks that it lies in, if it lies nearer to their level than to that of before.
shortfalls as (

    select
        days.asset_id,
        days.date_local,
        bool_and(not later.is_short) as is_of_site,
        median(case when later.is_short then later.shortfall_ratio else later.own_shortfall_ratio end)
            as shortfall_ratio
    from days
    inner join short as later
        on
            days.asset_id = later.asset_id
            and days.date_local <= later.date_local
            and days.date_local > later.date_local - {{ state_days() }}
    where
        (
            later.is_short
            and coalesce(1.0 - days.beside_ratio >= 0.5 * later.shortfall_ratio, days.date_local = later.date_local)
        )
        or (
            later.is_site_short
            and coalesce(1.0 - days.ratio >= 0.5 * later.own_shortfall_ratio, days.date_local = later.date_local)
        )
    group by days.asset_id, days.date_local

)

select
    shortfalls.asset_id,
    shortfalls.date_local,
    shortfalls.shortfall_ratio,
    case
        when shortfalls.is_of_site then 'whole site less than before' else 'less than before and than its neighbours'
    end as evidence,
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
where {{ in_state_days('shortfalls.date_local') }}
order by shortfalls.date_local, shortfalls.asset_id
