"""Laws of random access: a day is the same bytes whoever asks for it, when, and along with what."""

import hashlib
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_data.day import Simulator
from mock_data.fleet_maker import make_fleet
from mock_data.generate import generate
from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from mock_data.truth import truth_day
from renewable.fleet import Fleet
from renewable.places import CHECKOUT as REPO
from renewable.windows import Window

pytestmark = pytest.mark.unit
DAY = date(2025, 2, 27)
FLEET = make_fleet(5, 5, 3, interval_minutes=5)
SOURCE = REPO / "src"
_ONE_DAY = """
import sys
from datetime import date
sys.path.insert(0, sys.argv[1])
from mock_data.day import Simulator
from mock_data.fleet_maker import make_fleet
frames = Simulator(make_fleet(5, 5, 3, interval_minutes=5), 11, "harsh").day(date(2025, 3, 1))
print(frames.weather.hash_rows(1).sum(), frames.truth.hash_rows(1).sum())
"""


def mixed_intervals(fleet: Fleet) -> Fleet:
    minutes = pl.Series([5, 10, 15, 30, 60], dtype=pl.Int64)
    turn = minutes.gather(pl.int_range(fleet.assets.height, eager=True) % 5)
    return Fleet(fleet.assets.with_columns(turn.alias("interval_minutes")), fleet.power_curves)


def all_of(fleet: Fleet, day: date, seed: int = 11, profile: str = "harsh") -> pl.DataFrame:
    frames = Simulator(fleet, seed, profile).day(day)
    key = ["asset_id", "timestamp"]
    return frames.weather.hstack(frames.generation.drop(key)).hstack(frames.truth.drop(key))


def test_days_are_equal_in_any_order_and_from_a_fresh_start() -> None:
    days = [DAY + timedelta(days=i) for i in range(4)]
    forward, backward = Simulator(FLEET, 11, "harsh"), Simulator(FLEET, 11, "harsh")
    one = {day: forward.day(day) for day in days}
    other = {day: backward.day(day) for day in reversed(days)}
    for day in days:
        assert one[day].weather.equals(other[day].weather)
        assert one[day].generation.equals(other[day].generation)
        assert one[day].truth.equals(other[day].truth)
        assert all_of(FLEET, day)["active_power_kw"].equals(one[day].generation["active_power_kw"])


def test_another_process_computes_the_same_day() -> None:
    frames = Simulator(FLEET, 11, "harsh").day(date(2025, 3, 1))
    here = f"{frames.weather.hash_rows(1).sum()} {frames.truth.hash_rows(1).sum()}"
    command = [sys.executable, "-c", _ONE_DAY, str(SOURCE)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == here


@given(kept=st.sets(st.integers(0, 9), min_size=1), day=st.dates(date(2014, 1, 1), date(2030, 12, 31)))
@settings(max_examples=6, deadline=None)
def test_no_asset_depends_on_which_others_there_are_or_on_their_order(kept: set[int], day: date) -> None:
    fleet = mixed_intervals(FLEET)
    part = Fleet(fleet.assets[sorted(kept, reverse=True)], fleet.power_curves)
    names = part.assets["asset_id"].to_list()
    whole = all_of(fleet, day).filter(pl.col("asset_id").is_in(names))
    assert all_of(part, day).equals(whole)


@given(seed=st.integers(0, 2**63 - 1), day=st.dates(date(2013, 12, 30), date(2035, 1, 2)))
@settings(max_examples=6, deadline=None)
def test_any_seed_and_day_keep_the_contract_and_the_identity(seed: int, day: date) -> None:
    from renewable.contract.schemas import GenerationSchema, WeatherSchema

    fleet = mixed_intervals(FLEET)
    weather, generation = weather_day(fleet, day, seed, "harsh"), generation_day(fleet, day, seed, "harsh")
    truth = truth_day(fleet, day, seed, "harsh")
    WeatherSchema.validate(weather)
    GenerationSchema.validate(generation)
    assert weather.select("asset_id", "timestamp").equals(truth.select("asset_id", "timestamp"))
    assert weather.equals(weather.sort("asset_id", "timestamp"))
    actual = truth["potential_power_kw"] - truth["lost_power_kw"]
    sound = truth["sensor_fault"].is_null()
    assert actual.filter(sound).equals(generation["active_power_kw"].filter(sound))
    assert truth["lost_power_kw"].min() >= 0


def test_another_seed_gives_other_weather() -> None:
    assert not weather_day(FLEET, DAY, 1).equals(weather_day(FLEET, DAY, 2))


def test_no_row_precedes_the_commissioning_of_its_asset() -> None:
    late = FLEET.assets["asset_id"][0]
    start = pl.when(pl.col("asset_id") == late).then(pl.lit(DAY)).otherwise(pl.col("commissioned_on"))
    fleet = Fleet(FLEET.assets.with_columns(start.alias("commissioned_on")), FLEET.power_curves)
    assert late not in weather_day(fleet, DAY - timedelta(days=1), 1)["asset_id"]
    assert weather_day(fleet, DAY, 1).equals(weather_day(FLEET, DAY, 1))
    assert generation_day(fleet, date(1999, 1, 1), 1).height == 0


def test_files_are_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    window = Window(DAY, DAY + timedelta(days=7))
    for jobs in (1, 2):
        done = generate(FLEET, window, data_dir=tmp_path / str(jobs), seed=5, jobs=jobs)
        assert (done.written, done.kept, done.rows) == (21, 0, 3 * 7 * 2880)
    assert _hashes(tmp_path / "1") == _hashes(tmp_path / "2")
    again = generate(FLEET, window, data_dir=tmp_path / "1", seed=6, jobs=2)
    assert (again.written, again.kept) == (0, 21)
    assert _hashes(tmp_path / "1") == _hashes(tmp_path / "2")
    generate(FLEET, Window.of_day(DAY), data_dir=tmp_path / "1", seed=6, overwrite=True)
    assert _hashes(tmp_path / "1") != _hashes(tmp_path / "2")


def _hashes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file()
    }
