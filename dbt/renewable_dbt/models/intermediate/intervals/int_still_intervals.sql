{#- Plateaus, first third: the power stands still. One row an interval that belongs to four readings and half an hour of
    the same power, within two percent of rated power. -#}
{{ config(incremental_predicates=["{{ in_reach('int_still_intervals', 'timestamp_utc') }}"]) }}

with loads as (

    select
        power.asset_id,
        power.timestamp_utc,
        power.active_power_kw / assets.rated_power_kw as load_ratio,
        {{ run_key('power.asset_id', 'power.timestamp_utc', 'assets.interval_minutes') }} as run
    from {{ ref('int_expected_power') }} as power
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('power', 'assets') }}
    where
        {{ around_reach('int_still_intervals', 'power.timestamp_utc', back=1, ahead=1) }}
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
        load_ratio,
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

)

select
    asset_id,
    timestamp_utc,
    load_ratio,
    is_constant
from spread
where
    is_still
    and {{ in_reach('int_still_intervals', 'timestamp_utc') }}
