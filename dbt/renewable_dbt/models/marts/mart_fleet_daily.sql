{{ config(incremental_predicates=[in_local_days('date_local')]) }}

with asset_days as (

    select * from {{ ref('mart_asset_daily') }}
    where {{ in_local_days('date_local') }}

),

members as (

    select
        'fleet' as level,
        'fleet' as member_of,
        *
    from asset_days
    union all
    select
        'technology' as level,
        technology as member_of,
        *
    from asset_days
    union all
    select
        'site' as level,
        site_id as member_of,
        *
    from asset_days

)

select
    level,
    member_of as group_name,
    date_local,
    count(*) as assets,
    sum(intervals_expected)::bigint as intervals_expected,
    sum(intervals_observed)::bigint as intervals_observed,
    sum(observed_hours) / sum(expected_hours) as data_coverage_ratio,
    sum(energy_kwh) as energy_kwh,
    sum(expected_energy_kwh) as expected_energy_kwh,
    sum(energy_kwh) / nullif(sum(observed_hours * rated_power_kw), 0.0) as capacity_factor
from members
group by level, member_of, date_local
order by date_local, level, group_name
