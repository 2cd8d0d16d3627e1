-- Energy beside what was to be expected, by site and month. Ratios are made of sums, and never averaged.
select
    site_id,
    month_local,
    sum(energy_kwh) as energy_kwh,
    sum(expected_energy_kwh) as expected_energy_kwh,
    sum(observed_hours) / sum(expected_hours) as data_coverage_ratio
from {{ ref('mart_asset_monthly') }}
group by site_id, month_local
order by site_id, month_local
