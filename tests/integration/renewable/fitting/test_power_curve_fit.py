"""Curves fitted from a fleet's own files: the true curve comes back, whatever held the turbines back meanwhile."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mock_data.generate import generate
from renewable.errors import FleetError, PipelineError
from renewable.fitting.power_curve_fit import fit_curves, fit_power_curves, monotone, write_power_curves
from renewable.fleet import Fleet, load_fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.windows import Window
from tests.conftest import SEEDS

pytestmark = pytest.mark.integration
TRAINING = Window(date(2025, 2, 1), date(2025, 3, 3))


@pytest.fixture
def own(settings: Settings, fleet: Fleet, tmp_path: Path) -> Settings:
    """A fleet without power curves, and a month of its files."""
    fleet_dir = tmp_path / "own_fleet"
    fleet_dir.mkdir()
    fleet.assets.write_csv(fleet_dir / "assets.csv")
    generate(fleet, TRAINING, data_dir=settings.data_dir, seed=8)
    return settings.model_copy(update={"fleet_dir": fleet_dir})


def test_the_curve_the_turbines_ran_on_comes_back(own: Settings, fleet: Fleet) -> None:
    fitted = fit_power_curves(own, TRAINING)
    write_power_curves(fitted.curves, own.fleet_dir)
    registry = load_fleet(own.fleet_dir)
    for model in registry.assets["turbine_model"].drop_nulls().unique():
        ours, theirs = (f.power_curves.filter(pl.col("turbine_model") == model) for f in (registry, fleet))
        rated = theirs["power_kw"].max()
        speeds = np.arange(4.0, 14.0, 0.5)
        difference = np.interp(speeds, ours["wind_speed_ms"], ours["power_kw"]) - np.interp(
            speeds, theirs["wind_speed_ms"], theirs["power_kw"]
        )
        assert np.abs(difference).max() < 0.06 * rated, model
        assert abs(difference.mean()) < 0.025 * rated, model
        assert ours["power_kw"].is_sorted()


def test_what_was_held_back_does_not_bend_the_curve(own: Settings) -> None:
    before = fit_power_curves(own, TRAINING).curves
    for day in TRAINING.days[::3]:
        path = RawFileName("generation", day).path_under(own.raw_dir)
        rows = pl.read_parquet(path)
        told, silent = pl.int_range(pl.len()) % 4 == 0, pl.int_range(pl.len()) % 7 == 0
        rows.with_columns(
            active_power_kw=pl.when(told | silent).then(0.0).otherwise("active_power_kw"),
            operating_state=pl.when(told).then(pl.lit("fault")).otherwise("operating_state"),
        ).write_parquet(path)
    after = fit_power_curves(own, TRAINING).curves
    speeds = np.arange(4.5, 14.0, 0.5)
    for (model,), curve in before.group_by("turbine_model"):
        held = after.filter(pl.col("turbine_model") == model)
        powers, powers_held = (np.interp(speeds, c["wind_speed_ms"], c["power_kw"]) for c in (curve, held))
        assert np.abs(powers - powers_held).max() < 0.02 * curve["power_kw"].max(), model


def test_a_point_is_the_mean_of_its_bin_and_says_what_it_rests_on() -> None:
    """Six readings of 5.1 m/s lie left of the middle of the bin around 5 m/s, of which they are the only ones."""
    rows = pl.DataFrame(
        {
            "asset_id": "t",
            "timestamp": [datetime(2025, 1, 1, hour, tzinfo=UTC) for hour in range(6)],
            "wind_speed_ms": [5.1] * 6,
            "air_temperature_c": [15.0] * 6,
            "air_pressure_hpa": [1013.25] * 6,
            "relative_humidity_pct": [0.0] * 6,
            "active_power_kw": [300.0, 310.0, 290.0, 300.0, 305.0, 295.0],
            "curtailment_limit_kw": [None] * 6,
            "operating_state": [None] * 6,
        },
        schema_overrides={"curtailment_limit_kw": pl.Float64, "operating_state": pl.String},
    )
    turbines = load_fleet(SEEDS).assets.filter(pl.col("technology") == "wind").head(1)
    turbines = turbines.with_columns(asset_id=pl.lit("t"), interval_minutes=pl.lit(60))
    first = fit_curves(rows, turbines).curves.row(0, named=True)
    assert first["wind_speed_ms"] == pytest.approx(5.1, abs=0.02)
    assert (first["power_kw"], first["intervals"]) == (300.0, 6)


def test_one_turbine_can_have_a_curve_of_its_own(own: Settings, fleet: Fleet) -> None:
    asset, model = (
        fleet.assets.filter(pl.col("technology") == "wind").select("asset_id", "turbine_model").row(0)
    )
    fitted = fit_power_curves(own, TRAINING, assets=[asset])
    assert fitted.used["turbine_model"].to_list() == [f"{model} {asset}"]
    fleet.power_curves.write_csv(own.fleet_dir / "power_curves.csv")
    write_power_curves(fitted.curves, own.fleet_dir)
    assert set(fleet.power_curves["turbine_model"]) < set(
        load_fleet(own.fleet_dir).power_curves["turbine_model"]
    )
    with pytest.raises(PipelineError, match="lists no wind turbine nobody: name one of"):
        fit_power_curves(own, TRAINING, assets=["nobody"])


def test_only_the_days_of_the_range_count(own: Settings) -> None:
    whole = fit_power_curves(own, Window(TRAINING.start, date(2025, 2, 15))).curves
    for day in TRAINING.days[14:]:
        RawFileName("generation", day).path_under(own.raw_dir).write_bytes(b"not read")
    assert fit_power_curves(own, Window(TRAINING.start, date(2025, 2, 15))).curves.equals(whole)
    with pytest.raises(PipelineError, match="no raw files of weather in"):
        fit_power_curves(own, Window.of_day(date(2020, 1, 1)))


def test_curves_of_other_models_stay_as_they_are(own: Settings) -> None:
    path = own.fleet_dir / "power_curves.csv"
    path.write_text("turbine_model,wind_speed_ms,power_kw\nother/1000,3.0,0\nother/1000,12.5,1000\n")
    with pytest.raises(FleetError):
        load_fleet(own.fleet_dir)
    write_power_curves(fit_power_curves(own, TRAINING).curves, own.fleet_dir)
    assert path.read_text().startswith(
        "turbine_model,wind_speed_ms,power_kw\nother/1000,3.0,0\nother/1000,12.5,1000\n"
    )
    load_fleet(own.fleet_dir)


def test_pooling_keeps_the_weighted_mean_and_never_falls() -> None:
    assert monotone([0, 3, 1, 5], [1, 1, 3, 1]) == [0, 1.5, 1.5, 5]
