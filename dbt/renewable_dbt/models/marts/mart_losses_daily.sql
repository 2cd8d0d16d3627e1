{{ config(incremental_predicates=["{{ in_state_days('date_local') }}"]) }}

{%- set words = vocabulary() %}

with sums as (

    select * from {{ ref('int_asset_daily') }}
    where {{ in_state_days('date_local') }}

),

soiling as (

    select * from {{ ref('int_soiling_daily') }}
    where {{ in_state_days('date_local') }}

),

underperforming as (

    select * from {{ ref('int_underperformance_daily') }}
    where {{ in_state_days('date_local') }}

),

dirty as (

    select
        sums.*,
        coalesce(', ' || sums.unseen_kinds || ',', '') as told_unseen,
        coalesce(underperforming.lost_kwh, 0.0) as underperformance_kwh,
        -- Null where nobody knows the dirt: then the category has no row, and the energy stays in the residual.
        case when assets.technology = 'solar' then (1.0 - soiling.soiling_ratio) * sums.soilable_kwh else 0.0 end
            as soiling_kwh
    from sums
    inner join {{ ref('stg_assets') }} as assets on sums.asset_id = assets.asset_id
    left join soiling
        on
            sums.asset_id = soiling.asset_id
            and sums.date_local = soiling.date_local
    left join underperforming
        on
            sums.asset_id = underperforming.asset_id
            and sums.date_local = underperforming.date_local

),

balanced as (

    select
        *,
        unexplained_kwh - coalesce(soiling_kwh, 0.0) - underperformance_kwh as residual_kwh,
        -- Energy of intervals in which nothing was to be expected because wind or sun are not known: no loss, but the
        -- sum of all lines is the difference of the whole day.
        coalesce(compared_energy_kwh, 0.0) - coalesce(energy_kwh, 0.0) as not_comparable_kwh
    from dirty

),

categories as (
    {% for category in kinds(words, ['interval', 'day', 'rest']) %}
    select
        asset_id,
        date_local,
        '{{ category }}' as loss_category,
        {{ category }}_kwh as lost_kwh,
        told_unseen like '%, {{ category }},%' as is_unseen
    from balanced
    {%- if category == 'not_comparable' or category in reported_kinds(words, ['people']) %}
    where {{ category }}_kwh <> 0.0
    {%- elif category == 'soiling' %}
    where soiling_kwh is not null
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select
    categories.asset_id,
    categories.date_local,
    categories.loss_category,
    categories.lost_kwh,
    event_kinds.is_estimated or categories.is_unseen as is_estimated
from categories
inner join {{ ref('event_kinds') }} as event_kinds on categories.loss_category = event_kinds.kind
order by categories.date_local, categories.asset_id, categories.loss_category
