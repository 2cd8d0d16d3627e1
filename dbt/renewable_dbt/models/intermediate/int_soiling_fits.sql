{#- What dirt takes if a day's rain of so many millimetres washes the modules, for each of several amounts and for none:
    ratio = level - loss_per_day * dirty days - old dirt (of the first day, where no wash is known), by least squares
    held to the widest that is known beforehand. Which amount it is, int_soiling_daily asks the plant. -#}
{{ config(incremental_predicates=["{{ in_state_days('date_local') }}"]) }}

{#- Each amount is some 1.7 times the one before; a plant has those within its bounds, which are 0.4 and 6 mm where
    nothing else is set. With none only rises of the ratio tell of a wash. -#}
{%- set cleaning_rain_mm = [0.1, 0.2, 0.4, 0.7, 1.2, 2.0, 3.5, 6.0, 10.0, 18.0, 30.0, 55.0, 100.0] -%}
{%- set none_mm = 1000.0 -%}
{#- Known beforehand, mean and standard deviation: registries err by five points of loss, or by what the fleet says;
    dirt takes 0.02 to 0.4 % a day.
    `scatter` is what a ratio strays from its line, against which their weight is set. -#}
{%- set scatter = var('usual_scatter') -%}
{%- set slope = {'mean': 0.001, 'spread': 0.0015} -%}
{%- set old_dirt = {'mean': 0.02, 'spread': 0.05} -%}
{%- set local_noon = minutes_after(utc_midnight('daily.day_utc'), '720 - utc_offsets.utc_offset_minutes') -%}
{%- set memory = soiling_days() -%}
{%- set hindsight = hindsight_days() -%}

{#- Instants are minutes since 1970, which cost far less than timestamps where each day meets 75 others. -#}
with days as (

    select
        daily.asset_id,
        daily.day_utc,
        {{ epoch_minutes(utc_midnight('daily.day_utc')) }} as midnight,
        {{ epoch_minutes(utc_midnight('daily.day_utc')) }} + 720 - utc_offsets.utc_offset_minutes as noon,
        daily.precipitation_mm,
        {{ epoch_minutes(utc_midnight('daily.day_utc')) }}
        + cast(round(60 * daily.rain_middle_hour_utc) as bigint) as rained_at,
        clear_days.is_recovery,
        case when not clear_days.is_held_down then clear_days.ratio end as ratio
    from {{ ref('int_reference_daily') }} as daily
    inner join {{ ref('stg_assets') }} as assets on daily.asset_id = assets.asset_id
    left join {{ ref('utc_offsets') }} as utc_offsets
        on
            assets.timezone = utc_offsets.timezone
            and {{ in_offset_period(local_noon) }}
    left join {{ ref('int_clear_days') }} as clear_days
        on
            daily.asset_id = clear_days.asset_id
            and daily.day_utc = clear_days.day_utc
    where
        assets.technology = 'solar'
        and {{ in_soiling_days('daily.day_utc') }}

),

amounts as (
    {% for amount in cleaning_rain_mm + [none_mm] %}
    select {{ double(amount) }} as cleaning_rain_mm
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

amounts_of_plants as (

    select distinct
        assets.asset_id,
        case
            when amounts.cleaning_rain_mm = {{ double(none_mm) }} then amounts.cleaning_rain_mm
            else greatest(assets.wash_rain_least_mm, least(assets.wash_rain_most_mm, amounts.cleaning_rain_mm))
        end as cleaning_rain_mm
    from {{ ref('stg_assets') }} as assets
    cross join amounts
    where assets.technology = 'solar'

),

-- A ratio that rose at once has been washed by its local midnight.
washes as (

    select
        days.*,
        amounts.cleaning_rain_mm,
        case when days.precipitation_mm >= amounts.cleaning_rain_mm then days.rained_at end as washing_rain_at,
        case when days.is_recovery then days.noon - 720 end as recovered_at
    from days
    inner join amounts_of_plants as amounts on days.asset_id = amounts.asset_id

),

-- The last wash before each noon.
aged as (

    select
        asset_id,
        day_utc,
        cleaning_rain_mm,
        midnight,
        noon,
        {{ whole_quotient('midnight', 1440 * memory) }} as block,
        cast(round((ratio - 1.0) * 1000000) as bigint) as ratio_ppm,
        greatest(
            max(greatest(washing_rain_at, recovered_at)) over (
                partition by asset_id, cleaning_rain_mm
                order by day_utc
                rows between unbounded preceding and 1 preceding
            ),
            case when washing_rain_at <= noon then washing_rain_at end,
            recovered_at
        ) as washed_at
    from washes

),

-- By blocks of as many days as are looked back over: each day meets those of its own block and of both beside it.
met as (

    select
        aged.*,
        aged.block + beside.number - 1 as met_in
    from aged
    cross join ({{ numbers(3) }}) as beside
    where aged.ratio_ppm is not null

),

-- Each day beside those up to it and of the month after. Age is counted from the last wash, or from the start of memory
-- where none is known.
-- Whole numbers (minutes, millionths) add up to the same in any order.
seen as (

    select
        today.asset_id,
        today.day_utc,
        today.cleaning_rain_mm,
        earlier.ratio_ppm,
        {{ 1440 * memory }} - today.midnight + earlier.midnight as minutes_in_memory,
        case when earlier.washed_at >= today.noon - {{ 1440 * memory }} then 0 else 1 end as unwashed,
        case
            when earlier.washed_at >= today.noon - {{ 1440 * memory }} then earlier.noon - earlier.washed_at
            else {{ 1440 * memory }} - today.midnight + earlier.midnight
        end as dirty_minutes
    from aged as today
    inner join met as earlier
        on
            today.asset_id = earlier.asset_id
            and today.cleaning_rain_mm = earlier.cleaning_rain_mm
            and today.block = earlier.met_in
            and earlier.midnight > today.midnight - {{ 1440 * memory }}
            and earlier.midnight <= today.midnight + {{ 1440 * hindsight }}
    where {{ in_state_days('today.day_utc') }}

),

counts as (

    select
        asset_id,
        day_utc,
        cleaning_rain_mm,
        count(*) as n,
        min(minutes_in_memory) as first_minutes,
        sum(dirty_minutes) as x,
        sum(dirty_minutes * dirty_minutes) as xx,
        sum(ratio_ppm) as y,
        sum(ratio_ppm * ratio_ppm) as yy,
        sum(dirty_minutes * ratio_ppm) as xy,
        sum(unwashed) as u,
        sum(unwashed * dirty_minutes) as ux,
        sum(unwashed * ratio_ppm) as uy
    from seen
    group by asset_id, day_utc, cleaning_rain_mm

),

-- Where no wash is known, age counts from the first clear day on: nobody saw what came before.
sums as (

    select
        asset_id,
        day_utc,
        cleaning_rain_mm,
        n,
        {{ double('x - first_minutes * u') }} / 1440e0 as x,
        {{ double('xx - 2 * first_minutes * ux + first_minutes * first_minutes * u') }} / 2073600e0 as xx,
        {{ double('y') }} / 1e6 as y,
        {{ double('yy') }} / 1e12 as yy,
        {{ double('xy - first_minutes * uy') }} / 1440e6 as xy,
        {{ double('u') }} as u,
        {{ double('ux - first_minutes * u') }} / 1440e0 as ux,
        {{ double('uy') }} / 1e6 as uy
    from counts

),

-- Normal equations a * (level - 1, loss_per_day, old_dirt) = b.
equations as (

    select
        sums.*,
        n + {{ double(scatter ** 2) }} / (assets.system_loss_error_ratio * assets.system_loss_error_ratio) as a11,
        -x as a12,
        -u as a13,
        xx + {{ double(scatter ** 2 / slope.spread ** 2) }} as a22,
        ux as a23,
        u + {{ double(scatter ** 2 / old_dirt.spread ** 2) }} as a33,
        y as b1,
        {{ double(scatter ** 2 / slope.spread ** 2 * slope.mean) }} - xy as b2,
        {{ double(scatter ** 2 / old_dirt.spread ** 2 * old_dirt.mean) }} - uy as b3,
        yy + {{ double((scatter / slope.spread * slope.mean) ** 2 + (scatter / old_dirt.spread * old_dirt.mean) ** 2) }}
            as c
    from sums
    inner join {{ ref('stg_assets') }} as assets on sums.asset_id = assets.asset_id

),

determinants as (

    select
        *,
        a11 * (a22 * a33 - a23 * a23) - a12 * (a12 * a33 - a23 * a13) + a13 * (a12 * a23 - a22 * a13) as determinant
    from equations

),

inverses as (

    select
        *,
        (a22 * a33 - a23 * a23) / determinant as i11,
        (a13 * a23 - a12 * a33) / determinant as i12,
        (a12 * a23 - a13 * a22) / determinant as i13,
        (a11 * a33 - a13 * a13) / determinant as i22,
        (a12 * a13 - a11 * a23) / determinant as i23,
        (a11 * a22 - a12 * a12) / determinant as i33
    from determinants

),

fits as (

    select
        *,
        i11 * b1 + i12 * b2 + i13 * b3 as level_error,
        i12 * b1 + i22 * b2 + i23 * b3 as loss_per_day,
        i13 * b1 + i23 * b2 + i33 * b3 as old_dirt
    from inverses

),

today as (

    select
        aged.asset_id,
        aged.day_utc,
        aged.cleaning_rain_mm,
        case when aged.washed_at >= aged.noon - {{ 1440 * memory }} then 0 else 1 end as unwashed,
        case
            when aged.washed_at >= aged.noon - {{ 1440 * memory }} then aged.noon - aged.washed_at
            else {{ 1440 * memory }} - counts.first_minutes
        end
        / 1440e0 as dirty_days
    from aged
    inner join counts
        on
            aged.asset_id = counts.asset_id
            and aged.day_utc = counts.day_utc
            and aged.cleaning_rain_mm = counts.cleaning_rain_mm

)

select
    today.asset_id,
    today.day_utc as date_local,
    today.cleaning_rain_mm,
    fits.n as clear_days,
    fits.u < fits.n as is_washed,
    today.dirty_days,
    1.0 + fits.level_error as clean_level,
    fits.loss_per_day,
    fits.old_dirt,
    (fits.loss_per_day * today.dirty_days + fits.old_dirt * today.unwashed) / (1.0 + fits.level_error) as loss,
    -- Of the loss, in variances of the scatter.
    (
        today.dirty_days * today.dirty_days * fits.i22
        + 2 * today.dirty_days * today.unwashed * fits.i23
        + today.unwashed * fits.i33
    ) / pow(1.0 + fits.level_error, 2) as loss_variance,
    greatest(0.0, fits.c - fits.b1 * fits.level_error - fits.b2 * fits.loss_per_day - fits.b3 * fits.old_dirt)
        as misfit,
    ln(fits.determinant) as log_determinant
from today
inner join fits
    on
        today.asset_id = fits.asset_id
        and today.day_utc = fits.day_utc
        and today.cleaning_rain_mm = fits.cleaning_rain_mm
order by today.day_utc, today.asset_id, today.cleaning_rain_mm
