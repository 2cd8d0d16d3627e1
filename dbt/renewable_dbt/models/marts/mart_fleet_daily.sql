{{ config(incremental_predicates=["{{ in_state_days('date_local') }}"]) }}

with asset_days as (

    select * from {{ ref('mart_asset_daily') }}
    where {{ in_state_days('date_local') }}

),

members as (

    select
        'fleet' as group_level,
        'fleet' as member_of,
        *
    from asset_days
    union all
    select
        'technology' as group_level,
        technology as member_of,
        *
    from asset_days
    union all
    select
        'site' as group_level,
        site_id as member_of,
        *
    from asset_days

)

select
    group_level,
    member_of as group_name,
    date_local,
    count(*) as assets,
    bool_or(is_partial) as is_partial,
    {{ rolled_up() }}
from members
group by group_level, member_of, date_local
order by date_local, group_level, group_name
