"""Simulated power of a fleet from its weather, one UTC day at a time."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from mock_data.generate_weather import weather_day
from mock_data.noise import Floats, octaves, stream_key, uniform
from renewable.contract import polars_schema
from renewable.fleet import Fleet

# PVWatts V5 inverter: nominal and reference efficiency.
_INVERTER_NOMINAL, _INVERTER_REFERENCE = 0.96, 0.9637
_DOWNTIME_CHANCE_PER_6_H = 0.012


def generation_day(fleet: Fleet, day: date, seed: int, weather: pl.DataFrame | None = None) -> pl.DataFrame:
    """Mean AC power and operating state of every asset on `day`, ordered by asset and time.

    `weather` is that day's weather_day, computed here when it is not handed over.
    """
    weather = weather_day(fleet, day, seed) if weather is None else weather
    assets = {asset["asset_id"]: asset for asset in fleet.assets.iter_rows(named=True)}
    frames = [
        _asset_generation(assets[asset_id], rows, fleet.power_curves, seed)
        for (asset_id,), rows in weather.group_by("asset_id", maintain_order=True)
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=polars_schema("generation"))


def _asset_generation(
    asset: dict[str, Any], weather: pl.DataFrame, curves: pl.DataFrame, seed: int
) -> pl.DataFrame:
    minutes = weather["timestamp"].dt.epoch("s").to_numpy() / 60.0
    own = stream_key(seed, asset["asset_id"], "power")
    potential_kw = (
        _wind_power_kw(asset, weather, curves)
        if asset["technology"] == "wind"
        else _solar_power_kw(asset, weather)
    )
    scatter = 1 + 0.02 * octaves(own, minutes, {15.0: 0.5, 120.0: 0.5})
    rated_kw = asset["rated_power_kw"]
    power_kw = np.where(potential_kw > 0, np.clip(potential_kw * scatter, 0, rated_kw), -0.004 * rated_kw)
    down = uniform(own ^ np.uint64(7), (minutes // 360).astype(np.int64)) < _DOWNTIME_CHANCE_PER_6_H
    power_kw = np.where(down, -0.004 * rated_kw, power_kw)
    state = np.where(down, "fault", np.where(power_kw > 0, "running", "standby"))
    return pl.DataFrame(
        {
            "asset_id": weather["asset_id"],
            "timestamp": weather["timestamp"],
            "active_power_kw": power_kw.round(1),
            "curtailment_limit_kw": [None] * len(minutes),
            "operating_state": state,
        },
        schema=polars_schema("generation"),
    )


def _wind_power_kw(asset: dict[str, Any], weather: pl.DataFrame, curves: pl.DataFrame) -> Floats:
    """Power curve at the wind speed normalised to 1.225 kg/m³ (IEC 61400-12-1), 0 beyond the curve's ends."""
    curve = curves.filter(pl.col("turbine_model") == asset["turbine_model"])
    density = (
        100
        * weather["air_pressure_hpa"].to_numpy()
        / (287.05 * (weather["air_temperature_c"].to_numpy() + 273.15))
    )
    speed_ms = weather["wind_speed_ms"].to_numpy() * (density / 1.225) ** (1 / 3)
    power: Floats = np.interp(
        speed_ms, curve["wind_speed_ms"].to_numpy(), curve["power_kw"].to_numpy(), left=0.0, right=0.0
    )
    return power


def _solar_power_kw(asset: dict[str, Any], weather: pl.DataFrame) -> Floats:
    """PVWatts V5: DC power by irradiance and module temperature, inverter efficiency, clipping at rated power."""
    rated_kw, gamma = asset["rated_power_kw"], asset["temperature_coefficient_pct_per_c"] / 100
    warm = 1 + gamma * (weather["module_temperature_c"].to_numpy() - 25)
    dc_kw = asset["dc_capacity_kw"] * weather["poa_irradiance_wm2"].to_numpy() / 1000 * warm
    dc_kw *= 1 - asset["system_loss_pct"] / 100
    load = np.maximum(dc_kw / (rated_kw / _INVERTER_NOMINAL), 1e-6)
    efficiency = _INVERTER_NOMINAL / _INVERTER_REFERENCE * (-0.0162 * load - 0.0059 / load + 0.9858)
    power: Floats = np.clip(dc_kw * efficiency, 0, rated_kw)
    return power


if __name__ == "__main__":
    from mock_data.generate import run_script

    run_script("generation")
