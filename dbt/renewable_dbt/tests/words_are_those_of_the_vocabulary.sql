{{ config(meta={'dagster': {'ref': {'name': 'mart_losses_daily'}}}) }}

-- No model yields a kind, a rule or a channel that the seeds and the contract lack.

with found as (

    select distinct
        asset_id,
        'mart_losses_daily' as model,
        'loss_category' as what,
        loss_category as word
    from {{ ref('mart_losses_daily') }}
    where {{ in_local_days('date_local') }}
    union all
    select distinct
        asset_id,
        'mart_events' as model,
        'kind' as what,
        kind as word
    from {{ ref('mart_events') }}
    where {{ touches_state_days('start_utc', 'end_utc') }}
    union all
    select distinct
        asset_id,
        'mart_data_quality_daily' as model,
        'channel' as what,
        channel as word
    from {{ ref('mart_data_quality_daily') }}
    where {{ in_local_days('date_local') }}
    union all
    select distinct
        asset_id,
        'int_doubtful_readings' as model,
        'channel and rule' as what,
        channel || ' ' || rule as word
    from {{ ref('int_doubtful_readings') }}
    where {{ around_reach('int_doubtful_readings', 'timestamp_utc') }}

),

known as (

    select
        'loss_category' as what,
        kind as word
    from {{ ref('event_kinds') }}
    union all
    select
        'kind' as what,
        kind as word
    from {{ ref('event_kinds') }}
    where seen_in <> 'rest'
    union all
    select
        'channel and rule' as what,
        channel || ' ' || rule as word
    from {{ ref('reading_rules') }}
    {%- for channel in judged_channels(vocabulary()) %}
    union all
    select
        'channel' as what,
        '{{ channel }}' as word
    {%- endfor %}

)

select found.*
from found
left join known
    on
        found.what = known.what
        and found.word = known.word
where known.word is null
