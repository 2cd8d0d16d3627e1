"""Weather of a day at each asset's intervals: wind, clouds and irradiance, air.

Slow air is hourly.py's, power is not here.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from math import erfc, log, sqrt

import numpy as np

from mock_data.group import EPOCH, Group
from mock_data.hourly import HOUR_CLOUD, between_hours, day_wave, rain_rate, season
from mock_data.noise import (
    Floats,
    Keys,
    Octave,
    channel_keys,
    gaussian_pair,
    local_series,
    uniform,
    white_bits,
)
from mock_data.solar_power import module_temperature
from mock_data.sun import Daylight, daylight, plane_of_array, sin_elevation
from mock_data.wind_power import air_density_ratio, wake_factor

# Variance shares fitted to three anemometers, with hourly.WIND; 1.5 % is white noise of the asset's own.
WHITE_SHARE = 0.015
_REST = 1.0 - WHITE_SHARE
SITE_WIND = (Octave(180, 0.14 * _REST), Octave(60, 0.03 * _REST), Octave(20, 0.035 * _REST))
ASSET_WIND = (Octave(20, 0.035 * _REST),)
FAST_CLOUD = (Octave(15, 0.20), Octave(10, 0.12))
ASSET_CLOUD = (Octave(10, 0.03),)
SHOWERS = (Octave(20, 1.0),)
SHEAR_EXPONENT = 0.1615
SHEAR_SWING = 0.07
ENHANCEMENT_LIMIT = 1.46
_VANE_JITTER_DEG = 16.0


@dataclass(frozen=True)
class PlaceDay:
    """A day's weather that the assets of a place share, shape (places, intervals)."""

    wind_latent: Floats
    log_wind: Floats
    afternoon: Floats
    cloud_latent: Floats
    haze_ratio: Floats
    pressure_hpa: Floats
    temperature_c: Floats
    direction_deg: Floats
    humidity_pct: Floats
    density_factor: Floats
    rain_mm_h: Floats


@dataclass(frozen=True)
class AssetDay:
    """A day's weather at assets, before sensors: shape (assets, intervals).

    Irradiance and module temperature have rows of solar assets only, `rotor_scatter` and `density_factor` of
    wind assets only; `lit` and the arrays named after it hold daylight pairs.
    """

    minutes: Floats
    wind_ms: Floats
    direction_deg: Floats
    temperature_c: Floats
    pressure_hpa: Floats
    humidity_pct: Floats
    rain_mm: Floats
    rotor_scatter: Floats
    density_factor: Floats
    lit: Daylight
    ghi_wm2: Floats
    poa_wm2: Floats
    module_c: Floats
    lit_poa_wm2: Floats
    lit_module_c: Floats
    lit_scatter: Floats
    state_draw: Floats


def place_day(group: Group, day: date) -> PlaceDay:
    """The shared weather of a day, remembered for the neighbouring days that may ask again."""
    return group.place_days.get(day, lambda: _place_day(group, day))


def asset_day(group: Group, day: date) -> AssetDay:
    """The weather of a day at every asset of the group."""
    minutes = group.middles(day)
    shared = place_day(group, day)
    at, wind_rows, solar_rows = group.place_of, group.wind_rows, group.solar_rows
    bits = white_bits(group.keys, "gusts", minutes)
    gust, scatter = gaussian_pair(bits)
    direction = shared.direction_deg[at] + _constant(group, "vane", 3.0)
    wind = asset_wind(group, shared, minutes, gust)
    wind[wind_rows] *= wake_factor(group.wind, direction[wind_rows], wind[wind_rows])
    vane = direction + _VANE_JITTER_DEG * fine_draw(bits, 1)
    lit, ghi, poa, module_c, lit_poa, lit_module = _irradiance(group, day, minutes, shared, wind)
    temperature = shared.temperature_c[at] + (_constant(group, "thermometer", 0.3) - 0.0065 * _rise(group))
    return AssetDay(
        minutes=minutes,
        wind_ms=wind,
        direction_deg=vane - 360.0 * np.floor(vane * (1.0 / 360.0)),
        temperature_c=temperature,
        pressure_hpa=shared.pressure_hpa[at] * np.exp(_rise(group) / -8400.0),
        humidity_pct=np.minimum(shared.humidity_pct[at] + _constant(group, "hygrometer", 1.5), 100.0),
        rain_mm=(shared.rain_mm_h * (group.interval_minutes / 60.0))[at],
        rotor_scatter=scatter[wind_rows],
        density_factor=shared.density_factor[at[wind_rows]] * np.exp(_rise(group)[wind_rows] / -25200.0),
        lit=lit,
        ghi_wm2=ghi,
        poa_wm2=poa,
        module_c=module_c,
        lit_poa_wm2=lit_poa,
        lit_module_c=lit_module,
        lit_scatter=scatter[solar_rows].ravel().take(lit.row * len(minutes) + lit.column),
        state_draw=fine_draw(bits, 0),
    )


def fine_draw(bits: Keys, number: int) -> Floats:
    """Uniform draws of ten bits from the end of the angle's half, where they move a normal by less than 1e-2.

    Draw 0 and draw 1 are two such; a hash of their own for each would cost more than the rest of the
    direction.
    """
    return np.asarray(((bits >> np.uint64(10 * number)) & np.uint64(1023)).astype(np.int64) * 2.0**-10)


def asset_wind(group: Group, shared: PlaceDay, minutes: Floats, gust: Floats) -> Floats:
    """Wind speed in m/s at hub or sensor height, without wakes.

    A Weibull marginal through its quantile function.
    """
    climate, at = group.places.climate, group.place_of
    latent = shared.wind_latent[at]
    latent += local_series(group.keys, "wind", ASSET_WIND, minutes)
    latent += gust * np.sqrt(WHITE_SHARE)
    log_speed = log_exponential(latent)
    log_speed *= (1.0 / climate.wind_exponent[at])[:, None]
    log_speed += shared.log_wind[at]
    # Days mix the air and flatten the shear; above some 60 m the night is the windier half.
    log_speed -= shared.afternoon[at] * (climate.wind_diurnal[at] + SHEAR_SWING * group.log_height)[:, None]
    log_speed += (SHEAR_EXPONENT * group.log_height + group.shelter)[:, None]
    return np.exp(log_speed)


def clearness(latent: Floats) -> Floats:
    """Irradiance over clear sky for a latent that is 0 at the edge of clouds and positive in the clear.

    Just outside the edge sunlit cloud flanks add to the full beam: that is where clearness passes 1, up to
    1.46.
    """
    return _looked_up(latent, _clearness_table())


def beam_ratio(clear: Floats) -> Floats:
    """Direct normal irradiance over its clear-sky value, for a clearness."""
    return np.asarray(np.minimum(np.maximum((clear - 0.22) * (1.0 / 0.78), 0.0), 1.0) ** 1.5)


def log_exponential(latent: Floats) -> Floats:
    """ln(-ln(1 - Φ(x))): the logarithm of a unit exponential with the rank of a standard normal x."""
    return _looked_up(latent, _log_exponential_table())


def _place_day(group: Group, day: date) -> PlaceDay:
    minutes, places = group.middles(day), group.places
    climate = places.climate
    number = (day - EPOCH).days
    before, today, after = (group.hour_block(number + i).smooth() for i in (-1, 0, 1))
    hours = np.concatenate([before[..., -2:], today, after[..., :3]], axis=-1)
    smooth = between_hours(hours, group.interval_minutes)
    pressure, temperature, dew_point, direction, slow_wind, slow_cloud, rain_latent = smooth
    humidity = np.minimum(np.exp(_vapour(dew_point) - _vapour(temperature)), 1.0)
    cloud = slow_cloud + local_series(places.keys, "cloud", HOUR_CLOUD, minutes)
    showers = local_series(places.keys, "showers", SHOWERS, minutes)
    rain = rain_rate(climate, rain_latent)
    summer = season(minutes)[None, :] * climate.season_sign[:, None]
    edge = climate.cloud_offset[:, None] - 0.15 * summer
    density = air_density_ratio(temperature, pressure, humidity)
    return PlaceDay(
        wind_latent=np.sqrt(_REST) * slow_wind + local_series(places.keys, "wind", SITE_WIND, minutes),
        log_wind=np.log(climate.wind_scale_ms)[:, None] - climate.wind_season[:, None] * summer,
        afternoon=day_wave(climate.longitude_deg, minutes, 13.0),
        cloud_latent=cloud + local_series(places.keys, "cloud", FAST_CLOUD, minutes) - edge,
        haze_ratio=1.0 + 0.03 * np.tanh(slow_cloud),
        pressure_hpa=pressure,
        temperature_c=temperature,
        direction_deg=direction,
        humidity_pct=100.0 * humidity,
        density_factor=np.exp(np.log(density) * (1.0 / 3.0)),
        rain_mm_h=rain * np.exp(0.9 * showers - 0.405),
    )


def _irradiance(
    group: Group, day: date, minutes: Floats, shared: PlaceDay, wind: Floats
) -> tuple[Daylight, Floats, Floats, Floats, Floats, Floats]:
    rows = group.solar_rows
    at = group.place_of[rows]
    sine = sin_elevation(group.sun.latitude_rad, group.sun.longitude_rad, minutes)
    lit = daylight(group.sun, sine, minutes, day)
    pairs = lit.row * len(minutes) + lit.column
    latent = shared.cloud_latent[at] + local_series(group.keys[rows], "cloud", ASSET_CLOUD, minutes)
    clear = clearness(latent.ravel().take(pairs)) * shared.haze_ratio[at].ravel().take(pairs)
    np.minimum(clear, ENHANCEMENT_LIMIT, out=clear)
    lit_ghi = lit.ghi_wm2 * clear
    lit_poa = plane_of_array(lit, lit_ghi, lit.dni_wm2 * beam_ratio(clear))
    air = shared.temperature_c[at]
    air -= (0.0065 * _rise(group)[rows]) - _constant(group, "thermometer", 0.3)[rows]
    lit_module = module_temperature(
        air.ravel().take(pairs),
        lit_poa,
        wind[rows].ravel().take(pairs),
        group.solar.heat_loss_u0.take(lit.row),
    )
    night = group.solar.night_offset_wm2[:, None] * np.minimum(np.maximum(sine * -10.0, 0.0), 1.0)
    ghi, poa, module_c = night.copy(), night, air
    ghi.ravel()[pairs] += lit_ghi
    poa.ravel()[pairs] += lit_poa
    module_c.ravel()[pairs] = lit_module
    return lit, ghi, poa, module_c, lit_poa, lit_module


def _rise(group: Group) -> Floats:
    return group.elevation_offset_m[:, None]


def _constant(group: Group, name: str, spread: float) -> Floats:
    """An offset of each asset's own within ± spread, shape (assets, 1)."""
    return np.asarray(spread * (2.0 * uniform(channel_keys(group.keys, name)) - 1.0)[:, None])


def _vapour(temperature_c: Floats) -> Floats:
    """Exponent of Magnus' formula."""
    return 17.62 * temperature_c / (243.12 + temperature_c)


_REACH = 7.0
_CELLS = 14336


def _looked_up(latent: Floats, table: Floats) -> Floats:
    position = (np.minimum(np.maximum(latent, -_REACH), _REACH) + _REACH) * (_CELLS / (2.0 * _REACH))
    cell = position.astype(np.int64)
    position -= cell
    low = table.take(cell)
    cell += 1
    return np.asarray(low + (table.take(cell) - low) * position)


@cache
def _log_exponential_table() -> Floats:
    grid = np.linspace(-_REACH, _REACH, _CELLS + 1).tolist()
    upper = [0.5 * erfc(x / sqrt(2.0)) for x in grid]
    lower = [0.5 * erfc(-x / sqrt(2.0)) for x in grid]
    # -ln(1 - Φ) equals Φ to first order where Φ is too small to be told from 0 in 1 - Φ.
    values = [log(-log(u)) if x > -5.0 else log(p) for x, u, p in zip(grid, upper, lower, strict=True)]
    return np.array([*values, values[-1]])


@cache
def _clearness_table() -> Floats:
    edge = np.linspace(-_REACH, _REACH, _CELLS + 1)
    clouded = 0.06 + 0.84 * np.exp(-((np.maximum(-edge, 0.0) / 0.85) ** 1.15))
    clear = 0.98 + 0.008 * np.minimum(edge, 2.5)
    rising = np.clip(edge / 0.1, 0.0, 1.0)
    table = np.where(edge < 0.0, clouded, 0.90 + rising * (clear - 0.90))
    flank = np.exp(-np.abs(edge - 0.12) / 0.03) * (ENHANCEMENT_LIMIT - 0.99)
    table = np.minimum(table + flank * (edge > -0.3), ENHANCEMENT_LIMIT)
    return np.append(table, table[-1])
