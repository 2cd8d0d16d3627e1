{{ config(meta={'dagster': {'ref': {'name': 'mart_fleet_daily'}}}) }}

-- Energies and intervals are the same sum on every level of the roll-up.
{%- set summed = ['energy_kwh', 'expected_energy_kwh', 'lost_energy_kwh', 'intervals_observed', 'intervals_expected'] %}

with assets as (

    select
        date_local,
        {%- for column in summed %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('mart_asset_daily') }}
    where {{ in_local_days('date_local') }}
    group by date_local

),

levels as (

    select
        group_level,
        date_local,
        {%- for column in summed %}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('mart_fleet_daily') }}
    where {{ in_local_days('date_local') }}
    group by group_level, date_local

)

select *
from levels
left join assets using (date_local)
where
    false
    {%- for column in summed %}
    or abs(coalesce(levels.{{ column }}, 0) - coalesce(assets.{{ column }}, 0)) > 1e-6
    {%- endfor %}
