"""Laws of power and of injected events, recomputed from what is written, with the answer key beside it."""

import re
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from mock_data.day import Simulator
from mock_data.losses import LOSS_KINDS
from mock_data.sensors import SENSOR_FAULTS
from mock_data.weather import ENHANCEMENT_LIMIT, beam_ratio, clearness
from mock_data.wind_power import stopped_by_storm
from renewable.contract import measurements
from renewable.fleet import Fleet, load_fleet
from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)
DAYS = 120
CHANNELS = [
    name for name in (*measurements("weather"), *measurements("generation")) if name != "operating_state"
]


def _rows(profile: str) -> pl.DataFrame:
    fleet = _fleet()
    simulator = Simulator(fleet, 2, profile)
    key = ["asset_id", "timestamp"]
    days = [simulator.day(FIRST + timedelta(days=i)) for i in range(DAYS)]
    joined = pl.concat(d.weather.hstack(d.generation.drop(key)).hstack(d.truth.drop(key)) for d in days)
    return joined.join(fleet.assets, on="asset_id").sort("asset_id", "timestamp")


def _fleet() -> Fleet:
    fleet = load_fleet(REPO / "dbt" / "renewable_dbt" / "seeds")
    return Fleet(
        fleet.assets.with_columns(pl.lit(10, pl.Int64).alias("interval_minutes")), fleet.power_curves
    )


@pytest.fixture(scope="module")
def calm() -> pl.DataFrame:
    return _rows("none")


@pytest.fixture(scope="module")
def harsh() -> pl.DataFrame:
    return _rows("harsh")


def test_without_events_nothing_is_lost_and_every_state_is_true(calm: pl.DataFrame) -> None:
    assert calm["lost_power_kw"].max() == 0
    assert set(calm["kind"]) == {"none"}
    assert calm["sensor_fault"].null_count() == calm.height
    assert set(calm["operating_state"]) == {"running", "standby"}
    assert calm["active_power_kw"].equals(calm["potential_power_kw"].alias("active_power_kw"))


def test_wind_power_follows_the_published_curve_at_normalised_speed(calm: pl.DataFrame) -> None:
    kelvin = pl.col("air_temperature_c") + 273.15
    vapour = pl.col("relative_humidity_pct") / 100 * 0.0000205 * (0.0631846 * kelvin).exp()
    density = (pl.col("air_pressure_hpa") * 100 / 287.05 - vapour * (1 / 287.05 - 1 / 461.5)) / kelvin
    wind = calm.filter(pl.col("technology") == "wind").with_columns(
        (pl.col("wind_speed_ms") * (density / 1.225) ** (1 / 3)).alias("normalised_ms")
    )
    for (model,), rows in wind.group_by("turbine_model"):
        curve = _fleet().power_curves.filter(pl.col("turbine_model") == model)
        expected = np.interp(rows["normalised_ms"], curve["wind_speed_ms"], curve["power_kw"], right=0.0)
        share = (rows["active_power_kw"].to_numpy() - expected) / rows["rated_power_kw"].to_numpy()
        waits = (rows["active_power_kw"].to_numpy() <= 0) & (
            expected > 0.5 * rows["rated_power_kw"].to_numpy()
        )
        share[waits] = np.nan  # after a storm, until the wind has calmed down
        bins = (rows["normalised_ms"] * 2).round().cast(pl.Int64).to_numpy()
        for number in range(6, 40):
            here = share[(bins == number) & ~waits]
            if len(here) > 60:
                assert abs(np.mean(here)) < 0.02
        assert np.nanstd(share) < 0.05
        assert (share < -1e-4).mean() > 0.1


def test_solar_power_is_that_of_pvwatts_from_its_own_readings(calm: pl.DataFrame) -> None:
    solar = calm.filter(pl.col("technology") == "solar", pl.col("poa_irradiance_wm2") > 20)
    gamma = pl.col("temperature_coefficient_pct_per_c") / 100
    dc = (
        pl.col("dc_capacity_kw")
        * pl.col("poa_irradiance_wm2")
        / 1000
        * (1 + gamma * (pl.col("module_temperature_c") - 25))
        * (1 - pl.col("system_loss_pct") / 100)
    )
    ratio = dc * 0.96 / pl.col("rated_power_kw")
    efficiency = 0.96 / 0.9637 * (0.9858 - 0.0162 * ratio - 0.0059 / ratio)
    expected = solar.with_columns(
        pl.min_horizontal(dc * efficiency, pl.col("rated_power_kw")).alias("expected_kw")
    )
    off = (expected["active_power_kw"] - expected["expected_kw"]) / expected["rated_power_kw"]
    assert off.abs().max() < 0.05
    by_asset = expected.group_by("asset_id").agg(
        (pl.col("active_power_kw").sum() / pl.col("expected_kw").sum()).alias("index")
    )
    assert by_asset["index"].is_between(0.98, 1.02).all()
    assert expected["active_power_kw"].max() <= expected["rated_power_kw"].max()
    assert (expected["active_power_kw"] == expected["rated_power_kw"]).sum() > 10


def test_a_storm_stops_a_turbine_until_the_wind_has_dropped_three_metres_a_second() -> None:
    wind = np.array([20.0, 24.0, 25.5, 24.0, 22.5, 21.9, 24.5, 26.0])
    assert stopped_by_storm(25.0, np.empty(0), wind).tolist() == [0, 0, 1, 1, 1, 0, 0, 1]
    assert stopped_by_storm(25.0, np.array([25.1, 23.0]), np.array([22.5, 21.0])).tolist() == [1, 0]


def test_clearness_passes_one_beside_clouds_only_and_never_its_limit() -> None:
    latent = np.linspace(-8, 8, 100_001)
    ratio = clearness(latent)
    assert ratio.max() <= ENHANCEMENT_LIMIT
    assert (ratio[(latent < -0.2) | (latent > 0.6)] < 1.05).all()
    assert (np.diff(beam_ratio(np.sort(ratio))) >= 0).all()


@pytest.mark.parametrize("kind", [*LOSS_KINDS[1:], *SENSOR_FAULTS])
def test_a_harsh_winter_shows_every_kind_of_event(harsh: pl.DataFrame, kind: str) -> None:
    column = "kind" if kind in LOSS_KINDS else "sensor_fault"
    share = (harsh[column] == kind).sum() / harsh.height
    assert 1e-4 < share < 0.35


def test_potential_minus_lost_is_the_reading_wherever_the_meter_is_sound(harsh: pl.DataFrame) -> None:
    sound = harsh.filter(pl.col("sensor_fault").is_null())
    actual = sound["potential_power_kw"] - sound["lost_power_kw"]
    assert actual.equals(sound["active_power_kw"].alias(actual.name))
    assert harsh.select("asset_id", "timestamp").is_unique().all()
    named = harsh.filter(~pl.col("kind").is_in(["none", "downtime", *SENSOR_FAULTS]))
    assert named["lost_power_kw"].min() > 0
    unnamed = harsh.filter(pl.col("kind").is_in(["none", *SENSOR_FAULTS]))
    assert unnamed["lost_power_kw"].max() == 0


def test_events_cost_what_the_weather_and_nothing_else_could_have_given(
    calm: pl.DataFrame, harsh: pl.DataFrame
) -> None:
    assert calm["potential_power_kw"].equals(harsh["potential_power_kw"])


def test_a_stopped_unit_produces_nothing_and_its_state_is_mostly_but_not_always_told(
    harsh: pl.DataFrame,
) -> None:
    down = harsh.filter(pl.col("kind") == "downtime", pl.col("sensor_fault").is_null())
    assert down["active_power_kw"].max() <= 0
    told = down["operating_state"].is_in(["fault", "maintenance"]).fill_null(False).mean()
    assert 0.7 < told < 0.97
    up = harsh.filter(pl.col("kind") != "downtime")
    assert not up["operating_state"].is_in(["fault", "maintenance"]).any()


def test_curtailment_caps_power_at_a_limit_that_is_not_always_reported(harsh: pl.DataFrame) -> None:
    capped = harsh.filter(pl.col("kind") == "curtailment", pl.col("sensor_fault").is_null())
    reported = capped.filter(pl.col("curtailment_limit_kw").is_not_null())
    assert (reported["active_power_kw"] == reported["curtailment_limit_kw"]).all()
    assert 0.2 < reported.height / capped.height < 0.95
    assert (reported["operating_state"] == "curtailed").mean() > 0.98
    limited = harsh.filter(pl.col("curtailment_limit_kw").is_not_null(), pl.col("sensor_fault").is_null())
    assert (limited["active_power_kw"] <= limited["curtailment_limit_kw"]).all()


def test_ice_comes_in_cold_damp_air_and_leaves_the_anemometer_turning(harsh: pl.DataFrame) -> None:
    iced = harsh.filter(pl.col("kind") == "icing")
    assert set(iced["technology"]) == {"wind"}
    assert iced["air_temperature_c"].quantile(0.95) < 1.6
    assert iced["relative_humidity_pct"].mean() > 85
    assert iced["wind_speed_ms"].mean() > 4
    assert (iced["lost_power_kw"] / iced["potential_power_kw"]).median() > 0.1


def test_dirt_builds_up_and_rain_washes_it_off(harsh: pl.DataFrame) -> None:
    noon = harsh.filter(
        pl.col("asset_id") == "campo-claro-s-01",
        pl.col("kind").is_in(["soiling", "none"]),
        pl.col("poa_irradiance_wm2").is_between(300, 850),
    )
    day = pl.col("timestamp").dt.date().alias("day")
    dirt = noon.group_by(day, maintain_order=True).agg(
        (pl.col("lost_power_kw").sum() / pl.col("potential_power_kw").sum()).alias("dirt")
    )
    steps = dirt["dirt"].diff().drop_nulls()
    assert (steps > 0).mean() > 0.6
    assert steps.min() < -2 * steps.max()
    rain = (
        harsh.filter(pl.col("asset_id") == "campo-claro-s-01")
        .group_by(day)
        .agg(pl.col("precipitation_mm").sum().alias("rain_mm"))
    )
    washed = dirt.with_columns(pl.col("dirt").diff().alias("step")).join(rain, on="day")
    cleaned = washed.filter(pl.col("step") < -0.004)
    assert (cleaned["rain_mm"] > 0.2).mean() > 0.6


def test_a_frozen_sensor_repeats_one_reading(harsh: pl.DataFrame) -> None:
    frozen = harsh.filter(pl.col("sensor_fault") == "frozen_sensor")
    spells = frozen.with_columns(
        (
            (pl.col("timestamp").diff() > timedelta(minutes=10))
            | pl.col("asset_id").ne(pl.col("asset_id").shift())
        )
        .fill_null(True)
        .cum_sum()
        .alias("spell")
    )
    whole = 0
    for _, spell in spells.group_by("spell"):
        channels = spell["sensor_channel"].unique().to_list()
        if len(channels) == 1:
            assert spell[channels[0]].n_unique() == 1
            whole += spell.height > 3
    assert whole > 5
    assert frozen["sensor_channel"].is_in(CHANNELS).all()


def test_a_communication_gap_takes_every_channel(harsh: pl.DataFrame) -> None:
    gap = harsh.filter(pl.col("sensor_fault") == "communication_gap")
    for channel in CHANNELS:
        assert gap[channel].null_count() == gap.height
    assert set(gap["operating_state"]) == {"no_communication", None}


def test_a_drift_moves_one_channel_steadily_away_from_the_truth(
    calm: pl.DataFrame, harsh: pl.DataFrame
) -> None:
    both = harsh.with_columns(
        calm["wind_speed_ms"].alias("true_ms"), calm["poa_irradiance_wm2"].alias("true_wm2")
    )
    drifting = both.filter(
        pl.col("sensor_fault") == "sensor_drift", pl.col("sensor_channel") == "wind_speed_ms"
    )
    far = (drifting["wind_speed_ms"] / drifting["true_ms"] - 1).filter(drifting["true_ms"] > 4)
    assert 0.02 < far.abs().max() < 0.13
    sound = both.filter(pl.col("sensor_fault").is_null())
    assert (sound["wind_speed_ms"] == sound["true_ms"]).all()


def test_a_shifted_clock_writes_the_hour_before_or_after(calm: pl.DataFrame, harsh: pl.DataFrame) -> None:
    moved = calm.with_columns(
        pl.col("air_pressure_hpa").shift(6).over("asset_id").alias("before_hpa"),
        pl.col("air_pressure_hpa").shift(-6).over("asset_id").alias("after_hpa"),
    ).select("before_hpa", "after_hpa")
    shifted = harsh.hstack(moved).filter(pl.col("sensor_fault") == "clock_shift").drop_nulls("after_hpa")
    early = shifted["air_pressure_hpa"] == shifted["before_hpa"]
    late = shifted["air_pressure_hpa"] == shifted["after_hpa"]
    assert (early | late).all()
    assert set(shifted["technology"]) == {"solar"}


def test_states_are_missing_or_wrong_as_rarely_as_documented(harsh: pl.DataFrame) -> None:
    heard = harsh.filter(pl.col("sensor_fault").ne_missing("communication_gap"))
    assert 0.001 < heard["operating_state"].null_count() / heard.height < 0.008


def test_only_the_simulator_and_the_scorecard_know_of_the_answer_key() -> None:
    allowed = (REPO / "src" / "mock_data", REPO / "src" / "renewable" / "scorecard")
    reads = re.compile(
        r"truth[_/\"'.](?!_|y)|mock_data\.truth|TRUTH_SCHEMA|mock_data\.conditions|CONDITIONS_SCHEMA|worlds\.toml"
    )
    found = [
        str(path.relative_to(REPO))
        for top in ("src", "dbt", "dags")
        for path in (REPO / top).rglob("*")
        if path.suffix in (".py", ".sql", ".yml", ".yaml", ".toml")
        and not any(path.is_relative_to(place) or path == place.with_suffix(".py") for place in allowed)
        and not {"target", "dbt_packages", ".venv"} & set(path.parts)
        and reads.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
