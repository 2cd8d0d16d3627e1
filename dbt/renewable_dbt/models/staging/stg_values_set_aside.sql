with source as (

    select * from {{ source('raw', 'values_set_aside') }}

),

renamed as (

    select
        asset_id,
        timestamp as timestamp_utc,
        channel,
        rule,
        -- What is no number stays out.
        case when rule in ('above_range', 'below_range') then cast(original_value as double) end as reading
    from source

)

select * from renamed
