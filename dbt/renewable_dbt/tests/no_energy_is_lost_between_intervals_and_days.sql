{{ config(meta={'dagster': {'ref': {'name': 'mart_asset_daily'}}}) }}

-- The days that a run rebuilt hold the energy of their intervals, no more and no less.
with intervals as (

    select
        asset_id,
        date_local,
        sum(energy_kwh) as energy_kwh
    from {{ ref('int_interval_performance') }}
    where
        {{ around_local_days('timestamp_utc') }}
        and {{ in_local_days('date_local') }}
    group by asset_id, date_local

),

days as (

    select
        asset_id,
        date_local,
        energy_kwh
    from {{ ref('mart_asset_daily') }}
    where {{ in_local_days('date_local') }}

)

select
    asset_id,
    date_local,
    intervals.energy_kwh as interval_energy_kwh,
    days.energy_kwh as day_energy_kwh
from intervals
full outer join days using (asset_id, date_local)
where abs(coalesce(intervals.energy_kwh, 0) - coalesce(days.energy_kwh, 0)) > 1e-6
