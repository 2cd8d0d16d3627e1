{#- Readings of a sensor that gave what cannot be, on the same local day and within 20 hours: what lies inside its range
    there only looks right. What cannot be is what the gate set aside as out of range, and more irradiance than the
    highest sun of the day gives. One value again and again is a code for a gap, and says nothing of the others. -#}
{{ config(incremental_predicates=["{{ in_reach('int_out_of_range_readings', 'timestamp_utc') }}"]) }}

{#- BSRN's limit of what is extremely rare (Long and Shi 2008) for the horizontal plane. Modules may face the sun
    however low it stands: they get the exponent of the beam. -#}
{%- set solar_constant_wm2 = 1361.0 -%}
{%- set exponents = {'ghi_wm2': 1.2, 'poa_irradiance_wm2': 0.2} -%}
{%- set channels = reading_rules(vocabulary(), 'out_of_range') | map(attribute='channel') | list -%}
{%- set irradiances = channels | select('in', exponents) | list %}

with intervals as (

    select * from {{ ref('int_intervals') }}
    where {{ around_reach('int_out_of_range_readings', 'timestamp_utc', back=1, ahead=1) }}

),

days as (

    select distinct
        intervals.asset_id,
        intervals.date_local,
        assets.latitude_deg,
        {{ epoch_minutes(utc_midnight('intervals.date_local')) }} / 1440e0 as days
    from intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where assets.technology = 'solar'

),

-- At noon the sun's way to the zenith is latitude less declination.
noons as (

    select
        *,
        greatest(0.0, cos(radians(latitude_deg - {{ sun_declination_deg('days') }}))) as highest_sun
    from days

),

limits as (

    {%- for channel in irradiances %}
    select
        asset_id,
        date_local,
        '{{ channel }}' as channel,
        1.2 * {{ solar_constant_wm2 }} * {{ sun_nearness('days') }}
        * pow(highest_sun, {{ exponents[channel] }}) + 50.0 as highest_reading
    from noons
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

irradiances as (

    {{ one_row_a_reading('intervals', irradiances) }}

),

-- A zero that lies low makes calm and darkness negative, and nothing else wrong.
set_aside as (

    select
        intervals.asset_id,
        intervals.timestamp_utc,
        intervals.date_local,
        found.channel,
        found.reading
    from {{ ref('stg_values_set_aside') }} as found
    inner join intervals
        on
            found.asset_id = intervals.asset_id
            and found.timestamp_utc = intervals.timestamp_utc
    inner join {{ ref('stg_assets') }} as assets on found.asset_id = assets.asset_id
    -- What people name as wrong says nothing of the rest.
    left join {{ ref('reported_bad_readings') }} as bad
        on
            found.asset_id = bad.asset_id
            and bad.channel in (found.channel, '*')
            and {{ holds_middle('bad.start_utc', 'bad.end_utc', 'found.timestamp_utc', 'assets.interval_minutes') }}
    where
        bad.asset_id is null
        and found.reading is not null
        and found.channel in (
            {%- for channel in channels %}
            '{{ channel }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
        and (
            found.rule = 'above_range'
            or found.channel not in (
                {%- for channel in irradiances + ['wind_speed_ms'] %}
                '{{ channel }}'{{ ',' if not loop.last }}
                {%- endfor %}
            )
        )

),

impossible as (

    select * from set_aside
    union all
    select irradiances.*
    from irradiances
    inner join limits
        on
            irradiances.asset_id = limits.asset_id
            and irradiances.date_local = limits.date_local
            and irradiances.channel = limits.channel
    where irradiances.reading > limits.highest_reading

),

-- Few days have any of it, and only those are looked at reading by reading.
spoilt as (

    select intervals.*
    from intervals
    inner join (
        select distinct
            asset_id,
            date_local
        from impossible
    ) as found
        on
            intervals.asset_id = found.asset_id
            and intervals.date_local = found.date_local

),

readings as (

    {{ one_row_a_reading('spoilt', channels) }}

),

-- Those that were set aside count, too.
judged as (

    select readings.* from readings
    union all
    select set_aside.* from set_aside

)

select
    judged.asset_id,
    judged.timestamp_utc,
    judged.channel,
    any_value(judged.reading) as reading,
    count(distinct impossible.reading) as impossible_readings,
    min(impossible.reading) as lowest_impossible,
    max(impossible.reading) as highest_impossible
from judged
inner join impossible
    on
        judged.asset_id = impossible.asset_id
        and judged.channel = impossible.channel
        and judged.date_local = impossible.date_local
        and abs({{ minutes_between('impossible.timestamp_utc', 'judged.timestamp_utc') }}) <= 20 * 60
inner join {{ ref('stg_assets') }} as assets on judged.asset_id = assets.asset_id
inner join {{ ref('reading_rules') }} as rules
    on
        judged.channel = rules.channel
        and rules.rule = 'out_of_range'
where {{ in_reach('int_out_of_range_readings', 'judged.timestamp_utc') }}
group by judged.asset_id, judged.timestamp_utc, judged.channel, rules.readings, rules.minutes, assets.interval_minutes
having
    count(distinct impossible.reading)
    >= greatest(rules.readings, {{ whole_quotient('rules.minutes', 'assets.interval_minutes') }})
