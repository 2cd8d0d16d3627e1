{#- A validated file of the registry, which `renewable transform` writes; the demo fleet's when dbt is called by hand.
    Columns and types are those that the model's properties list: nothing is guessed from the content. -#}
{% macro registry_table(name) -%}
    {{ return(adapter.dispatch('registry_table')(name)) }}
{%- endmacro %}

{% macro default__registry_table(name) -%}
    {%- set folder = env_var('RENEWABLE_DBT_REGISTRY', 'seeds') if execute else '' -%}
    {%- set columns = model.columns.values() -%}
    select
        {%- for column in columns %}
        {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from read_csv(
        '{{ file_path(folder ~ '/' ~ name ~ '.csv') }}',
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        nullstr = '',
        dateformat = '%Y-%m-%d',
        columns = {
            {%- for column in columns %}
            '{{ column.name }}': '{{ column.data_type }}'{{ ',' if not loop.last }}
            {%- endfor %}
        }
    )
{%- endmacro %}

{#- A path as a text of SQL in which no character stands for others. -#}
{% macro file_path(path) -%}
    {%- set found = namespace(text='') -%}
    {%- for character in path -%}
        {%- set found.text = found.text ~ ('[' ~ character ~ ']' if character in '*?[' else "''" if character == "'" else character) -%}
    {%- endfor -%}
    {{ return(found.text) }}
{%- endmacro %}
