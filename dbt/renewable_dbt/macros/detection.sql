{#- Gaps and islands on a regular grid: rows that follow each other without a gap share this instant. -#}
{% macro run_key(keys, instant='timestamp_utc', minutes='interval_minutes') -%}
    {{ minutes_after(instant, '-' ~ minutes ~ ' * row_number() over (partition by ' ~ keys ~ ' order by ' ~ instant ~ ')') }}
{%- endmacro %}

{#- Intervals that tell how an asset runs: free to run, with power to be expected. Where the technology is known the
    condition is that of its own. -#}
{% macro is_telling(technology=none, standing_power_kw='standing_power_kw') -%}
    {%- set least = {'wind': 0.03, 'solar': 0.02} -%}
    is_free_by_report
    and expected_power_kw >= {{ least[technology] if technology else "case when technology = 'wind' then %s else %s end" % (least.wind, least.solar) }} * rated_power_kw
    and {{ exceeds_standing('expected_power_kw', standing_power_kw) }}
    and not is_near_cut_out
{%- endmacro %}

{#- Rows of a model by reading, as rows by interval, or by day: a column for each channel. The caller limits and groups
    them. -#}
{% macro readings_by_channel(model_name, value, channels, suffix='', at='timestamp_utc') -%}
    select
        asset_id,
        {{ at }}
        {%- for channel in channels %},
        any_value({{ value }}) filter (where channel = '{{ channel }}') as {{ channel }}{{ suffix }}
        {%- endfor %}
    from {{ ref(model_name) }}
{%- endmacro %}

{#- The readings of `rows`, a row for each channel that has one. -#}
{% macro one_row_a_reading(rows, channels) -%}
    {%- for channel in channels %}
    select
        asset_id,
        timestamp_utc,
        date_local,
        '{{ channel }}' as channel,
        cast({{ channel }} as double) as reading
    from {{ rows }}
    where {{ channel }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Whether a reading is that of before where this is not honest; `rule` is a row of the seed reading_rules, whose numbers
    are columns of `numbers`. -#}
{% macro repeats(rule) -%}
    {{ rule.channel }} = lag({{ rule.channel }}) over asset_time
        {%- if rule.readings | int >= 8 %}
        {%- set half = (rule.readings | int / 2) | int %}
        -- Inside a run as long one of these holds for every reading, and hardly anywhere else.
        and (
            {{ rule.channel }} = lag({{ rule.channel }}, {{ half }}) over asset_time
            or {{ rule.channel }} = lead({{ rule.channel }}, {{ half }}) over asset_time
        )
        {%- endif %}
        {%- if rule.honest_channel and not rule.honest_if_null %}
        and {{ rule.honest_channel }} > numbers.{{ rule.channel }}_honest_up_to
        {%- elif rule.honest_channel %}
        and coalesce(
            {{ rule.honest_channel }} > numbers.{{ rule.channel }}_honest_up_to,
            not numbers.{{ rule.channel }}_honest_if_null
        )
        {%- endif %}
{%- endmacro %}

{#- What is doubtful about a reading of int_reading_flags; null when nothing is. -#}
{% macro reading_flag(words, channel) -%}
    {%- set rules = rules_of(words, channel) %}
    case
        when {{ channel }}_set_aside is not null then 'set_aside'
        {%- if 'out_of_range' in rules %}
        when {{ channel }}_out_of_range is not null then 'out_of_range'
        {%- endif %}
        {%- if channel == 'active_power_kw' %}
        when is_meter_frozen then 'frozen'
        {%- endif %}
        when {{ channel }} is null then 'missing'
        when {{ channel }}_rule is not null then {{ channel }}_rule
        {%- if 'night_offset' in rules %}
        when {{ channel }} < 0.0 then 'night_offset'
        {%- endif %}
        {%- if 'above_rated' in rules %}
        when {{ channel }} > 1.02 * rated_power_kw then 'above_rated'
        {%- endif %}
        {%- if 'negative' in rules %}
        when {{ channel }} < 0.0 then 'negative'
        {%- endif %}
    end
{%- endmacro %}

{#- The different words of a group in order, as one text. -#}
{% macro sorted_list(column, separator=', ') -%}
    {{ return(adapter.dispatch('sorted_list')(column, separator)) }}
{%- endmacro %}

{% macro default__sorted_list(column, separator) -%}
    string_agg(distinct {{ column }}, '{{ separator }}' order by {{ column }})
{%- endmacro %}

{% macro spark__sorted_list(column, separator) -%}
    nullif(array_join(array_sort(collect_set({{ column }})), '{{ separator }}'), '')
{%- endmacro %}

{#- The same over lists made by it. -#}
{% macro merged_list(column) -%}
    {{ return(adapter.dispatch('merged_list')(column)) }}
{%- endmacro %}

{% macro default__merged_list(column) -%}
    array_to_string(list_sort(list_distinct(flatten(list(string_split({{ column }}, ', '))))), ', ')
{%- endmacro %}

{% macro spark__merged_list(column) -%}
    array_join(array_sort(array_distinct(flatten(collect_list(split({{ column }}, ', '))))), ', ')
{%- endmacro %}

{#- No power but for what the asset consumes, or shows, at rest. -#}
{% macro stands(active_power_kw='active_power_kw', standing_power_kw='standing_power_kw') -%}
    coalesce({{ active_power_kw }} <= {{ standing_power_kw }}, false)
{%- endmacro %}

{#- So much is to be expected that an asset that gave it could not be taken for one that stands. -#}
{% macro exceeds_standing(expected_power_kw, standing_power_kw, times=4.0) -%}
    {{ expected_power_kw }} >= {{ times }} * {{ standing_power_kw }}
{%- endmacro %}

{#- Of the days' power at rest the power up to which an asset stands: a quarter above their median. Four days have to
    agree: an anemometer that stands still leaves power of any size in a calm. Null where they do not, and where they are
    as low as everywhere. -#}
{% macro standing_ratio_of(resting_power_ratio) -%}
    {%- set quartile = {} -%}
    {%- for share in ['0.25', '0.5', '0.75'] -%}
        {%- do quartile.update({share: 'percentile_cont(%s) within group (order by %s)' % (share, resting_power_ratio)}) -%}
    {%- endfor -%}
    case
        when
            count({{ resting_power_ratio }}) >= 4
            and {{ quartile['0.5'] }} > {{ default_threshold('standing_power_ratio') }}
            and {{ quartile['0.5'] }} <= 0.03
            and {{ quartile['0.75'] }} - {{ quartile['0.25'] }} <= 0.5 * {{ quartile['0.5'] }}
            then 1.25 * {{ quartile['0.5'] }}
    end
{%- endmacro %}

{#- What an asset shows at rest, where its own days tell; else what holds for all, or what its fleet sets. -#}
{% macro own_standing_power(reference, assessed) -%}
    coalesce({{ reference }}.standing_power_ratio * {{ assessed }}.rated_power_kw, {{ assessed }}.standing_power_kw)
{%- endmacro %}

{#- Intervals with the power up to which the asset stood on their day. -#}
{% macro assessed_with_own_standing(model_name, days) -%}
    select
        assessed.*,
        {{ own_standing_power('reference', 'assessed') }} as own_standing_power_kw
    from {{ ref('int_assessed_intervals') }} as assessed
    left join {{ ref('int_running_reference') }} as reference
        on
            assessed.asset_id = reference.asset_id
            and {{ utc_date('assessed.timestamp_utc') }} = reference.day_utc
            and {{ around_reach(model_name, 'reference.day_utc', back=days, ahead=days, days=true) }}
    where {{ around_reach(model_name, 'assessed.timestamp_utc', back=days, ahead=days) }}
{%- endmacro %}

{#- Hours of ice and snow: under them a turbine or a plant gives little, or nothing, without being stopped or held. -#}
{% macro icy_and_snowy_hours(model_name, days) -%}
    select distinct
        asset_id,
        hour_utc
    from {{ ref('int_cause_hours') }}
    where
        kind in ('icing', 'snow')
        and {{ around_reach(model_name, 'hour_utc', back=days, ahead=days) }}
{%- endmacro %}

{#- More power than a start or a slip of the meter explains. -#}
{% macro produces(active_power_kw, rated_power_kw, standing_power_ratio) -%}
    coalesce({{ active_power_kw }} > greatest(0.02, {{ standing_power_ratio }}) * {{ rated_power_kw }}, false)
{%- endmacro %}

{#- Power at a limit that is reported: within the asset's tolerance of it (3 %) or 1 % of rated power. -#}
{% macro is_at_limit(active_power_kw, curtailment_limit_kw, rated_power_kw, limit_tolerance_ratio) -%}
    coalesce(
        {{ curtailment_limit_kw }} < 0.99 * {{ rated_power_kw }}
        and abs({{ active_power_kw }} - {{ curtailment_limit_kw }})
        <= greatest({{ limit_tolerance_ratio }} * {{ curtailment_limit_kw }}, 0.01 * {{ rated_power_kw }}),
        false
    )
{%- endmacro %}

{#- Intervals in which a unit stands and others tell the wind. -#}
{% macro standing_beside_neighbours() -%}
    stands and neighbours_expected_load_ratio is not null
{%- endmacro %}

{#- One load (share of rated power) beside another. Registries, curves and places make loads differ by up to a quarter
    without a fault. Far above is more than that: the strict limit. -#}
{% macro far_above(load_ratio, other_ratio) -%}
    {{ load_ratio }} > 1.25 * {{ other_ratio }} + 0.1
{%- endmacro %}

{#- Far above what the own weather allows. A plant's power follows its pyranometer more closely than a turbine's its
    anemometer. -#}
{% macro power_far_above_weather() -%}
    load_ratio > case when technology = 'solar' then 1.2 else 1.25 end * expected_load_ratio
    + case when technology = 'solar' then 0.03 else 0.1 end
{%- endmacro %}

{#- The mild limit, for intervals of an hour that was judged by the strict one. -#}
{% macro above(load_ratio, other_ratio) -%}
    {{ load_ratio }} > 1.1 * {{ other_ratio }} + 0.03
{%- endmacro %}

{% macro alike(load_ratio, other_ratio) -%}
    abs({{ load_ratio }} - {{ other_ratio }}) <= 0.25 * {{ other_ratio }} + 0.05
{%- endmacro %}

{#- The share of its registry's power that an asset gives while it runs freely. Curves and registries err by at most a
    fifth, or by what the fleet says; more than that is a fault of the asset. -#}
{% macro usual_ratio(reference_ratio, registry_error_ratio) -%}
    greatest(1.0 - {{ registry_error_ratio }}, least(1.0 + {{ registry_error_ratio }}, coalesce({{ reference_ratio }}, 1.0)))
{%- endmacro %}

{#- How much more than usual a registry may err; 0 where nothing is set. -#}
{% macro more_error(registry_error_ratio) -%}
    ({{ registry_error_ratio }} - {{ default_threshold('registry_error_ratio') }})
{%- endmacro %}

{#- Classes of wind by the power to be expected. An anemometer that reads low or high and a curve of another shape make a
    turbine's share of its registry's power another one in weak wind than in strong wind. -#}
{% macro load_class(expected_load_ratio) -%}
    case
        when {{ expected_load_ratio }} < 0.15 then 1
        when {{ expected_load_ratio }} < 0.35 then 2
        when {{ expected_load_ratio }} < 0.65 then 3
        else 4
    end
{%- endmacro %}

{#- The usual ratio in a class: an anemometer 0.5 m/s low takes a third of the power of weak wind, hardly any of strong. -#}
{% macro usual_ratio_in_class(load_class, class_ratio, reference_ratio, registry_error_ratio) -%}
    case
        when {{ class_ratio }} is null then {{ usual_ratio(reference_ratio, registry_error_ratio) }}
        else greatest(
            case {{ load_class }} when 1 then 0.5 when 2 then 0.65 when 3 then 0.75 else 0.8 end
            - {{ more_error(registry_error_ratio) }},
            least(
                case {{ load_class }} when 1 then 1.6 when 2 then 1.4 when 3 then 1.3 else 1.2 end
                + {{ more_error(registry_error_ratio) }},
                {{ class_ratio }}
            )
        )
    end
{%- endmacro %}

{#- Standard deviation of a share over the frame `around_interval`, whose rows are `intervals`. -#}
{% macro spread_of(ratio) -%}
    sqrt(greatest(
        0.0,
        cast({{ fixed_point_sum('pow(' ~ ratio ~ ', 2)') }} over around_interval as double) / count(*) over around_interval
        - pow(cast({{ fixed_point_sum(ratio) }} over around_interval as double) / count(*) over around_interval, 2)
    ))
{%- endmacro %}

{#- No light at all, says the pyranometer. -#}
{% macro is_dark() -%}
    technology = 'solar' and expected_load_ratio <= 0.005
{%- endmacro %}
