"""What slow weather does to assets: soiling that rain washes off, snow that melts, ice on blades.

Each looks back a bounded time.
"""

from datetime import date

import numpy as np

from mock_data.events import Profile
from mock_data.group import EPOCH, Group
from mock_data.noise import Floats, channel_keys, hashed, uniform

SOILING_DAYS = 45
SNOW_DAYS = 4
ICE_HOURS = 36
CLEANING_RAIN_MM = 1.5
ICE_GATE_DAYS = 4
_SNOW_BELOW_C = 0.5
_MELT_KELVIN_HOURS = 14.0


def soiling_loss(group: Group, day: date, profile: Profile) -> Floats:
    """Share of light that dirt takes, shape (solar assets, intervals).

    It grows by the asset's own daily rate since the last hour that completed 1.5 mm of rain in a UTC day,
    for 45 days at most.
    """
    rows = group.solar_rows
    if profile == "none" or not len(rows):
        return np.zeros((len(rows), group.steps))
    at = group.place_of[rows]
    number = (day - EPOCH).days
    start = number * 1440.0
    last = np.full(len(group.places), start - SOILING_DAYS * 1440.0)
    for back in range(SOILING_DAYS, 0, -1):
        last = np.fmax(last, _washed(group, number - back))
    today = _washed(group, number)
    minutes = group.middles(day)[None, :]
    clean_since = np.where(minutes >= today[at, None], today[at, None], last[at, None])
    days = np.minimum((minutes - clean_since) / 1440.0, SOILING_DAYS)
    low, high = (0.0004, 0.0014) if profile == "typical" else (0.0012, 0.0040)
    dust = low + (high - low) * uniform(channel_keys(group.keys[rows], "dust"))
    return np.asarray(dust[:, None] * days)


def snow_cover(group: Group, day: date, profile: Profile) -> Floats | None:
    """Share of the modules under snow by hour, shape (places, 24); None when there is none anywhere."""
    if profile == "none" or not len(group.solar_rows):
        return None
    number = (day - EPOCH).days
    blocks = [group.hour_block(number - back) for back in range(SNOW_DAYS, -1, -1)]
    temperature = np.concatenate([block.temperature_c for block in blocks], axis=1)
    rain = np.concatenate([block.rain_mm_h for block in blocks], axis=1)
    falling = (temperature < _SNOW_BELOW_C) & (rain > 0.2)
    if not falling.any():
        return None
    melted = np.cumsum(np.maximum(temperature + 1.0, 0.0) + 0.2, axis=1)
    at_fall = np.maximum.accumulate(np.where(falling, melted, -np.inf), axis=1)
    return np.clip(1.0 - (melted - at_fall) / _MELT_KELVIN_HOURS, 0.0, 1.0)[:, -24:]


def ice_load(group: Group, day: date, profile: Profile) -> Floats | None:
    """Ice on blades by hour, 0 to 1, shape (places, 24); None when there is none anywhere.

    It grows in cold, nearly saturated air, in spells that not every cold front brings, and goes with the
    thaw.
    """
    if profile == "none" or not len(group.wind_rows):
        return None
    number = (day - EPOCH).days
    blocks = [group.hour_block(number - back) for back in (2, 1, 0)]
    temperature = np.concatenate([block.temperature_c for block in blocks], axis=1)
    if temperature.min() > 0.0:
        return None
    dew_point = np.concatenate([block.dew_point_c for block in blocks], axis=1)
    icing = (temperature < 0.0) & (temperature > -12.0) & (temperature - dew_point < 0.6)
    icing &= _spell(group, number, 0.22 if profile == "typical" else 0.6)
    if not icing.any():
        return None
    grown = np.cumsum(icing, axis=1)
    thawed = np.maximum.accumulate(np.where(temperature > 1.0, grown, 0), axis=1)
    forgotten = np.zeros_like(grown)
    forgotten[:, ICE_HOURS:] = grown[:, :-ICE_HOURS]
    load = np.clip((grown - np.maximum(thawed, forgotten)) / 6.0, 0.0, 1.0)
    return np.asarray(load[:, -24:])


def _washed(group: Group, number: int) -> Floats:
    """Minute since 1970 at which rain had cleaned each place on a day; NaN where it did not."""

    def found() -> Floats:
        wet = np.cumsum(group.hour_block(number).rain_mm_h, axis=1) >= CLEANING_RAIN_MM
        hour = np.argmax(wet, axis=1)
        return np.where(wet[:, -1], number * 1440.0 + 60.0 * (hour + 1), np.nan)

    return group.washed.get(number, found)


def _spell(group: Group, number: int, chance: float) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    days = np.array([number - 2, number - 1, number]) // ICE_GATE_DAYS
    open_days = uniform(hashed(channel_keys(group.places.keys, "ice spell")[:, None], days[None, :])) < chance
    return np.repeat(open_days, 24, axis=1)
