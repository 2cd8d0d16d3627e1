"""Laws of the fleet registry: one strict reader, and what it makes of two files that people write."""

from pathlib import Path

import polars as pl
import pytest

from renewable.fleet import Fleet, asset_versions, load_fleet
from tests.conftest import SEEDS

pytestmark = pytest.mark.unit


def test_the_version_of_an_asset_changes_with_its_row_and_its_curve_alone(fleet: Fleet) -> None:
    def changed(assets: pl.DataFrame, curves: pl.DataFrame = fleet.power_curves) -> set[str]:
        after = asset_versions(Fleet(assets, curves))
        return {name for name, version in asset_versions(fleet).items() if after.get(name) != version}

    wind, solar = "nordermarsch-w-01", "campo-claro-s-01"
    model = fleet.assets.filter(pl.col("asset_id") == wind)["turbine_model"].item()
    of_wind, of_model = pl.col("asset_id") == wind, pl.col("turbine_model") == model
    for column, value in {
        "timezone": "UTC",
        "interval_minutes": 30,
        "rated_power_kw": 1999.0,
        "site_id": "elsewhere",
        "hub_height_m": 81.0,
    }.items():
        cell = pl.when(of_wind).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
        assert changed(fleet.assets.with_columns(cell)) == {wind}, column
    power = pl.when(of_model & (pl.col("wind_speed_ms") == 8)).then(999.0).otherwise(pl.col("power_kw"))
    assert changed(fleet.assets, fleet.power_curves.with_columns(power.alias("power_kw"))) == {wind}
    assert changed(fleet.assets, fleet.power_curves.filter(of_model)) == {"prairie-ridge-w-02"}
    assert changed(fleet.assets.filter(pl.col("asset_id") != solar)) == {solar}

    same = fleet.assets.reverse().with_columns(pl.lit("Another name").alias("asset_name"), empty=None)
    assert changed(same, fleet.power_curves.reverse()) == set()


def test_the_version_of_an_asset_does_not_depend_on_how_its_numbers_are_written(tmp_path: Path) -> None:
    for name in ("assets.csv", "power_curves.csv"):
        lines = (SEEDS / name).read_text().splitlines()
        (tmp_path / name).write_text("\n".join([lines[0], *reversed(lines[1:])]))
    curves = tmp_path / "power_curves.csv"
    curves.write_text(curves.read_text().replace(",22\n", ",22.0\n").replace(",0\n", ",-0.0\n"))
    assets = tmp_path / "assets.csv"
    assets.write_text(assets.read_text().replace(",5,2050,", ",5,2.05e3,").replace("54.4800", "54.48"))
    assert asset_versions(load_fleet(tmp_path)) == asset_versions(load_fleet(SEEDS))
