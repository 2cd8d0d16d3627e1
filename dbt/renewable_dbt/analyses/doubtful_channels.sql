-- The channels whose readings are missing or doubtful most often.
select
    asset_id,
    channel,
    sum(readings_missing) as readings_missing,
    sum(readings_present) as readings_present,
    sum(readings_missing) / nullif(sum(readings_expected), 0) as missing_ratio
from {{ ref('mart_data_quality_daily') }}
group by asset_id, channel
having sum(readings_missing) > 0
order by missing_ratio desc
