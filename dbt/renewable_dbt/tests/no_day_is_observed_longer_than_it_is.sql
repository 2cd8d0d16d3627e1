-- A local day has 23, 24 or 25 hours, in Antarctica up to three more or less, less where the data begin or end within
-- it, and no more is observed.
select
    asset_id,
    date_local,
    is_partial,
    expected_hours,
    observed_hours
from {{ ref('mart_asset_daily') }}
where
    {{ in_local_days('date_local') }}
    and (
        expected_hours between case when is_partial then 0 else 20 end and 28
        and observed_hours between 0 and expected_hours
    ) is not true
