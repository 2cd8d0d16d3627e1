{#- A validated file of the registry, which `renewable transform` writes; the demo fleet's when dbt is called by hand.
    Columns and types are those that the model's properties list: nothing is guessed from the content. The last ones may
    be missing in a registry that people write. What people report and set is nothing when dbt is called by hand: its rows
    are worked out when it is validated. -#}
{% macro registry_table(name) -%}
    {{ return(adapter.dispatch('registry_table')(name)) }}
{%- endmacro %}

{% macro default__registry_table(name) -%}
    {%- set folder = env_var('RENEWABLE_DBT_REGISTRY', 'seeds') if execute else '' -%}
    {%- set columns = model.columns.values() -%}
    {%- if name not in ('assets', 'power_curves') and folder == 'seeds' -%}
    select
        {%- for column in columns %}
        cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    where false
    {%- else -%}
    select
        {%- for column in columns %}
        {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from read_csv(
        '{{ (folder ~ '/' ~ name ~ '.csv') | replace("'", "''") }}',
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        nullstr = '',
        null_padding = true,
        dateformat = '%Y-%m-%d',
        columns = {
            {%- for column in columns %}
            '{{ column.name }}': '{{ column.data_type }}'{{ ',' if not loop.last }}
            {%- endfor %}
        }
    )
    {%- endif -%}
{%- endmacro %}

{#- Line by line: Spark's own reader of CSV takes its options only where a table is made. A text holds no line break
    (src/renewable/registry_csv.py), and a value that does not fit its column stops the build. -#}
{% macro spark__registry_table(name) -%}
    {%- set folder = env_var('RENEWABLE_DBT_REGISTRY') if execute else '' -%}
    {%- set columns = model.columns.values() | list -%}
    {%- set types = [] -%}
    {%- for column in columns -%}
        {%- do types.append(column.name ~ ' ' ~ engine_type(column.data_type)) -%}
    {%- endfor -%}
    select record.*
    from (
        select
            from_csv(
                value,
                '{{ types | join(', ') }}',
                map('mode', 'FAILFAST', 'escape', '"', 'dateFormat', 'yyyy-MM-dd')
            ) as record
        from text.`{{ folder }}/{{ name }}.csv`
        where not startswith(value, '{{ columns | map(attribute='name') | first }},')
    ) as records
{%- endmacro %}
