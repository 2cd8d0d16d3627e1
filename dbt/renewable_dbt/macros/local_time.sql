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
