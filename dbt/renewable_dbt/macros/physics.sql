{#- Formulas that more than one model or test may need. Sources are named; units are in the arguments' names.
    A quotient of numbers is written with exponents: without them Spark takes it for a decimal of few digits. -#}

{#- Air density (kg/m³) of moist air, IEC 61400-12-1. Missing humidity counts as 50 %, missing pressure and
    temperature as those of the standard atmosphere (ISO 2533) at the site's elevation. -#}
{% macro air_density(temperature_c, pressure_hpa, humidity_pct, elevation_m) -%}
    {%- set kelvin = "(coalesce(" ~ temperature_c ~ ", 15.0 - 0.0065 * " ~ elevation_m ~ ") + 273.15)" -%}
    {%- set pascal = "(100.0 * coalesce(" ~ pressure_hpa ~ ", 1013.25 * pow(1.0 - 2.25577e-5 * " ~ elevation_m ~ ", 5.25588)))" -%}
    {%- set humidity = "(coalesce(" ~ humidity_pct ~ ", 50.0) / 100.0)" -%}
    (
        {{ pascal }} / 287.05
        - {{ humidity }} * 0.0000205 * exp(0.0631846 * {{ kelvin }}) * (1e0 / 287.05e0 - 1e0 / 461.5e0)
    ) / {{ kelvin }}
{%- endmacro %}

{#- Wind speed (m/s) at the reference density of 1.225 kg/m³, IEC 61400-12-1, turbines with pitch control. -#}
{% macro normalised_wind_speed(wind_speed_ms, air_density_kg_m3) -%}
    {{ wind_speed_ms }} * pow({{ air_density_kg_m3 }} / 1.225, 1e0 / 3e0)
{%- endmacro %}

{#- Power (kW) between two points of a turbine's curve; 0 below the first and above the last point. -#}
{% macro power_on_segment(wind_speed_ms) -%}
    case
        when {{ wind_speed_ms }} is null then null
        when {{ wind_speed_ms }} = from_wind_speed_ms then from_power_kw
        -- Off the curve: on no segment, or on the one that the last point begins.
        when to_wind_speed_ms is null then 0.0
        else
            from_power_kw
            + (to_power_kw - from_power_kw)
            * ({{ wind_speed_ms }} - from_wind_speed_ms) / (to_wind_speed_ms - from_wind_speed_ms)
    end
{%- endmacro %}

{#- The value, or 0 below 0; null stays null, which greatest() would turn into 0. -#}
{% macro at_least_zero(value) -%}
    (case when {{ value }} < 0.0 then 0.0 else {{ value }} end)
{%- endmacro %}

{#- Power (kW) of the modules by their data sheet in the irradiance of their plane, the denominator of the
    performance ratio (IEC 61724-1); with a module temperature (°C) the one of the ratio corrected to 25 °C. -#}
{% macro reference_dc_power(module_temperature_c=none) -%}
    dc_capacity_kw * {{ at_least_zero('poa_irradiance_wm2') }} / 1000.0
    {%- if module_temperature_c %} * (1.0 + temperature_coefficient_per_c * ({{ module_temperature_c }} - 25.0)){% endif %}
{%- endmacro %}

{#- Module temperature (°C) from the air's, Faiman 2008 with its general coefficients; calm when no wind is known. -#}
{% macro faiman_module_temperature() -%}
    air_temperature_c + {{ at_least_zero('poa_irradiance_wm2') }} / (25.0 + 6.84 * coalesce(wind_speed_ms, 1.0))
{%- endmacro %}

{#- AC power (kW) of PVWatts V5's inverter: efficiency by load (nominal 0.96, reference 0.9637), clipped at rated power. -#}
{% macro pvwatts_ac_power(dc_power_kw, rated_power_kw) -%}
    {%- set load = "(" ~ dc_power_kw ~ " / (" ~ rated_power_kw ~ " / 0.96))" -%}
    case
        when {{ dc_power_kw }} is null then null
        when {{ dc_power_kw }} <= 0.0 then 0.0
        else
            greatest(
                0.0,
                least(
                    {{ rated_power_kw }},
                    {{ dc_power_kw }} * 0.96 / 0.9637 * (-0.0162 * {{ load }} - 0.0059 / {{ load }} + 0.9858)
                )
            )
    end
{%- endmacro %}
