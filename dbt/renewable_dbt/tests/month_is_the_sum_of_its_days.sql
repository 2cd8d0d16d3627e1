{{ config(meta={'dagster': {'ref': {'name': 'mart_asset_monthly'}}}) }}

-- A month holds the energy, the losses and the days of its days.
with days as (

    select
        asset_id,
        cast(date_trunc('month', date_local) as date) as month_local,
        count(*) as days,
        sum(energy_kwh) as energy_kwh,
        sum(expected_energy_kwh) as expected_energy_kwh,
        sum(lost_energy_kwh) as lost_energy_kwh
    from {{ ref('mart_asset_daily') }}
    where {{ in_days_of_state_months('date_local') }}
    group by 1, 2

),

months as (

    select * from {{ ref('mart_asset_monthly') }}
    where {{ in_state_months('month_local') }}

)

select
    asset_id,
    month_local
from days
full outer join months using (asset_id, month_local)
where
    days.days is distinct from months.days
    {%- for column in ['energy_kwh', 'expected_energy_kwh', 'lost_energy_kwh'] %}
    or {{ differs('days.' ~ column, 'months.' ~ column) }}
    {%- endfor %}
