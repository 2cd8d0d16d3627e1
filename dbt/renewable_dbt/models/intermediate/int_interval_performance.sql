{{ config(incremental_predicates=["{{ in_rebuild('timestamp_utc') }}"]) }}

{%- set channels = [
    'wind_speed_ms', 'wind_direction_deg', 'air_temperature_c', 'air_pressure_hpa', 'relative_humidity_pct',
    'ghi_wm2', 'poa_irradiance_wm2', 'module_temperature_c', 'precipitation_mm'
] -%}

{#- A reading that comes so often in a row, and for so long, is frozen; `where` leaves out what repeats honestly (calm,
    night). Air temperature comes in tenths of a degree and may stand still for hours. -#}
{%- set frozen_after = {
    'wind_speed_ms': {'readings': 3, 'where': 'wind_speed_ms > 1.0'},
    'wind_direction_deg': {'readings': 3, 'where': 'coalesce(wind_speed_ms, 2.0) > 1.0'},
    'air_temperature_c': {'readings': 20, 'minutes': 240, 'where': 'air_temperature_c is not null'},
    'ghi_wm2': {'readings': 3, 'where': 'ghi_wm2 > 20.0'},
    'poa_irradiance_wm2': {'readings': 3, 'where': 'poa_irradiance_wm2 > 20.0'},
    'module_temperature_c': {'readings': 6, 'where': 'poa_irradiance_wm2 > 50.0'},
} -%}

{#- A reading that differs by more than this from those before and after, to the same side, is a spike. -#}
{%- set spike_above = {'wind_speed_ms': 10.0, 'air_temperature_c': 8.0, 'air_pressure_hpa': 8.0} -%}

{#- Four straight steps and more in a row are drawn between two readings, not measured. -#}
{%- set straight = ['wind_speed_ms', 'poa_irradiance_wm2', 'active_power_kw'] -%}

with weather as (

    select * from {{ ref('stg_weather') }}
    where {{ around_rebuild('timestamp_utc') }}

),

generation as (

    select * from {{ ref('stg_generation') }}
    where {{ around_rebuild('timestamp_utc') }}

),

assets as (

    select * from {{ ref('stg_assets') }}

),

utc_offsets as (

    select * from {{ ref('utc_offsets') }}
    where {{ overlaps_around_rebuild('since_utc', 'until_utc') }}

),

segments as (

    select * from {{ ref('stg_power_curve_segments') }}

),

cut_outs as (

    select
        turbine_model,
        max(from_wind_speed_ms) as cut_out_wind_speed_ms
    from segments
    where from_power_kw > 0.0
    group by turbine_model

),

-- 1. Every interval of every asset, measured or not ----------------------------------------------------------------

reported as (

    select
        asset_id,
        timestamp_utc,
        generation.active_power_kw,
        generation.curtailment_limit_kw,
        generation.operating_state,
        {%- for channel in channels %}
        weather.{{ channel }}{{ ',' if not loop.last }}
        {%- endfor %}
    from weather
    full outer join generation using (asset_id, timestamp_utc)

),

rows_of_days as (

    select
        asset_id,
        cast(timestamp_utc as date) as day_utc,
        count(*) as intervals
    from reported
    group by asset_id, cast(timestamp_utc as date)

),

-- A day counts for the whole fleet as soon as one asset has data of it.
incomplete_days as (

    select
        assets.asset_id,
        assets.interval_minutes,
        days.day_utc
    from assets
    cross join (select distinct day_utc from rows_of_days) as days
    left join rows_of_days
        on
            assets.asset_id = rows_of_days.asset_id
            and days.day_utc = rows_of_days.day_utc
    where coalesce(rows_of_days.intervals, 0) < 1440 // assets.interval_minutes

),

slots as (

    {{ numbers(288) }}

),

absent as (

    select
        incomplete_days.asset_id,
        {{ minutes_after(utc_midnight('incomplete_days.day_utc'), 'slots.number * incomplete_days.interval_minutes') }}
            as timestamp_utc
    from incomplete_days
    inner join slots on slots.number < 1440 // incomplete_days.interval_minutes

),

intervals as (

    select * from reported
    union all
    select
        absent.asset_id,
        absent.timestamp_utc,
        null as active_power_kw,
        null as curtailment_limit_kw,
        null as operating_state,
        {%- for channel in channels %}
        null as {{ channel }}{{ ',' if not loop.last }}
        {%- endfor %}
    from absent
    left join reported
        on
            absent.asset_id = reported.asset_id
            and absent.timestamp_utc = reported.timestamp_utc
    where reported.asset_id is null

),

placed as (

    select
        intervals.*,
        assets.site_id,
        assets.technology,
        assets.turbine_model,
        assets.interval_minutes,
        assets.interval_hours,
        assets.rated_power_kw,
        assets.dc_capacity_kw,
        assets.temperature_coefficient_per_c,
        assets.system_loss_ratio,
        cut_outs.cut_out_wind_speed_ms,
        {{ local_date('intervals.timestamp_utc', 'utc_offsets.utc_offset_minutes') }} as date_local,
        {{ air_density(
            'intervals.air_temperature_c',
            'intervals.air_pressure_hpa',
            'intervals.relative_humidity_pct',
            'assets.elevation_m'
        ) }} as air_density_kg_m3
    from intervals
    inner join assets on intervals.asset_id = assets.asset_id
    inner join utc_offsets
        on
            assets.timezone = utc_offsets.timezone
            and {{ in_offset_period('intervals.timestamp_utc') }}
    left join cut_outs on assets.turbine_model = cut_outs.turbine_model
    where
        {{ local_date('intervals.timestamp_utc', 'utc_offsets.utc_offset_minutes') }} >= assets.commissioned_on

),

-- 2. Which readings are to be believed -----------------------------------------------------------------------------

sequenced as (

    select
        *,
        {%- for channel, rule in frozen_after.items() %}
        coalesce(
            {{ channel }} = lag({{ channel }}) over asset_time
            {%- if rule.readings >= 20 %}
            -- Inside a run of twenty one of these holds for every reading, and hardly anywhere else.
            and (
                {{ channel }} = lag({{ channel }}, 10) over asset_time
                or {{ channel }} = lead({{ channel }}, 10) over asset_time
            )
            {%- endif %}
            and {{ rule.where }}, false
        ) as repeats_{{ channel }},
        {%- endfor %}
        {%- for channel in straight %}
        coalesce(
            abs({{ channel }} - 2.0 * lag({{ channel }}) over asset_time + lag({{ channel }}, 2) over asset_time) < 1e-9
            and {{ channel }} <> lag({{ channel }}) over asset_time, false
        ) as continues_{{ channel }},
        {%- endfor %}
        {%- for channel, step in spike_above.items() %}
        coalesce(
            abs({{ channel }} - lag({{ channel }}) over asset_time) > {{ step }}
            and abs({{ channel }} - lead({{ channel }}) over asset_time) > {{ step }}
            and ({{ channel }} > lag({{ channel }}) over asset_time)
            = ({{ channel }} > lead({{ channel }}) over asset_time), false
        ) as spikes_{{ channel }},
        {%- endfor %}
        abs(active_power_kw - lag(active_power_kw) over asset_time) as power_step_kw
    from placed
    window asset_time as (partition by asset_id order by timestamp_utc)

),

repeated as (

    {%- for channel, rule in frozen_after.items() %}
    select
        asset_id,
        timestamp_utc,
        interval_minutes,
        '{{ channel }}' as channel,
        'frozen' as rule,
        {% if rule.minutes %}greatest({{ rule.readings }}, {{ rule.minutes }} // interval_minutes){% else %}{{ rule.readings }}{% endif %} - 1 as at_least,
        1 as readings_before
    from sequenced
    where repeats_{{ channel }}
    union all
    {%- endfor %}
    {%- for channel in straight %}
    select
        asset_id,
        timestamp_utc,
        interval_minutes,
        '{{ channel }}' as channel,
        'interpolated' as rule,
        4 as at_least,
        2 as readings_before
    from sequenced
    where continues_{{ channel }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

repeated_runs as (

    select
        *,
        {{ run_key('asset_id, channel, rule') }} as run
    from repeated

),

long_runs as (

    select
        *,
        count(*) over (partition by asset_id, channel, rule, run) as length,
        min(timestamp_utc) over (partition by asset_id, channel, rule, run) as run_start
    from repeated_runs

),

doubtful as (

    select
        long_runs.asset_id,
        long_runs.channel,
        long_runs.rule,
        {{ minutes_after('long_runs.timestamp_utc', '-long_runs.interval_minutes * back.number') }} as timestamp_utc
    from long_runs
    -- The readings before the run's first repetition belong to it.
    inner join ({{ numbers(3) }}) as back
        on
            back.number = 0
            or (
                back.number <= long_runs.readings_before
                and long_runs.timestamp_utc = long_runs.run_start
            )
    where long_runs.length >= long_runs.at_least

),

doubtful_readings as (

    select
        asset_id,
        timestamp_utc,
        {%- for channel in frozen_after %}
        bool_or(channel = '{{ channel }}' and rule = 'frozen') as frozen_{{ channel }},
        {%- endfor %}
        {%- for channel in straight %}
        bool_or(channel = '{{ channel }}' and rule = 'interpolated') as interpolated_{{ channel }}{{ ',' if not loop.last }}
        {%- endfor %}
    from doubtful
    group by asset_id, timestamp_utc

),

flagged as (

    select
        sequenced.*,
        {%- for channel in channels + ['active_power_kw'] %}
        case
            when sequenced.{{ channel }} is null then 'missing'
            {%- if channel in frozen_after %}
            when doubtful_readings.frozen_{{ channel }} then 'frozen'
            {%- endif %}
            {%- if channel in straight %}
            when doubtful_readings.interpolated_{{ channel }} then 'interpolated'
            {%- endif %}
            {%- if channel in spike_above %}
            when sequenced.spikes_{{ channel }} then 'spike'
            {%- endif %}
            {%- if channel in ('ghi_wm2', 'poa_irradiance_wm2') %}
            when sequenced.{{ channel }} < 0.0 then 'night_offset'
            {%- endif %}
            {%- if channel == 'active_power_kw' %}
            when sequenced.active_power_kw > 1.02 * sequenced.rated_power_kw then 'above_rated'
            when sequenced.active_power_kw < 0.0 then 'negative'
            {%- endif %}
        end as {{ channel }}_flag,
        {%- endfor %}
        case
            when sequenced.technology = 'wind' then {{ normalised_wind_speed('sequenced.wind_speed_ms', 'sequenced.air_density_kg_m3') }}
        end as normalised_wind_speed_ms
    from sequenced
    left join doubtful_readings
        on
            sequenced.asset_id = doubtful_readings.asset_id
            and sequenced.timestamp_utc = doubtful_readings.timestamp_utc

),

-- 3. Expected power ------------------------------------------------------------------------------------------------

direct as (

    select
        *,
        case
            when technology = 'wind' and wind_speed_ms_flag is distinct from 'frozen' and wind_speed_ms_flag is distinct from 'spike'
                then normalised_wind_speed_ms
        end as trusted_wind_speed_ms,
        case
            when technology = 'solar' and poa_irradiance_wm2_flag is distinct from 'frozen'
                then {{ reference_dc_power(
                    "coalesce(case when module_temperature_c_flag is distinct from 'frozen' then module_temperature_c end, "
                    ~ faiman_module_temperature() ~ ")"
                ) }} * (1.0 - system_loss_ratio)
        end as expected_dc_power_kw
    from flagged

),

own as (

    select
        direct.*,
        case
            when technology = 'wind' then {{ power_on_segment('direct.trusted_wind_speed_ms') }}
            else {{ pvwatts_ac_power('expected_dc_power_kw', 'rated_power_kw') }}
        end as own_expected_power_kw
    from direct
    {{ as_of_left_join() }} segments
        on
            direct.turbine_model = segments.turbine_model
            and direct.trusted_wind_speed_ms >= segments.from_wind_speed_ms

),

-- Where an asset's own weather is not known, the mean load of those beside it stands in.
unknown_at as (

    select distinct
        site_id,
        technology,
        timestamp_utc
    from own
    where own_expected_power_kw is null

),

neighbours as (

    select
        own.site_id,
        own.technology,
        own.timestamp_utc,
        {{ exact_mean('own.own_expected_power_kw / own.rated_power_kw') }} as expected_load_ratio
    from own
    inner join unknown_at
        on
            own.site_id = unknown_at.site_id
            and own.technology = unknown_at.technology
            and own.timestamp_utc = unknown_at.timestamp_utc
    where own.own_expected_power_kw is not null
    group by own.site_id, own.technology, own.timestamp_utc

),

reference as (

    select
        days.asset_id,
        days.day_utc,
        percentile_cont(0.5) within group (order by earlier.ratio_to_expected) as reference_ratio
    from {{ ref('int_reference_daily') }} as days
    inner join {{ ref('int_reference_daily') }} as earlier
        on
            days.asset_id = earlier.asset_id
            and earlier.day_utc >= days.day_utc - {{ var('lookback_days') - 2 }}
            and earlier.day_utc < days.day_utc
    where
        {{ in_lookback_days('days.day_utc') }}
        and {{ in_lookback_days('earlier.day_utc') }}
        and earlier.intervals >= 3
    group by days.asset_id, days.day_utc
    having count(*) >= 5

),

assessed as (

    select
        own.*,
        coalesce(own.own_expected_power_kw, neighbours.expected_load_ratio * own.rated_power_kw) as expected_power_kw,
        case
            when own.own_expected_power_kw is not null then 'own'
            when neighbours.expected_load_ratio is not null then 'neighbours'
        end as expected_power_source,
        cast(date_trunc('hour', own.timestamp_utc) as timestamptz) as hour_utc,
        coalesce(own.operating_state in ('fault', 'maintenance') and own.active_power_kw <= 0.05 * own.rated_power_kw, false)
            as is_stopped_by_state,
        coalesce(
            own.curtailment_limit_kw < 0.99 * own.rated_power_kw
            and abs(own.active_power_kw - own.curtailment_limit_kw)
            <= greatest(0.03 * own.curtailment_limit_kw, 0.01 * own.rated_power_kw),
            false
        ) as is_at_limit
    from own
    left join neighbours
        on
            own.own_expected_power_kw is null
            and own.site_id = neighbours.site_id
            and own.technology = neighbours.technology
            and own.timestamp_utc = neighbours.timestamp_utc

),

-- 4. Slow causes, seen in hours ------------------------------------------------------------------------------------

hours as (

    select
        assessed.asset_id,
        assessed.hour_utc,
        assessed.site_id,
        assessed.technology,
        min(assessed.air_temperature_c) as coldest_c,
        max(assessed.relative_humidity_pct) as dampest_pct,
        {{ exact_sum('assessed.precipitation_mm') }} as precipitation_mm,
        -- Half of the hour at least has to tell how the asset runs.
        case
            when 2 * count(*) filter (where {{ is_telling() }}) >= 60 // min(assessed.interval_minutes)
                then
                    {{ exact_sum('assessed.active_power_kw', is_telling()) }}
                    / {{ exact_sum('assessed.expected_power_kw', is_telling()) }}
                    / greatest(0.8, least(1.02, coalesce(min(reference.reference_ratio), 1.0)))
        end as ratio,
        {{ exact_mean('assessed.expected_power_kw / assessed.rated_power_kw', is_telling()) }} as expected_load_ratio
    from assessed
    left join reference
        on
            assessed.asset_id = reference.asset_id
            and cast(assessed.hour_utc as date) = reference.day_utc
    group by assessed.asset_id, assessed.hour_utc, assessed.site_id, assessed.technology

),

-- Ice: it grows in damp frost and stays until the thaw. Power falls below what the turbine gave while it was warm
-- (IEA Wind Task 19), for several hours in one go, or less clearly beside a turbine of the site that is iced.
weathered as (

    select
        *,
        max(dampest_pct) over (
            partition by asset_id
            order by hour_utc
            range between interval '36 hours' preceding and current row
        ) as damp_pct,
        count(ratio) filter (where coldest_c > 2.0) over warm_hours as warm_hours,
        cast({{ fixed_point_sum('ratio', 'coldest_c > 2.0') }} over warm_hours as double) as warm_ratio_sum
    from hours
    where technology = 'wind'
    window warm_hours as (
        partition by asset_id
        order by hour_utc
        range between interval '60 hours' preceding and current row
    )

),

frost as (

    select
        *,
        ratio / case when warm_hours >= 3 then least(1.0, greatest(0.5, warm_ratio_sum / warm_hours)) else 1.0 end
            as frost_ratio
    from weathered
    where
        coldest_c <= 1.0
        and coalesce(damp_pct, 100.0) >= 90.0

),

frost_runs as (

    select
        *,
        {{ run_key('asset_id', 'hour_utc', 60) }} as run
    from frost
    where coalesce(frost_ratio, 0.0) < 0.97

),

clearly_iced as (

    select *
    from frost_runs
    qualify count(*) filter (where frost_ratio between 0.03 and 0.92) over (
        partition by asset_id, run
        order by hour_utc
        range between interval '60 hours' preceding and interval '24 hours' following
    ) >= 4

),

iced_hours as (

    select
        asset_id,
        hour_utc
    from clearly_iced
    union
    select
        frost_runs.asset_id,
        frost_runs.hour_utc
    from frost_runs
    inner join clearly_iced
        on
            frost_runs.site_id = clearly_iced.site_id
            and frost_runs.hour_utc = clearly_iced.hour_utc

),

-- Snow: it fell in the last three days, and the modules give little.
snowfall as (

    select
        *,
        max(case when precipitation_mm > 0.1 and coldest_c <= 1.0 then hour_utc end) over (
            partition by asset_id
            order by hour_utc
            range between interval '72 hours' preceding and current row
        ) as snowed_at_utc
    from hours
    where technology = 'solar'

),

snow_hours as (

    select
        asset_id,
        hour_utc
    from snowfall
    where
        snowed_at_utc is not null
        and ratio < 0.93

),

-- Derating: the same share is missing for a day and more.
steady_hours as (

    select
        hours.asset_id,
        hours.hour_utc,
        hours.ratio,
        hours.ratio between 0.45 and 0.93 as is_low,
        row_number() over (partition by hours.asset_id order by hours.hour_utc) as position
    from hours
    left join iced_hours
        on
            hours.asset_id = iced_hours.asset_id
            and hours.hour_utc = iced_hours.hour_utc
    left join snow_hours
        on
            hours.asset_id = snow_hours.asset_id
            and hours.hour_utc = snow_hours.hour_utc
    where
        hours.ratio is not null
        and hours.expected_load_ratio >= 0.12
        and iced_hours.asset_id is null
        and snow_hours.asset_id is null

),

low_runs as (

    select
        *,
        position - row_number() over (partition by asset_id order by hour_utc) as run
    from steady_hours
    where is_low

),

low_stretches as (

    select
        asset_id,
        hour_utc,
        run,
        count(*) over around_hour as hours,
        min(hour_utc) over around_hour as first_hour_utc,
        max(hour_utc) over around_hour as last_hour_utc,
        cast({{ fixed_point_sum('ratio') }} over around_hour as double) as ratio_sum,
        cast({{ fixed_point_sum('ratio * ratio') }} over around_hour as double) as ratio_squares
    from low_runs
    window around_hour as (
        partition by asset_id, run
        order by hour_utc
        range between interval '60 hours' preceding and interval '24 hours' following
    )

),

derated_hours as (

    select
        asset_id,
        hour_utc,
        lead(hour_utc) over (partition by asset_id, run order by hour_utc) as next_hour_utc
    from low_stretches
    where
        hours >= 6
        and last_hour_utc - first_hour_utc >= interval '23 hours'
        and ratio_squares / hours - pow(ratio_sum / hours, 2) <= 0.0025

),

derated_spans as (

    select
        derated_hours.asset_id,
        {{ minutes_after('derated_hours.hour_utc', '60 * later.number') }} as hour_utc
    from derated_hours
    inner join ({{ numbers(20) }}) as later
        on
            later.number = 0
            or {{ minutes_after('derated_hours.hour_utc', '60 * later.number') }} < derated_hours.next_hour_utc

),

slow_causes as (

    select
        asset_id,
        hour_utc,
        bool_or(cause = 'icing') as is_icing_hour,
        bool_or(cause = 'snow') as is_snow_hour,
        bool_or(cause = 'derating') as is_derating_hour
    from (
        select
            *,
            'icing' as cause
        from iced_hours
        union all
        select
            *,
            'snow' as cause
        from snow_hours
        union all
        select
            *,
            'derating' as cause
        from derated_spans
    ) as causes
    group by asset_id, hour_utc

),

explained as (

    select
        assessed.*,
        coalesce(slow_causes.is_icing_hour, false) as is_icing_hour,
        coalesce(slow_causes.is_snow_hour, false) as is_snow_hour,
        coalesce(slow_causes.is_derating_hour, false) as is_derating_hour
    from assessed
    left join slow_causes
        on
            assessed.asset_id = slow_causes.asset_id
            and assessed.hour_utc = slow_causes.hour_utc

),

-- 5. Stops ---------------------------------------------------------------------------------------------------------

stops as (

    select
        asset_id,
        timestamp_utc,
        interval_minutes,
        is_stopped_by_state,
        {{ run_key('asset_id') }} as run
    from explained
    where
        is_stopped_by_state
        or (
            (
                (active_power_kw <= 0.01 * rated_power_kw and expected_power_kw >= 0.05 * rated_power_kw)
                -- Inverters run from the first light on.
                or (technology = 'solar' and active_power_kw <= 0.0 and expected_power_kw >= 0.02 * rated_power_kw)
            )
            and coalesce(curtailment_limit_kw, rated_power_kw) > 0.01 * rated_power_kw
            and operating_state is distinct from 'curtailed'
            and not is_icing_hour
            and not is_snow_hour
            -- Close to cut-out a turbine may wait for calmer wind.
            and coalesce(normalised_wind_speed_ms < cut_out_wind_speed_ms - 4.0, true)
        )

),

proven_stops as (

    select
        *,
        lead(timestamp_utc) over (partition by asset_id order by timestamp_utc) as next_utc
    from (
        select *
        from stops
        qualify
            is_stopped_by_state
            or count(*) over (partition by asset_id, run) * interval_minutes >= 30
    ) as proven

),

-- Between two proofs of one stop it may be calm or dark: the stop goes on unless the asset produced.
pauses as (

    select
        explained.asset_id,
        explained.timestamp_utc,
        bool_or(coalesce(explained.active_power_kw > 0.01 * explained.rated_power_kw, false)) over (
            partition by proven_stops.asset_id, proven_stops.timestamp_utc
        ) as has_produced
    from proven_stops
    inner join explained
        on
            proven_stops.asset_id = explained.asset_id
            and explained.timestamp_utc > proven_stops.timestamp_utc
            and explained.timestamp_utc < proven_stops.next_utc
    where
        proven_stops.next_utc <= {{ minutes_after('proven_stops.timestamp_utc', '24 * 60') }}
        and proven_stops.next_utc > {{ minutes_after('proven_stops.timestamp_utc', 'proven_stops.interval_minutes') }}

),

down as (

    select
        asset_id,
        timestamp_utc,
        case when is_stopped_by_state then 'reported state' else 'no power' end as evidence
    from proven_stops
    union all
    select
        asset_id,
        timestamp_utc,
        'between stops' as evidence
    from pauses
    where not has_produced

),

-- 6. Plateaus: the power stands still while wind or sun do not -----------------------------------------------------

flat as (

    select
        asset_id,
        timestamp_utc,
        interval_minutes,
        hour_utc,
        site_id,
        technology,
        rated_power_kw,
        active_power_kw,
        expected_power_kw,
        power_step_kw,
        is_icing_hour or is_snow_hour or is_derating_hour as is_explained_hour,
        coalesce(wind_speed_ms / 0.5, poa_irradiance_wm2 / 30.0) as weather_steps,
        {{ run_key('asset_id') }} as run
    from explained
    where
        power_step_kw <= 0.005 * rated_power_kw
        and active_power_kw between 0.03 * rated_power_kw and 0.97 * rated_power_kw
        and expected_power_kw is not null
        and not is_stopped_by_state
        and not is_at_limit

),

flat_runs as (

    select *
    from flat
    qualify (count(*) over (partition by asset_id, run) + 1) * interval_minutes >= 30

),

plateaus as (

    select
        *,
        timestamp_utc = min(timestamp_utc) over (partition by asset_id, run) as is_first,
        count(*) over around_interval as intervals,
        max(power_step_kw) over around_interval as largest_step_kw,
        max(active_power_kw) over around_interval - min(active_power_kw) over around_interval as power_range_kw,
        max(expected_power_kw) over around_interval - min(expected_power_kw) over around_interval as expected_range_kw,
        min(expected_power_kw) over around_interval as least_expected_kw,
        max(weather_steps) over around_interval - min(weather_steps) over around_interval as weather_range_steps,
        count(*) filter (where active_power_kw > 1.2 * expected_power_kw + 0.005 * rated_power_kw)
            over around_interval as intervals_above,
        cast({{ fixed_point_sum('expected_power_kw - active_power_kw') }} over around_interval as double) as gap_sum_kw
    from flat_runs
    window around_interval as (
        partition by asset_id, run
        order by timestamp_utc
        range between interval '6 hours' preceding and interval '6 hours' following
    )

),

suspects as (

    select
        *,
        largest_step_kw = 0.0 and intervals >= 5 as is_constant,
        10 * intervals_above > intervals as is_above,
        10 * intervals_above <= intervals
        and intervals >= 2
        and power_range_kw <= 0.02 * rated_power_kw
        and gap_sum_kw / intervals >= 0.05 * rated_power_kw
        and weather_range_steps >= 1.0 as is_low,
        power_range_kw <= 0.25 * expected_range_kw
        and (
            not is_explained_hour
            or (least_expected_kw < 0.7 * rated_power_kw and expected_range_kw > 0.15 * rated_power_kw)
        ) as is_held,
        -- Where the turbine could give its rated power all the time, a share of it stands still, too.
        technology = 'wind' and least_expected_kw >= 0.95 * rated_power_kw and not is_explained_hour as is_full_wind
    from plateaus

),

-- Whoever limits a plant limits all of its units.
held_units as (

    select
        site_id,
        technology,
        hour_utc,
        count(distinct asset_id) as units
    from (
        select
            site_id,
            technology,
            hour_utc,
            asset_id
        from suspects
        where is_low and (is_held or is_full_wind)
        union all
        select
            site_id,
            technology,
            hour_utc,
            asset_id
        from explained
        where is_at_limit
    ) as held
    group by site_id, technology, hour_utc

),

site_units as (

    select
        site_id,
        technology,
        count(*) as units
    from assets
    group by site_id, technology

),

-- The very same power to the last digit is a frozen meter where it passes what is to be expected, or where the units
-- beside it run freely.
judged_plateaus as (

    select
        suspects.asset_id,
        suspects.timestamp_utc,
        suspects.hour_utc,
        suspects.interval_minutes,
        suspects.active_power_kw,
        suspects.is_first,
        case
            when suspects.is_constant and suspects.is_above then 'frozen'
            when not suspects.is_low or not (suspects.is_held or suspects.is_full_wind) then null
            when site_units.units = 1 or max(coalesce(held_units.units, 0)) over around_interval >= 2 then 'curtailed'
            when suspects.is_constant then 'frozen'
            when suspects.is_held then 'curtailed'
        end as verdict
    from suspects
    left join held_units
        on
            suspects.site_id = held_units.site_id
            and suspects.technology = held_units.technology
            and suspects.hour_utc = held_units.hour_utc
    left join site_units
        on
            suspects.site_id = site_units.site_id
            and suspects.technology = site_units.technology
    window around_interval as (
        partition by suspects.asset_id, suspects.run
        order by suspects.timestamp_utc
        range between interval '6 hours' preceding and interval '6 hours' following
    )

),

plateau_intervals as (

    select
        judged_plateaus.asset_id,
        {{ minutes_after('judged_plateaus.timestamp_utc', '-judged_plateaus.interval_minutes * back.number') }} as timestamp_utc,
        max(judged_plateaus.verdict) as verdict
    from judged_plateaus
    inner join ({{ numbers(2) }}) as back on back.number = 0 or judged_plateaus.is_first
    where judged_plateaus.verdict is not null
    group by 1, 2

),

-- Clouds and lulls break a plateau up: what touches its level in the hour before or after belongs to it.
held_levels as (

    select
        judged_plateaus.asset_id,
        {{ minutes_after('judged_plateaus.hour_utc', '60 * (beside.number - 1)') }} as hour_utc,
        min(judged_plateaus.active_power_kw) as lowest_kw,
        max(judged_plateaus.active_power_kw) as highest_kw
    from judged_plateaus
    cross join ({{ numbers(3) }}) as beside
    where judged_plateaus.verdict = 'curtailed'
    group by 1, 2

),

held as (

    select
        explained.asset_id,
        explained.timestamp_utc
    from explained
    inner join held_levels
        on
            explained.asset_id = held_levels.asset_id
            and explained.hour_utc = held_levels.hour_utc
    where
        explained.expected_power_kw > explained.active_power_kw
        and explained.active_power_kw >= held_levels.lowest_kw - 0.002 * explained.rated_power_kw
        and explained.active_power_kw <= held_levels.highest_kw + 0.002 * explained.rated_power_kw
    union
    select
        asset_id,
        timestamp_utc
    from plateau_intervals
    where verdict = 'curtailed'

),

-- 7. To whom the gap belongs ---------------------------------------------------------------------------------------

attributed as (

    select
        explained.*,
        (explained.expected_power_kw - coalesce(explained.active_power_kw, 0.0)) * explained.interval_hours as gap_kwh,
        plateau_intervals.asset_id is not null as is_frozen_power,
        down.evidence as stop_evidence,
        case
            when explained.active_power_kw is null then 'unmeasured'
            when down.asset_id is not null then 'downtime'
            when explained.operating_state = 'curtailed' then 'curtailment'
            when explained.is_at_limit and explained.expected_power_kw > explained.curtailment_limit_kw then 'curtailment'
            when held.asset_id is not null then 'curtailment'
        end as event_kind,
        case
            when explained.operating_state = 'curtailed' then 'reported state'
            when explained.is_at_limit and explained.expected_power_kw > explained.curtailment_limit_kw then 'reported limit'
            else 'plateau'
        end as curtailment_evidence
    from explained
    left join down
        on
            explained.asset_id = down.asset_id
            and explained.timestamp_utc = down.timestamp_utc
    left join plateau_intervals
        on
            explained.asset_id = plateau_intervals.asset_id
            and explained.timestamp_utc = plateau_intervals.timestamp_utc
            and plateau_intervals.verdict = 'frozen'
    left join held
        on
            explained.asset_id = held.asset_id
            and explained.timestamp_utc = held.timestamp_utc
    where {{ in_rebuild('explained.timestamp_utc') }}

),

split as (

    select
        *,
        case
            when event_kind is distinct from 'curtailment' then 0.0
            when curtailment_limit_kw is null then gap_kwh
            else least(gap_kwh, (expected_power_kw - curtailment_limit_kw) * interval_hours)
        end as curtailed_kwh,
        -- What a limit does not explain falls to the next cause.
        case
            when event_kind in ('unmeasured', 'downtime') or expected_power_kw <= 0.0 then null
            when is_icing_hour then 'icing'
            when is_snow_hour then 'snow'
            when is_derating_hour and expected_power_kw > 0.1 * rated_power_kw then 'derating'
        end as slow_cause
    from attributed

)

select
    asset_id,
    timestamp_utc,
    date_local,
    interval_hours,
    active_power_kw,
    curtailment_limit_kw,
    operating_state,
    {%- for channel in channels %}
    {{ channel }},
    {%- endfor %}
    {%- for channel in channels %}
    {{ channel }}_flag,
    {%- endfor %}
    case when is_frozen_power then 'frozen' else active_power_kw_flag end as active_power_kw_flag,
    air_density_kg_m3,
    normalised_wind_speed_ms,
    expected_power_kw,
    expected_power_source,
    active_power_kw * interval_hours as energy_kwh,
    expected_power_kw * interval_hours as expected_energy_kwh,
    coalesce(event_kind, slow_cause) as event_kind,
    case coalesce(event_kind, slow_cause)
        when 'unmeasured' then 'no reading'
        when 'downtime' then stop_evidence
        when 'curtailment' then curtailment_evidence
        when 'icing' then 'low power in frost'
        when 'snow' then 'low power after snowfall'
        when 'derating' then 'constant share'
    end as event_evidence,
    case when event_kind = 'unmeasured' then gap_kwh else 0.0 end as unmeasured_kwh,
    case when event_kind = 'downtime' then gap_kwh else 0.0 end as downtime_kwh,
    curtailed_kwh as curtailment_kwh,
    {%- for cause in ['icing', 'snow', 'derating'] %}
    case when slow_cause = '{{ cause }}' then gap_kwh - curtailed_kwh else 0.0 end as {{ cause }}_kwh,
    {%- endfor %}
    -- Soiling, which is a factor of the day, and the residual share what is left.
    case
        when event_kind in ('unmeasured', 'downtime') or slow_cause is not null then 0.0
        else gap_kwh - curtailed_kwh
    end as unexplained_kwh
from split
order by timestamp_utc, asset_id
