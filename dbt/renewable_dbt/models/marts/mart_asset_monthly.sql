{{ config(incremental_predicates=["{{ in_state_months('month_local') }}"]) }}

with asset_days as (

    select
        *,
        cast(date_trunc('month', date_local) as date) as month_local
    from {{ ref('mart_asset_daily') }}
    where {{ in_days_of_state_months('date_local') }}

)

select
    asset_id,
    month_local,
    site_id,
    technology,
    max_by(rated_power_kw, date_local) as rated_power_kw,
    count(*) as days,
    count(*) filter (where is_partial) as partial_days,
    {{ rolled_up() }},
    {{ exact_sum('specific_yield_kwh_per_kw') }} as specific_yield_kwh_per_kw,
    {{ exact_sum('insolation_kwh_m2') }} as insolation_kwh_m2
from asset_days
group by asset_id, month_local, site_id, technology
order by month_local, asset_id
