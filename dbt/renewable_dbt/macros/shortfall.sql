{#- The two weeks up to each day beside the weeks before: how far the asset fell, by itself and beside its neighbours, how
    far days scatter, and the largest fall from week to week. Parts of a query that end in `judged`. -#}
{% macro judged_days() -%}
days as (

    select
        running.asset_id,
        running.date_local,
        assets.site_id,
        assets.technology,
        assets.underperformance_ratio,
        running.weather,
        running.ratio,
        -- What all units of a site lose is the weather's, or a matter of its sensors.
        running.ratio / least(1.0, coalesce(running.neighbours_ratio, 1.0)) as beside_ratio,
        -- Without the sensors: power beside power.
        case when running.neighbours_load_ratio >= 0.03 then running.load_ratio / running.neighbours_load_ratio end
            as load_share
    from {{ ref('int_running_daily') }} as running
    inner join {{ ref('stg_assets') }} as assets on running.asset_id = assets.asset_id
    where {{ in_state_days('running.date_local', back=running_days(), ahead=state_days() - 1) }}

),

jumps as (

    select
        asset_id,
        date_local,
        case
            when {{ days_from('lag(date_local) over in_order', 'date_local') }} <= 3
                then abs(beside_ratio - lag(beside_ratio) over in_order)
        end as jump,
        -- How far the week from here on lies below the week before.
        1.0 - {{ median_over('ratio', 'week_from_here') }} / {{ median_over('ratio', 'week_before') }} as fall
    from days
    where ratio is not null
    window
        in_order as (partition by asset_id order by date_local),
        week_before as (
            partition by asset_id
            order by date_local
            range between interval '7 days' preceding and interval '1 day' preceding
        ),
        week_from_here as (
            partition by asset_id
            order by date_local
            range between current row and interval '6 days' following
        )

),

judged as (

    select
        days.*,
        1.0 - {{ median_over('days.beside_ratio', 'two_weeks') }} as shortfall_ratio,
        1.0 - {{ median_over('days.ratio', 'two_weeks') }} as own_shortfall_ratio,
        count(days.ratio) over two_weeks as days_told,
        count(jumps.jump) over three_weeks as jumps_told,
        -- A day's standard deviation by how far days lie apart, which neither a step nor a slope widens; then that of a
        -- median of so many days.
        {{ median_over('jumps.jump', 'three_weeks') }} * 1.05 * 1.253 / sqrt(nullif(count(days.ratio) over two_weeks, 0))
            as standard_error,
        case
            when count(days.load_share) over weeks_before >= 15
                then 1.0 - {{ median_over('days.load_share', 'two_weeks') }} / {{ median_over('days.load_share', 'weeks_before') }}
        end as load_shortfall_ratio,
        max(jumps.fall) over falls_before as largest_fall
    from days
    left join jumps
        on
            days.asset_id = jumps.asset_id
            and days.date_local = jumps.date_local
    window
        two_weeks as (
            partition by days.asset_id
            order by days.date_local
            range between interval '{{ state_days() - 1 }} days' preceding and current row
        ),
        three_weeks as (
            partition by days.asset_id
            order by days.date_local
            range between interval '20 days' preceding and current row
        ),
        weeks_before as (
            partition by days.asset_id
            order by days.date_local
            range between interval '{{ running_days() - 1 }} days' preceding
            and interval '{{ state_days() }} days' preceding
        ),
        falls_before as (
            partition by days.asset_id
            order by days.date_local
            range between interval '48 days' preceding and interval '6 days' preceding
        )

)
{%- endmacro %}
