{{ config(materialized=view_of_few_rows()) }}

with source as (

    select * from {{ ref('assets') }}

),

renamed as (

    select
        asset_id,
        asset_name,
        site_id,
        site_name,
        technology,
        turbine_model,
        mounting,
        tilt_deg,
        azimuth_deg,

        latitude_deg,
        longitude_deg,
        elevation_m,
        interval_minutes,
        interval_minutes / 60e0 as interval_hours,
        interval_offset_minutes,
        rated_power_kw,
        dc_capacity_kw,
        temperature_coefficient_pct_per_c / 100.0 as temperature_coefficient_per_c,
        system_loss_pct / 100.0 as system_loss_ratio,

        timezone,
        commissioned_on,
        greatest(commissioned_on, data_from) as first_day_local,
        decommissioned_on as last_day_local
    from source
    -- The row that holds last.
    qualify
        coalesce(valid_from, date '0001-01-01')
        = max(coalesce(valid_from, date '0001-01-01')) over (partition by asset_id)

)

select
    renamed.*,
    {{ all_but(['asset_id'], of='thresholds') }}
from renamed
left join {{ ref('stg_asset_thresholds') }} as thresholds on renamed.asset_id = thresholds.asset_id
