"""Fit power_curves.csv from the SCADA of 2014 by the method of bins (IEC 61400-12-1); not needed at run time.

    python examples/la_haute_borne/fit_power_curve.py la-haute-borne-scada-2014.csv.gz

The days of the example's excerpt are left out, so that the curve is not fitted on what it is compared with; that is
why this is not `renewable fleet fit-curve`, which learns from one range.
"""

import sys
from pathlib import Path

import polars as pl

from renewable.fitting.power_curve_fit import fit_curves
from renewable.fleet import load_assets

HERE = Path(__file__).parent
EXCERPT = ("2014-03-23", "2014-04-06")  # half-open, printed clock


def read_year(path: Path) -> pl.DataFrame:
    """The complete rows outside the excerpt, in the contract's columns."""
    day, temperature = pl.col("Date_time").str.slice(0, 10), pl.col("Ot_avg")
    return (
        pl.read_csv(path)
        .filter(temperature.is_between(-60, 60), (day < EXCERPT[0]) | (day >= EXCERPT[1]))
        .select(
            asset_id="Wind_turbine_name",
            wind_speed_ms="Ws_avg",
            air_temperature_c="Ot_avg",
            air_pressure_hpa=pl.lit(None, pl.Float64),
            active_power_kw="P_avg",
            curtailment_limit_kw=pl.lit(None, pl.Float64),
            operating_state=pl.lit(None, pl.String),
        )
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} <SCADA of the year, csv or csv.gz>")
    fitted = fit_curves(read_year(Path(sys.argv[1])), load_assets(HERE))
    fitted.curves.write_csv(HERE / "power_curves.csv")
    print(fitted.used, file=sys.stderr)
