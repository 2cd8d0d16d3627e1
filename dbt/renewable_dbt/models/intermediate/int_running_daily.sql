{#- How an asset ran on a day beside what it gave at such loads in the eleven weeks before, and how its neighbours did.
    Only the days up to each day are asked, and not the last week. -#}
{{ config(incremental_predicates=["{{ in_local_days('date_local') }}"]) }}

{%- set classes = [1, 2, 3, 4] %}

with days as (

    select
        daily.*,
        assets.site_id,
        assets.technology,
        assets.rated_power_kw
    from {{ ref('int_asset_daily') }} as daily
    inner join {{ ref('stg_assets') }} as assets on daily.asset_id = assets.asset_id
    where {{ in_running_days('daily.date_local') }}

),

-- Half an hour of rated power tells something of a day, a tenth of a class of load.
shares as (

    {%- for class in classes %}
    select
        asset_id,
        date_local,
        {{ class }} as load_class,
        telling_energy_{{ class }}_kwh as energy_kwh,
        telling_expected_{{ class }}_kwh as expected_kwh,
        telling_expected_{{ class }}_kwh >= 0.1 * rated_power_kw as tells
    from days
    union all
    {%- endfor %}
    select
        asset_id,
        date_local,
        0 as load_class,
        {%- for class in classes %}
        {{ '+ ' if not loop.first }}telling_energy_{{ class }}_kwh
        {%- endfor %} as energy_kwh,
        {%- for class in classes %}
        {{ '+ ' if not loop.first }}telling_expected_{{ class }}_kwh
        {%- endfor %} as expected_kwh,
        expected_kwh >= 0.5 * rated_power_kw as tells
    from days

),

told as (

    select
        asset_id,
        date_local,
        load_class,
        energy_kwh,
        expected_kwh,
        case when tells then energy_kwh / expected_kwh end as ratio
    from shares

),

referred as (

    select
        *,
        {{ median_over('ratio', 'before') }} as reference_ratio,
        count(ratio) over before as reference_days
    from told
    window before as (
        partition by asset_id, load_class
        order by date_local
        range between interval '{{ running_days() - 1 }} days' preceding and interval '7 days' preceding
    )

),

by_day as (

    select
        asset_id,
        date_local,
        max(reference_ratio) filter (where load_class = 0 and reference_days >= 15) as reference_0_ratio,
        {%- for class in classes %}
        max(expected_kwh) filter (where load_class = {{ class }}) as expected_{{ class }}_kwh,
        max(reference_ratio) filter (where load_class = {{ class }} and reference_days >= 8)
            as reference_{{ class }}_ratio,
        {%- endfor %}
        max(energy_kwh) filter (where load_class = 0 and ratio is not null) as energy_kwh
    from referred
    group by asset_id, date_local

),

own as (

    select
        days.asset_id,
        days.date_local,
        days.site_id,
        days.technology,
        case when by_day.reference_0_ratio is not null then by_day.energy_kwh end / nullif(
            {%- for class in classes %}
            by_day.expected_{{ class }}_kwh
            * coalesce(by_day.reference_{{ class }}_ratio, by_day.reference_0_ratio){{ ' +' if not loop.last }}
            {%- endfor %},
            0.0
        ) as ratio,
        case
            when 2 * days.intervals_observed >= days.intervals_expected then days.mean_power_kw / days.rated_power_kw
        end as load_ratio,
        case when days.technology = 'wind' then days.mean_wind_speed_ms else days.insolation_kwh_m2 end as weather
    from days
    inner join by_day
        on
            days.asset_id = by_day.asset_id
            and days.date_local = by_day.date_local
    where {{ in_local_days('days.date_local') }}

)

select
    own.asset_id,
    own.date_local,
    own.ratio,
    own.load_ratio,
    own.weather,
    median(others.ratio) as neighbours_ratio,
    median(others.load_ratio) as neighbours_load_ratio
from own
left join own as others
    on
        own.site_id = others.site_id
        and own.technology = others.technology
        and own.date_local = others.date_local
        and own.asset_id <> others.asset_id
group by own.asset_id, own.date_local, own.ratio, own.load_ratio, own.weather
order by own.date_local, own.asset_id
