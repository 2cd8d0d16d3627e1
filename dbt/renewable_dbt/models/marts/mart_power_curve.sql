{{ config(incremental_predicates=["{{ in_local_months('month_local') }}"]) }}

with intervals as (

    select
        *,
        cast(date_trunc('month', date_local) as date) as month_local
    from {{ ref('int_interval_performance') }}
    where
        {{ around_local_months('timestamp_utc') }}
        and normalised_wind_speed_ms is not null
        and is_free
        and wind_speed_ms_flag is null
        and coalesce(active_power_kw_flag, 'none') not in ('frozen', 'interpolated')

),

binned as (

    select
        *,
        -- Bins are centred on multiples of 0.5 m/s: [b - 0.25, b + 0.25).
        {{ double('floor((normalised_wind_speed_ms + 0.25) / 0.5)') }} * 0.5 as wind_speed_bin_ms
    from intervals
    where {{ in_local_months('month_local') }}

),

means as (

    select
        asset_id,
        month_local,
        wind_speed_bin_ms,
        count(*) as intervals,
        -- In whole minutes: six times a twelfth of an hour falls short of half an hour.
        round(60.0 * {{ exact_sum('interval_hours') }}) >= 30 as is_complete,
        {{ exact_mean('normalised_wind_speed_ms') }} as mean_wind_speed_ms,
        {{ exact_mean('active_power_kw') }} as mean_power_kw,
        {{ exact_mean('expected_power_kw') }} as reference_power_kw
    from binned
    group by asset_id, month_local, wind_speed_bin_ms

),

-- A second pass over the deviations keeps the digits that a difference of sums of squares would lose.
deviations as (

    select
        asset_id,
        month_local,
        wind_speed_bin_ms,
        {{ exact_sum('pow(binned.active_power_kw - means.mean_power_kw, 2)') }} as squares
    from binned
    inner join means using (asset_id, month_local, wind_speed_bin_ms)
    group by asset_id, month_local, wind_speed_bin_ms

)

select
    asset_id,
    month_local,
    wind_speed_bin_ms,
    means.intervals,
    means.is_complete,
    means.mean_wind_speed_ms,
    means.mean_power_kw,
    case when means.intervals > 1 then sqrt(deviations.squares / (means.intervals - 1)) end as std_power_kw,
    means.reference_power_kw
from means
inner join deviations using (asset_id, month_local, wind_speed_bin_ms)
order by month_local, asset_id, wind_speed_bin_ms
