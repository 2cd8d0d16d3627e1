{#- Power beside the power to be expected, side by side, so that no rule on it has to join the two. -#}
{{ config(incremental_predicates=["{{ in_reach('int_expected_power', 'timestamp_utc') }}"]) }}

with contradicted as (

    select * from {{ ref('int_contradicted_readings') }}
    where {{ in_reach('int_expected_power', 'timestamp_utc') }}

),

believed as (

    select
        own.*,
        assets.site_id,
        assets.technology,
        assets.rated_power_kw,
        {{ stands('own.active_power_kw', 'assets.standing_power_ratio * assets.rated_power_kw') }} as stands,
        contradicted.neighbours_power_kw as contradicting_power_kw,
        contradicted.asset_id is not null or own.own_expected_power_kw is null as is_unknown
    from {{ ref('int_own_power') }} as own
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('own', 'assets') }}
    left join contradicted
        on
            own.asset_id = contradicted.asset_id
            and own.timestamp_utc = contradicted.timestamp_utc
    where {{ in_reach('int_expected_power', 'own.timestamp_utc') }}

),

-- Where an asset's own weather is not known, the mean load of those beside it stands in.
unknown_at as (

    select distinct
        site_id,
        technology,
        timestamp_utc
    from believed
    where is_unknown

),

neighbours as (

    select
        believed.site_id,
        believed.technology,
        believed.timestamp_utc,
        {{ exact_mean('believed.own_expected_power_kw / believed.rated_power_kw') }} as expected_load_ratio
    from believed
    inner join unknown_at using (site_id, technology, timestamp_utc)
    where not believed.is_unknown
    group by believed.site_id, believed.technology, believed.timestamp_utc

),

-- What those give that produce, where half of them do: there is wind or sun then, whatever the own sensor says.
producing as (

    select
        producing.*,
        assets.units as site_units
    from {{ ref('int_producing_units') }} as producing
    inner join (
        {{ units_of_sites() }}
    ) as assets using (site_id, technology)
    where {{ in_reach('int_expected_power', 'producing.timestamp_utc') }}

),

witnessed as (

    select
        believed.*,
        case when not believed.is_unknown then believed.own_expected_power_kw end as believed_power_kw,
        neighbours.expected_load_ratio * believed.rated_power_kw as neighbours_expected_power_kw,
        case
            when 2 * producing.units >= producing.site_units - 1
                then producing.load_sum / producing.units * believed.rated_power_kw
        end as neighbours_power_kw
    from believed
    left join neighbours
        on
            believed.is_unknown
            and believed.site_id = neighbours.site_id
            and believed.technology = neighbours.technology
            and believed.timestamp_utc = neighbours.timestamp_utc
    left join producing
        on
            -- A plant's meter that stands still would make day of the night.
            believed.stands
            and believed.technology = 'wind'
            and believed.site_id = producing.site_id
            and believed.technology = producing.technology
            and believed.timestamp_utc = producing.timestamp_utc

)

select
    asset_id,
    timestamp_utc,
    rated_since,
    active_power_kw,
    curtailment_limit_kw,
    operating_state,
    air_density_kg_m3,
    normalised_wind_speed_ms,
    coalesce(believed_power_kw, neighbours_expected_power_kw, neighbours_power_kw, contradicting_power_kw)
        as expected_power_kw,
    case
        when believed_power_kw is not null then own_source
        when neighbours_expected_power_kw is not null then 'neighbours'
        when coalesce(neighbours_power_kw, contradicting_power_kw) is not null then 'power of neighbours'
    end as expected_power_source,
    expected_power_of_readings_kw,
    neighbours_power_kw
from witnessed
