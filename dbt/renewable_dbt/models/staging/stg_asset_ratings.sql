{{ config(materialized=view_of_few_rows()) }}

with source as (

    select * from {{ ref('assets') }}

),

numbered as (

    select
        *,
        row_number() over rows_of_asset as number,
        lead(valid_from) over rows_of_asset as next_valid_from
    from source
    window rows_of_asset as (partition by asset_id order by valid_from nulls first)

),

-- The first row of an asset holds since ever.
ratings as (

    select
        asset_id,
        case when number > 1 then valid_from end as rated_since,
        next_valid_from as rated_until,

        site_id,
        technology,
        turbine_model,

        elevation_m,
        interval_minutes,
        interval_minutes / 60e0 as interval_hours,
        interval_offset_minutes,
        rated_power_kw,
        dc_capacity_kw,
        temperature_coefficient_pct_per_c / 100.0 as temperature_coefficient_per_c,
        system_loss_pct / 100.0 as system_loss_ratio,
        timezone
    from numbered

)

select
    ratings.*,
    {{ all_but(['asset_id'], of='thresholds') }}
from ratings
left join {{ ref('stg_asset_thresholds') }} as thresholds on ratings.asset_id = thresholds.asset_id
