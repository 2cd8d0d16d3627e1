{#- Underperformance: for two weeks an asset has given less, while nothing known held it back, than in the weeks before and
    than its neighbours; or all units of a site at once. Told from the first day on. -#}
{{ config(incremental_predicates=["{{ in_state_days('date_local') }}"]) }}

with days as (

    select
        running.asset_id,
        running.date_local,
        assets.site_id,
        assets.technology,
        running.weather,
        running.ratio,
        -- What all units of a site lose is the weather's, or a matter of its sensors.
        running.ratio / least(1.0, coalesce(running.neighbours_ratio, 1.0)) as beside_ratio,
        -- Without the sensors: power beside power.
        case when running.neighbours_load_ratio >= 0.03 then running.load_ratio / running.neighbours_load_ratio end
            as load_share
    from {{ ref('int_running_daily') }} as running
    inner join {{ ref('stg_assets') }} as assets on running.asset_id = assets.asset_id
    where {{ in_state_days('running.date_local', back=running_days(), ahead=state_days() - 1) }}

),

jumps as (

    select
        asset_id,
        date_local,
        case
            when date_local - lag(date_local) over in_order <= 3
                then abs(beside_ratio - lag(beside_ratio) over in_order)
        end as jump,
        -- How far the week from here on lies below the week before.
        1.0 - median(ratio) over week_from_here / median(ratio) over week_before as fall
    from days
    where ratio is not null
    window
        in_order as (partition by asset_id order by date_local),
        week_before as (
            partition by asset_id
            order by date_local
            range between interval '7 days' preceding and interval '1 day' preceding
        ),
        week_from_here as (
            partition by asset_id
            order by date_local
            range between current row and interval '6 days' following
        )

),

judged as (

    select
        days.*,
        1.0 - median(days.beside_ratio) over two_weeks as shortfall_ratio,
        1.0 - median(days.ratio) over two_weeks as own_shortfall_ratio,
        count(days.ratio) over two_weeks as days_told,
        count(jumps.jump) over three_weeks as jumps_told,
        -- A day's standard deviation by how far days lie apart, which neither a step nor a slope widens; then that of a
        -- median of so many days.
        median(jumps.jump) over three_weeks * 1.05 * 1.253 / sqrt(nullif(count(days.ratio) over two_weeks, 0))
            as standard_error,
        case
            when count(days.load_share) over weeks_before >= 15
                then 1.0 - median(days.load_share) over two_weeks / median(days.load_share) over weeks_before
        end as load_shortfall_ratio,
        max(jumps.fall) over falls_before as largest_fall
    from days
    left join jumps
        on
            days.asset_id = jumps.asset_id
            and days.date_local = jumps.date_local
    window
        two_weeks as (
            partition by days.asset_id
            order by days.date_local
            range between interval '{{ state_days() - 1 }} days' preceding and current row
        ),
        three_weeks as (
            partition by days.asset_id
            order by days.date_local
            range between interval '20 days' preceding and current row
        ),
        weeks_before as (
            partition by days.asset_id
            order by days.date_local
            range between interval '{{ running_days() - 1 }} days' preceding and interval '{{ state_days() }} days' preceding
        ),
        falls_before as (
            partition by days.asset_id
            order by days.date_local
            range between interval '48 days' preceding and interval '6 days' preceding
        )

),

-- Dirt takes up to a tenth of one plant more than of its neighbours. Who has none to compare with is told nothing: the
-- sensor may have changed.
short as (

    select
        *,
        coalesce(
            days_told >= 8
            and jumps_told >= 8
            and shortfall_ratio >= case when technology = 'solar' then 0.1 else 0.04 end
            and shortfall_ratio >= 5.0 * standard_error
            and load_shortfall_ratio >= 0.5 * shortfall_ratio,
            false
        ) as is_short,
        -- Several sensors do not err alike at once, and no dirt falls in a day on all units that takes so much.
        bool_and(
            coalesce(days_told >= 8 and own_shortfall_ratio >= 0.08 and largest_fall >= 0.75 * own_shortfall_ratio, false)
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
        median(case when later.is_short then later.shortfall_ratio else later.own_shortfall_ratio end) as shortfall_ratio
    from days
    inner join short as later
        on
            days.asset_id = later.asset_id
            and days.date_local <= later.date_local
            and days.date_local > later.date_local - {{ state_days() }}
    where
        (later.is_short and coalesce(1.0 - days.beside_ratio >= 0.5 * later.shortfall_ratio, days.date_local = later.date_local))
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
    case when shortfalls.is_of_site then 'whole site less than before' else 'less than before and than its neighbours' end
        as evidence,
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
