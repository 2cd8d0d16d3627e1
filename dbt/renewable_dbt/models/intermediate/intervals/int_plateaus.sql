{#- Plateaus, last third: is the power held from outside, or is its meter frozen? -#}
{{ config(incremental_predicates=["{{ in_reach('int_plateaus', 'timestamp_utc') }}"]) }}

with suspects as (

    select
        *,
        {{ run_key('asset_id') }} as run
    from {{ ref('int_flat_intervals') }}
    where {{ around_reach('int_plateaus', 'timestamp_utc', back=1, ahead=1) }}

),

assessed as (

    select
        asset_id,
        timestamp_utc,
        hour_utc,
        site_id,
        technology,
        rated_power_kw,
        active_power_kw,
        expected_power_kw,
        is_at_limit
    from {{ ref('int_assessed_intervals') }}
    where {{ around_reach('int_plateaus', 'timestamp_utc', back=1, ahead=1) }}

),

-- Whoever limits a plant limits all of its units, to the same share; ice takes of each its own.
held_units as (

    select
        site_id,
        technology,
        hour_utc,
        count(distinct asset_id) as units,
        coalesce(max(load_ratio) - min(load_ratio) <= 0.025, true) as is_alike
    from (
        select
            site_id,
            technology,
            hour_utc,
            asset_id,
            load_ratio
        from suspects
        where is_low and (is_held or is_full_wind)
        union all
        select
            site_id,
            technology,
            hour_utc,
            asset_id,
            null as load_ratio
        from assessed
        where is_at_limit
    ) as held
    group by site_id, technology, hour_utc

),

site_units as (

    {{ units_of_sites() }}

),

-- The very same power to the last digit is a frozen meter where it passes what is to be expected, or where the units
-- beside it run freely.
judged as (

    select
        suspects.asset_id,
        suspects.timestamp_utc,
        suspects.hour_utc,
        suspects.active_power_kw,
        case
            when suspects.is_constant and suspects.is_above then 'frozen'
            when not suspects.is_low then null
            when
                not (
                    suspects.is_held or suspects.is_full_wind
                    or (suspects.is_unexplained and coalesce(held_units.units >= 2, false))
                ) then null
            when
                suspects.is_icy
                and not (
                    coalesce(held_units.is_alike, true)
                    and (
                        suspects.is_held
                        or (suspects.load_ratio <= 0.85 and coalesce(held_units.units >= 2, false))
                    )
                ) then null
            when max(held_units.units) over around_interval >= 2 then 'held'
            -- Alone at its site a turbine in full wind may give all that it can, but not to the last digit.
            when site_units.units = 1 and (suspects.is_held or suspects.is_constant) then 'held'
            when suspects.is_constant then 'frozen'
            when suspects.is_held then 'held'
        end as verdict
    from suspects
    left join held_units
        on
            suspects.site_id = held_units.site_id
            and suspects.technology = held_units.technology
            and suspects.hour_utc = held_units.hour_utc
    left join site_units
        on
            suspects.site_id = site_units.site_id
            and suspects.technology = site_units.technology
    window around_interval as (
        partition by suspects.asset_id, suspects.run
        order by suspects.timestamp_utc
        range between interval '6 hours' preceding and interval '6 hours' following
    )

),

-- Clouds and lulls break a plateau up: what touches its level in the hour before or after belongs to it.
held_levels as (

    select
        judged.asset_id,
        {{ minutes_after('judged.hour_utc', '60 * (beside.number - 1)') }} as hour_utc,
        min(judged.active_power_kw) as lowest_kw,
        max(judged.active_power_kw) as highest_kw
    from judged
    cross join ({{ numbers(3) }}) as beside
    where judged.verdict = 'held'
    group by 1, 2

),

touching as (

    select
        assessed.asset_id,
        assessed.timestamp_utc
    from assessed
    inner join held_levels
        on
            assessed.asset_id = held_levels.asset_id
            and assessed.hour_utc = held_levels.hour_utc
    where
        assessed.expected_power_kw > assessed.active_power_kw
        and assessed.active_power_kw >= held_levels.lowest_kw - 0.002 * assessed.rated_power_kw
        and assessed.active_power_kw <= held_levels.highest_kw + 0.002 * assessed.rated_power_kw

)

select
    asset_id,
    timestamp_utc,
    bool_or(is_held) as is_held,
    bool_or(is_meter_frozen) as is_meter_frozen
from (
    select
        asset_id,
        timestamp_utc,
        verdict = 'held' as is_held,
        verdict = 'frozen' as is_meter_frozen
    from judged
    where verdict is not null
    union all
    select
        asset_id,
        timestamp_utc,
        true as is_held,
        false as is_meter_frozen
    from touching
) as verdicts
where {{ in_reach('int_plateaus', 'timestamp_utc') }}
group by asset_id, timestamp_utc
