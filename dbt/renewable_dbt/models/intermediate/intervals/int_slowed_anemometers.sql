{#- Anemometers that ice slows. In frost one stays behind the others of its site, in one hour by far while others
    surpass what their own wind allows, or for hours by a fifth; and its turbine's power does not bear it out, as it
    does in a wake, or beside a cup that always reads low. -#}
{{ config(incremental_predicates=["{{ in_reach('int_slowed_anemometers', 'hour_utc') }}"]) }}

with frosty_hours as (

    select distinct
        turbines.site_id,
        frosty.hour_utc
    from ({{ frosty_hours('int_slowed_anemometers') }}) as frosty
    inner join {{ ref('stg_assets') }} as turbines on frosty.asset_id = turbines.asset_id
    where turbines.technology = 'wind'

),

hours as (

    select
        own.asset_id,
        {{ hour_of('own.timestamp_utc') }} as hour_utc,
        assets.site_id,
        {{ exact_mean('own.normalised_wind_speed_ms') }} as wind_speed_ms,
        {{ exact_mean('own.active_power_kw / assets.rated_power_kw') }} as load_ratio,
        {{ exact_mean('own.own_expected_power_kw / assets.rated_power_kw') }} as expected_load_ratio
    from {{ ref('int_own_power') }} as own
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('own', 'assets') }}
    where
        assets.technology = 'wind'
        and own.own_expected_power_kw is not null
        and own.active_power_kw is not null
        and {{ around_reach('int_slowed_anemometers', 'own.timestamp_utc', back=1, ahead=1) }}
    group by own.asset_id, {{ hour_of('own.timestamp_utc') }}, assets.site_id

),

ranked as (

    select
        hours.*,
        row_number() over (
            partition by hours.site_id, hours.hour_utc
            order by hours.wind_speed_ms desc, hours.asset_id asc
        ) as place,
        count(*) over site_hour as units,
        max(greatest(hours.load_ratio, hours.expected_load_ratio)) over site_hour as highest_load_ratio,
        count(*) filter (where hours.load_ratio > 1.15 * hours.expected_load_ratio + 0.05) over site_hour
            as surpassing_units
    from hours
    inner join frosty_hours
        on
            hours.site_id = frosty_hours.site_id
            and hours.hour_utc = frosty_hours.hour_utc
    window site_hour as (partition by hours.site_id, hours.hour_utc)

),

-- Ice slows, and one may err upwards: the second highest wind is the measure. Of two units it is the slower one's own.
compared as (

    select
        *,
        max(case when place = 2 then wind_speed_ms end) over (partition by site_id, hour_utc)
            as second_wind_speed_ms
    from ranked
    where units >= 2

),

around as (

    select
        *,
        cast({{ fixed_point_sum('wind_speed_ms') }} over around_hour as double) as wind_sum_ms,
        cast({{ fixed_point_sum('second_wind_speed_ms') }} over around_hour as double) as second_wind_sum_ms,
        count(*) over around_hour as hours,
        cast({{ fixed_point_sum('load_ratio') }} over around_hour as double) as load_sum,
        cast({{ fixed_point_sum('expected_load_ratio') }} over around_hour as double) as expected_load_sum
    from compared
    window around_hour as (
        partition by asset_id
        order by hour_utc
        range between interval '3 hours' preceding and interval '3 hours' following
    )

)

select
    asset_id,
    hour_utc,
    highest_load_ratio
from around
where
    (
        (
            expected_load_ratio < 0.7 * highest_load_ratio
            and surpassing_units >= case when units < 4 then 1 else 2 end
        )
        or (
            wind_speed_ms < 0.9 * second_wind_speed_ms
            and wind_sum_ms < 0.8 * second_wind_sum_ms
            and hours >= 4
            -- In less wind cups stick without ice.
            and second_wind_sum_ms >= 3.0 * hours
        )
    )
    and not load_sum between 0.7 * expected_load_sum and 1.4 * expected_load_sum
    and {{ in_reach('int_slowed_anemometers', 'hour_utc') }}
