-- The assets and lines of the books that cost most in the last thirty days of the data.
with last_day as (
    select max(date_local) as date_local from {{ ref('mart_losses_daily') }}
)

select
    losses.asset_id,
    losses.loss_category,
    sum(losses.lost_kwh) as lost_kwh
from {{ ref('mart_losses_daily') }} as losses
cross join last_day
where losses.date_local > last_day.date_local - 30
group by losses.asset_id, losses.loss_category
having sum(losses.lost_kwh) > 0
order by lost_kwh desc
