{{ config(incremental_predicates=[in_local_days('date_local')]) }}

with intervals as (

    select * from {{ ref('int_interval_performance') }}
    where
        {{ around_local_days('timestamp_utc') }}
        and {{ in_local_days('date_local') }}

),

assets as (

    select * from {{ ref('stg_assets') }}

),

-- A local day is reported for every asset of a time zone as soon as one asset there has data of it.
zone_days as (

    select distinct
        assets.timezone,
        intervals.date_local
    from intervals
    inner join assets using (asset_id)

),

asset_days as (

    select
        assets.*,
        zone_days.date_local,
        cast(date_diff(
            'minute',
            {{ utc_instant('zone_days.date_local', 'assets.timezone') }},
            {{ utc_instant("zone_days.date_local + interval '1 day'", 'assets.timezone') }}
        ) // assets.interval_minutes as bigint) as intervals_expected
    from assets
    inner join zone_days using (timezone)
    where zone_days.date_local >= assets.commissioned_on

),

sums as (

    select
        asset_id,
        date_local,
        count(active_power_kw) as intervals_observed,
        sum(energy_kwh) as energy_kwh,
        sum(expected_energy_kwh) as expected_energy_kwh,
        avg(active_power_kw) as mean_power_kw,
        sum(energy_kwh) filter (where expected_energy_kwh is not null) as compared_energy_kwh,
        sum(expected_energy_kwh) filter (where energy_kwh is not null) as compared_expected_energy_kwh,
        avg(wind_speed_ms) as mean_wind_speed_ms,
        sum(greatest(poa_irradiance_wm2, 0.0) * interval_hours) / 1000.0 as insolation_kwh_m2
    from intervals
    group by asset_id, date_local

)

select
    asset_days.asset_id,
    asset_days.date_local,
    asset_days.site_id,
    asset_days.technology,
    asset_days.rated_power_kw,
    asset_days.intervals_expected,
    coalesce(sums.intervals_observed, 0) as intervals_observed,
    asset_days.intervals_expected * asset_days.interval_hours as expected_hours,
    coalesce(sums.intervals_observed, 0) * asset_days.interval_hours as observed_hours,
    coalesce(sums.intervals_observed, 0) / asset_days.intervals_expected as data_coverage_ratio,
    sums.energy_kwh,
    sums.expected_energy_kwh,
    sums.mean_power_kw / asset_days.rated_power_kw as capacity_factor,
    sums.compared_energy_kwh / nullif(sums.compared_expected_energy_kwh, 0.0) as performance_index,
    sums.mean_wind_speed_ms,
    sums.insolation_kwh_m2
from asset_days
left join sums using (asset_id, date_local)
order by asset_days.date_local, asset_days.asset_id
