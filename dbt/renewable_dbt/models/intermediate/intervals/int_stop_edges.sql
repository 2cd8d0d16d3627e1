{#- Where nothing is to be expected a stop begins and ends unseen: between the last power and the first proof lies calm
    or a night. It is taken to begin in the middle, which is the least wrong on average, but never to be longer unseen
    than seen. -#}
{{ config(incremental_predicates=["{{ in_reach('int_stop_edges', 'timestamp_utc') }}"]) }}

with assessed as (

    select
        assessed.*,
        {{ own_standing_power('reference', 'assessed') }} as own_standing_power_kw
    from {{ ref('int_assessed_intervals') }} as assessed
    left join {{ ref('int_running_reference') }} as reference
        on
            assessed.asset_id = reference.asset_id
            and {{ utc_date('assessed.timestamp_utc') }} = reference.day_utc
            and {{ around_reach('int_stop_edges', 'reference.day_utc', back=1, ahead=1, days=true) }}
    where {{ around_reach('int_stop_edges', 'assessed.timestamp_utc', back=1, ahead=1) }}

),

stopped as (

    select
        asset_id,
        timestamp_utc
    from {{ ref('int_stops') }}
    where {{ around_reach('int_stop_edges', 'timestamp_utc', back=1, ahead=1) }}

),

weathered_hours as (

    select distinct
        asset_id,
        hour_utc
    from {{ ref('int_cause_hours') }}
    where
        kind in ('icing', 'snow')
        and {{ around_reach('int_stop_edges', 'hour_utc', back=1, ahead=1) }}

),

-- A controller that reports how the asset is needs no guess, ice and snow are reasons of their own.
told as (

    select
        assessed.asset_id,
        assessed.timestamp_utc,
        assessed.interval_minutes,
        stopped.asset_id is not null as is_stopped,
        stopped.asset_id is null
        and coalesce(
            assessed.active_power_kw > greatest(0.01 * assessed.rated_power_kw, assessed.own_standing_power_kw),
            false
        ) as is_running,
        stopped.asset_id is null
        and {{ stands('assessed.active_power_kw', 'assessed.own_standing_power_kw') }}
        and assessed.operating_state is null
        and weathered_hours.asset_id is null as is_unseen
    from assessed
    left join stopped
        on
            assessed.asset_id = stopped.asset_id
            and assessed.timestamp_utc = stopped.timestamp_utc
    left join weathered_hours
        on
            assessed.asset_id = weathered_hours.asset_id
            and assessed.hour_utc = weathered_hours.hour_utc

),

-- How long the stop is seen: 12 hours are as long as half of the longest pause.
seen as (

    select
        *,
        count(*) filter (where is_stopped) over (
            partition by asset_id
            order by timestamp_utc
            range between interval '12 hours' preceding and current row
        ) * interval_minutes as stopped_before_min,
        count(*) filter (where is_stopped) over (
            partition by asset_id
            order by timestamp_utc
            range between current row and interval '12 hours' following
        ) * interval_minutes as stopped_after_min
    from told

),

-- The unseen ones between what is known on either side.
between_sights as (

    select
        *,
        max(case when not is_unseen then timestamp_utc end) over before_it as before_utc,
        min(case when not is_unseen then timestamp_utc end) over after_it as after_utc
    from seen
    window
        before_it as (
            partition by asset_id
            order by timestamp_utc
            range between interval '24 hours' preceding and current row
        ),
        after_it as (
            partition by asset_id
            order by timestamp_utc
            range between current row and interval '24 hours' following
        )

),

guessed as (

    select
        unseen.asset_id,
        unseen.timestamp_utc,
        {{ minutes_between('unseen.before_utc', 'unseen.after_utc') }} as unseen_min,
        case
            when earlier.is_stopped then {{ minutes_between('unseen.before_utc', 'unseen.timestamp_utc') }}
            else {{ minutes_between('unseen.timestamp_utc', 'unseen.after_utc') }}
        end as from_stop_min,
        case when earlier.is_stopped then earlier.stopped_before_min else later.stopped_after_min end as seen_min
    from between_sights as unseen
    inner join seen as earlier
        on
            unseen.asset_id = earlier.asset_id
            and unseen.before_utc = earlier.timestamp_utc
    inner join seen as later
        on
            unseen.asset_id = later.asset_id
            and unseen.after_utc = later.timestamp_utc
    where
        unseen.is_unseen
        and (
            (earlier.is_stopped and later.is_running)
            or (earlier.is_running and later.is_stopped)
        )

)

select
    asset_id,
    timestamp_utc,
    'between power and stop' as evidence
from guessed
where
    unseen_min <= 24 * 60
    and 2 * from_stop_min <= unseen_min
    and from_stop_min <= seen_min
    and {{ in_reach('int_stop_edges', 'timestamp_utc') }}
