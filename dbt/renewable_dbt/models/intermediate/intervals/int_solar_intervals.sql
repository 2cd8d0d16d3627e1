{#- Intervals of plants, with the irradiance in the plane of the modules: as measured, and where it was not, from global
    horizontal irradiance by the sun's position. Only those intervals cost the sun. -#}
{{ config(materialized='view') }}

{#- What registries do not say of trackers: how far they turn, and how much of the ground the modules cover. -#}
{%- set furthest_turn_deg = 60.0 -%}
{%- set ground_coverage = 0.4 -%}
{%- set solar_constant_wm2 = 1361.0 -%}
{%- set words = vocabulary() %}
{%- set known = ['rated_since'] + words.generation + words.weather %}
{%- set readings = known | reject('equalto', 'poa_irradiance_wm2') | list %}

with intervals as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        {%- for reading in readings %}
        intervals.{{ reading }},
        {%- endfor %}
        intervals.poa_irradiance_wm2,
        assets.latitude_deg,
        assets.longitude_deg,
        assets.mounting,
        assets.tilt_deg,
        assets.azimuth_deg,
        assets.interval_minutes
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where assets.technology = 'solar'

),

lit as (

    select
        *,
        case when ghi_wm2 > 0.0 then ghi_wm2 else 0.0 end as global_wm2,
        -- A stamp is the start of its interval.
        {{ epoch_minutes('timestamp_utc') }} + interval_minutes / 2e0 as minutes
    from intervals
    where
        poa_irradiance_wm2 is null
        and ghi_wm2 is not null

),

suns as (

    {{ sun_seen_from('lit', distance=true) }}

),

-- The sun along the normal of modules that lie as the registry says, and across their axis.
faced as (

    select
        *,
        {{ solar_constant_wm2 }} / (sun_distance_au * sun_distance_au) as extraterrestrial_wm2,
        {{ sun_upright() }}
            as upright,
        sun_east * cos(radians(azimuth_deg)) - sun_north * sin(radians(azimuth_deg)) as across
    from suns

),

aimed as (

    select
        *,
        case when mounting = 'single_axis_tracker' then atan2(across, upright) else 0.0 end as aim
    from faced

),

-- Low sun would have the rows shade each other: they turn back (Lorenzo et al. 2011).
turned as (

    select
        *,
        least(
            radians({{ furthest_turn_deg }}),
            greatest(
                -radians({{ furthest_turn_deg }}),
                aim - sign(aim) * acos(least(1.0, abs(cos(aim)) / {{ ground_coverage }}))
            )
        ) as turn
    from aimed

),

inclined as (

    select
        *,
        cos(turn) * upright + sin(turn) * across as cos_incidence,
        cos(turn) * cos(radians(tilt_deg)) as cos_tilt,
        {{ disc_beam('global_wm2', 'sun_up', 'extraterrestrial_wm2') }} as beam_wm2
    from turned

)

select
    asset_id,
    timestamp_utc,
    {%- for reading in readings %}
    {{ reading }},
    {%- endfor %}
    poa_irradiance_wm2,
    case when poa_irradiance_wm2 is not null then 'measured' end as poa_source
from intervals
where
    poa_irradiance_wm2 is not null
    or ghi_wm2 is null
union all
select
    asset_id,
    timestamp_utc,
    {%- for reading in readings %}
    {{ reading }},
    {%- endfor %}
    {{ hay_davies('global_wm2', 'beam_wm2', 'sun_up', 'cos_incidence', 'cos_tilt', 'extraterrestrial_wm2') }}
        as poa_irradiance_wm2,
    'from_ghi' as poa_source
from inclined
