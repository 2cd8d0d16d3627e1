{#- What the project calls things, from the one place that says it: the columns of the sources (the contract, kept equal
    by a test) and the seeds in vocabulary/. Lists shape the text of a model; numbers are read by the query itself.

    A model asks once, {% set words = vocabulary() %}, and gets
      weather, generation: channels of the raw table in the order of the contract, all columns but the keys
      technology: by channel the technology that alone has it
      kinds, rules, thresholds: rows of the seeds event_kinds, reading_rules and thresholds, cells as text, none where
                  empty

    Files are read as files: a model can be compiled before the seeds are loaded, and dbt's own `graph` is empty in a unit
    test. -#}
{% macro vocabulary() -%}
    {%- set words = {'weather': [], 'generation': [], 'technology': {}, 'kinds': [], 'rules': [], 'thresholds': []} -%}
    {%- if execute -%}
        {%- set sources, kinds, rules, thresholds = vocabulary_texts() -%}
        {%- do words.update({'kinds': fromjson(kinds), 'rules': fromjson(rules), 'thresholds': fromjson(thresholds)}) -%}
        {%- for table in fromyaml(sources).sources[0].tables if table.name in words -%}
            {%- for column in table.columns if column.name not in ('asset_id', 'timestamp') -%}
                {%- do words[table.name].append(column.name) -%}
                {%- do words.technology.update({column.name: (column.meta or {}).get('technology')}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(words) }}
{%- endmacro %}

{#- The file of the sources, and the rows of the seeds as JSON. -#}
{% macro vocabulary_texts() -%}
    {{ return(adapter.dispatch('vocabulary_texts')()) }}
{%- endmacro %}

{% macro default__vocabulary_texts() -%}
    {{ return(run_query(vocabulary_query()).rows[0].values()) }}
{%- endmacro %}

{#- A cluster does not see the files of who calls it: the caller hands them over (src/renewable/transform/spark/surroundings.py). -#}
{% macro spark__vocabulary_texts() -%}
    {%- set texts = fromjson(env_var('RENEWABLE_DBT_VOCABULARY')) -%}
    {{ return([texts.sources, texts.event_kinds, texts.reading_rules, texts.thresholds]) }}
{%- endmacro %}

{% macro vocabulary_query() -%}
    select
        (select content from read_text('{{ project_file('models/staging/_sources.yml') }}')),
        {%- for seed in ['event_kinds', 'reading_rules', 'thresholds'] %}
        (
            select to_json(list({{ seed }}))
            from read_csv('{{ project_file('vocabulary/' ~ seed ~ '.csv') }}', all_varchar = true, header = true) as {{ seed }}
        ){{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{% macro project_file(path) -%}
    {{ return((env_var('DBT_PROJECT_DIR', '.') ~ '/' ~ path) | replace("'", "''")) }}
{%- endmacro %}

{#- Kinds of events and lines of the books: `seen_in` an interval, a day, or the rest. -#}
{% macro kinds(words, seen_in) -%}
    {{ return(words.kinds | selectattr('seen_in', 'in', seen_in) | map(attribute='kind') | list) }}
{%- endmacro %}

{#- Kinds of intervals that people may report: in events.csv alone, or beside what is found in the data. -#}
{% macro reported_kinds(words, found_by=['people', 'both']) -%}
    {{ return(words.kinds | selectattr('found_by', 'in', found_by) | map(attribute='kind') | list) }}
{%- endmacro %}

{#- Kinds whose time counts as this: available, unavailable, excluded, unknown. -#}
{% macro kinds_counted_as(words, availability) -%}
    {{ return(words.kinds | selectattr('availability', 'equalto', availability) | map(attribute='kind') | list) }}
{%- endmacro %}

{#- Channels whose readings are judged: power and all weather. A unit test that lists what comes out names its own. -#}
{% macro judged_channels(words) -%}
    {{ return(['active_power_kw'] + words.weather) }}
{%- endmacro %}

{#- Rows of one reading rule. -#}
{% macro reading_rules(words, rule) -%}
    {{ return(words.rules | selectattr('rule', 'equalto', rule) | list) }}
{%- endmacro %}

{#- What can be doubtful about a channel; that a power meter is frozen is seen by the plateaus, not by a reading rule. -#}
{% macro rules_of(words, channel) -%}
    {%- set found = words.rules | selectattr('channel', 'equalto', channel) | map(attribute='rule') | list -%}
    {{ return((['frozen'] if channel == 'active_power_kw' else []) + found) }}
{%- endmacro %}

{#- The default of a threshold, where it is one for both technologies. -#}
{% macro default_threshold(name) -%}
    {%- set found = vocabulary().thresholds | selectattr('threshold', 'equalto', name) | first -%}
    {%- if found and found.wind != found.solar -%}
        {{ exceptions.raise_compiler_error(name ~ ' has a default for each technology') }}
    {%- endif -%}
    {{ return(found.wind if found else 'null') }}
{%- endmacro %}
