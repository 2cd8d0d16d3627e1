{#- Wall clock (timestamp without zone) of a UTC instant in a named zone. -#}
{% macro local_time(column, zone) -%}
    {{ return(adapter.dispatch('local_time')(column, zone)) }}
{%- endmacro %}

{% macro default__local_time(column, zone) -%}
    ({{ column }} at time zone {{ zone }})
{%- endmacro %}

{#- UTC instant of a wall clock in a named zone. -#}
{% macro utc_instant(column, zone) -%}
    {{ return(adapter.dispatch('utc_instant')(column, zone)) }}
{%- endmacro %}

{% macro default__utc_instant(column, zone) -%}
    (cast({{ column }} as timestamp) at time zone {{ zone }})
{%- endmacro %}

{#- UTC instant of a UTC day's midnight. -#}
{% macro utc_midnight(day) -%}
    {{ utc_instant(day, "'UTC'") }}
{%- endmacro %}

{#- Hours since UTC midnight. -#}
{% macro hours_of_day(column) -%}
    (extract(hour from {{ column }}) + extract(minute from {{ column }}) / 60.0)
{%- endmacro %}

{#- The instant `minutes` after another; both may be columns. -#}
{% macro minutes_after(column, minutes) -%}
    {{ return(adapter.dispatch('minutes_after')(column, minutes)) }}
{%- endmacro %}

{% macro default__minutes_after(column, minutes) -%}
    ({{ column }} + to_minutes(cast({{ minutes }} as bigint)))
{%- endmacro %}

{#- Numbers 0, 1, …, n - 1 as rows of one column. -#}
{% macro numbers(n) -%}
    {{ return(adapter.dispatch('numbers')(n)) }}
{%- endmacro %}

{% macro default__numbers(n) -%}
    select unnest(range({{ n }})) as number
{%- endmacro %}

{#- A UTC instant as text: 2025-01-31T23:50Z. -#}
{% macro instant_text(column) -%}
    {{ return(adapter.dispatch('instant_text')(column)) }}
{%- endmacro %}

{% macro default__instant_text(column) -%}
    strftime({{ column }} at time zone 'UTC', '%Y-%m-%dT%H:%MZ')
{%- endmacro %}
