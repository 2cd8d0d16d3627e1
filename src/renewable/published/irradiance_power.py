"""Power of solar plants by irradiance, the counterpart of mart_power_curve; published beside the marts."""

import polars as pl

IRRADIANCE_POWER = "irradiance_power"
IRRADIANCE_POWER_SCHEMA = pl.Schema(
    [
        ("asset_id", pl.String),
        ("month_local", pl.Date),
        ("poa_irradiance_bin_wm2", pl.Float64),
        ("intervals", pl.Int64),
        ("mean_power_kw", pl.Float64),
        ("mean_expected_power_kw", pl.Float64),
    ]
)
BINNING = (
    "Mean power of the observed intervals without event and with unflagged readings, by month and bin of 50 W/m² of "
    "irradiance in the plane of the array, beside the mean expected power of the same intervals."
)

IRRADIANCE_POWER_SQL = """
select
    intervals.asset_id,
    cast(date_trunc('month', intervals.date_local) as date) as month_local,
    50.0 * floor(intervals.poa_irradiance_wm2 / 50.0) + 25.0 as poa_irradiance_bin_wm2,
    count(*) as intervals,
    sum(cast(intervals.active_power_kw as decimal(18, 6))) / count(*) as mean_power_kw,
    sum(cast(intervals.expected_power_kw as decimal(18, 6))) / count(*) as mean_expected_power_kw
from intermediate.int_interval_performance as intervals
where
    intervals.event_kind is null
    and intervals.active_power_kw is not null
    and intervals.active_power_kw_flag is null
    and intervals.expected_power_kw is not null
    and intervals.poa_irradiance_wm2 > 0.0
    and intervals.poa_irradiance_wm2_flag is null
group by all
order by all
"""
