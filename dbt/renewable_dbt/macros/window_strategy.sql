{#- Incremental strategy `window`: delete what the model's incremental_predicates cover, insert what was built, in one
    transaction. Rows that vanished from the source go too, and the cost of a day is flat in history. The predicates
    are Jinja in a string: they name the window of a run, which is not known when the project is parsed. -#}
{% macro get_incremental_window_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- if not arg_dict['incremental_predicates'] -%}
        {{ exceptions.raise_compiler_error("model " ~ model.name ~ ": strategy `window` needs incremental_predicates, the rows that a run replaces") }}
    {%- endif -%}
    delete from {{ arg_dict['target_relation'] }} as DBT_INCREMENTAL_TARGET
    where {% for predicate in arg_dict['incremental_predicates'] %}{{ ' and ' if not loop.first }}{{ render(predicate) }}{% endfor %};

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{% endmacro %}
