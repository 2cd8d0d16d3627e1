{#- Readings that are there and not to be believed. `rules` says when; which channels have a rule shapes the query. -#}
{{ config(incremental_predicates=["{{ in_reach('int_doubtful_readings', 'timestamp_utc') }}"]) }}

{%- set words = vocabulary() %}
{%- set frozen = reading_rules(words, 'frozen') %}
{%- set interpolated = reading_rules(words, 'interpolated') %}
{%- set spikes = reading_rules(words, 'spike') %}

with intervals as (

    select * from {{ ref('int_intervals') }}
    where {{ around_reach('int_doubtful_readings', 'timestamp_utc', back=1, ahead=1) }}

),

rules as (

    select * from {{ ref('reading_rules') }}

),

-- One row: a column for each number that is asked of whole rows, each out of one row of the seed.
numbers as (

    select
        {%- for rule in frozen if rule.honest_channel %}
        sum(honest_up_to) filter (where channel = '{{ rule.channel }}' and rule = 'frozen')
            as {{ rule.channel }}_honest_up_to,
        {%- endfor %}
        {%- for rule in frozen if rule.honest_if_null %}
        bool_or(honest_if_null) filter (where channel = '{{ rule.channel }}' and rule = 'frozen')
            as {{ rule.channel }}_honest_if_null,
        {%- endfor %}
        {%- for rule in spikes %}
        sum(step) filter (where channel = '{{ rule.channel }}' and rule = 'spike')
            as {{ rule.channel }}_step{{ ',' if not loop.last }}
        {%- endfor %}
    from rules

),

sequenced as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        {%- for rule in frozen %}
        {{ repeats(rule) }} as {{ rule.channel }}_repeats,
        {%- endfor %}
        {%- for rule in interpolated %}
        abs(
            {{ rule.channel }}
            - 2.0 * lag({{ rule.channel }}) over asset_time
            + lag({{ rule.channel }}, 2) over asset_time
        ) < 1e-9
        and {{ rule.channel }} <> lag({{ rule.channel }}) over asset_time as {{ rule.channel }}_continues,
        {%- endfor %}
        {%- for rule in spikes %}
        abs({{ rule.channel }} - lag({{ rule.channel }}) over asset_time) > numbers.{{ rule.channel }}_step
        and abs({{ rule.channel }} - lead({{ rule.channel }}) over asset_time) > numbers.{{ rule.channel }}_step
        and sign({{ rule.channel }} - lag({{ rule.channel }}) over asset_time)
        = sign({{ rule.channel }} - lead({{ rule.channel }}) over asset_time)
            as {{ rule.channel }}_leaps{{ ',' if not loop.last }}
        {%- endfor %}
    from intervals
    cross join numbers
    window asset_time as (partition by intervals.asset_id order by intervals.timestamp_utc)

),

-- A run is as long as the rows that say so, and the readings before the first of them.
steady as (

    {%- for rule in frozen %}
    select
        asset_id,
        timestamp_utc,
        '{{ rule.channel }}' as channel,
        'frozen' as rule,
        1 as readings_before
    from sequenced
    where {{ rule.channel }}_repeats
    union all
    {%- endfor %}
    {%- for rule in interpolated %}
    select
        asset_id,
        timestamp_utc,
        '{{ rule.channel }}' as channel,
        'interpolated' as rule,
        2 as readings_before
    from sequenced
    where {{ rule.channel }}_continues
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

runs as (

    select
        steady.*,
        assets.interval_minutes,
        {{ run_key('steady.asset_id, steady.channel, steady.rule', 'steady.timestamp_utc', 'assets.interval_minutes') }}
            as run
    from steady
    inner join {{ ref('stg_assets') }} as assets on steady.asset_id = assets.asset_id

),

long_runs as (

    select
        runs.*,
        min(runs.timestamp_utc) over (partition by runs.asset_id, runs.channel, runs.rule, runs.run) as run_start
    from runs
    inner join rules
        on
            runs.channel = rules.channel
            and runs.rule = rules.rule
    qualify
        count(*) over (partition by runs.asset_id, runs.channel, runs.rule, runs.run) + runs.readings_before
        >= greatest(rules.readings, {{ whole_quotient('rules.minutes', 'runs.interval_minutes') }})

),

doubtful as (

    select
        long_runs.asset_id,
        {{ minutes_after('long_runs.timestamp_utc', '-long_runs.interval_minutes * back.number') }} as timestamp_utc,
        long_runs.channel,
        long_runs.rule
    from long_runs
    inner join ({{ numbers(3) }}) as back
        on
            back.number = 0
            or (
                back.number <= long_runs.readings_before
                and long_runs.timestamp_utc = long_runs.run_start
            )
    {%- for rule in spikes %}
    union all
    select
        asset_id,
        timestamp_utc,
        '{{ rule.channel }}' as channel,
        'spike' as rule
    from sequenced
    where {{ rule.channel }}_leaps
    {%- endfor %}

),

-- Air that stands still stands still at all units of a site.
placed as (

    select
        doubtful.*,
        doubtful.channel = 'air_temperature_c'
        and doubtful.rule = 'frozen'
        and count(*) over (
            partition by assets.site_id, doubtful.timestamp_utc, doubtful.channel, doubtful.rule
        ) > 1 as is_shared
    from doubtful
    inner join {{ ref('stg_assets') }} as assets on doubtful.asset_id = assets.asset_id

)

-- Of several rules the first of the alphabet: frozen, interpolated, spike.
select
    asset_id,
    timestamp_utc,
    channel,
    min(rule) as rule
from placed
where
    not is_shared
    and {{ in_reach('int_doubtful_readings', 'timestamp_utc') }}
group by asset_id, timestamp_utc, channel
