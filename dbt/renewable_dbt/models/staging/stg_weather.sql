with source as (

    select * from {{ source('raw', 'weather') }}

),

renamed as (

    select
        asset_id,
        timestamp as timestamp_utc
        {%- for channel in vocabulary().weather %},
        {{ channel }}
        {%- endfor %}
    from source

)

select * from renamed
