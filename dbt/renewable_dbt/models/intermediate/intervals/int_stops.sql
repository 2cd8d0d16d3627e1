{#- Stops: no power where some is to be expected, or a fault that the controller reports. -#}
{{ config(incremental_predicates=["{{ in_reach('int_stops', 'timestamp_utc') }}"]) }}

with assessed as (

    {{ assessed_with_own_standing('int_stops', days=2) }}

),

excused_hours as (

    {{ icy_and_snowy_hours('int_stops', days=2) }}

),

high_wind_stops as (

    select * from {{ ref('int_high_wind_stops') }}
    where {{ around_reach('int_stops', 'timestamp_utc', back=2, ahead=2) }}

),

-- What stands while power is to be expected, by its own weather or by what the neighbours give, is stopped. Less than
-- that proves nothing, and belongs to the stop that it touches.
stopped as (

    select
        assessed.asset_id,
        assessed.timestamp_utc,
        assessed.interval_minutes,
        assessed.is_stopped_by_state,
        assessed.is_stopped_by_state
        or assessed.expected_power_kw >= assessed.stop_expected_ratio * assessed.rated_power_kw
        or assessed.neighbours_power_kw >= 0.08 * assessed.rated_power_kw as is_proof,
        {{ run_key('assessed.asset_id', 'assessed.timestamp_utc', 'assessed.interval_minutes') }} as run
    from assessed
    left join excused_hours
        on
            assessed.asset_id = excused_hours.asset_id
            and assessed.hour_utc = excused_hours.hour_utc
    left join high_wind_stops
        on
            assessed.asset_id = high_wind_stops.asset_id
            and assessed.timestamp_utc = high_wind_stops.timestamp_utc
    where
        assessed.is_stopped_by_state
        or (
            (
                {{ stands('assessed.active_power_kw', 'assessed.own_standing_power_kw') }}
                -- Meters and starts without success show a little; a tenth of what is to be expected is a lull.
                or (
                    assessed.technology = 'wind'
                    and assessed.active_power_kw <= 0.01 * assessed.rated_power_kw
                    and assessed.expected_power_kw >= 10.0 * assessed.active_power_kw
                )
            )
            and greatest(assessed.expected_power_kw, assessed.neighbours_power_kw) >= 0.02 * assessed.rated_power_kw
            -- What others give says less of an asset that might run as weakly as it stands.
            and (
                {{ exceeds_standing('assessed.expected_power_kw', 'assessed.own_standing_power_kw') }}
                or {{ exceeds_standing('assessed.neighbours_power_kw', 'assessed.own_standing_power_kw', times=8.0) }}
            )
            and coalesce(assessed.curtailment_limit_kw, assessed.rated_power_kw) > 0.01 * assessed.rated_power_kw
            and assessed.operating_state is distinct from 'curtailed'
            and excused_hours.asset_id is null
            and high_wind_stops.asset_id is null
        )

),

proven as (

    select *
    from stopped
    qualify
        is_stopped_by_state
        or count(*) filter (where is_proof) over (
            partition by asset_id, run
            order by timestamp_utc
            range between interval '12 hours' preceding and interval '12 hours' following
        ) * interval_minutes >= 20

),

in_order as (

    select
        *,
        lead(timestamp_utc) over (partition by asset_id order by timestamp_utc) as next_utc
    from proven

),

-- Between two proofs of one stop it may be calm or dark: the stop goes on unless the asset produced, or lay under
-- snow or ice, meanwhile.
pauses as (

    select
        assessed.asset_id,
        assessed.timestamp_utc,
        bool_or(
            coalesce(
                assessed.active_power_kw > greatest(0.01 * assessed.rated_power_kw, assessed.own_standing_power_kw),
                false
            )
            or excused_hours.asset_id is not null
        ) over (partition by in_order.asset_id, in_order.timestamp_utc) as is_interrupted
    from in_order
    inner join assessed
        on
            in_order.asset_id = assessed.asset_id
            and assessed.timestamp_utc > in_order.timestamp_utc
            and assessed.timestamp_utc < in_order.next_utc
    left join excused_hours
        on
            assessed.asset_id = excused_hours.asset_id
            and assessed.hour_utc = excused_hours.hour_utc
    where
        in_order.next_utc <= {{ minutes_after('in_order.timestamp_utc', '24 * 60') }}
        and in_order.next_utc > {{ minutes_after('in_order.timestamp_utc', 'in_order.interval_minutes') }}

),

down as (

    select
        asset_id,
        timestamp_utc,
        case when is_stopped_by_state then 'reported state' else 'no power' end as evidence
    from proven
    union all
    select
        asset_id,
        timestamp_utc,
        'between stops' as evidence
    from pauses
    where not is_interrupted

),

sites as (

    {{ units_of_sites() }}

),

-- Where all units of a site stand at once it is hardly a turbine's fault.
placed as (

    select
        down.*,
        sites.units > 1
        and count(*) over (partition by assets.site_id, assets.technology, down.timestamp_utc) = sites.units
            as is_whole_site
    from down
    inner join {{ ref('stg_assets') }} as assets on down.asset_id = assets.asset_id
    inner join sites
        on
            assets.site_id = sites.site_id
            and assets.technology = sites.technology

)

select
    asset_id,
    timestamp_utc,
    evidence || case when is_whole_site then ', whole site' else '' end as evidence
from placed
where {{ in_reach('int_stops', 'timestamp_utc') }}
