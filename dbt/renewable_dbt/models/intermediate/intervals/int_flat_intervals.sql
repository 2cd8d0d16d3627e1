{#- Plateaus, second third: what was to be expected while the power stood still, one row an interval of
    int_still_intervals. -#}
{{ config(incremental_predicates=["{{ in_reach('int_flat_intervals', 'timestamp_utc') }}"]) }}

with beside as (

    select
        *,
        abs(load_ratio - lag(load_ratio) over (partition by asset_id order by timestamp_utc)) > 0.02 as leaps
    from {{ ref('int_still_intervals') }}
    where {{ around_reach('int_flat_intervals', 'timestamp_utc', back=1, ahead=1) }}

),

-- A leap ends a plateau: the power that a limit lets go may stand as still as the limit.
still as (

    select
        *,
        count(*) filter (where leaps) over (
            partition by asset_id
            order by timestamp_utc
            rows unbounded preceding
        ) as level
    from beside

),

cause_hours as (

    select distinct
        asset_id,
        hour_utc
    from {{ ref('int_cause_hours') }}
    where {{ in_reach('int_flat_intervals', 'hour_utc') }}

),

flat as (

    select
        assessed.asset_id,
        assessed.timestamp_utc,
        assessed.interval_minutes,
        assessed.hour_utc,
        assessed.site_id,
        assessed.technology,
        assessed.rated_power_kw,
        assessed.active_power_kw,
        least(
            assessed.expected_power_kw
            * {{ usual_ratio('reference.reference_ratio', 'assessed.registry_error_ratio') }},
            greatest(0.9 * assessed.rated_power_kw, reference.highest_of_week_kw)
        ) as expected_power_kw,
        greatest(0.9 * assessed.rated_power_kw, reference.highest_of_week_kw) as highest_power_kw,
        still.is_constant,
        cause_hours.asset_id is not null as is_explained_hour,
        assessed.expected_power_kw >= 0.9 * assessed.rated_power_kw as is_full_wind,
        hours.coldest_c <= 3.0 as is_cold,
        {{ run_key('assessed.asset_id, still.level', 'assessed.timestamp_utc', 'assessed.interval_minutes') }} as run
    from still
    inner join {{ ref('int_assessed_intervals') }} as assessed
        on
            still.asset_id = assessed.asset_id
            and still.timestamp_utc = assessed.timestamp_utc
            and {{ around_reach('int_flat_intervals', 'assessed.timestamp_utc', back=1, ahead=1) }}
    left join {{ ref('int_asset_hours') }} as hours
        on
            assessed.asset_id = hours.asset_id
            and assessed.hour_utc = hours.hour_utc
            and {{ around_reach('int_flat_intervals', 'hours.hour_utc', back=1, ahead=1) }}
    left join cause_hours
        on
            assessed.asset_id = cause_hours.asset_id
            and assessed.hour_utc = cause_hours.hour_utc
    left join {{ ref('int_running_reference') }} as reference
        on
            assessed.asset_id = reference.asset_id
            and {{ utc_date('assessed.timestamp_utc') }} = reference.day_utc
            and {{ around_reach('int_flat_intervals', 'reference.day_utc', back=1, ahead=1, days=true) }}
    where
        assessed.expected_power_kw is not null
        -- What others give is no measure for a power that stands still.
        and assessed.expected_power_source <> 'power of neighbours'
        and not assessed.is_stopped_by_state
        and not assessed.is_at_limit

),

around as (

    select
        *,
        count(*) over around_interval as intervals,
        {{ spread_of('active_power_kw / rated_power_kw') }} as load_spread,
        {{ spread_of('expected_power_kw / rated_power_kw') }} as expected_load_spread,
        max(expected_power_kw) over around_interval - min(expected_power_kw) over around_interval as expected_range_kw,
        count(*) filter (where expected_power_kw < 0.7 * rated_power_kw) over around_interval as intervals_below_full,
        bool_and(is_full_wind) over around_interval as stays_full_wind,
        count(*) filter (where active_power_kw > 1.2 * expected_power_kw + 0.005 * rated_power_kw)
            over around_interval as intervals_above,
        cast({{ fixed_point_sum('expected_power_kw - active_power_kw') }} over around_interval as double) as gap_sum_kw
    from flat
    window around_interval as (
        partition by asset_id, run
        order by timestamp_utc
        range between interval '6 hours' preceding and interval '6 hours' following
    )

)

select
    asset_id,
    timestamp_utc,
    hour_utc,
    site_id,
    technology,
    interval_minutes,
    active_power_kw,
    active_power_kw / rated_power_kw as load_ratio,
    technology = 'wind' and (is_explained_hour or coalesce(is_cold, true)) as is_icy,
    is_constant,
    10 * intervals_above > intervals as is_above,
    10 * intervals_above <= intervals
    and intervals >= 4
    and load_spread <= 0.01
    and gap_sum_kw / intervals >= 0.05 * rated_power_kw as is_low,
    -- What the weather moves by more than the scatter of its sensor, the power does not follow.
    expected_load_spread >= greatest(case when load_spread <= 0.002 then 0.01 else 0.02 end, 4.0 * load_spread)
    and (
        not is_explained_hour
        or (
            load_spread <= 0.002
            and 4 * intervals_below_full >= intervals
            and expected_range_kw > 0.15 * rated_power_kw
        )
    ) as is_held,
    -- Where the turbine could give its rated power all the time, a share of it stands still, too; but what it never
    -- exceeded in the week before may be all that it can.
    technology = 'wind'
    and stays_full_wind
    and active_power_kw < 0.97 * highest_power_kw
    and not is_explained_hour as is_full_wind,
    not is_explained_hour as is_unexplained
from around
where {{ in_reach('int_flat_intervals', 'timestamp_utc') }}
