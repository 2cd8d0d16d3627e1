{#- Inverters at the end of their range: two readings and more in a row at rated power. It is no loss, and the expected
    power knows it. -#}
{{ config(incremental_predicates=["{{ in_reach('int_clipped_intervals', 'timestamp_utc') }}"]) }}

with loads as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        intervals.active_power_kw / assets.rated_power_kw as load_ratio
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_asset_ratings') }} as assets on {{ is_rated_by('intervals', 'assets') }}
    where
        assets.technology = 'solar'
        and {{ around_reach('int_clipped_intervals', 'intervals.timestamp_utc', back=1, ahead=1) }}

),

beside as (

    select
        *,
        lag(load_ratio) over asset_time as load_before,
        lead(load_ratio) over asset_time as load_after
    from loads
    window asset_time as (partition by asset_id order by timestamp_utc)

)

select
    asset_id,
    timestamp_utc,
    load_ratio
from beside
where
    {{ in_reach('int_clipped_intervals', 'timestamp_utc') }}
    and load_ratio between 0.985 and 1.02
    and (abs(load_ratio - load_before) <= 0.003 or abs(load_ratio - load_after) <= 0.003)
