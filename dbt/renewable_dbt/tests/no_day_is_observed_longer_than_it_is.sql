-- A local day has 23, 24 or 25 hours (23.5 or 24.5 where the clock moves by half an hour), and no more is observed.
select
    asset_id,
    date_local,
    expected_hours,
    observed_hours
from {{ ref('mart_asset_daily') }}
where
    {{ in_local_days('date_local') }}
    and (expected_hours not between 23 and 25 or observed_hours > expected_hours)
