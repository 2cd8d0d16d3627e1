{#- Ratios of sums, written once for days, months and groups. Each is null where its denominator knows nothing. -#}

{#- Share of the time that was observed. -#}
{% macro data_coverage(observed, expected) -%}
    {{ observed }} / {{ expected }}
{%- endmacro %}

{#- IEC 61724-1 energy performance index, over what is known of both. -#}
{% macro performance_index(energy_kwh, expected_energy_kwh) -%}
    {{ energy_kwh }} / nullif({{ expected_energy_kwh }}, 0.0)
{%- endmacro %}

{#- IEC 61724-1 performance ratio; null under 0.05 hours of full irradiance. -#}
{% macro performance_ratio(energy_kwh, reference_kwh, dc_capacity_kw) -%}
    case when {{ reference_kwh }} >= 0.05 * {{ dc_capacity_kw }} then {{ energy_kwh }} / {{ reference_kwh }} end
{%- endmacro %}

{#- IEC 61400-26-1 time-based availability. -#}
{% macro time_availability(available_hours, unavailable_hours) -%}
    {{ available_hours }} / nullif({{ available_hours }} + {{ unavailable_hours }}, 0.0)
{%- endmacro %}

{#- IEC 61400-26-1 energy-based availability, over the time that is not excluded. -#}
{% macro energy_availability(unavailable_kwh, expected_energy_kwh, excluded_expected_energy_kwh) -%}
    1.0 - {{ unavailable_kwh }} / nullif({{ expected_energy_kwh }} - {{ excluded_expected_energy_kwh }}, 0.0)
{%- endmacro %}
