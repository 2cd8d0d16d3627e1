{#- What DuckDB and Spark write differently, beside times (local_time.sql) and lists (detection.sql). The model SQL is one for
    both; docs/reference/engines.md lists what differs. -#}

{#- All columns of a relation but these. -#}
{% macro all_but(columns, of=none) -%}
    {{ return(adapter.dispatch('all_but')(columns, of)) }}
{%- endmacro %}

{% macro default__all_but(columns, of) -%}
    {{ of ~ '.' if of }}* exclude ({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__all_but(columns, of) -%}
    {{ of ~ '.' if of }}* except ({{ columns | join(', ') }})
{%- endmacro %}

{#- The median over the frame of a named window. -#}
{% macro median_over(value, window) -%}
    {{ return(adapter.dispatch('median_over')(value, window)) }}
{%- endmacro %}

{% macro default__median_over(value, window) -%}
    median({{ value }}) over {{ window }}
{%- endmacro %}

{#- Its median() takes no frame. -#}
{% macro spark__median_over(value, window) -%}
    percentile({{ value }}, 0.5) over {{ window }}
{%- endmacro %}

{#- A number rounded to `digits` decimals. -#}
{% macro rounded(value, digits) -%}
    {{ return(adapter.dispatch('rounded')(value, digits)) }}
{%- endmacro %}

{% macro default__rounded(value, digits) -%}
    round({{ value }}, {{ digits }})
{%- endmacro %}

{#- Its round(x, n) goes by the decimal text: 259.4025 is stored as a little less, and would still become 259.403. -#}
{% macro spark__rounded(value, digits) -%}
    round({{ value }} * 1e{{ digits }}) / 1e{{ digits }}
{%- endmacro %}

{#- The last value that is known, over a frame that the caller writes. -#}
{% macro last_known(value) -%}
    {{ return(adapter.dispatch('last_known')(value)) }}
{%- endmacro %}

{% macro default__last_known(value) -%}
    last_value({{ value }} ignore nulls)
{%- endmacro %}

{% macro spark__last_known(value) -%}
    last_value({{ value }}) ignore nulls
{%- endmacro %}

{#- A type of a column as it stands in the contract of a model. -#}
{% macro engine_type(data_type) -%}
    {{ return(adapter.dispatch('engine_type')(data_type)) }}
{%- endmacro %}

{% macro default__engine_type(data_type) -%}
    {{ return(data_type) }}
{%- endmacro %}

{% macro spark__engine_type(data_type) -%}
    {%- set types = {'varchar': 'string', 'timestamptz': 'timestamp', 'timestamp with time zone': 'timestamp', 'integer': 'int'} -%}
    {{ return(types.get(data_type | lower, data_type | lower)) }}
{%- endmacro %}

{#- How a view of few rows is kept that nearly every model reads. -#}
{% macro view_of_few_rows() -%}
    {{ return(adapter.dispatch('view_of_few_rows')()) }}
{%- endmacro %}

{% macro default__view_of_few_rows() -%}
    {{ return('view') }}
{%- endmacro %}

{#- Each use of a view is analysed anew there, half a second each. -#}
{% macro spark__view_of_few_rows() -%}
    {{ return('table') }}
{%- endmacro %}
