"""Fit power_curves.csv from the SCADA of 2014 by the method of bins (IEC 61400-12-1); not needed at run time.

    python examples/la_haute_borne/fit_power_curve.py la-haute-borne-scada-2014.csv.gz

The days of the example's excerpt are left out, so that the curve is not fitted on what it is compared with.
"""

import sys
from pathlib import Path

import polars as pl

TURBINE_MODEL = "MM82/2050"
RATED_POWER_KW = 2050.0
ELEVATION_M = 411.0
EXCERPT = ("2014-03-23", "2014-04-06")  # half-open, printed clock
BIN_WIDTH_MS = 0.5
COMPLETE_BIN_ROWS = 3  # 30 minutes
CUT_OUT_MS = 25.0  # of the type; no wind of 2014 came near it


def air_density_kg_m3(temperature_c: pl.Expr) -> pl.Expr:
    """IEC 61400-12-1 at humidity 0.5 and the standard atmosphere's pressure (ISO 2533) at ELEVATION_M."""
    temperature_k = temperature_c + 273.15
    pressure_pa = 101_325 * (1 - 2.25577e-5 * ELEVATION_M) ** 5.25588
    vapour_pressure_pa = 0.0000205 * (0.0631846 * temperature_k).exp()
    return (pressure_pa / 287.05 - 0.5 * vapour_pressure_pa * (1 / 287.05 - 1 / 461.5)) / temperature_k


def read_year(path: Path) -> pl.DataFrame:
    """wind_speed_ms at 1.225 kg/m³, power_kw and bin_ms of every complete row outside the excerpt."""
    day = pl.col("Date_time").str.slice(0, 10)
    measured = pl.read_csv(path).filter(
        pl.all_horizontal(pl.col("Ws_avg", "P_avg", "Ot_avg").is_not_null()),
        pl.col("Ot_avg").is_between(-60, 60),
        (day < EXCERPT[0]) | (day >= EXCERPT[1]),
    )
    density_ratio = air_density_kg_m3(pl.col("Ot_avg")) / 1.225
    return measured.select(
        wind_speed_ms=pl.col("Ws_avg") * density_ratio ** (1 / 3), power_kw=pl.col("P_avg")
    ).with_columns(bin_ms=(pl.col("wind_speed_ms") / BIN_WIDTH_MS + 0.5).floor() * BIN_WIDTH_MS)


def running(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows near their bin's median: within three robust standard deviations, but at least 1 % of rated power.

    Stopped and curtailed intervals lie far below it. In the bins under 4.5 m/s they do not, and stay.
    """
    distance_kw = (pl.col("power_kw") - pl.col("power_kw").median().over("bin_ms")).abs()
    rows = rows.with_columns(distance_kw=distance_kw)
    spread_kw = 3 * 1.4826 * pl.col("distance_kw").median().over("bin_ms")
    return rows.filter(pl.col("distance_kw") <= pl.max_horizontal(spread_kw, pl.lit(0.01 * RATED_POWER_KW)))


def monotone(power_kw: list[float], weight: list[int]) -> list[float]:
    """The closest rising curve: neighbours that fall are pooled to their weighted mean."""
    pools: list[tuple[float, int, int]] = []
    for power, count in zip(power_kw, weight, strict=True):
        pools.append((power, count, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (low, n, a), (high, m, b) = pools[-2:]
            pools[-2:] = [((low * n + high * m) / (n + m), n + m, a + b)]
    return [power for power, _, length in pools for _ in range(length)]


def fit(rows: pl.DataFrame) -> pl.DataFrame:
    """Curve by PowerCurveSchema: 0 at the last bin without power, bin means, then level up to the cut-out."""
    bins = (
        running(rows)
        .group_by("bin_ms")
        .agg(pl.col("power_kw").mean(), rows=pl.len())
        .filter(pl.col("rows") >= COMPLETE_BIN_ROWS)
        .sort("bin_ms")
    )
    powers_kw = pl.Series(monotone(bins["power_kw"].to_list(), bins["rows"].to_list())).clip(0)
    first = int((powers_kw <= 0).sum()) - 1
    last_ms = bins["bin_ms"].max()
    level_ms = [
        k * BIN_WIDTH_MS for k in range(int(CUT_OUT_MS / BIN_WIDTH_MS) + 1) if k * BIN_WIDTH_MS > last_ms
    ]
    wind_speeds_ms = bins["bin_ms"].to_list()[first:] + level_ms
    return pl.DataFrame(
        {
            "turbine_model": [TURBINE_MODEL] * len(wind_speeds_ms),
            "wind_speed_ms": wind_speeds_ms,
            "power_kw": powers_kw.to_list()[first:] + [powers_kw[-1]] * len(level_ms),
        }
    ).with_columns(pl.col("power_kw").round(1))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} <SCADA of the year, csv or csv.gz>")
    year = read_year(Path(sys.argv[1]))
    fit(year).write_csv(Path(__file__).with_name("power_curves.csv"))
    print(f"{year.height} rows, {running(year).height} of them running", file=sys.stderr)
