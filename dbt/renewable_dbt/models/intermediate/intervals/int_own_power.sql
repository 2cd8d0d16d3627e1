{#- Power beside what is to be expected by the asset's own weather, as far as its readings are no doubtful ones. -#}
{{ config(incremental_predicates=["{{ in_reach('int_own_power', 'timestamp_utc') }}"]) }}

with doubtful_readings as (

    select * from {{ ref('int_doubtful_readings') }}
    where {{ in_reach('int_own_power', 'timestamp_utc') }}

),

doubts as (

    select
        asset_id,
        timestamp_utc,
        bool_or(channel = 'wind_speed_ms' and rule in ('frozen', 'spike')) as is_wind_doubtful,
        bool_or(channel = 'poa_irradiance_wm2' and rule = 'frozen') as is_sun_doubtful,
        bool_or(channel = 'module_temperature_c' and rule = 'frozen') as is_module_doubtful
    from doubtful_readings
    group by asset_id, timestamp_utc

)

select
    wind.asset_id,
    wind.timestamp_utc,
    wind.rated_since,
    wind.active_power_kw,
    wind.curtailment_limit_kw,
    wind.operating_state,
    wind.air_density_kg_m3,
    wind.normalised_wind_speed_ms,
    wind.expected_power_of_readings_kw,
    case when not coalesce(doubts.is_wind_doubtful, false) then wind.expected_power_of_readings_kw end
        as own_expected_power_kw,
    'own' as own_source
from {{ ref('int_wind_expected_power') }} as wind
left join doubts
    on
        wind.asset_id = doubts.asset_id
        and wind.timestamp_utc = doubts.timestamp_utc
where {{ in_reach('int_own_power', 'wind.timestamp_utc') }}
union all
select
    solar.asset_id,
    solar.timestamp_utc,
    solar.rated_since,
    solar.active_power_kw,
    solar.curtailment_limit_kw,
    solar.operating_state,
    solar.air_density_kg_m3,
    null as normalised_wind_speed_ms,
    solar.expected_power_of_readings_kw,
    case
        when doubts.is_sun_doubtful then null
        when doubts.is_module_doubtful then solar.expected_power_of_air_kw
        else solar.expected_power_of_readings_kw
    end as own_expected_power_kw,
    case when solar.poa_source = 'from_ghi' then 'ghi' else 'own' end as own_source
from {{ ref('int_solar_expected_power') }} as solar
left join doubts
    on
        solar.asset_id = doubts.asset_id
        and solar.timestamp_utc = doubts.timestamp_utc
where {{ in_reach('int_own_power', 'solar.timestamp_utc') }}
