{#- Sums and ratios of mart_asset_daily over a group of its rows: days of an asset, assets of a site. -#}
{% macro rolled_up() -%}
    cast(sum(intervals_expected) as bigint) as intervals_expected,
    cast(sum(intervals_observed) as bigint) as intervals_observed,
    {{ exact_sum('expected_hours') }} as expected_hours,
    {{ exact_sum('observed_hours') }} as observed_hours,
    {{ data_coverage(exact_sum('observed_hours'), exact_sum('expected_hours')) }} as data_coverage_ratio,
    {{ exact_sum('energy_kwh') }} as energy_kwh,
    {{ exact_sum('gap_energy_kwh') }} as gap_energy_kwh,
    {{ exact_sum('expected_energy_kwh') }} as expected_energy_kwh,
    {{ exact_sum('lost_energy_kwh') }} as lost_energy_kwh,
    {{ exact_sum('energy_kwh') }} / nullif({{ exact_sum('observed_hours * rated_power_kw') }}, 0.0) as capacity_factor,
    {{ performance_ratio(
        exact_sum('reference_yield_energy_kwh'), exact_sum('reference_yield_kwh'),
        exact_sum('case when reference_yield_kwh is not null then dc_capacity_kw end')
    ) }} as performance_ratio,
    {{ performance_ratio(
        exact_sum('reference_yield_stc_energy_kwh'), exact_sum('reference_yield_stc_kwh'),
        exact_sum('case when reference_yield_stc_kwh is not null then dc_capacity_kw end')
    ) }} as performance_ratio_stc,
    {{ time_availability(exact_sum('available_hours'), exact_sum('unavailable_hours')) }} as time_availability_ratio,
    {{ energy_availability(
        exact_sum('unavailable_lost_kwh'), exact_sum('expected_energy_kwh'), exact_sum('excluded_expected_energy_kwh'),
        exact_sum('case when expected_energy_kwh is not null then rated_power_kw end')
    ) }} as energy_availability_ratio,
    {{ performance_index(
        exact_sum('compared_energy_kwh'), exact_sum('compared_expected_energy_kwh'),
        exact_sum('case when compared_expected_energy_kwh is not null then rated_power_kw end')
    ) }} as performance_index
{%- endmacro %}

{#- Whether two sums differ by more than rounding, or one of them is not known. -#}
{% macro differs(left, right) -%}
    (
        ({{ left }} is null) <> ({{ right }} is null)
        or abs({{ left }} - {{ right }}) > 1e-6
    )
{%- endmacro %}
