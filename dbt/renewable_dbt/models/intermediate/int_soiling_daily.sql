{#- Dirt on modules: the fits of int_soiling_fits weighed by how well each tells the plant's own days. A ratio is given
    only where its error is small beside what it says; otherwise nobody can know it from level and scatter. -#}
{{ config(incremental_predicates=["{{ in_state_days('date_local') }}"]) }}

{#- Days that stray do not stray alone (weather, seasons): they count as half as many. What is usual counts as five. -#}
{%- set days_for_one = 2.0 -%}
{%- set usual_days = 5 -%}

with fits as (

    select
        *,
        min(misfit) over of_day as least_misfit
    from {{ ref('int_soiling_fits') }}
    where {{ in_state_days('date_local') }}
    window of_day as (partition by asset_id, date_local)

),

measured as (

    select
        *,
        ({{ double(usual_days * var('usual_scatter') ** 2) }} + least_misfit) / ({{ usual_days }} + clear_days)
            as scatter_variance
    from fits

),

likely as (

    select
        *,
        -(misfit - least_misfit) / ({{ 2 * days_for_one }} * scatter_variance) - 0.5 * log_determinant as log_weight
    from measured

),

weighed as (

    select
        *,
        exp(log_weight - max(log_weight) over (partition by asset_id, date_local)) as weight,
        case when loss > 0.0 then loss else 0.0 end as dirt
    from likely

),

totals as (

    select
        asset_id,
        date_local,
        {{ exact_sum('weight') }} as weight,
        {{ exact_sum('weight * dirt') }} as dirt,
        {{ exact_sum('weight * (dirt * dirt + ' ~ days_for_one ~ ' * scatter_variance * loss_variance)') }}
            as dirt_squared,
        {{ exact_sum('weight * clean_level') }} as clean_level,
        {{ exact_sum('weight', 'is_washed') }} as washed_weight,
        min(cleaning_rain_mm) filter (where weight = 1.0) as cleaning_rain_mm
    from weighed
    group by asset_id, date_local

),

found as (

    select
        asset_id,
        date_local,
        cleaning_rain_mm,
        clean_level / weight as clean_level,
        dirt / weight as loss,
        sqrt(greatest(0.0, dirt_squared / weight - pow(dirt / weight, 2))) as loss_error,
        coalesce(washed_weight, 0.0) >= 0.5 * weight as is_washed
    from totals

),

days as (

    select
        daily.asset_id,
        daily.day_utc as date_local,
        daily.is_irradiance_known
    from {{ ref('int_reference_daily') }} as daily
    inner join {{ ref('stg_assets') }} as assets on daily.asset_id = assets.asset_id
    where
        assets.technology = 'solar'
        and {{ in_state_days('daily.day_utc') }}

),

judged as (

    select
        days.asset_id,
        days.date_local,
        found.cleaning_rain_mm,
        found.clean_level,
        found.loss,
        found.loss_error,
        case
            when not days.is_irradiance_known then 'irradiance missing'
            when found.loss is null then 'no clear day'
            -- What falls and never rises may be a sensor that drifts.
            when not found.is_washed then 'no wash seen'
            when
                found.loss_error
                > greatest({{ var('soiling_error') }}, {{ var('soiling_error_ratio') }} * found.loss)
                then 'lost in scatter'
        end as soiling_reason
    from days
    left join found
        on
            days.asset_id = found.asset_id
            and days.date_local = found.date_local

)

select
    *,
    case when soiling_reason is null then greatest(0.5, 1.0 - loss) end as soiling_ratio
from judged
order by date_local, asset_id
