{#- Sensors that stand otherwise beside their neighbours than in the four weeks before, and clocks that are off: one row
    an asset, local day and channel. Only the days up to each day are asked. -#}
{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set recent_days = 4 %}
{%- set base_days = 32 %}
{%- set clock_limit_minutes = 40.0 %}

with days as (

    select *
    from {{ ref('int_channel_daily') }}
    where
        hours >= 3.0
        and {{ in_running_days('date_local') }}

),

rules as (

    select
        channel,
        rule,
        step
    from {{ ref('reading_rules') }}
    where rule in ('level_shift', 'scale_change')

),

pairs as (

    select
        days.asset_id,
        days.channel,
        days.date_local,
        earlier.deviation,
        earlier.date_local > days.date_local - {{ recent_days }} as is_recent,
        earlier.date_local between days.date_local - {{ 3 * recent_days }} and days.date_local - {{ recent_days }}
            as is_late
    from days
    inner join days as earlier
        on
            days.asset_id = earlier.asset_id
            and days.channel = earlier.channel
            and earlier.date_local <= days.date_local
            and earlier.date_local > days.date_local - {{ base_days }}
    where {{ in_local_days('days.date_local') }}

),

beside as (

    select
        asset_id,
        channel,
        date_local,
        percentile_cont(0.5) within group (order by deviation) filter (where is_recent) as recent,
        count(*) filter (where is_recent) as recent_days,
        percentile_cont(0.5) within group (order by deviation) filter (where is_late) as lately,
        percentile_cont(0.25) within group (order by deviation) filter (where not is_recent) as lower_base,
        percentile_cont(0.5) within group (order by deviation) filter (where not is_recent) as base,
        percentile_cont(0.75) within group (order by deviation) filter (where not is_recent) as upper_base,
        count(*) filter (where not is_recent) as base_days
    from pairs
    group by asset_id, channel, date_local

),

changes as (

    select
        beside.*,
        rules.rule,
        beside.recent - beside.base as change,
        -- Four standard deviations of a day, as the quartiles tell, or what the rule asks for.
        greatest(rules.step, 4.0 * (beside.upper_base - beside.lower_base) / 1.349) as change_limit
    from beside
    inner join rules on beside.channel = rules.channel
    where
        beside.recent_days >= 3
        and beside.base_days >= 10

),

-- Neighbours tell of the very day, the sun of two weeks.
clocks as (

    select
        asset_id,
        date_local,
        coalesce(beside_neighbours.clock_minutes, beside_sun.clock_minutes) as clock_minutes
    from (
        select * from {{ ref('int_neighbours_clock_daily') }}
        where {{ in_local_days('date_local') }}
    ) as beside_neighbours
    full outer join (
        select * from {{ ref('int_sun_clock_daily') }}
        where {{ in_local_days('date_local') }}
    ) as beside_sun using (asset_id, date_local)

)

select
    asset_id,
    date_local,
    channel,
    -- What had come a quarter to four fifths of its way in the eight days before came by and by.
    case when (lately - base) / change between 0.25 and 0.8 then 'sensor_drift' else rule end as rule,
    change,
    change_limit
from changes
where abs(change) >= change_limit
union all
select
    asset_id,
    date_local,
    'active_power_kw' as channel,
    'clock_shift' as rule,
    clock_minutes as change,
    {{ clock_limit_minutes }} as change_limit
from clocks
where abs(clock_minutes) >= {{ clock_limit_minutes }}
