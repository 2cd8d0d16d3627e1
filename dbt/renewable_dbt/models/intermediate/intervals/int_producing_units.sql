{#- What the units of a site give that produce, while no limit that is reported holds them: the witnesses of its wind
    and sun. Where one unit stands alone nobody can bear witness, and there is no row. -#}
{{ config(incremental_predicates=["{{ in_reach('int_producing_units', 'timestamp_utc') }}"]) }}

with {{ rated_units() }},

producing as (

    select
        units.site_id,
        units.technology,
        own.timestamp_utc,
        own.active_power_kw / units.rated_power_kw as load_ratio,
        own.own_expected_power_kw / units.rated_power_kw as expected_load_ratio
    from {{ ref('int_own_power') }} as own
    inner join units
        on
            {{ is_rated_by('own', 'units') }}
            and units.units > 1
    where
        {{ in_reach('int_producing_units', 'own.timestamp_utc') }}
        and {{ bears_witness() }}

)

select
    site_id,
    technology,
    timestamp_utc,
    count(*) as units,
    {{ exact_sum('load_ratio') }} as load_sum,
    count(expected_load_ratio) as expecting_units,
    {{ exact_sum('expected_load_ratio') }} as expected_load_sum
from producing
group by site_id, technology, timestamp_utc
