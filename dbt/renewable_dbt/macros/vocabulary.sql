{#- What the project calls things, from the one place that says it: the columns of the sources (the contract, kept equal
    by a test) and the seeds in vocabulary/. Lists shape the text of a model; numbers are read by the query itself. -#}

{#- Columns of a raw table as the file of sources lists them. dbt's own `graph` is empty in a unit test, so files of the
    project are read as files. -#}
{% macro raw_columns(table) -%}
    {%- for row in run_query(project_text_query('models/staging/_sources.yml')) -%}
        {%- for source in fromyaml(row[0]).sources -%}
            {%- for found in source.tables if found.name == table -%}{{ return(found.columns) }}{%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro project_file(path) -%}
    {{ return((env_var('DBT_PROJECT_DIR', '.') ~ '/' ~ path) | replace("'", "''")) }}
{%- endmacro %}

{% macro project_text_query(path) -%}
    {{ return(adapter.dispatch('project_text_query')(path)) }}
{%- endmacro %}

{% macro default__project_text_query(path) -%}
    select content from read_text('{{ project_file(path) }}')
{%- endmacro %}

{#- Channels of a raw table, in the order of the contract: all columns but the keys. -#}
{% macro channels(table) -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for column in raw_columns(table) -%}
            {%- if column.name not in ('asset_id', 'timestamp') -%}{%- do found.append(column.name) -%}{%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{#- The technology that alone has a channel; none where all have it. -#}
{% macro channel_technology(channel) -%}
    {%- if execute -%}
        {%- for table in ('weather', 'generation') -%}
            {%- for column in raw_columns(table) if column.name == channel -%}
                {{ return(column.get('config', {}).get('meta', column.get('meta', {})).get('technology')) }}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Rows of a seed as a list of dictionaries of text, none for an empty cell; read from its file, so that a model can be
    compiled before the seed is loaded. -#}
{% macro vocabulary(seed) -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- set rows = run_query(vocabulary_query(seed)) -%}
        {%- for row in rows -%}{%- do found.append(dict(zip(rows.column_names, row.values()))) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{% macro vocabulary_query(seed) -%}
    {{ return(adapter.dispatch('vocabulary_query')(seed)) }}
{%- endmacro %}

{% macro default__vocabulary_query(seed) -%}
    select * from read_csv('{{ project_file('vocabulary/' ~ seed ~ '.csv') }}', all_varchar = true, header = true)
{%- endmacro %}

{#- Kinds of events and lines of the books: `seen_in` an interval, a day, or the rest. -#}
{% macro kinds(seen_in) -%}
    {{ return(vocabulary('event_kinds') | selectattr('seen_in', 'in', seen_in) | map(attribute='kind') | list) }}
{%- endmacro %}

{#- Rows of one reading rule. -#}
{% macro reading_rules(rule) -%}
    {{ return(vocabulary('reading_rules') | selectattr('rule', 'equalto', rule) | list) }}
{%- endmacro %}

{#- What can be doubtful about a channel; that a power meter is frozen is seen by the plateaus, not by a reading rule. -#}
{% macro rules_of(channel) -%}
    {%- set found = vocabulary('reading_rules') | selectattr('channel', 'equalto', channel) | map(attribute='rule') | list -%}
    {{ return((['frozen'] if channel == 'active_power_kw' else []) + found) }}
{%- endmacro %}
