{{ config(meta={'dagster': {'ref': {'name': 'mart_fleet_daily'}}}) }}

-- Energy and observed intervals are the same sum on every level of the roll-up.
with assets as (

    select
        date_local,
        sum(energy_kwh) as energy_kwh,
        sum(intervals_observed) as intervals_observed
    from {{ ref('mart_asset_daily') }}
    where {{ in_local_days('date_local') }}
    group by date_local

),

levels as (

    select
        level,
        date_local,
        sum(energy_kwh) as energy_kwh,
        sum(intervals_observed) as intervals_observed
    from {{ ref('mart_fleet_daily') }}
    where {{ in_local_days('date_local') }}
    group by level, date_local

)

select *
from levels
left join assets using (date_local)
where
    abs(coalesce(levels.energy_kwh, 0) - coalesce(assets.energy_kwh, 0)) > 1e-6
    or levels.intervals_observed is distinct from assets.intervals_observed
