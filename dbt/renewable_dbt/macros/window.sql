{#- The window of a run and what follows from it for each grain. Everything is half-open; literals, so that DuckDB
    prunes by zone map.

    window:  the UTC days whose raw data changed. From the variables window_start and window_end, else from the
             environment (which costs no new parse of the project), else none: everything is built.
    rebuild: the UTC days whose intervals may change by it. Detection looks one day ahead (an event that continues)
             and `lookback_days` back (what the asset did before), so a change reaches from the day before the window
             to lookback_days after it. Days that were never built need not be: RENEWABLE_REBUILD_END.
    local:   the local days (in any zone) whose figures may change: soiling looks back further, over the rains. -#}

{% macro window_bound(name) -%}
    {%- if not execute -%}
        {{ return('') }}
    {%- endif -%}
    {{ return((var(name) or env_var('RENEWABLE_' ~ name | upper, '') | string)[:10]) }}
{%- endmacro %}

{% macro has_window() -%}
    {{ return(window_bound('window_start') != '' and window_bound('window_end') != '') }}
{%- endmacro %}

{% macro rebuild_start() -%}
    {{ return(shifted_day(window_bound('window_start'), -1)) }}
{%- endmacro %}

{% macro rebuild_end() -%}
    {{ return(days_after_window(var('lookback_days'))) }}
{%- endmacro %}

{% macro days_after_window(days) -%}
    {%- set latest = shifted_day(window_bound('window_end'), days) -%}
    {%- set limit = env_var('RENEWABLE_REBUILD_END', '')[:10] -%}
    {{ return([latest, limit] | min if limit else latest) }}
{%- endmacro %}

{% macro days_between(column, first, after) -%}
    {{ return(column ~ " >= date '" ~ first ~ "' and " ~ column ~ " < date '" ~ after ~ "'") }}
{%- endmacro %}

{% macro instants_between(column, first, after) -%}
    {{ return(column ~ " >= timestamptz '" ~ first ~ " 00:00:00+00' and " ~ column ~ " < timestamptz '" ~ after ~ " 00:00:00+00'") }}
{%- endmacro %}

{#- Instants of the window's own days: of models whose row knows nothing but its own day. -#}
{% macro in_window(column) -%}
    {{ instants_between(column, window_bound('window_start'), window_bound('window_end')) if has_window() else 'true' }}
{%- endmacro %}

{#- The window for a column of UTC days. -#}
{% macro in_days(column) -%}
    {{ days_between(column, window_bound('window_start'), window_bound('window_end')) if has_window() else 'true' }}
{%- endmacro %}

{#- Instants whose results a run replaces. -#}
{% macro in_rebuild(column) -%}
    {{ instants_between(column, rebuild_start(), rebuild_end()) if has_window() else 'true' }}
{%- endmacro %}

{#- Instants that those results look at: `context_days` back, one day ahead. -#}
{% macro around_rebuild(column) -%}
    {{ instants_between(column, shifted_day(rebuild_start(), -var('context_days')), shifted_day(rebuild_end(), 1)) if has_window() else 'true' }}
{%- endmacro %}

{#- The same for periods [since, until) that overlap them. -#}
{% macro overlaps_around_rebuild(since_utc, until_utc) -%}
    {%- if has_window() -%}
        {{ since_utc }} < timestamptz '{{ shifted_day(rebuild_end(), 1) }} 00:00:00+00'
        and {{ until_utc }} > timestamptz '{{ shifted_day(rebuild_start(), -var('context_days')) }} 00:00:00+00'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- UTC days that those results look back to. -#}
{% macro in_lookback_days(column) -%}
    {{ days_between(column, shifted_day(rebuild_start(), -2 - var('lookback_days')), shifted_day(rebuild_end(), 1)) if has_window() else 'true' }}
{%- endmacro %}

{#- UTC days that soiling looks back to: the rains before the days before. -#}
{% macro in_soiling_days(column) -%}
    {{ days_between(column, shifted_day(local_start(), -2 - var('lookback_days') - var('rain_memory_days')), local_end()) if has_window() else 'true' }}
{%- endmacro %}

{#- Local days that the rebuild can touch in any time zone (UTC-12 to UTC+14). A superset is harmless:
    each local day is rebuilt from all its intervals. -#}
{% macro in_local_days(column) -%}
    {{ days_between(column, local_start(), local_end()) if has_window() else 'true' }}
{%- endmacro %}

{#- UTC instants that hold every interval of those local days. -#}
{% macro around_local_days(column) -%}
    {{ instants_between(column, shifted_day(local_start(), -1), shifted_day(local_end(), 1)) if has_window() else 'true' }}
{%- endmacro %}

{#- Local calendar months that the rebuild can touch: the column holds the first day of a month. -#}
{% macro in_local_months(column) -%}
    {{ days_between(column, month_start(local_start()), local_end()) if has_window() else 'true' }}
{%- endmacro %}

{#- Local days of those months. -#}
{% macro in_days_of_local_months(column) -%}
    {{ days_between(column, month_start(local_start()), month_end(local_end())) if has_window() else 'true' }}
{%- endmacro %}

{#- UTC instants that hold every interval of those months. -#}
{% macro around_local_months(column) -%}
    {{ instants_between(column, shifted_day(month_start(local_start()), -1), shifted_day(month_end(local_end()), 1)) if has_window() else 'true' }}
{%- endmacro %}

{% macro local_start() -%}
    {{ return(shifted_day(rebuild_start(), -1)) }}
{%- endmacro %}

{% macro local_end() -%}
    {{ return(shifted_day(days_after_window(var('lookback_days') + var('rain_memory_days')), 1)) }}
{%- endmacro %}

{% macro month_start(day) -%}
    {{ return(modules.datetime.date.fromisoformat(day).replace(day=1).isoformat()) }}
{%- endmacro %}

{#- First day of the month after the one that holds the last day before `after`. -#}
{% macro month_end(after) -%}
    {%- set last = modules.datetime.date.fromisoformat(shifted_day(after, -1)) -%}
    {{ return((last.replace(day=28) + modules.datetime.timedelta(days=4)).replace(day=1).isoformat()) }}
{%- endmacro %}

{% macro shifted_day(day, days) -%}
    {{ return((modules.datetime.date.fromisoformat(day) + modules.datetime.timedelta(days=days)).isoformat()) }}
{%- endmacro %}

{#- Spans that touch those days, or come so close that they might be joined to one that does. -#}
{% macro touches_local_days(start_utc, end_utc) -%}
    {%- if has_window() -%}
        {{ end_utc }} >= timestamptz '{{ shifted_day(local_start(), -1) }} 00:00:00+00'
        and {{ start_utc }} < timestamptz '{{ shifted_day(local_end(), 1) }} 00:00:00+00'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
