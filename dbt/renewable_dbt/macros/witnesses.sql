{#- How many units of each technology a site has. -#}
{% macro units_of_sites() -%}
    select
        site_id,
        technology,
        count(*) as units
    from {{ ref('stg_assets') }}
    group by site_id, technology
{%- endmacro %}

{#- Rows of stg_asset_ratings with how many units of their technology the site has, as the parts of a query that end in
    `units`. -#}
{% macro rated_units() -%}
sites as (

    {{ units_of_sites() }}

),

units as (

    select
        ratings.*,
        sites.units
    from {{ ref('stg_asset_ratings') }} as ratings
    inner join sites
        on
            ratings.site_id = sites.site_id
            and ratings.technology = sites.technology

)
{%- endmacro %}

{#- Whether the power of `own` tells its neighbours of wind and sun: it produces, and no limit that is reported holds it. -#}
{% macro bears_witness() -%}
    {{ produces('own.active_power_kw', 'units.rated_power_kw', 'units.standing_power_ratio') }}
        and coalesce(own.operating_state <> 'curtailed', true)
        and not {{ is_at_limit(
            'own.active_power_kw', 'own.curtailment_limit_kw', 'units.rated_power_kw', 'units.limit_tolerance_ratio'
        ) }}
{%- endmacro %}

{#- In an interval the neighbours say less than a sensor only if their own sensors do, and if they give what these let
    expect: whoever holds a plant down holds all of its units. -#}
{% macro neighbours_and_power_say_less() -%}
    {{ above('expected_load_ratio', 'neighbours_expected_load_ratio') }}
                and {{ alike('neighbours_load_ratio', 'neighbours_expected_load_ratio') }}
                and (
                    (beside.is_higher and {{ above('expected_load_ratio', 'load_ratio') }})
                    or (
                        beside.is_higher_beside and {{ far_above('expected_load_ratio', 'load_ratio') }}
                        and {{ alike('load_ratio', 'neighbours_load_ratio') }}
                    )
                )
{%- endmacro %}

{#- Loads of each interval beside those of its neighbours, the other units of the site and technology that produce, as the
    parts of a query that end in `witnessed`. Loads are shares of rated power. -#}
{% macro witnessed_loads(model_name) -%}
{{ rated_units() }},

loads as (

    select
        own.asset_id,
        units.site_id,
        own.timestamp_utc,
        {{ hour_of('own.timestamp_utc') }} as hour_utc,
        units.technology,
        units.units,
        units.rated_power_kw,
        own.active_power_kw / units.rated_power_kw as load_ratio,
        own.own_expected_power_kw / units.rated_power_kw as expected_load_ratio,
        {{ stands('own.active_power_kw', 'units.standing_power_ratio * units.rated_power_kw') }} as stands,
        {{ bears_witness() }} as produces,
        producing.units as all_producing,
        producing.load_sum,
        producing.expecting_units,
        producing.expected_load_sum
    from {{ ref('int_own_power') }} as own
    inner join units on {{ is_rated_by('own', 'units') }}
    left join {{ ref('int_producing_units') }} as producing
        on
            units.site_id = producing.site_id
            and units.technology = producing.technology
            and own.timestamp_utc = producing.timestamp_utc
            and {{ around_reach(model_name, 'producing.timestamp_utc', back=1, ahead=1) }}
    where
        own.own_expected_power_kw is not null
        and own.active_power_kw is not null
        and {{ around_reach(model_name, 'own.timestamp_utc', back=1, ahead=1) }}

),

-- What the others of the site give, mean loads of those that produce.
compared as (

    select
        *,
        all_producing - case when produces then 1 else 0 end as neighbours,
        (load_sum - case when produces then load_ratio else 0.0 end)
        / nullif(all_producing - case when produces then 1 else 0 end, 0) as neighbours_load_ratio,
        (expected_load_sum - case when produces then expected_load_ratio else 0.0 end)
        / nullif(expecting_units - case when produces then 1 else 0 end, 0) as neighbours_expected_load_ratio
    from loads

),

-- Two neighbours have to agree, where there are two.
witnessed as (

    select
        *,
        neighbours >= least(2, units - 1) as is_witnessed
    from compared

)
{%- endmacro %}

{#- Hours in which an asset's air is cold enough for ice. -#}
{% macro frosty_hours(model_name) -%}
    select
        intervals.asset_id,
        {{ hour_of('intervals.timestamp_utc') }} as hour_utc
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where {{ around_reach(model_name, 'intervals.timestamp_utc', back=1, ahead=1) }}
    group by intervals.asset_id, {{ hour_of('intervals.timestamp_utc') }}
    having min(intervals.air_temperature_c) <= min(assets.icing_temperature_c)
{%- endmacro %}
