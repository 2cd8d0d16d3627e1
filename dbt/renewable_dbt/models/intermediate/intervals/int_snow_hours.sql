{#- Snow: it fell in the last three days, and the modules give little. -#}
{{ config(incremental_predicates=["{{ in_reach('int_snow_hours', 'hour_utc') }}"]) }}

with hours as (

    select hours.*
    from {{ ref('int_asset_hours') }} as hours
    inner join {{ ref('stg_assets') }} as assets on hours.asset_id = assets.asset_id
    where
        assets.technology = 'solar'
        and {{ around_reach('int_snow_hours', 'hours.hour_utc', back=3) }}

),

snowfall as (

    select
        *,
        max(case when precipitation_mm > 0.1 and coldest_c <= 1.0 then hour_utc end) over (
            partition by asset_id
            order by hour_utc
            range between interval '72 hours' preceding and current row
        ) as snowed_at_utc
    from hours

)

select
    asset_id,
    hour_utc,
    'snow' as kind,
    'low power after snowfall' as evidence
from snowfall
where
    snowed_at_utc is not null
    and ratio < 0.93
    and {{ in_reach('int_snow_hours', 'hour_utc') }}
