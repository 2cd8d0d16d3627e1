{#- Sums and means that do not depend on the order of the rows, so that a backfill gives the same bits as day by day.
    Fixed point with 12 digits: for energies in kWh the rounding is below a double's own. -#}
{% macro exact_sum(value, where=none) -%}
    cast({{ fixed_point_sum(value, where) }} as double)
{%- endmacro %}

{% macro exact_mean(value, where=none) -%}
    (
        cast({{ fixed_point_sum(value, where) }} as double)
        / nullif(count({{ value }}){% if where %} filter (where {{ where }}){% endif %}, 0)
    )
{%- endmacro %}

{#- The same without the way back, for sums over window frames. -#}
{% macro fixed_point_sum(value, where=none) -%}
    sum(cast({{ value }} as decimal(38, 12))){% if where %} filter (where {{ where }}){% endif %}
{%- endmacro %}

{#- A number that the text of a model works out, as a double on every engine. -#}
{% macro double(value) -%}
    cast({{ value }} as double)
{%- endmacro %}
