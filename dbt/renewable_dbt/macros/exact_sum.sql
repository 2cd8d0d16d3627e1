{#- Sum and mean that do not depend on the order of the rows, so that a backfill gives the same bits as day by day.
    Fixed point with 12 digits: for energies in kWh the rounding is below a double's own. -#}
{% macro exact_sum(value) -%}
    cast(sum(cast({{ value }} as decimal(38, 12))) as double)
{%- endmacro %}

{% macro exact_mean(value) -%}
    (cast(sum(cast({{ value }} as decimal(38, 12))) as double) / count({{ value }}))
{%- endmacro %}
