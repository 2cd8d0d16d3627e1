{#- How an asset's sensors stand beside the median of three and more of one site and technology, by day: means of hours
    are enough. Wind and irradiance are compared as shares, temperatures as differences, directions around the circle. -#}
{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set words = vocabulary() %}
{%- set shares = reading_rules(words, 'scale_change') | map(attribute='channel') | list %}
{%- set channels = shares + (reading_rules(words, 'level_shift') | map(attribute='channel') | list) %}

with doubts as (

    select
        asset_id,
        timestamp_utc
        {%- for channel in channels %},
        bool_or(channel = '{{ channel }}') as is_{{ channel }}_doubtful
        {%- endfor %}
    from (
        {%- for model_name in ['int_doubtful_readings', 'int_contradicted_readings'] %}
        select
            asset_id,
            timestamp_utc,
            channel
        from {{ ref(model_name) }}
        where {{ around_local_days('timestamp_utc') }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as either
    group by asset_id, timestamp_utc

),

believed as (

    select
        intervals.asset_id,
        intervals.date_local,
        {{ hour_of('intervals.timestamp_utc') }} as hour_utc,
        assets.site_id,
        assets.technology,
        assets.interval_hours
        {%- for channel in channels %},
        case
            when not coalesce(doubts.is_{{ channel }}_doubtful, false)
            {%- if channel.endswith('_wm2') %}
            and assets.technology = 'solar'
            {%- endif %} then intervals.{{ channel }}
        end as {{ channel }}
        {%- endfor %}
    from {{ ref('int_believed_readings') }} as intervals
    inner join {{ ref('stg_assets') }} as assets on intervals.asset_id = assets.asset_id
    left join doubts
        on
            intervals.asset_id = doubts.asset_id
            and intervals.timestamp_utc = doubts.timestamp_utc
    where
        {{ around_local_days('intervals.timestamp_utc') }}
        and {{ in_local_days('intervals.date_local') }}

),

hours as (

    select
        asset_id,
        site_id,
        technology,
        date_local,
        hour_utc
        {%- for channel in channels %},
        count({{ channel }}) * interval_hours as {{ channel }}_hours,
        {%- if channel == 'wind_direction_deg' %}
        {{ exact_sum('sin(radians(' ~ channel ~ '))') }} as {{ channel }}_sin,
        {{ exact_sum('cos(radians(' ~ channel ~ '))') }} as {{ channel }}_cos
        {%- else %}
        {{ exact_mean(channel) }} as {{ channel }}
        {%- endif %}
        {%- endfor %}
    from believed
    group by asset_id, site_id, technology, date_local, hour_utc, interval_hours

),

readings as (

    {%- for channel in channels %}
    select
        asset_id,
        site_id,
        technology,
        hour_utc,
        date_local,
        '{{ channel }}' as channel,
        {%- if channel == 'wind_direction_deg' %}
        {{ rounded('degrees(atan2(' ~ channel ~ '_sin, ' ~ channel ~ '_cos))', 6) }} as reading,
        {%- else %}
        {{ channel }} as reading,
        {%- endif %}
        {{ channel }}_hours as hours
    from hours
    where {{ channel }}_hours > 0.0
    {{ 'union all' if not loop.last }}
    {%- endfor %}

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
    from readings
    window of_site as (partition by site_id, technology, channel, hour_utc)

),

-- Directions around their mean, so that 359 and 1 lie beside each other: else no number is their middle.
unrolled as (

    select
        {{ all_but(['reading', 'sin_sum', 'cos_sum']) }},
        reading
        - coalesce(360.0 * round((reading - degrees(atan2(sin_sum, cos_sum))) / 360.0), 0.0) as reading
    from directions

),

-- With three of a kind the one that is off is outvoted.
compared as (

    select
        *,
        {{ median_over('reading', 'of_site') }} as median_reading
    from unrolled
    window of_site as (partition by site_id, technology, channel, hour_utc)
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

{#- Directions apart: a median beside the sums took DuckDB six times as long. -#} {%- for comparison in ['<>', '='] %}
select
    asset_id,
    date_local,
    channel,
    {{ exact_sum('hours') }} as hours,
    {%- if comparison == '=' %}
    percentile_cont(0.5) within group (order by reading - median_reading) as deviation
    {%- else %}
    case
        when channel in ('{{ shares | join("', '") }}')
            then {{ exact_sum('reading') }} / {{ exact_sum('median_reading') }} - 1.0
        else {{ exact_mean('reading - median_reading') }}
    end as deviation
    {%- endif %}
from telling
where channel {{ comparison }} 'wind_direction_deg'
group by asset_id, date_local, channel
{{ 'union all' if not loop.last }}
{%- endfor %}
