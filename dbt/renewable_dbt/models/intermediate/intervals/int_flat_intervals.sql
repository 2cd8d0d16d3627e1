{#- Plateaus, first half: the power stands still, and what was to be expected around it. One row an interval whose power
    hardly differs from the one before, in stretches of half an hour and more. -#}
{{ config(incremental_predicates=["{{ in_reach('int_flat_intervals', 'timestamp_utc') }}"]) }}

with powers as (

    select
        asset_id,
        timestamp_utc,
        rated_since,
        active_power_kw,
        abs(active_power_kw - lag(active_power_kw) over (partition by asset_id order by timestamp_utc)) as power_step_kw
    from {{ ref('int_expected_power') }}
    where {{ around_reach('int_flat_intervals', 'timestamp_utc', back=1, ahead=1) }}

),

still as (

    select
        powers.asset_id,
        powers.timestamp_utc,
        powers.power_step_kw
    from powers
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('powers', 'assets') }}
    where
        powers.power_step_kw <= 0.005 * assets.rated_power_kw
        and powers.active_power_kw between 0.03 * assets.rated_power_kw and 0.97 * assets.rated_power_kw

),

cause_hours as (

    select distinct
        asset_id,
        hour_utc
    from {{ ref('int_cause_hours') }}
    where {{ around_reach('int_flat_intervals', 'hour_utc', back=1, ahead=1) }}

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
        assessed.expected_power_kw,
        still.power_step_kw,
        cause_hours.asset_id is not null as is_explained_hour,
        coalesce(intervals.wind_speed_ms / 0.5, intervals.poa_irradiance_wm2 / 30.0) as weather_steps,
        {{ run_key('assessed.asset_id', 'assessed.timestamp_utc', 'assessed.interval_minutes') }} as run
    from still
    inner join {{ ref('int_assessed_intervals') }} as assessed
        on
            still.asset_id = assessed.asset_id
            and still.timestamp_utc = assessed.timestamp_utc
            and {{ around_reach('int_flat_intervals', 'assessed.timestamp_utc', back=1, ahead=1) }}
    inner join {{ ref('int_intervals') }} as intervals
        on
            still.asset_id = intervals.asset_id
            and still.timestamp_utc = intervals.timestamp_utc
            and {{ around_reach('int_flat_intervals', 'intervals.timestamp_utc', back=1, ahead=1) }}
    left join cause_hours
        on
            assessed.asset_id = cause_hours.asset_id
            and assessed.hour_utc = cause_hours.hour_utc
    where
        assessed.expected_power_kw is not null
        and not assessed.is_stopped_by_state
        and not assessed.is_at_limit

),

runs as (

    select *
    from flat
    qualify (count(*) over (partition by asset_id, run) + 1) * interval_minutes >= 30

),

around as (

    select
        *,
        timestamp_utc = min(timestamp_utc) over (partition by asset_id, run) as is_first,
        count(*) over around_interval as intervals,
        max(power_step_kw) over around_interval as largest_step_kw,
        max(active_power_kw) over around_interval - min(active_power_kw) over around_interval as power_range_kw,
        max(expected_power_kw) over around_interval - min(expected_power_kw) over around_interval as expected_range_kw,
        min(expected_power_kw) over around_interval as least_expected_kw,
        max(weather_steps) over around_interval - min(weather_steps) over around_interval as weather_range_steps,
        count(*) filter (where active_power_kw > 1.2 * expected_power_kw + 0.005 * rated_power_kw)
            over around_interval as intervals_above,
        cast({{ fixed_point_sum('expected_power_kw - active_power_kw') }} over around_interval as double) as gap_sum_kw
    from runs
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
    is_first,
    largest_step_kw = 0.0 and intervals >= 5 as is_constant,
    10 * intervals_above > intervals as is_above,
    10 * intervals_above <= intervals
    and intervals >= 2
    and power_range_kw <= 0.02 * rated_power_kw
    and gap_sum_kw / intervals >= 0.05 * rated_power_kw
    and weather_range_steps >= 1.0 as is_low,
    power_range_kw <= 0.25 * expected_range_kw
    and (
        not is_explained_hour
        or (least_expected_kw < 0.7 * rated_power_kw and expected_range_kw > 0.15 * rated_power_kw)
    ) as is_held,
    -- Where the turbine could give its rated power all the time, a share of it stands still, too.
    technology = 'wind' and least_expected_kw >= 0.95 * rated_power_kw and not is_explained_hour as is_full_wind
from around
where {{ in_reach('int_flat_intervals', 'timestamp_utc') }}
