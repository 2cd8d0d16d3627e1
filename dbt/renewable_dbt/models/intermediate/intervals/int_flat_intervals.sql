{#- Plateaus, first half: the power stands still, and what was to be expected around it. One row an interval that
    belongs to four readings and half an hour of the same power, within two percent of rated power. -#}
{{ config(incremental_predicates=["{{ in_reach('int_flat_intervals', 'timestamp_utc') }}"]) }}

with loads as (

    select
        power.asset_id,
        power.timestamp_utc,
        power.active_power_kw / assets.rated_power_kw as load_ratio,
        {{ run_key('power.asset_id', 'power.timestamp_utc', 'assets.interval_minutes') }} as run
    from {{ ref('int_expected_power') }} as power
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('power', 'assets') }}
    where
        {{ around_reach('int_flat_intervals', 'power.timestamp_utc', back=1, ahead=1) }}
        and power.active_power_kw is not null

),

-- Four readings without a gap, and as many as half an hour has; six for a meter that repeats its reading.
windows as (

    select
        *,
        count(*) over four = 4
        and greatest(max(load_ratio) over four, max(load_ratio) over half_hour)
        - least(min(load_ratio) over four, min(load_ratio) over half_hour) <= 0.02
        and min(load_ratio) over four >= 0.03
        and max(load_ratio) over four <= 0.97 as ends_still,
        count(*) over six = 6 and max(load_ratio) over six = min(load_ratio) over six as ends_equal
    from loads
    window
        four as (partition by asset_id, run order by timestamp_utc rows between 3 preceding and current row),
        six as (partition by asset_id, run order by timestamp_utc rows between 5 preceding and current row),
        half_hour as (
            partition by asset_id, run
            order by timestamp_utc
            range between interval '30 minutes' preceding and current row
        )

),

spread as (

    select
        asset_id,
        timestamp_utc,
        bool_or(ends_still) over four or bool_or(ends_still) over half_hour as is_still,
        bool_or(ends_equal) over (
            partition by asset_id, run
            order by timestamp_utc
            rows between current row and 5 following
        ) as is_constant
    from windows
    window
        four as (partition by asset_id, run order by timestamp_utc rows between current row and 3 following),
        half_hour as (
            partition by asset_id, run
            order by timestamp_utc
            range between current row and interval '30 minutes' following
        )

),

still as (

    select * from spread
    where is_still

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
            assessed.expected_power_kw * {{ usual_ratio('reference.reference_ratio') }},
            greatest(0.9 * assessed.rated_power_kw, reference.highest_of_week_kw)
        ) as expected_power_kw,
        greatest(0.9 * assessed.rated_power_kw, reference.highest_of_week_kw) as highest_power_kw,
        still.is_constant,
        cause_hours.asset_id is not null as is_explained_hour,
        assessed.expected_power_kw >= 0.9 * assessed.rated_power_kw as is_full_wind,
        {{ run_key('assessed.asset_id', 'assessed.timestamp_utc', 'assessed.interval_minutes') }} as run
    from still
    inner join {{ ref('int_assessed_intervals') }} as assessed
        on
            still.asset_id = assessed.asset_id
            and still.timestamp_utc = assessed.timestamp_utc
            and {{ around_reach('int_flat_intervals', 'assessed.timestamp_utc', back=1, ahead=1) }}
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
        min(expected_power_kw) over around_interval as least_expected_kw,
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
            and least_expected_kw < 0.7 * rated_power_kw
            and expected_range_kw > 0.15 * rated_power_kw
        )
    ) as is_held,
    -- Where the turbine could give its rated power all the time, a share of it stands still, too; but what it never
    -- exceeded in the week before may be all that it can.
    technology = 'wind'
    and stays_full_wind
    and active_power_kw < 0.97 * highest_power_kw
    and not is_explained_hour as is_full_wind
from around
where {{ in_reach('int_flat_intervals', 'timestamp_utc') }}
