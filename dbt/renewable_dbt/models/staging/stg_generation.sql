with source as (

    select * from {{ source('raw', 'generation') }}

),

renamed as (

    select
        asset_id,

        timestamp as timestamp_utc,

        active_power_kw,
        curtailment_limit_kw,
        operating_state
    from source

)

select * from renamed
