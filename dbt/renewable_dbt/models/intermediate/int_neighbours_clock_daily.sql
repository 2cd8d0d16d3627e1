{#- Clocks beside those of neighbours: the power of an asset fits what two and more others gave an hour or two before or
    after far better than what they gave at its own stamps. -#}
{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set names = ['early_2', 'early_1', 'late_1', 'late_2'] %}

with intervals as (

    select
        intervals.asset_id,
        intervals.date_local,
        {{ hour_of('intervals.timestamp_utc') }} as hour_utc,
        intervals.active_power_kw / assets.rated_power_kw as load_ratio,
        assets.site_id,
        assets.technology,
        assets.interval_minutes
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where
        intervals.active_power_kw is not null
        and {{ around_local_days('intervals.timestamp_utc') }}

),

hours as (

    select
        asset_id,
        site_id,
        technology,
        hour_utc,
        min(date_local) as date_local,
        {{ exact_mean('load_ratio') }} as load_ratio
    from intervals
    group by asset_id, site_id, technology, hour_utc
    having count(*) * min(interval_minutes) >= 60

),

neighbours as (

    select
        *,
        count(*) over of_site as units,
        (cast({{ fixed_point_sum('load_ratio') }} over of_site as double) - load_ratio)
        / nullif(count(*) over of_site - 1, 0) as others_load_ratio
    from hours
    window of_site as (partition by site_id, technology, hour_utc)

),

moved as (

    select
        *,
        {%- for name in names %}
        {%- set side, hours = name.split('_') %}
        {%- set at = "interval '%s hours' %s" % (hours, 'preceding' if side == 'late' else 'following') %}
        max(others_load_ratio) over (
            partition by asset_id
            order by hour_utc
            range between {{ at }} and {{ at }}
        ) as others_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from neighbours

),

-- The mean distance from what the neighbours gave an hour or two before and after, as the clock might be off.
misfits as (

    select
        asset_id,
        date_local,
        max(load_ratio) as highest_load_ratio,
        {{ exact_mean('abs(load_ratio - others_load_ratio)') }} as misfit,
        {%- for name in names %}
        {{ exact_mean('abs(load_ratio - others_' ~ name ~ ')') }} as misfit_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from moved
    where
        units >= 3
        and others_early_2 + others_late_2 is not null
        and greatest(load_ratio, others_load_ratio, others_early_1, others_late_1) > 0.02
        and {{ in_local_days('date_local') }}
    group by asset_id, date_local
    having count(*) >= 6

),

best as (

    select
        *,
        least(misfit_early_2, misfit_early_1, misfit_late_1, misfit_late_2) as least_misfit
    from misfits

)

select
    asset_id,
    date_local,
    misfit,
    least_misfit,
    case
        -- Where all give the same the hours say nothing, nor does a unit that stands.
        when highest_load_ratio <= 0.1 or misfit <= 0.03 or least_misfit >= 0.4 * misfit then 0.0
        when least_misfit = misfit_late_1 then 60.0
        when least_misfit = misfit_early_1 then -60.0
        when least_misfit = misfit_late_2 then 120.0
        else -120.0
    end as clock_minutes
from best
