{#- Power beside the power to be expected, side by side, so that no rule on it has to join the two. -#}
{{ config(incremental_predicates=["{{ in_reach('int_expected_power', 'timestamp_utc') }}"]) }}

with doubtful_readings as (

    select * from {{ ref('int_doubtful_readings') }}
    where {{ in_reach('int_expected_power', 'timestamp_utc') }}

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

),

-- By the asset's own weather, as far as its readings are to be believed.
own as (

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
            as own_expected_power_kw
    from {{ ref('int_wind_expected_power') }} as wind
    left join doubts
        on
            wind.asset_id = doubts.asset_id
            and wind.timestamp_utc = doubts.timestamp_utc
    where {{ in_reach('int_expected_power', 'wind.timestamp_utc') }}
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
        end as own_expected_power_kw
    from {{ ref('int_solar_expected_power') }} as solar
    left join doubts
        on
            solar.asset_id = doubts.asset_id
            and solar.timestamp_utc = doubts.timestamp_utc
    where {{ in_reach('int_expected_power', 'solar.timestamp_utc') }}

),

placed as (

    select
        own.*,
        assets.site_id,
        assets.technology,
        assets.rated_power_kw
    from own
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('own', 'assets') }}

),

-- Where an asset's own weather is not known, the mean load of those beside it stands in.
unknown_at as (

    select distinct
        site_id,
        technology,
        timestamp_utc
    from placed
    where own_expected_power_kw is null

),

neighbours as (

    select
        placed.site_id,
        placed.technology,
        placed.timestamp_utc,
        {{ exact_mean('placed.own_expected_power_kw / placed.rated_power_kw') }} as expected_load_ratio
    from placed
    inner join unknown_at using (site_id, technology, timestamp_utc)
    where placed.own_expected_power_kw is not null
    group by placed.site_id, placed.technology, placed.timestamp_utc

)

select
    placed.asset_id,
    placed.timestamp_utc,
    placed.rated_since,
    placed.active_power_kw,
    placed.curtailment_limit_kw,
    placed.operating_state,
    placed.air_density_kg_m3,
    placed.normalised_wind_speed_ms,
    coalesce(placed.own_expected_power_kw, neighbours.expected_load_ratio * placed.rated_power_kw) as expected_power_kw,
    case
        when placed.own_expected_power_kw is not null then 'own'
        when neighbours.expected_load_ratio is not null then 'neighbours'
    end as expected_power_source,
    placed.expected_power_of_readings_kw
from placed
left join neighbours
    on
        placed.own_expected_power_kw is null
        and placed.site_id = neighbours.site_id
        and placed.technology = neighbours.technology
        and placed.timestamp_utc = neighbours.timestamp_utc
