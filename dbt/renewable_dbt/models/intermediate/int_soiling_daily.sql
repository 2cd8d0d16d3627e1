{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{#- What is known of a plant beforehand, mean and standard deviation: data sheets are good to a percent, and modules
    that nobody saw washed carry one or two of old dirt. `noise` is the spread of a day's ratio about the line. -#}
{%- set noise = 0.006 -%}
{%- set local_noon = minutes_after(utc_midnight('daily.day_utc'), '720 - utc_offsets.utc_offset_minutes') -%}
{%- set level = {'mean': 1.0, 'spread': 0.009} -%}
{%- set slope = {'mean': var('usual_soiling_per_day'), 'spread': 0.0006} -%}
{%- set old_dirt = {'mean': 0.015, 'spread': 0.02} -%}

with assets as (

    select * from {{ ref('stg_assets') }}
    where technology = 'solar'

),

days as (

    select
        daily.*,
        {{ local_noon }} as noon_utc,
        case
            when daily.precipitation_mm >= {{ var('cleaning_rain_mm') }}
                then {{ minutes_after(utc_midnight('daily.day_utc'), 'round(60 * daily.rain_middle_hour_utc)') }}
        end as washed_at_utc
    from {{ ref('int_reference_daily') }} as daily
    inner join assets on daily.asset_id = assets.asset_id
    left join {{ ref('utc_offsets') }} as utc_offsets
        on
            assets.timezone = utc_offsets.timezone
            and {{ in_offset_period(local_noon) }}
    where {{ in_soiling_days('daily.day_utc') }}

),

-- Days since the last rain that washed the modules, since the oldest day within memory where there was none.
aged as (

    select
        days.asset_id,
        days.day_utc,
        bool_or(earlier.is_rain_known) as is_rain_known,
        max(earlier.washed_at_utc) filter (where earlier.washed_at_utc <= days.noon_utc) as washed_at_utc,
        greatest(
            0.0,
            {{ minutes_between(
                'coalesce(max(earlier.washed_at_utc) filter (where earlier.washed_at_utc <= days.noon_utc), min(earlier.noon_utc))',
                'days.noon_utc'
            ) }} / 1440e0
        ) as dirty_days
    from days
    inner join days as earlier
        on
            days.asset_id = earlier.asset_id
            and earlier.day_utc <= days.day_utc
            and earlier.day_utc > days.day_utc - {{ var('rain_memory_days') }}
    group by days.asset_id, days.day_utc, days.noon_utc

),

seen as (

    select
        aged.*,
        days.ratio_to_expected as ratio
    from aged
    inner join days
        on
            aged.asset_id = days.asset_id
            and aged.day_utc = days.day_utc
            and days.intervals >= 3

),

-- The days up to each day, without those on which something else than dirt took power.
middle as (

    select
        aged.asset_id,
        aged.day_utc,
        percentile_cont(0.5) within group (order by seen.ratio) as middle_ratio,
        percentile_cont(0.9) within group (order by seen.ratio) as clean_ratio,
        percentile_cont(0.5) within group (order by seen.ratio)
            filter (where seen.day_utc > aged.day_utc - 7) as latest_ratio
    from aged
    inner join seen
        on
            aged.asset_id = seen.asset_id
            and seen.day_utc <= aged.day_utc
            and seen.day_utc > aged.day_utc - {{ var('lookback_days') }}
    group by aged.asset_id, aged.day_utc

),

sums as (

    select
        middle.asset_id,
        middle.day_utc,
        count(*) as n,
        {{ exact_sum('seen.dirty_days') }} as x,
        {{ exact_sum('seen.ratio') }} as y,
        {{ exact_sum('seen.dirty_days * seen.dirty_days') }} as xx,
        {{ exact_sum('seen.dirty_days * seen.ratio') }} as xy,
        count(*) filter (where seen.washed_at_utc is null) as unwashed,
        coalesce({{ exact_sum('seen.dirty_days', 'seen.washed_at_utc is null') }}, 0.0) as unwashed_x,
        coalesce({{ exact_sum('seen.ratio', 'seen.washed_at_utc is null') }}, 0.0) as unwashed_y
    from middle
    inner join seen
        on
            middle.asset_id = seen.asset_id
            and seen.day_utc <= middle.day_utc
            and seen.day_utc > middle.day_utc - {{ var('lookback_days') }}
    where abs(seen.ratio - middle.middle_ratio) <= 0.08
    group by middle.asset_id, middle.day_utc

),

-- ratio = level - slope * dirty_days - old_dirt (before the first wash seen): least squares, held to what is known
-- beforehand while a plant has shown little of its own. Normal equations with old_dirt eliminated.
unwashed as (

    select
        *,
        unwashed + {{ double(noise ** 2 / old_dirt.spread ** 2) }} as weight,
        -unwashed_y + {{ double(noise ** 2 / old_dirt.spread ** 2 * old_dirt.mean) }} as pull
    from sums

),

equations as (

    select
        *,
        n + {{ double(noise ** 2 / level.spread ** 2) }} - unwashed * unwashed / weight as a11,
        -x + unwashed * unwashed_x / weight as a12,
        xx + {{ double(noise ** 2 / slope.spread ** 2) }} - unwashed_x * unwashed_x / weight as a22,
        y + {{ double(noise ** 2 / level.spread ** 2 * level.mean) }} + unwashed * pull / weight as b1,
        -xy + {{ double(noise ** 2 / slope.spread ** 2 * slope.mean) }} - unwashed_x * pull / weight as b2
    from unwashed

),

fits as (

    select
        *,
        (a22 * b1 - a12 * b2) / (a11 * a22 - a12 * a12) as clean_level,
        (a11 * b2 - a12 * b1) / (a11 * a22 - a12 * a12) as fitted_slope
    from equations

),

lines as (

    select
        asset_id,
        day_utc,
        clean_level,
        greatest(0.0, fitted_slope) as loss_per_day,
        greatest(0.0, (pull + unwashed * clean_level - unwashed_x * fitted_slope) / weight) as old_dirt
    from fits

)

select
    aged.asset_id,
    aged.day_utc as date_local,
    aged.washed_at_utc,
    aged.dirty_days,
    lines.clean_level,
    lines.loss_per_day,
    case when aged.washed_at_utc is null then lines.old_dirt else 0.0 end as old_dirt,
    case
        when aged.is_rain_known
            then greatest(
                0.5,
                1.0 - coalesce(
                    (
                        lines.loss_per_day * aged.dirty_days
                        + case when aged.washed_at_utc is null then lines.old_dirt else 0.0 end
                    ) / lines.clean_level,
                    {{ double(slope.mean) }} * aged.dirty_days
                    + case when aged.washed_at_utc is null then {{ double(old_dirt.mean) }} else 0.0 end
                )
            )
        when middle.latest_ratio < middle.clean_ratio then middle.latest_ratio / middle.clean_ratio
        else 1.0
    end as soiling_ratio
from aged
left join lines
    on
        aged.asset_id = lines.asset_id
        and aged.day_utc = lines.day_utc
left join middle
    on
        aged.asset_id = middle.asset_id
        and aged.day_utc = middle.day_utc
where {{ in_local_days('aged.day_utc') }}
order by aged.day_utc, aged.asset_id
