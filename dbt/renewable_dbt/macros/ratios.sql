{#- Ratios of sums, written once for days, months and groups. Each is null where its denominator knows nothing. -#}

{#- The least energy (kWh) that a ratio may divide by: 0.05 hours at full power for each asset-day. Under it the ratio is
    one of offsets and standby (a plant with a stuck pyranometer had a performance index of 348). -#}
{% macro least_energy(power_kw) -%}
    0.05 * {{ power_kw }}
{%- endmacro %}

{#- Share of the time that was observed. -#}
{% macro data_coverage(observed, expected) -%}
    {{ observed }} / {{ expected }}
{%- endmacro %}

{#- IEC 61724-1 energy performance index, over what is known of both. -#}
{% macro performance_index(energy_kwh, expected_energy_kwh, rated_power_kw) -%}
    case
        when {{ expected_energy_kwh }} >= {{ least_energy(rated_power_kw) }} then {{ energy_kwh }} / {{ expected_energy_kwh }}
    end
{%- endmacro %}

{#- IEC 61724-1 performance ratio. -#}
{% macro performance_ratio(energy_kwh, reference_kwh, dc_capacity_kw) -%}
    case when {{ reference_kwh }} >= {{ least_energy(dc_capacity_kw) }} then {{ energy_kwh }} / {{ reference_kwh }} end
{%- endmacro %}

{#- IEC 61400-26-1 time-based availability. -#}
{% macro time_availability(available_hours, unavailable_hours) -%}
    {{ available_hours }} / nullif({{ available_hours }} + {{ unavailable_hours }}, 0.0)
{%- endmacro %}

{#- IEC 61400-26-1 energy-based availability, over the time that is not excluded. -#}
{% macro energy_availability(unavailable_kwh, expected_energy_kwh, excluded_expected_energy_kwh, rated_power_kw) -%}
    case
        when {{ expected_energy_kwh }} - {{ excluded_expected_energy_kwh }} >= {{ least_energy(rated_power_kw) }}
            then 1.0 - {{ unavailable_kwh }} / ({{ expected_energy_kwh }} - {{ excluded_expected_energy_kwh }})
    end
{%- endmacro %}
