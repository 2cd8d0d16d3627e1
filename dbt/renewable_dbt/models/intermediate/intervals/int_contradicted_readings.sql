{#- Wind and sun that the asset's own power or its neighbours contradict: hours are judged, then the intervals of these
    hours and beside them. Loads are shares of rated power. -#}
{{ config(incremental_predicates=["{{ in_reach('int_contradicted_readings', 'timestamp_utc') }}"]) }}

with {{ witnessed_loads('int_contradicted_readings') }},

-- Ice can only slow an anemometer.
frosty_hours as (

    {{ frosty_hours('int_contradicted_readings') }}

),

slowed as (

    select * from {{ ref('int_slowed_anemometers') }}
    where {{ around_reach('int_contradicted_readings', 'hour_utc', back=1, ahead=1) }}

),

hours as (

    select
        asset_id,
        hour_utc,
        site_id,
        technology,
        units,
        {{ exact_mean('load_ratio') }} as load_ratio,
        {{ exact_mean('expected_load_ratio') }} as expected_load_ratio,
        max(load_ratio) - min(load_ratio) > 0.0 or count(*) < 3 as moves,
        bool_and(stands) as stands,
        {{ exact_mean('load_ratio', 'is_witnessed') }} as witnessed_load_ratio,
        {{ exact_mean('expected_load_ratio', 'is_witnessed') }} as witnessed_expected_load_ratio,
        {{ exact_mean('neighbours_load_ratio', 'is_witnessed') }} as neighbours_load_ratio,
        {{ exact_mean('neighbours_expected_load_ratio', 'is_witnessed') }} as neighbours_expected_load_ratio,
        {{ fixed_point_sum('expected_load_ratio', standing_beside_neighbours()) }} as standing_load_sum,
        {{ fixed_point_sum('neighbours_expected_load_ratio', standing_beside_neighbours()) }}
            as standing_neighbours_load_sum,
        count(*) filter (where {{ standing_beside_neighbours() }}) as standing_intervals
    from witnessed
    group by asset_id, hour_utc, site_id, technology, units

),

-- Behind a rotor that stands an anemometer reads low for as long as it stands.
around as (

    select
        hours.*,
        technology = 'wind' and frosty_hours.asset_id is not null as is_frosty,
        cast(sum(standing_load_sum) over around_hour as double) as standing_load,
        cast(sum(standing_neighbours_load_sum) over around_hour as double) as standing_neighbours_load,
        sum(standing_intervals) over around_hour as standing_around
    from hours
    left join frosty_hours
        on
            hours.asset_id = frosty_hours.asset_id
            and hours.hour_utc = frosty_hours.hour_utc
    window around_hour as (
        partition by hours.asset_id
        order by hours.hour_utc
        range between interval '6 hours' preceding and interval '6 hours' following
    )

),

verdicts as (

    select
        around.asset_id,
        around.hour_utc,
        around.moves
        and ({{ power_far_above_weather() }} or ({{ is_dark() }} and load_ratio > 0.02))
            as is_too_low,
        {{ far_above('neighbours_load_ratio', 'witnessed_expected_load_ratio') }}
        and (
            stands
            or (
                2.0 * witnessed_load_ratio > witnessed_expected_load_ratio + neighbours_load_ratio
                -- An anemometer that is a little low, and a curve that is a little low, come to less.
                and witnessed_load_ratio > 1.4 * witnessed_expected_load_ratio
            )
        ) as is_lower_than_neighbours,
        -- Ice on all blades of a site is no fault of an anemometer.
        not is_frosty
        and {{ far_above('witnessed_expected_load_ratio', 'witnessed_load_ratio') }}
        and {{ alike('witnessed_load_ratio', 'neighbours_load_ratio') }}
        and {{ alike('neighbours_load_ratio', 'neighbours_expected_load_ratio') }} as is_higher_than_neighbours,
        technology = 'wind'
        and standing_neighbours_load >= 0.1 * standing_around
        and standing_load < 0.8 * standing_neighbours_load as is_behind_standing_rotor,
        slowed.highest_load_ratio
    from around
    left join slowed
        on
            around.asset_id = slowed.asset_id
            and around.hour_utc = slowed.hour_utc

),

contradicted_hours as (

    select * from verdicts
    where
        highest_load_ratio is not null
        or is_too_low or is_lower_than_neighbours or is_higher_than_neighbours or is_behind_standing_rotor

),

beside as (

    select
        contradicted_hours.asset_id,
        {{ minutes_after('contradicted_hours.hour_utc', '60 * (shift.number - 1)') }} as hour_utc,
        bool_or(is_too_low) as is_too_low_beside,
        bool_or(is_lower_than_neighbours) as is_lower_beside,
        bool_or(is_higher_than_neighbours) as is_higher_beside,
        bool_or(is_too_low and shift.number = 1) as is_too_low,
        bool_or(is_lower_than_neighbours and shift.number = 1) as is_lower,
        bool_or(is_higher_than_neighbours and shift.number = 1) as is_higher,
        bool_or(is_behind_standing_rotor and shift.number = 1) as is_behind_standing_rotor,
        max(case when shift.number = 1 then highest_load_ratio end) as highest_load_ratio
    from contradicted_hours
    cross join ({{ numbers(3) }}) as shift
    group by 1, 2

),

judged as (

    select
        witnessed.asset_id,
        witnessed.timestamp_utc,
        witnessed.technology,
        witnessed.rated_power_kw,
        witnessed.load_ratio,
        witnessed.expected_load_ratio,
        coalesce(beside.highest_load_ratio, witnessed.neighbours_load_ratio) as neighbours_load_ratio,
        case
            when beside.highest_load_ratio is not null then 'slower than others in frost'
            when
                (beside.is_too_low and {{ above('load_ratio', 'expected_load_ratio') }})
                or (beside.is_too_low_beside and {{ power_far_above_weather() }})
                or (beside.is_too_low_beside and {{ is_dark() }} and load_ratio > 0.005)
                then 'more power than it allows'
            when
                (beside.is_lower and {{ above('neighbours_load_ratio', 'expected_load_ratio') }})
                or (
                    beside.is_lower_beside and {{ far_above('neighbours_load_ratio', 'expected_load_ratio') }}
                    and (stands or 2.0 * load_ratio > expected_load_ratio + neighbours_load_ratio)
                )
                then 'neighbours give more'
            when {{ neighbours_and_power_say_less() }} then 'neighbours and power say less'
            when beside.is_behind_standing_rotor and {{ standing_beside_neighbours() }} then 'behind a standing rotor'
        end as evidence
    from witnessed
    inner join beside
        on
            witnessed.asset_id = beside.asset_id
            and witnessed.hour_utc = beside.hour_utc
    where {{ in_reach('int_contradicted_readings', 'witnessed.timestamp_utc') }}

)

select
    asset_id,
    timestamp_utc,
    case when technology = 'wind' then 'wind_speed_ms' else 'poa_irradiance_wm2' end as channel,
    evidence,
    load_ratio * rated_power_kw as active_power_kw,
    expected_load_ratio * rated_power_kw as expected_power_of_readings_kw,
    neighbours_load_ratio * rated_power_kw as neighbours_power_kw
from judged
where evidence is not null
