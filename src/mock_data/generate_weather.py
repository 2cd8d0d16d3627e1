"""Simulated weather of a fleet, one UTC day at a time. Power is generate_generation's matter."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from mock_data.noise import Floats, octaves, stream_key
from renewable.contract import polars_schema
from renewable.fleet import Fleet
from renewable.windows import day_start_utc

_MINUTE_SHARES_WIND = {20.0: 0.07, 60.0: 0.03, 180.0: 0.14, 540.0: 0.36, 1620.0: 0.19, 4860.0: 0.21}
_MINUTE_SHARES_CLOUD = {15.0: 0.22, 60.0: 0.10, 720.0: 0.20, 2880.0: 0.48}
_MINUTE_SHARES_SLOW = {360.0: 0.2, 1440.0: 0.3, 5760.0: 0.5}
_SOLAR_CONSTANT_WM2 = 1361.0


def weather_day(fleet: Fleet, day: date, seed: int) -> pl.DataFrame:
    """Weather of every asset that is in operation on `day`, ordered by asset and time.

    Columns and units are those of the contract's weather table; the same arguments give the same frame.
    """
    frames = [
        _asset_weather(asset, day, seed)
        for asset in fleet.assets.iter_rows(named=True)
        if asset["commissioned_on"] <= day
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=polars_schema("weather"))


def _asset_weather(asset: dict[str, Any], day: date, seed: int) -> pl.DataFrame:
    stamps = pl.datetime_range(
        day_start_utc(day),
        day_start_utc(day + timedelta(days=1)),
        f"{asset['interval_minutes']}m",
        closed="left",
        eager=True,
        time_unit="us",
    )
    minutes = stamps.dt.epoch("s").to_numpy() / 60.0
    site, own = (stream_key(seed, asset["site_id"]), stream_key(seed, asset["asset_id"]))
    season, hour_angle, sun_sine, azimuth_rad = _sun(minutes, asset["latitude_deg"], asset["longitude_deg"])
    cloud = octaves(site ^ np.uint64(1), minutes, _MINUTE_SHARES_CLOUD)
    clearness = np.clip(0.82 + 0.28 * np.tanh(1.2 * cloud + 0.5), 0.12, 1.15)
    warm = octaves(site ^ np.uint64(2), minutes, _MINUTE_SHARES_SLOW)
    south = np.sign(asset["latitude_deg"]) or 1.0
    temperature_c = (
        33.0
        - 0.45 * abs(asset["latitude_deg"])
        - 0.0065 * asset["elevation_m"]
        - south * (2.0 + 0.16 * abs(asset["latitude_deg"])) * np.cos(season)
        + 4.0 * clearness * np.cos(hour_angle - 0.6)
        + 3.0 * warm
    )
    pressure_hpa = 1013.25 * (1 - 2.25577e-5 * asset["elevation_m"]) ** 5.25588 + 7.0 * octaves(
        site ^ np.uint64(3), minutes, _MINUTE_SHARES_SLOW
    )
    gust = 0.96 * octaves(site ^ np.uint64(4), minutes, _MINUTE_SHARES_WIND)
    gust += np.sqrt(1 - 0.96**2) * octaves(own ^ np.uint64(4), minutes, _MINUTE_SHARES_WIND)
    scale_ms = 7.0 if asset["technology"] == "wind" else 3.6
    wind_ms = scale_ms * _weibull(gust, shape=2.1)
    wind_ms *= (1 + 0.2 * south * np.cos(season)) * (1 + 0.06 * np.cos(hour_angle + np.pi))
    ghi_wm2, poa_wm2 = _irradiance(asset, season, sun_sine, azimuth_rad, clearness)
    humidity_pct = np.clip(78 - 1.1 * (temperature_c - 10) + 14 * (0.8 - clearness), 15, 100)
    rain_mm = np.where(cloud < -1.25, (-1.25 - cloud) * asset["interval_minutes"] / 60 * 2.5, 0.0)
    module_c = temperature_c + poa_wm2 / (25.0 + 6.84 * wind_ms)
    direction_deg = (230 + 70 * octaves(site ^ np.uint64(5), minutes, _MINUTE_SHARES_SLOW)) % 360
    solar = asset["technology"] == "solar"
    empty = np.full(minutes.shape, np.nan)
    return pl.DataFrame(
        {
            "asset_id": [asset["asset_id"]] * len(minutes),
            "timestamp": stamps,
            "wind_speed_ms": wind_ms.round(2),
            "wind_direction_deg": direction_deg.round(1),
            "air_temperature_c": temperature_c.round(1),
            "air_pressure_hpa": pressure_hpa.round(1),
            "relative_humidity_pct": humidity_pct.round(1),
            "ghi_wm2": ghi_wm2.round(1) if solar else empty,
            "poa_irradiance_wm2": poa_wm2.round(1) if solar else empty,
            "module_temperature_c": module_c.round(1) if solar else empty,
            "precipitation_mm": rain_mm.round(2),
        },
        schema=polars_schema("weather"),
        nan_to_null=True,
    )


def _sun(minutes: Floats, latitude_deg: float, longitude_deg: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Phase of the year, hour angle, sine of the sun's elevation, azimuth (all radians), Cooper's declination."""
    days = minutes / 1440.0
    season = 2 * np.pi * (days - 15.0) / 365.2425
    declination = np.radians(23.45) * np.sin(2 * np.pi * (days - 80.0) / 365.2425)
    hour_angle = 2 * np.pi * (days % 1.0 - 0.5) + np.radians(longitude_deg)
    latitude = np.radians(latitude_deg)
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(
        hour_angle
    )
    azimuth = np.pi + np.arctan2(
        np.sin(hour_angle), np.cos(hour_angle) * np.sin(latitude) - np.tan(declination) * np.cos(latitude)
    )
    return season, hour_angle, sine, azimuth


def _irradiance(
    asset: dict[str, Any],
    season: Floats,
    sine: Floats,
    azimuth: Floats,
    clearness: Floats,
) -> tuple[Floats, Floats]:
    """Global horizontal and plane-of-array irradiance (W/m²): Haurwitz clear sky times clearness, isotropic sky."""
    up = np.maximum(sine, 0.0)
    extra_wm2 = _SOLAR_CONSTANT_WM2 * (1 + 0.033 * np.cos(season))
    clear_wm2 = np.where(up > 0.01, 1098.0 * up * np.exp(-0.057 / np.maximum(up, 0.01)), 0.0)
    ghi = clear_wm2 * clearness * extra_wm2 / _SOLAR_CONSTANT_WM2
    beam_share = np.clip(1.4 * clearness - 0.55, 0.0, 0.88)
    beam_normal = np.where(up > 0.03, ghi * beam_share / np.maximum(up, 0.03), 0.0)
    if asset["technology"] != "solar":
        return ghi, ghi
    elevation = np.arcsin(np.clip(sine, -1, 1))
    if asset["mounting"] == "single_axis_tracker":
        # Horizontal north-south axis: the panel turns to the sun's projection on the east-west plane.
        turn = np.arctan2(np.cos(elevation) * np.sin(azimuth), np.maximum(sine, 1e-6))
        tilt = np.minimum(np.abs(turn), np.radians(55.0))
        facing = np.where(turn > 0, np.pi / 2, 3 * np.pi / 2)
    else:
        tilt = np.full(sine.shape, np.radians(asset["tilt_deg"]))
        facing = np.full(sine.shape, np.radians(asset["azimuth_deg"]))
    incidence = sine * np.cos(tilt) + np.cos(elevation) * np.sin(tilt) * np.cos(azimuth - facing)
    diffuse = ghi * (1 - beam_share)
    poa = beam_normal * np.maximum(incidence, 0) + diffuse * (1 + np.cos(tilt)) / 2
    poa += 0.2 * ghi * (1 - np.cos(tilt)) / 2
    return ghi, poa


def _weibull(gaussian: Floats, shape: float) -> Floats:
    """Weibull numbers of scale 1 from Gaussian ones, by the logistic approximation of the normal's distribution."""
    cumulative = 1.0 / (1.0 + np.exp(-1.702 * gaussian))
    number: Floats = (-np.log1p(-np.clip(cumulative, 0.0, 1 - 1e-12))) ** (1.0 / shape)
    return number


if __name__ == "__main__":
    from mock_data.generate import run_script

    run_script("weather")
