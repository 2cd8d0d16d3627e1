with source as (

    select * from {{ source('raw', 'generation') }}

),

renamed as (

    select
        asset_id,
        timestamp as timestamp_utc
        {%- for channel in vocabulary().generation %},
        {{ channel }}
        {%- endfor %}
    from source

)

select * from renamed
