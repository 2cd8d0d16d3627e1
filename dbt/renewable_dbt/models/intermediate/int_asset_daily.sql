{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set words = vocabulary() %}

with intervals as (

    select * from {{ ref('int_interval_performance') }}
    where
        {{ around_local_days('timestamp_utc') }}
        and {{ in_local_days('date_local') }}

),

assets as (

    select * from {{ ref('stg_asset_ratings') }}

),

measured as (

    select
        intervals.*,
        assets.technology,
        intervals.active_power_kw is not null and intervals.expected_power_kw is not null as is_compared,
        -- What people know of an interval needs no reading of its power.
        (intervals.active_power_kw is not null or intervals.event_source = 'reported')
        and (assets.technology = 'wind' or intervals.poa_irradiance_wm2 >= 50.0) as counts_for_availability,
        {%- for counted in ['unavailable', 'excluded'] %}
        coalesce(
            intervals.event_kind in (
                {%- for kind in kinds_counted_as(words, counted) %}
                '{{ kind }}'{{ ',' if not loop.last }}
                {%- endfor %}
            ),
            false
        ) as is_{{ counted }},
        {%- endfor %}
        assets.technology = 'solar'
        and intervals.is_free
        and intervals.expected_power_kw < 0.98 * assets.rated_power_kw as is_soilable,
        -- What tells how an asset runs: where its own weather lets expect something.
        intervals.is_free
        and intervals.expected_power_source in ('own', 'ghi')
        and intervals.expected_power_kw >= 0.1 * assets.rated_power_kw as is_telling,
        {{ load_class('intervals.expected_power_kw / assets.rated_power_kw') }} as load_class,
        case when intervals.active_power_kw is not null then {{ reference_dc_power() }} * intervals.interval_hours end
            as reference_kwh,
        case
            when intervals.active_power_kw is not null
                then {{ reference_dc_power('module_temperature_c') }} * intervals.interval_hours
        end as reference_stc_kwh
    from intervals
    inner join assets on {{ is_rated_by('intervals', 'assets') }}

)

select
    asset_id,
    date_local,
    count(*) as intervals_expected,
    count(active_power_kw) as intervals_observed,
    count(*) filter (where expected_power_kw is null) as intervals_without_expectation,
    count(*) filter (where expected_power_source = 'neighbours') as intervals_expected_from_neighbours,
    count(*) filter (where counts_for_availability and not is_unavailable and not is_excluded) as intervals_available,
    count(*) filter (where counts_for_availability and is_unavailable) as intervals_unavailable,
    {{ exact_sum('energy_kwh') }} as energy_kwh,
    {{ exact_sum('gap_energy_kwh') }} as gap_energy_kwh,
    {{ exact_mean('active_power_kw') }} as mean_power_kw,
    {{ exact_sum('expected_energy_kwh') }} as expected_energy_kwh,
    {{ exact_sum('energy_kwh', 'is_compared') }} as compared_energy_kwh,
    {{ exact_sum('expected_energy_kwh', 'is_compared') }} as compared_expected_energy_kwh,
    {{ exact_sum('energy_kwh', 'reference_kwh is not null') }} as reference_yield_energy_kwh,
    {{ exact_sum('reference_kwh') }} as reference_yield_kwh,
    {{ exact_sum('energy_kwh', 'reference_stc_kwh is not null') }} as reference_yield_stc_energy_kwh,
    {{ exact_sum('reference_stc_kwh') }} as reference_yield_stc_kwh,
    {{ exact_mean('wind_speed_ms') }} as mean_wind_speed_ms,
    -- A sensor that gave what cannot be tells no part of a day.
    case
        when not coalesce(bool_or(poa_irradiance_wm2_flag = 'out_of_range'), false)
            then {{ exact_sum(at_least_zero('poa_irradiance_wm2') ~ ' * interval_hours / 1000.0') }}
    end as insolation_kwh_m2,
    {%- for cause in kinds(words, ['interval']) + ['unexplained'] %}
    coalesce({{ exact_sum(cause ~ '_kwh') }}, 0.0) as {{ cause }}_kwh,
    {%- endfor %}
    -- Kinds of which nobody saw the power, or of a part.
    {{ sorted_list('case when active_power_kw is null then event_kind end') }} as unseen_kinds,
    -- What nobody can see without a thermometer or a rain gauge.
    nullif(concat_ws(
        ', ',
        case when min(technology) = 'wind' and count(air_temperature_c) = 0 then 'icing' end,
        case
            when min(technology) = 'solar' and (count(air_temperature_c) = 0 or count(precipitation_mm) = 0) then 'snow'
        end
    ), '') as untold_kinds,
    coalesce({{ exact_sum('expected_energy_kwh', 'is_excluded') }}, 0.0) as excluded_expected_energy_kwh,
    coalesce({{ exact_sum('expected_energy_kwh', 'is_soilable') }}, 0.0) as soilable_kwh,
    {%- for class in [1, 2, 3, 4] %}
    coalesce({{ exact_sum('energy_kwh', 'is_telling and load_class = %s' % class) }}, 0.0)
        as telling_energy_{{ class }}_kwh,
    coalesce({{ exact_sum('expected_energy_kwh', 'is_telling and load_class = %s' % class) }}, 0.0)
        as telling_expected_{{ class }}_kwh,
    {%- endfor %}
    coalesce({{ exact_sum('expected_energy_kwh', 'is_free') }}, 0.0) as free_expected_kwh
from measured
group by asset_id, date_local
order by date_local, asset_id
