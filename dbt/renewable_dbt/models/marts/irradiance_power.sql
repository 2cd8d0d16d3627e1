{#- Power of solar plants by irradiance, the counterpart of mart_power_curve. -#}
{{ config(incremental_predicates=["{{ in_local_months('month_local') }}"]) }}

with intervals as (

    select
        *,
        cast(date_trunc('month', date_local) as date) as month_local,
        50.0 * {{ double('floor(poa_irradiance_wm2 / 50.0)') }} + 25.0 as poa_irradiance_bin_wm2
    from {{ ref('int_interval_performance') }}
    where
        {{ around_local_months('timestamp_utc') }}
        and is_free
        and active_power_kw_flag is null
        and expected_power_kw is not null
        and poa_irradiance_wm2 > 0.0
        and poa_irradiance_wm2_flag is null

)

select
    asset_id,
    month_local,
    poa_irradiance_bin_wm2,
    count(*) as intervals,
    {{ exact_mean('active_power_kw') }} as mean_power_kw,
    {{ exact_mean('expected_power_kw') }} as mean_expected_power_kw
from intervals
where {{ in_local_months('month_local') }}
group by asset_id, month_local, poa_irradiance_bin_wm2
order by month_local, asset_id, poa_irradiance_bin_wm2
