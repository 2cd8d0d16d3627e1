{#- How an asset's sensors stand beside those of its neighbours, by day: the median of three and more of one site and
    technology is the measure. Wind and irradiance are compared as shares, temperatures as differences, directions around
    the circle. -#}
{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set words = vocabulary() %}
{%- set shares = reading_rules(words, 'scale_change') %}
{%- set differences = reading_rules(words, 'level_shift') %}

with intervals as (

    select
        intervals.*,
        assets.site_id,
        assets.technology,
        assets.interval_hours
    from {{ ref('int_intervals') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    where
        {{ around_local_days('intervals.timestamp_utc') }}
        and {{ in_local_days('intervals.date_local') }}

),

readings as (

    {%- for rule in shares + differences %}
    select
        asset_id,
        site_id,
        technology,
        timestamp_utc,
        date_local,
        interval_hours,
        '{{ rule.channel }}' as channel,
        {{ rule.channel }} as reading
    from intervals
    where
        {{ rule.channel }} is not null
        {%- if rule.channel.endswith('_wm2') %}
        and technology = 'solar'
        {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

doubts as (

    select
        asset_id,
        timestamp_utc,
        channel
    from {{ ref('int_doubtful_readings') }}
    where {{ around_local_days('timestamp_utc') }}
    union
    select
        asset_id,
        timestamp_utc,
        channel
    from {{ ref('int_contradicted_readings') }}
    where {{ around_local_days('timestamp_utc') }}

),

believed as (

    select readings.*
    from readings
    left join doubts
        on
            readings.asset_id = doubts.asset_id
            and readings.timestamp_utc = doubts.timestamp_utc
            and readings.channel = doubts.channel
    where doubts.asset_id is null

),

directions as (

    select
        *,
        {%- for part in ['sin', 'cos'] %}
        cast(
            {{ fixed_point_sum(part ~ '(radians(reading))', "channel = 'wind_direction_deg'") }}
            over of_site as double
        ) as {{ part }}_sum{{ ',' if not loop.last }}
        {%- endfor %}
    from believed
    window of_site as (partition by site_id, technology, channel, timestamp_utc)

),

-- Directions around their mean, so that 359 and 1 lie beside each other: else no number is their middle.
unrolled as (

    select
        * exclude (reading, sin_sum, cos_sum),
        reading
        - coalesce(360.0 * round((reading - degrees(atan2(sin_sum, cos_sum))) / 360.0), 0.0) as reading
    from directions

),

-- With three of a kind the one that is off is outvoted.
compared as (

    select
        *,
        median(reading) over of_site as median_reading
    from unrolled
    window of_site as (partition by site_id, technology, channel, timestamp_utc)
    qualify count(*) over of_site >= 3

),

-- Calm and dusk say little.
telling as (

    select * from compared
    where
        case
            when channel = 'wind_speed_ms' then median_reading >= 4.0
            when channel in ('ghi_wm2', 'poa_irradiance_wm2') then median_reading >= 100.0
            else true
        end

)

select
    asset_id,
    date_local,
    channel,
    cast({{ fixed_point_sum('interval_hours') }} as double) as hours,
    case
        when
            channel in (
                {%- for rule in shares %}
                '{{ rule.channel }}'{{ ',' if not loop.last }}
                {%- endfor %}
            )
            then {{ exact_sum('reading') }} / {{ exact_sum('median_reading') }} - 1.0
        when channel = 'wind_direction_deg' then percentile_cont(0.5) within group (order by reading - median_reading)
        else {{ exact_mean('reading - median_reading') }}
    end as deviation
from telling
group by asset_id, date_local, channel
