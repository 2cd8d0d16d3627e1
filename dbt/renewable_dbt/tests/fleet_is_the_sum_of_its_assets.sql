{{ config(meta={'dagster': {'ref': {'name': 'mart_fleet_daily'}}}) }}

-- Every level of the roll-up is there, and its energies and intervals are the sums of its assets.
{%- set summed = ['energy_kwh', 'expected_energy_kwh', 'lost_energy_kwh', 'intervals_observed', 'intervals_expected'] %}
{%- set levels = {'fleet': "'fleet'", 'technology': 'technology', 'site': 'site_id'} %}

with expected as (

    {%- for level, group_name in levels.items() %}
    select
        '{{ level }}' as group_level,
        {{ group_name }} as group_name,
        date_local,
        {%- for column in summed %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        count(*) as assets
    from {{ ref('mart_asset_daily') }}
    where {{ in_state_days('date_local') }}
    group by 1, 2, 3
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

found as (

    select * from {{ ref('mart_fleet_daily') }}
    where {{ in_state_days('date_local') }}

)

select
    group_level,
    group_name,
    date_local
from expected
full outer join found using (group_level, group_name, date_local)
where
    expected.assets is distinct from found.assets
    {%- for column in summed %}
    or {{ differs('expected.' ~ column, 'found.' ~ column) }}
    {%- endfor %}
