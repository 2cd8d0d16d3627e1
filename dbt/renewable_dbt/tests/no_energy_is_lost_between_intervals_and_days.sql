{{ config(meta={'dagster': {'ref': {'name': 'mart_asset_daily'}}}) }}

-- The days that a run rebuilt hold the energy of their intervals that are believed, no more and no less.
with intervals as (

    select
        intervals.asset_id,
        intervals.date_local,
        sum(intervals.active_power_kw * assets.interval_hours) as energy_kwh
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where
        {{ around_local_days('intervals.timestamp_utc') }}
        and {{ in_local_days('intervals.date_local') }}
    group by intervals.asset_id, intervals.date_local

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
where {{ differs('intervals.energy_kwh', 'days.energy_kwh') }}
