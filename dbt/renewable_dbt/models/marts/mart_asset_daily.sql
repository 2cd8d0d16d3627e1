{{ config(incremental_predicates=["{{ in_state_days('date_local') }}"]) }}

with sums as (

    select * from {{ ref('int_asset_daily') }}
    where {{ in_state_days('date_local') }}

),

assets as (

    select * from {{ ref('stg_asset_ratings') }}

),

soiling as (

    select * from {{ ref('int_soiling_daily') }}
    where {{ in_state_days('date_local') }}

),

days as (

    select distinct
        assets.timezone,
        assets.interval_minutes,
        {{ interval_offset('assets') }} as interval_offset_minutes,
        sums.date_local
    from sums
    inner join assets on sums.asset_id = assets.asset_id

),

stretches as (

    {{ stretches_of_local_days('days') }}

),

lengths as (

    select
        timezone,
        interval_minutes,
        interval_offset_minutes,
        date_local,
        cast(
            sum({{ interval_starts('start_utc', 'end_utc', 'interval_minutes', 'interval_offset_minutes') }}) as bigint
        ) as intervals_of_day
    from stretches
    group by timezone, interval_minutes, interval_offset_minutes, date_local

),

asset_days as (

    select
        sums.*,
        {%- for kind in kinds_counted_as(vocabulary(), 'unavailable') %}
        {{ '+ ' if not loop.first }}sums.{{ kind }}_kwh{{ ' as unavailable_lost_kwh,' if loop.last }}
        {%- endfor %}
        assets.site_id,
        assets.technology,
        assets.rated_power_kw,
        assets.dc_capacity_kw,
        assets.interval_hours,
        lengths.intervals_of_day,
        soiling.soiling_ratio,
        soiling.soiling_reason
    from sums
    inner join assets
        on
            sums.asset_id = assets.asset_id
            and coalesce(sums.date_local >= assets.rated_since, true)
            and coalesce(sums.date_local < assets.rated_until, true)
    left join lengths
        on
            assets.timezone = lengths.timezone
            and assets.interval_minutes = lengths.interval_minutes
            and {{ interval_offset('assets') }} = lengths.interval_offset_minutes
            and sums.date_local = lengths.date_local
    left join soiling
        on
            sums.asset_id = soiling.asset_id
            and sums.date_local = soiling.date_local

)

select
    asset_id,
    date_local,
    site_id,
    technology,
    rated_power_kw,
    dc_capacity_kw,
    intervals_expected <> intervals_of_day as is_partial,
    intervals_expected,
    intervals_observed,
    intervals_without_expectation,
    intervals_expected_from_neighbours,
    intervals_expected * interval_hours as expected_hours,
    intervals_observed * interval_hours as observed_hours,
    {{ data_coverage('intervals_observed', 'intervals_expected') }} as data_coverage_ratio,
    energy_kwh,
    gap_energy_kwh,
    expected_energy_kwh,
    expected_energy_kwh - coalesce(energy_kwh, 0.0) - coalesce(gap_energy_kwh, 0.0) as lost_energy_kwh,
    mean_power_kw / rated_power_kw as capacity_factor,
    energy_kwh / case when technology = 'solar' then dc_capacity_kw else rated_power_kw end
        as specific_yield_kwh_per_kw,
    {{ performance_ratio('reference_yield_energy_kwh', 'reference_yield_kwh', 'dc_capacity_kw') }} as performance_ratio,
    {{ performance_ratio('reference_yield_stc_energy_kwh', 'reference_yield_stc_kwh', 'dc_capacity_kw') }}
        as performance_ratio_stc,
    intervals_available * interval_hours as available_hours,
    intervals_unavailable * interval_hours as unavailable_hours,
    {{ time_availability('(intervals_available * interval_hours)', '(intervals_unavailable * interval_hours)') }}
        as time_availability_ratio,
    {{ energy_availability(
        'unavailable_lost_kwh', 'expected_energy_kwh', 'excluded_expected_energy_kwh', 'rated_power_kw'
    ) }} as energy_availability_ratio,
    {{ performance_index('compared_energy_kwh', 'compared_expected_energy_kwh', 'rated_power_kw') }}
        as performance_index,
    soiling_ratio,
    case when technology = 'solar' and soiling_ratio is null then coalesce(soiling_reason, 'irradiance missing') end
        as soiling_reason,
    untold_kinds,
    mean_wind_speed_ms,
    insolation_kwh_m2,
    -- What the ratios were made of, for roll-ups.
    downtime_kwh as downtime_lost_kwh,
    unavailable_lost_kwh,
    excluded_expected_energy_kwh,
    compared_energy_kwh,
    compared_expected_energy_kwh,
    reference_yield_energy_kwh,
    reference_yield_kwh,
    reference_yield_stc_energy_kwh,
    reference_yield_stc_kwh
from asset_days
order by date_local, asset_id
