{#- Makes the tables of raw files known to Spark, and their days: `dbt run-operation register_raw_tables`. Columns are those of
    the files, partitions their folders. -#}
{% macro register_raw_tables(folder) %}
    {%- do run_query('create schema if not exists raw') -%}
    {%- for table in ['weather', 'generation', 'values_set_aside', 'load_log'] -%}
        {%- do run_query("drop table if exists raw." ~ table) -%}
        {%- do run_query("create table raw." ~ table ~ " using parquet location '" ~ folder | replace("'", "\\'") ~ "/" ~ table ~ "'") -%}
        {%- if table != 'load_log' -%}
            {%- do run_query("msck repair table raw." ~ table) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
