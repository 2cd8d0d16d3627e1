"""Laws of the simulator: the same seed gives the same bytes, whatever else is made and in whatever order."""

import hashlib
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mock_data.generate import generate
from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from renewable.contract import TABLES, polars_schema
from renewable.contract.schemas import SCHEMAS
from renewable.fleet import Fleet
from renewable.settings import REPO
from renewable.windows import Window

pytestmark = pytest.mark.unit
DAY = date(2025, 6, 21)


def test_the_same_seed_writes_the_same_bytes_in_any_order_of_days(fleet: Fleet, tmp_path: Path) -> None:
    days = [DAY + timedelta(days=i) for i in range(3)]
    for name, order in (("forward", days), ("backward", days[::-1])):
        for day in order:
            generate(fleet, Window.of_day(day), data_dir=tmp_path / name, seed=7)
    assert _hashes(tmp_path / "forward") == _hashes(tmp_path / "backward")
    assert len(_hashes(tmp_path / "forward")) == 6


def test_another_seed_gives_other_weather(fleet: Fleet) -> None:
    assert not weather_day(fleet, DAY, 1).equals(weather_day(fleet, DAY, 2))


@given(kept=st.sets(st.integers(0, 3), min_size=1))
@hypothesis_settings(max_examples=8, deadline=None)
def test_removing_assets_changes_no_other_asset(fleet: Fleet, kept: set[int]) -> None:
    names = [fleet.asset_ids[i] for i in sorted(kept)]
    part = Fleet(fleet.assets.filter(pl.col("asset_id").is_in(names)), fleet.power_curves)
    whole = generation_day(fleet, DAY, 3).filter(pl.col("asset_id").is_in(names))
    assert generation_day(part, DAY, 3).equals(whole)


def test_every_day_keeps_the_contract(fleet: Fleet) -> None:
    for day in (DAY, date(2025, 12, 21), date(2024, 2, 29)):
        weather = weather_day(fleet, day, 5)
        for table, frame in (("weather", weather), ("generation", generation_day(fleet, day, 5, weather))):
            assert frame.schema == polars_schema(table)
            SCHEMAS[table].validate(frame)
            assert frame.height == 4 * 288


def test_values_are_continuous_over_midnight(fleet: Fleet) -> None:
    two_days = pl.concat([weather_day(fleet, DAY, 5), weather_day(fleet, DAY + timedelta(days=1), 5)])
    steps = two_days.sort("asset_id", "timestamp").with_columns(
        pl.col("air_temperature_c").diff().abs().over("asset_id").alias("step_c"),
        (pl.col("timestamp").dt.time() == pl.time(0, 0)).alias("at_midnight"),
    )
    inside = steps.filter(~pl.col("at_midnight"))["step_c"].max()
    assert steps.filter(pl.col("at_midnight"))["step_c"].max() <= inside


def test_the_sun_makes_the_solar_day_and_the_summer(fleet: Fleet) -> None:
    def insolation(day: date) -> float:
        rows = weather_day(fleet, day, 5).filter(pl.col("asset_id") == "campo-claro-s-01")
        night = rows.filter(pl.col("timestamp").dt.hour().is_between(0, 3))
        assert night["ghi_wm2"].max() == 0
        return rows["ghi_wm2"].sum()

    summer = sum(insolation(DAY + timedelta(days=i)) for i in range(5))
    winter = sum(insolation(date(2025, 12, 19) + timedelta(days=i)) for i in range(5))
    assert summer > 1.5 * winter


def test_existing_files_are_kept_unless_overwriting(fleet: Fleet, tmp_path: Path) -> None:
    window = Window.of_day(DAY)
    assert generate(fleet, window, data_dir=tmp_path, seed=1).written == len(TABLES)
    assert generate(fleet, window, data_dir=tmp_path, seed=2).kept == len(TABLES)
    before = _hashes(tmp_path)
    assert generate(fleet, window, data_dir=tmp_path, seed=2, overwrite=True).written == len(TABLES)
    assert _hashes(tmp_path) != before


@pytest.mark.parametrize("script", ["generate_weather.py", "generate_generation.py"])
def test_the_scripts_run_by_their_path(script: str, tmp_path: Path, fleet_dir: Path) -> None:
    table = script.removeprefix("generate_").removesuffix(".py")
    window = ["--start", "2025-01-01", "--end", "2025-01-03"]
    done = subprocess.run(
        [
            sys.executable,
            REPO / "src/mock_data" / script,
            *window,
            "--data-dir",
            tmp_path,
            "--fleet-dir",
            fleet_dir,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{table}: 2 files written, 0 kept" in done.stdout
    assert len(list((tmp_path / "raw" / table).glob("*.parquet"))) == 2


def _hashes(data_dir: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data_dir.rglob("*.parquet"))
    }
