"""A real PV plant through the chain: performance ratios against a direct computation from its CSV."""

from datetime import date, timedelta

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from renewable.atomic_write import write_parquet_atomic
from renewable.contract import polars_schema
from renewable.places import CHECKOUT as REPO
from renewable.published.publish import publish
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform

pytestmark = pytest.mark.integration
DC_KW, RATED_KW, GAMMA = 408.24, 400.0, -0.0037
HOURS = 0.25
REGISTRY = {
    "asset_id": "rsf-ii",
    "asset_name": "RSF II",
    "site_id": "nrel",
    "site_name": "NREL",
    "technology": "solar",
    "latitude_deg": 39.74,
    "longitude_deg": -105.17,
    "elevation_m": 1829.0,
    "timezone": "Etc/GMT+7",
    "interval_minutes": 15,
    "rated_power_kw": RATED_KW,
    "commissioned_on": date(2011, 1, 1),
    "turbine_model": None,
    "hub_height_m": None,
    "rotor_diameter_m": None,
    "dc_capacity_kw": DC_KW,
    "mounting": "fixed",
    "tilt_deg": 10.0,
    "azimuth_deg": 180.0,
    "temperature_coefficient_pct_per_c": 100 * GAMMA,
    "system_loss_pct": 12.0,
}


@pytest.fixture(scope="module")
def measured() -> pl.DataFrame:
    """asset_id, timestamp (UTC) and the channels of the CSV, its local stamps at UTC-7."""
    local = pl.col("measured_on").str.strptime(pl.Datetime("us"), "%m/%d/%Y %H:%M")
    rows = pl.read_csv(REPO / "examples" / "nrel_rsf_ii" / "rsf-ii-2022-01.csv", null_values="")
    return rows.rename({rows.columns[0]: "measured_on"}).select(
        pl.lit("rsf-ii").alias("asset_id"),
        (local + timedelta(hours=7)).dt.replace_time_zone("UTC").alias("timestamp"),
        local.dt.date().alias("date_local"),
        pl.col("ac_power_kw_1137").cast(pl.Float64).alias("active_power_kw"),
        pl.col("poa_irradiance__1055").cast(pl.Float64).alias("poa_irradiance_wm2"),
        pl.col("module_temp__1056").cast(pl.Float64).alias("module_temperature_c"),
        pl.col("ambient_temp__1053").cast(pl.Float64).alias("air_temperature_c"),
        pl.col("wind_speed__1051").cast(pl.Float64).alias("wind_speed_ms"),
    )


@pytest.fixture(scope="module")
def daily(measured: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    base = tmp_path_factory.mktemp("nrel")
    settings = Settings(data_dir=base / "data", fleet_dir=base / "fleet")
    settings.fleet_dir.mkdir()
    pl.DataFrame([REGISTRY]).write_csv(settings.fleet_dir / "assets.csv")
    (settings.fleet_dir / "power_curves.csv").write_text("turbine_model,wind_speed_ms,power_kw\n")
    for table in ("weather", "generation"):
        schema = polars_schema(table)  # type: ignore[arg-type]
        whole = measured.select(
            pl.col(name) if name in measured.columns else pl.lit(None, kind).alias(name)
            for name, kind in schema.items()
        )
        for (day,), rows in whole.group_by(pl.col("timestamp").dt.date()):
            path = RawFileName(table, day).path_under(settings.raw_dir)  # type: ignore[arg-type]
            write_parquet_atomic(rows.sort("timestamp"), path)
    loaded = ingest(settings)
    assert (loaded.rows_quarantined, loaded.values_set_aside) == (0, 0)
    transform(settings)
    publish(settings)
    frame = pl.read_parquet(settings.published_dir / "mart_asset_daily.parquet")
    losses = pl.read_parquet(settings.published_dir / "mart_losses_daily.parquet")
    sums = losses.group_by("date_local").agg(pl.col("lost_kwh").sum().alias("sum_of_losses_kwh"))
    return frame.join(sums, on="date_local", how="left").sort("date_local")


def test_performance_ratios_are_those_of_the_csv(measured: pl.DataFrame, daily: pl.DataFrame) -> None:
    both = measured.drop_nulls(["active_power_kw", "poa_irradiance_wm2"])
    sunlight = pl.col("poa_irradiance_wm2").clip(lower_bound=0) / 1000 * DC_KW * HOURS
    warm = 1 + GAMMA * (pl.col("module_temperature_c") - 25)
    direct = (
        both.group_by("date_local")
        .agg(
            ((pl.col("active_power_kw") * HOURS).sum() / sunlight.sum()).alias("direct"),
            (
                (pl.col("active_power_kw") * HOURS).filter(pl.col("module_temperature_c").is_not_null()).sum()
                / (sunlight * warm).sum()
            ).alias("direct_stc"),
            (pl.col("active_power_kw") * HOURS).sum().alias("direct_kwh"),
        )
        .sort("date_local")
    )
    found = daily.join(direct, on="date_local", how="inner")
    assert found.height == direct.height >= 5
    for ours, theirs in (
        ("performance_ratio", "direct"),
        ("performance_ratio_stc", "direct_stc"),
        ("energy_kwh", "direct_kwh"),
    ):
        assert found[ours].to_list() == pytest.approx(found[theirs].to_list(), rel=1e-9)


def test_losses_close_the_gap_on_every_day(daily: pl.DataFrame) -> None:
    gap = daily["expected_energy_kwh"].fill_null(0) - daily["energy_kwh"].fill_null(0)
    assert (gap - daily["sum_of_losses_kwh"]).abs().max() < 1e-6  # type: ignore[operator]
