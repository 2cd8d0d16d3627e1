{#- Incremental strategy `window`: delete what the model's incremental_predicates cover, insert what was built, in one
    transaction. Rows that vanished from the source go too, and the cost of a day is flat in history. The predicates
    are Jinja in a string: they name the window of a run, which is not known when the project is parsed.

    Where a build keeps a journal (src/renewable/transform/journal.py) the rows that go are written to it first; a second
    look at the same table within a build leaves what was kept. -#}
{% macro get_incremental_window_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- if not arg_dict['incremental_predicates'] -%}
        {{ exceptions.raise_compiler_error("model " ~ model.name ~ ": strategy `window` needs incremental_predicates, the rows that a run replaces") }}
    {%- endif -%}
    {%- set replaced = [] -%}
    {%- for predicate in arg_dict['incremental_predicates'] -%}
        {%- do replaced.append('(' ~ render(predicate) ~ ')') -%}
    {%- endfor -%}
    {%- set replaced = replaced | join(' and ') -%}
    {%- if env_var('RENEWABLE_JOURNAL', '') %}
    insert into journal.predicates
    select '{{ target.schema }}', '{{ target.identifier }}', '{{ replaced | replace("'", "''") }}'
    where not exists (
        select 1 from journal.predicates
        where table_schema = '{{ target.schema }}' and table_name = '{{ target.identifier }}'
    );

    create table if not exists journal."{{ target.schema }}__{{ target.identifier }}" as
    select * from {{ target }} as DBT_INCREMENTAL_TARGET
    where {{ replaced }};

    {% endif -%}
    delete from {{ target }} as DBT_INCREMENTAL_TARGET
    where {{ replaced }};

    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{% endmacro %}
