{{ config(meta={'dagster': {'ref': {'name': 'mart_losses_daily'}}}) }}

-- Expected less actual energy, with what counters tell over gaps, is the sum of the losses, to 1e-6 kWh an asset-day.
with losses as (

    select
        asset_id,
        date_local,
        sum(lost_kwh) as lost_kwh
    from {{ ref('mart_losses_daily') }}
    where {{ in_state_days('date_local') }}
    group by asset_id, date_local

),

days as (

    select
        asset_id,
        date_local,
        coalesce(expected_energy_kwh, 0.0) - coalesce(energy_kwh, 0.0) - coalesce(gap_energy_kwh, 0.0) as lost_kwh
    from {{ ref('mart_asset_daily') }}
    where {{ in_state_days('date_local') }}

)

select
    asset_id,
    date_local,
    losses.lost_kwh as sum_of_losses_kwh,
    days.lost_kwh as expected_less_actual_kwh
from losses
full outer join days using (asset_id, date_local)
where {{ differs('losses.lost_kwh', 'days.lost_kwh') }}
