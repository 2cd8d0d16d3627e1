-- depends_on: {{ ref('mart_asset_monthly') }}
-- depends_on: {{ ref('mart_data_quality_daily') }}
-- depends_on: {{ ref('mart_events') }}
-- depends_on: {{ ref('mart_fleet_daily') }}
-- depends_on: {{ ref('mart_losses_daily') }}
-- depends_on: {{ ref('mart_power_curve') }}
{{ config(incremental_predicates=["{{ in_days('day') }}"]) }}

with load_log as (

    select * from {{ source('raw', 'load_log') }}
    where day is not null and {{ in_days('day') }}

)

select
    file,
    table_name,
    day,
    sha256,
    rows_loaded
from load_log
