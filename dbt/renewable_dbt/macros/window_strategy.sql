{#- Incremental strategy `window`: delete what the model's `replaces` predicate covers, insert what was built, in one
    transaction. Rows that vanished from the source go too, and the cost of a day is flat in history. -#}
{% macro get_incremental_window_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set predicates = arg_dict['incremental_predicates'] -%}
    {%- if not predicates -%}
        {{ exceptions.raise_compiler_error("model " ~ model.name ~ ": strategy `window` needs incremental_predicates, the rows that a run replaces") }}
    {%- endif -%}
    delete from {{ arg_dict['target_relation'] }} as DBT_INCREMENTAL_TARGET
    where {{ predicates | join(' and ') }};

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{% endmacro %}
