{#- Left join to the last row whose ordered column is not above the left side's. -#}
{% macro as_of_left_join() -%}
    {{ return(adapter.dispatch('as_of_left_join')()) }}
{%- endmacro %}

{% macro default__as_of_left_join() -%}
    asof left join
{%- endmacro %}
