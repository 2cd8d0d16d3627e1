{#- The thresholds that hold for each asset: what its fleet sets, else the default of its technology. A table, for
    nearly every model of intervals reads it. -#}
{{ config(materialized='table') }}

{%- set words = vocabulary() %}

with assets as (

    select distinct
        asset_id,
        technology
    from {{ ref('assets') }}

),

held as (

    select
        assets.asset_id,
        defaults.threshold,
        settings.value as set_value,
        coalesce(
            settings.value, case when assets.technology = 'wind' then defaults.wind else defaults.solar end
        ) as value
    from assets
    cross join {{ ref('thresholds') }} as defaults
    left join {{ ref('asset_thresholds') }} as settings
        on
            assets.asset_id = settings.asset_id
            and defaults.threshold = settings.threshold

)

select
    asset_id
    {%- for row in words.thresholds %},
    max(value) filter (where threshold = '{{ row.threshold }}') as {{ row.threshold }}
    {%- if row.is_learnt == 'true' %},
    bool_or(threshold = '{{ row.threshold }}' and set_value is not null) as is_{{ row.threshold }}_set
    {%- endif %}
    {%- endfor %}
from held
group by asset_id
