{#- Where nothing is to be expected nobody sees a stop begin or end: between the last power and the first proof lies
    calm or a night. Half of it belongs to the stop, which is the least wrong on average, and never more than the stop
    was seen. -#}
{{ config(incremental_predicates=["{{ in_reach('int_stop_edges', 'timestamp_utc') }}"]) }}

with assessed as (

    {{ assessed_with_own_standing('int_stop_edges', days=1) }}

),

stopped as (

    select
        asset_id,
        timestamp_utc
    from {{ ref('int_stops') }}
    where {{ around_reach('int_stop_edges', 'timestamp_utc', back=1, ahead=1) }}

),

excused_hours as (

    {{ icy_and_snowy_hours('int_stop_edges', days=1) }}

),

-- Only a stop within a day gives anything to guess.
days_around as (

    select distinct
        stopped.asset_id,
        {{ utc_date('stopped.timestamp_utc') }} + cast(beside.number - 1 as integer) as day_utc
    from stopped
    cross join ({{ numbers(3) }}) as beside

),

-- Where a controller reports states nothing is guessed. Ice and snow are reasons of their own.
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
        and excused_hours.asset_id is null as is_unseen
    from assessed
    inner join days_around
        on
            assessed.asset_id = days_around.asset_id
            and {{ utc_date('assessed.timestamp_utc') }} = days_around.day_utc
    left join stopped
        on
            assessed.asset_id = stopped.asset_id
            and assessed.timestamp_utc = stopped.timestamp_utc
    left join excused_hours
        on
            assessed.asset_id = excused_hours.asset_id
            and assessed.hour_utc = excused_hours.hour_utc

),

-- How long the stop is seen, up to 12 hours: half of what may lie between power and proof.
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

-- What is known last before an unseen interval, and first after it.
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
