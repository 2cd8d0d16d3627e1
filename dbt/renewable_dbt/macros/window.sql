{#- The window of a run and what it means for each grain. Everything is half-open; literals, so that DuckDB prunes by zone map. -#}

{% macro has_window() -%}
    {{ return(var('window_start') is not none and var('window_end') is not none) }}
{%- endmacro %}

{#- UTC window of a timestamp column. -#}
{% macro in_window(column) -%}
    {%- if has_window() -%}
        {{ column }} >= timestamptz '{{ var("window_start") }}' and {{ column }} < timestamptz '{{ var("window_end") }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- The window for a column of UTC days. -#}
{% macro in_days(column) -%}
    {%- if has_window() -%}
        {{ column }} >= date '{{ (var("window_start") | string)[:10] }}' and {{ column }} < date '{{ (var("window_end") | string)[:10] }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- Local days that the window can touch in any time zone (UTC-12 to UTC+14). A superset is harmless:
    each local day is rebuilt from all its intervals. -#}
{% macro in_local_days(column) -%}
    {%- if has_window() -%}
        {{ column }} >= date '{{ local_start() }}' and {{ column }} < date '{{ local_end() }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- UTC timestamps that hold every interval of those local days. -#}
{% macro around_local_days(column) -%}
    {%- if has_window() -%}
        {{ column }} >= timestamptz '{{ shifted_day(local_start(), -1) }} 00:00:00+00'
        and {{ column }} < timestamptz '{{ shifted_day(local_end(), 1) }} 00:00:00+00'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- Local calendar months that the window can touch: the column holds the first day of a month. -#}
{% macro in_local_months(column) -%}
    {%- if has_window() -%}
        {{ column }} >= date_trunc('month', date '{{ local_start() }}')
        and {{ column }} < date '{{ local_end() }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- UTC timestamps that hold every interval of those months. -#}
{% macro around_local_months(column) -%}
    {%- if has_window() -%}
        {%- set first = modules.datetime.date.fromisoformat(local_start()).replace(day=1) -%}
        {%- set last = modules.datetime.date.fromisoformat(local_end()) -%}
        {%- set after = (last.replace(day=28) + modules.datetime.timedelta(days=4)).replace(day=1) -%}
        {{ column }} >= timestamptz '{{ shifted_day(first.isoformat(), -1) }} 00:00:00+00'
        and {{ column }} < timestamptz '{{ shifted_day(after.isoformat(), 1) }} 00:00:00+00'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro local_start() -%}
    {{ return(shifted_day((var('window_start') | string)[:10], -1)) }}
{%- endmacro %}

{% macro local_end() -%}
    {{ return(shifted_day((var('window_end') | string)[:10], 1)) }}
{%- endmacro %}

{% macro shifted_day(day, days) -%}
    {{ return((modules.datetime.date.fromisoformat(day) + modules.datetime.timedelta(days=days)).isoformat()) }}
{%- endmacro %}
