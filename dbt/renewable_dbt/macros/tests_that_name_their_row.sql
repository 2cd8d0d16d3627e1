{#- dbt's own tests show the column that fails and not whose row it is. Here the whole row is shown: a test that names
    an asset fails that asset alone (src/renewable/transform/build.py). -#}
{% macro default__test_not_null(model, column_name) %}
    select * from {{ model }}
    where {{ column_name }} is null
{% endmacro %}

{% macro default__test_accepted_values(model, column_name, values, quote=True) %}
    select * from {{ model }}
    where
        (
            {{ column_name }} in (
                {%- for value in values %}{{ "'" ~ value ~ "'" if quote else value }}{{ ', ' if not loop.last }}{% endfor -%}
            )
        ) is not true
{% endmacro %}
