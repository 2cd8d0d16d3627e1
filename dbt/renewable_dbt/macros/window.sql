{#- The window of a run and what follows from it for each grain. Everything is half-open; literals, so that DuckDB
    prunes by zone map.

    window:  the UTC days whose raw data changed. From the variables window_start and window_end, else from the
             environment (which costs no new parse of the project), else none: everything is built.
    reach:   the UTC days of a model whose rows may change by it, see below.
    rebuild: the reach of int_attribution, the last model of intervals. Days that were never built are left out:
             RENEWABLE_REBUILD_END.
    local:   the local days (in any zone) whose intervals may change, and what looks back at these: soiling does so furthest.
    state:   the local days whose states may change: soiling and underperformance are told in hindsight. -#}

{#- How many days before and after a changed UTC day a model's rows may differ. What each model looks at, added up
    along the way:
    readings  20 hours to both sides, the longest run that a rule asks for
    witnesses 7 hours to both sides
    meters    12 hours to both sides, to intervals that look 12 hours to both sides themselves
    high wind 25 hours back
    hours     the 28 days before; so do all that tell whether an asset stands by what it showed on these days
    ice       60 hours back, to hours that look 60 hours back themselves; 24 hours ahead; 12 hours between iced hours
    snow      5 days back, where a day without light knows the one before
    low       7 days back to the step, 72 hours before it, 12 hours to both sides over a single hour
    derating  19 hours back to a derated hour, which looks 60 hours back to low hours that look 60 hours back themselves;
              24 and 24 hours ahead, and up to 36 more to the next derated hour
    stops     24 hours to both sides, to intervals that look 12 hours to both sides themselves
    edges     24 hours to both sides
    limits    5.5 hours to both sides
    plateaus  20 hours to both sides, 9 of them around flat intervals
    clear     10 days from step to step, 25 days of a fall, 20 days of changes before it -#}
{% macro reach(model_name) -%}
    {%- set month = var('lookback_days') -%}
    {%- set days = {
        'int_set_aside_readings': (0, 0),
        'int_intervals': (0, 0),
        'int_reported_intervals': (0, 0),
        'int_clipped_intervals': (1, 1),
        'int_reference_daily': (2, 2),
        'int_clear_days': (2, 57),
        'int_doubtful_readings': (1, 1),
        'int_out_of_range_readings': (1, 1),
        'int_flat_power': (2, 2),
        'int_own_power': (1, 1),
        'int_producing_units': (1, 1),
        'int_slowed_anemometers': (2, 2),
        'int_contradicted_readings': (2, 2),
        'int_expected_power': (2, 2),
        'int_still_meters': (3, 3),
        'int_high_wind_stops': (2, month + 4),
        'int_load_class_daily': (2, 2),
        'int_running_reference': (2, month),
        'int_class_reference': (2, month),
        'int_asset_hours': (2, month),
        'int_icing_hours': (4, month + 6),
        'int_snow_hours': (2, month + 5),
        'int_low_hours': (5, month + 17),
        'int_derating_hours': (8, month + 22),
        'int_stops': (6, month + 8),
        'int_stop_edges': (7, month + 9),
        'int_site_limits': (5, month + 7),
        'int_still_intervals': (8, month + 22),
        'int_flat_intervals': (8, month + 22),
        'int_plateaus': (8, month + 23),
        'int_causes': (8, month + 23),
        'int_attribution': (8, month + 23),
    } -%}
    {{ return(days[model_name]) }}
{%- endmacro %}

{#- Rows that a run of the model replaces. The column holds instants, or UTC days. -#}
{% macro in_reach(model_name, column, days=false) -%}
    {{ around_reach(model_name, column, days=days) }}
{%- endmacro %}

{#- Rows that those rows look at, so many days further back and ahead. -#}
{% macro around_reach(model_name, column, back=0, ahead=0, days=false) -%}
    {%- if has_window() -%}
        {%- set before, after = reach(model_name) -%}
        {%- set first = shifted_day(window_bound('window_start'), -before - back) -%}
        {%- set end = shifted_day(days_after_window(after), ahead) -%}
        {{ days_between(column, first, end) if days else instants_between(column, first, end) }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- A day as text, empty without one. YAML makes a date of a day that stands in --vars without quotes. -#}
{% macro window_bound(name) -%}
    {%- if not execute -%}
        {{ return('') }}
    {%- endif -%}
    {%- set bound = ((var(name) or env_var('RENEWABLE_' ~ name | upper, '')) | string)[:10] -%}
    {%- if bound and not modules.re.match('[0-9]{4}-[0-9]{2}-[0-9]{2}$', bound) -%}
        {{ exceptions.raise_compiler_error(name ~ " is " ~ bound ~ ", which is no day: write --vars '{window_start: 2025-01-01, window_end: 2025-02-01}'") }}
    {%- endif -%}
    {{ return(bound) }}
{%- endmacro %}

{#- Half a window would rebuild everything. -#}
{% macro has_window() -%}
    {%- set start, end = window_bound('window_start'), window_bound('window_end') -%}
    {%- if (start == '') != (end == '') or (start and start >= end) -%}
        {{ exceptions.raise_compiler_error("window_start is " ~ (start or "not given") ~ " and window_end " ~ (end or "not given") ~ ": give both, the end after the start and not built itself") }}
    {%- endif -%}
    {{ return(start != '' and end != '') }}
{%- endmacro %}

{% macro rebuild_start() -%}
    {{ return(shifted_day(window_bound('window_start'), -reach('int_attribution')[0])) }}
{%- endmacro %}

{% macro days_after_window(days) -%}
    {%- set latest = shifted_day(window_bound('window_end'), days) -%}
    {%- set limit = env_var('RENEWABLE_REBUILD_END', '')[:10] -%}
    {{ return([latest, limit] | min if limit else latest) }}
{%- endmacro %}

{#- UTC midnight of a day that is known when the query is written. -#}
{% macro instant_literal(day) -%}
    {{ return(adapter.dispatch('instant_literal')(day)) }}
{%- endmacro %}

{% macro default__instant_literal(day) -%}
    timestamptz '{{ day }} 00:00:00+00'
{%- endmacro %}

{% macro spark__instant_literal(day) -%}
    timestamp '{{ day }} 00:00:00+00:00'
{%- endmacro %}

{% macro days_between(column, first, after) -%}
    {{ return(column ~ " >= date '" ~ first ~ "' and " ~ column ~ " < date '" ~ after ~ "'") }}
{%- endmacro %}

{% macro instants_between(column, first, after) -%}
    {{ return(column ~ ' >= ' ~ instant_literal(first) ~ ' and ' ~ column ~ ' < ' ~ instant_literal(after)) }}
{%- endmacro %}

{#- How many days tell of the dirt of a day, itself among them: those of both variables, less what a clear day reaches. -#}
{% macro soiling_days() -%}
    {{ return(var('lookback_days') + var('rain_memory_days') - reach('int_clear_days')[1]) }}
{%- endmacro %}

{#- How many days after a day tell of its dirt, too. -#}
{% macro hindsight_days() -%}
    {{ return(var('lookback_days')) }}
{%- endmacro %}

{#- UTC days that soiling looks at: the days that tell of it, and the washes before their noons. -#}
{% macro in_soiling_days(column) -%}
    {{ days_between(column, shifted_day(state_start(), -2 - soiling_days()), shifted_day(state_end(), hindsight_days())) if has_window() else 'true' }}
{%- endmacro %}

{#- How many days tell how an asset ran before a day, itself among them: those of both variables, less what an interval
    reaches. -#}
{% macro running_days() -%}
    {{ return(var('lookback_days') + var('rain_memory_days') - reach('int_attribution')[1]) }}
{%- endmacro %}

{#- Local days that the running of an asset is compared with. -#}
{% macro in_running_days(column) -%}
    {{ days_between(column, shifted_day(local_start(), 1 - running_days()), local_end()) if has_window() else 'true' }}
{%- endmacro %}

{#- Local days that the rebuild can touch in any time zone (UTC-12 to UTC+14). A superset is harmless:
    each local day is rebuilt from all its intervals. -#}
{% macro in_local_days(column) -%}
    {{ days_between(column, local_start(), local_end()) if has_window() else 'true' }}
{%- endmacro %}

{#- UTC instants that hold every interval of those local days, and of so many days before them. -#}
{% macro around_local_days(column, back=0) -%}
    {{ instants_between(column, shifted_day(local_start(), -1 - back), shifted_day(local_end(), 1)) if has_window() else 'true' }}
{%- endmacro %}

{#- Days over which a state of days is judged: its last day may tell of the first. -#}
{% macro state_days() -%}
    {{ return(14) }}
{%- endmacro %}

{#- Local days whose states may change. The days that they look at lie further back and ahead. -#}
{% macro in_state_days(column, back=0, ahead=0) -%}
    {{ days_between(column, shifted_day(state_start(), -back), shifted_day(state_end(), ahead)) if has_window() else 'true' }}
{%- endmacro %}

{#- UTC instants that hold every interval of those local days. -#}
{% macro around_state_days(column) -%}
    {{ instants_between(column, shifted_day(state_start(), -1), shifted_day(state_end(), 1)) if has_window() else 'true' }}
{%- endmacro %}

{#- Calendar months of those local days: the column holds the first day of a month. -#}
{% macro in_state_months(column) -%}
    {{ days_between(column, month_start(state_start()), state_end()) if has_window() else 'true' }}
{%- endmacro %}

{#- Local days of those months. -#}
{% macro in_days_of_state_months(column) -%}
    {{ days_between(column, month_start(state_start()), month_end(state_end())) if has_window() else 'true' }}
{%- endmacro %}

{#- Local calendar months that the rebuild can touch: the column holds the first day of a month. -#}
{% macro in_local_months(column) -%}
    {{ days_between(column, month_start(local_start()), local_end()) if has_window() else 'true' }}
{%- endmacro %}

{#- UTC instants that hold every interval of those months. -#}
{% macro around_local_months(column) -%}
    {{ instants_between(column, shifted_day(month_start(local_start()), -1), shifted_day(month_end(local_end()), 1)) if has_window() else 'true' }}
{%- endmacro %}

{% macro local_start() -%}
    {{ return(shifted_day(rebuild_start(), -1)) }}
{%- endmacro %}

{% macro local_end() -%}
    {{ return(shifted_day(days_after_window(var('lookback_days') + var('rain_memory_days')), 1)) }}
{%- endmacro %}

{#- A clear day tells of the dirt of the month before it, the last day of a state of the first. -#}
{% macro state_start() -%}
    {%- set soiled = shifted_day(window_bound('window_start'), -1 - reach('int_clear_days')[0] - hindsight_days()) -%}
    {{ return([shifted_day(local_start(), 1 - state_days()), soiled] | min) }}
{%- endmacro %}

{#- A fall is remembered for seven weeks, and told by the week after it. -#}
{% macro state_end() -%}
    {{ return(shifted_day(local_end(), 56)) }}
{%- endmacro %}

{% macro month_start(day) -%}
    {{ return(modules.datetime.date.fromisoformat(day).replace(day=1).isoformat()) }}
{%- endmacro %}

{#- First day of the month after the one that holds the last day before `after`. -#}
{% macro month_end(after) -%}
    {%- set last = modules.datetime.date.fromisoformat(shifted_day(after, -1)) -%}
    {{ return((last.replace(day=28) + modules.datetime.timedelta(days=4)).replace(day=1).isoformat()) }}
{%- endmacro %}

{% macro shifted_day(day, days) -%}
    {{ return((modules.datetime.date.fromisoformat(day) + modules.datetime.timedelta(days=days)).isoformat()) }}
{%- endmacro %}

{#- Spans that touch the days of states, or come so close that they might be joined to one that does. -#}
{% macro touches_state_days(start_utc, end_utc) -%}
    {%- if has_window() -%}
        {{ end_utc }} >= {{ instant_literal(shifted_day(state_start(), -1)) }}
        and {{ start_utc }} < {{ instant_literal(shifted_day(state_end(), 1)) }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
