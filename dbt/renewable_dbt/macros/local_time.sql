{#- Local dates follow the table utc_offsets, which Python's zoneinfo makes: DuckDB brings time zone data of its own that
    are older, and takes the later of two midnights. -#}

{#- Local date of a UTC instant under an offset in minutes. -#}
{% macro local_date(column, utc_offset_minutes) -%}
    {{ return(adapter.dispatch('local_date')(column, utc_offset_minutes)) }}
{%- endmacro %}

{#- In whole numbers: a tenth of what the calendar functions of DuckDB cost. -#}
{% macro default__local_date(column, utc_offset_minutes) -%}
    (date '1970-01-01' + cast((epoch_us({{ column }}) // 60000000 + {{ utc_offset_minutes }}) // 1440 as integer))
{%- endmacro %}

{% macro spark__local_date(column, utc_offset_minutes) -%}
    {%- if utc_offset_minutes == 0 -%}
    cast({{ column }} as date)
    {%- else -%}
    date_add(
        date '1970-01-01', cast((unix_micros({{ column }}) div 60000000 + {{ utc_offset_minutes }}) div 1440 as int)
    )
    {%- endif -%}
{%- endmacro %}

{#- UTC instant at which a local day begins under the offset of a row of utc_offsets. -#}
{% macro begin_of_local_day(date_local) -%}
    {{ minutes_after(utc_midnight(date_local), '-utc_offsets.utc_offset_minutes') }}
{%- endmacro %}

{#- Whether a row of stg_asset_ratings is the one of an interval. -#}
{% macro is_rated_by(interval, ratings) -%}
    {{ interval }}.asset_id = {{ ratings }}.asset_id
    and {{ interval }}.rated_since is not distinct from {{ ratings }}.rated_since
{%- endmacro %}

{#- UTC date of an instant. -#}
{% macro utc_date(column) -%}
    {{ local_date(column, 0) }}
{%- endmacro %}

{#- Whether the period of a row of utc_offsets holds a UTC instant. -#}
{% macro in_offset_period(instant) -%}
    {{ instant }} >= utc_offsets.since_utc
    and {{ instant }} < utc_offsets.until_utc
{%- endmacro %}

{#- The stretches of UTC time, [start_utc, end_utc), whose local date is a day. `days` has rows of timezone, date_local
    and more. A day has one stretch, two where a clock went back over its midnight, none where a zone left it out. -#}
{% macro stretches_of_local_days(days) -%}
    {%- set begin = minutes_after(utc_midnight('days.date_local'), '-utc_offsets.utc_offset_minutes') -%}
    {%- set end = minutes_after(utc_midnight('days.date_local'), '1440 - utc_offsets.utc_offset_minutes') -%}
    select
        days.*,
        greatest(utc_offsets.since_utc, {{ begin }}) as start_utc,
        least(utc_offsets.until_utc, {{ end }}) as end_utc
    from {{ days }} as days
    inner join {{ ref('utc_offsets') }} as utc_offsets
        on
            days.timezone = utc_offsets.timezone
            and utc_offsets.since_utc < {{ end }}
            and utc_offsets.until_utc > {{ begin }}
{%- endmacro %}

{#- Intervals that start within a stretch of time; they start at whole multiples of their length since 1970, or by an
    offset after these. -#}
{% macro interval_starts(start_utc, end_utc, interval_minutes, interval_offset_minutes=0) -%}
    cast(
        ceil(({{ epoch_minutes(end_utc) }} - {{ interval_offset_minutes }}) / {{ interval_minutes }})
        - ceil(({{ epoch_minutes(start_utc) }} - {{ interval_offset_minutes }}) / {{ interval_minutes }}) as bigint
    )
{%- endmacro %}

{#- By how many minutes after the full hour the intervals of an asset start; most registries say nothing of it. -#}
{% macro interval_offset(assets) -%}
    coalesce({{ assets }}.interval_offset_minutes, 0)
{%- endmacro %}

{#- How many intervals of a UTC day count, where its data end; `days` has minutes_to_last_start and minutes_to_end since
    its midnight. On a whole day all count that start before the next midnight, although the last may end after it. -#}
{% macro intervals_that_count(days, assets) -%}
    case
        when {{ days }}.minutes_to_last_start >= 1440 then {{ whole_quotient(1440, assets ~ '.interval_minutes') }}
        else greatest(0, least(
            {{ whole_quotient(
                '(' ~ days ~ '.minutes_to_last_start - ' ~ interval_offset(assets) ~ ' + ' ~ assets ~ '.interval_minutes)',
                assets ~ '.interval_minutes'
            ) }},
            {{ whole_quotient('(' ~ days ~ '.minutes_to_end - ' ~ interval_offset(assets) ~ ')', assets ~ '.interval_minutes') }}
        ))
    end
{%- endmacro %}

{% macro epoch_minutes(instant) -%}
    {{ minutes_between(instant_literal('1970-01-01'), instant) }}
{%- endmacro %}

{#- UTC instant of a wall clock in a named zone. -#}
{% macro utc_instant(column, zone) -%}
    {{ return(adapter.dispatch('utc_instant')(column, zone)) }}
{%- endmacro %}

{% macro default__utc_instant(column, zone) -%}
    (cast({{ column }} as timestamp) at time zone {{ zone }})
{%- endmacro %}

{#- The session's own zone is UTC (profiles.yml). -#}
{% macro spark__utc_instant(column, zone) -%}
    to_utc_timestamp(cast({{ column }} as timestamp), {{ zone }})
{%- endmacro %}

{#- UTC instant of a UTC day's midnight. -#}
{% macro utc_midnight(day) -%}
    {{ utc_instant(day, "'UTC'") }}
{%- endmacro %}

{#- Hours since UTC midnight. -#}
{% macro hours_of_day(column) -%}
    (extract(hour from {{ column }}) + extract(minute from {{ column }}) / 60e0)
{%- endmacro %}

{#- The instant `minutes` after another; both may be columns. -#}
{% macro minutes_after(column, minutes) -%}
    {{ return(adapter.dispatch('minutes_after')(column, minutes)) }}
{%- endmacro %}

{% macro default__minutes_after(column, minutes) -%}
    ({{ column }} + to_minutes(cast({{ minutes }} as bigint)))
{%- endmacro %}

{#- Where DuckDB's cast to a whole number rounds, Spark's cuts off. -#}
{% macro spark__minutes_after(column, minutes) -%}
    timestamp_micros(unix_micros({{ column }}) + 60000000 * cast(round({{ minutes }}) as bigint))
{%- endmacro %}

{#- Whether the middle of an interval lies in a time, [start_utc, end_utc): what is reported holds for whole intervals. -#}
{% macro holds_middle(start_utc, end_utc, instant, interval_minutes) -%}
    {{ return(adapter.dispatch('holds_middle')(start_utc, end_utc, instant, interval_minutes)) }}
{%- endmacro %}

{% macro default__holds_middle(start_utc, end_utc, instant, interval_minutes) -%}
    {{ instant }} + to_seconds(30 * {{ interval_minutes }}) >= {{ start_utc }}
    and {{ instant }} + to_seconds(30 * {{ interval_minutes }}) < {{ end_utc }}
{%- endmacro %}

{% macro spark__holds_middle(start_utc, end_utc, instant, interval_minutes) -%}
    timestamp_micros(unix_micros({{ instant }}) + 30000000 * {{ interval_minutes }}) >= {{ start_utc }}
    and timestamp_micros(unix_micros({{ instant }}) + 30000000 * {{ interval_minutes }}) < {{ end_utc }}
{%- endmacro %}

{#- The UTC days that a time touches, a row each. -#}
{% macro each_day(start_utc, end_utc) -%}
    {{ return(adapter.dispatch('each_day')(start_utc, end_utc)) }}
{%- endmacro %}

{% macro default__each_day(start_utc, end_utc) -%}
    cast(
        unnest(generate_series(
            cast({{ start_utc }} at time zone 'UTC' as date),
            cast({{ end_utc }} at time zone 'UTC' as date),
            interval '1 day'
        )) as date
    )
{%- endmacro %}

{% macro spark__each_day(start_utc, end_utc) -%}
    explode(sequence(cast({{ start_utc }} as date), cast({{ end_utc }} as date), interval '1' day))
{%- endmacro %}

{#- Whole minutes from one instant to a later one. -#}
{% macro minutes_between(earlier, later) -%}
    {{ return(adapter.dispatch('minutes_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__minutes_between(earlier, later) -%}
    date_diff('minute', {{ earlier }}, {{ later }})
{%- endmacro %}

{#- Full minutes that begin between them, as DuckDB counts. -#}
{% macro spark__minutes_between(earlier, later) -%}
    (
        unix_micros(cast({{ later }} as timestamp)) div 60000000
        - unix_micros(cast({{ earlier }} as timestamp)) div 60000000
    )
{%- endmacro %}

{#- Start of the UTC hour of an instant. -#}
{% macro hour_of(column) -%}
    {{ return(adapter.dispatch('hour_of')(column)) }}
{%- endmacro %}

{% macro default__hour_of(column) -%}
    make_timestamptz(epoch_us({{ column }}) // 3600000000 * 3600000000)
{%- endmacro %}

{% macro spark__hour_of(column) -%}
    date_trunc('hour', {{ column }})
{%- endmacro %}

{#- How often a whole number goes into another. -#}
{% macro whole_quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('whole_quotient')(dividend, divisor)) }}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) -%}
    ({{ dividend }} // {{ divisor }})
{%- endmacro %}

{% macro spark__whole_quotient(dividend, divisor) -%}
    ({{ dividend }} div {{ divisor }})
{%- endmacro %}

{#- Numbers 0, 1, …, n - 1 as rows of one column. -#}
{% macro numbers(n) -%}
    {{ return(adapter.dispatch('numbers')(n)) }}
{%- endmacro %}

{% macro default__numbers(n) -%}
    select unnest(range({{ n }})) as number
{%- endmacro %}

{% macro spark__numbers(n) -%}
    select id as number from range({{ n }})
{%- endmacro %}

{#- A UTC instant as text: 2025-01-31T23:50Z. -#}
{% macro instant_text(column) -%}
    {{ return(adapter.dispatch('instant_text')(column)) }}
{%- endmacro %}

{% macro default__instant_text(column) -%}
    strftime({{ column }} at time zone 'UTC', '%Y-%m-%dT%H:%MZ')
{%- endmacro %}

{% macro spark__instant_text(column) -%}
    date_format({{ column }}, "yyyy-MM-dd'T'HH:mm'Z'")
{%- endmacro %}

{#- Days from one date to a later one. -#}
{% macro days_from(earlier, later) -%}
    {{ return(adapter.dispatch('days_from')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_from(earlier, later) -%}
    {{ later }} - {{ earlier }}
{%- endmacro %}

{#- There a difference of dates is an interval. -#}
{% macro spark__days_from(earlier, later) -%}
    date_diff({{ later }}, {{ earlier }})
{%- endmacro %}
