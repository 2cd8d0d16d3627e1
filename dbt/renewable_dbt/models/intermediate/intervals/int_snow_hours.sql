{#- Snow: it fell in the last three days, or in the last five and the modules never gave their share since, and they
    give little. -#}
{{ config(incremental_predicates=["{{ in_reach('int_snow_hours', 'hour_utc') }}"]) }}

with hours as (

    select
        hours.*,
        assets.snow_temperature_c
    from {{ ref('int_asset_hours') }} as hours
    inner join {{ ref('stg_assets') }} as assets on hours.asset_id = assets.asset_id
    where
        assets.technology = 'solar'
        and {{ around_reach('int_snow_hours', 'hours.hour_utc', back=5) }}

),

-- Where too little light tells, the last that was known holds: snow does not leave by night.
snowfall as (

    select
        *,
        coalesce(
            ratio,
            {{ last_known('ratio') }} over (
                partition by asset_id
                order by hour_utc
                range between interval '24 hours' preceding and current row
            )
        ) as last_ratio,
        max(case when precipitation_mm > 0.1 and coldest_c <= snow_temperature_c then hour_utc end) over days
            as snowed_at_utc,
        max(case when ratio >= 0.93 then hour_utc end) over days as clear_at_utc,
        count(*) filter (where coldest_c > 2.0) over three_days as warm_hours
    from hours
    window
        days as (
            partition by asset_id
            order by hour_utc
            range between interval '120 hours' preceding and current row
        ),
        three_days as (
            partition by asset_id
            order by hour_utc
            range between interval '72 hours' preceding and current row
        )

)

select
    asset_id,
    hour_utc,
    'snow' as kind,
    'low power after snowfall' as evidence
from snowfall
where
    {{ in_reach('int_snow_hours', 'hour_utc') }}
    and last_ratio < 0.93
    and (
        snowed_at_utc >= {{ minutes_after('hour_utc', '-72 * 60') }}
        -- A day above 2 °C would have melted it.
        or (coalesce(clear_at_utc < snowed_at_utc, snowed_at_utc is not null) and warm_hours < 24)
    )
