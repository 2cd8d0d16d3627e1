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
    "Mean power of the intervals in which the asset ran freely, with unflagged readings, by month and bin of 50 W/m² "
    "of irradiance in the plane of the array, beside the mean expected power of the same intervals."
)
