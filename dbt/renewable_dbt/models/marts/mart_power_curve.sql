{{ config(incremental_predicates=[in_local_months('month_local')]) }}

with intervals as (

    select
        *,
        cast(date_trunc('month', date_local) as date) as month_local
    from {{ ref('int_interval_performance') }}
    where
        {{ around_local_months('timestamp_utc') }}
        and normalised_wind_speed_ms is not null
        and active_power_kw is not null
        and coalesce(operating_state, 'running') in ('running', 'standby')

),

binned as (

    select
        *,
        -- Bins are centred on multiples of 0.5 m/s: [b - 0.25, b + 0.25).
        floor((normalised_wind_speed_ms + 0.25) / 0.5) * 0.5 as wind_speed_bin_ms
    from intervals
    where {{ in_local_months('month_local') }}

)

select
    asset_id,
    month_local,
    wind_speed_bin_ms,
    count(*) as intervals,
    sum(interval_hours) >= 0.5 as is_complete,
    avg(normalised_wind_speed_ms) as mean_wind_speed_ms,
    avg(active_power_kw) as mean_power_kw,
    stddev_samp(active_power_kw) as std_power_kw,
    avg(expected_power_kw) as reference_power_kw
from binned
group by asset_id, month_local, wind_speed_bin_ms
order by month_local, asset_id, wind_speed_bin_ms
