{#- All causes that are seen in hours. -#}
{{ config(materialized='view') }}

select * from {{ ref('int_icing_hours') }}
union all
select * from {{ ref('int_snow_hours') }}
union all
select * from {{ ref('int_derating_hours') }}
