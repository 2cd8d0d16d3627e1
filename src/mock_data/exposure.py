"""What slow weather does to assets: soiling that rain washes off, snow that melts, ice on blades and cups.

Each looks back a bounded time. In the plain world sites are alike, in the others each has its own constants.
"""

from datetime import date

import numpy as np

from mock_data.events import Profile, events_factor
from mock_data.group import EPOCH, Group
from mock_data.noise import Floats, channel_keys, hashed, uniform

SOILING_DAYS = 45
SNOW_DAYS = 4
ICE_HOURS = 36
CLEANING_RAIN_MM = 1.5
ICE_GATE_DAYS = 4
_SNOW_BELOW_C = 0.5
_MELT_KELVIN_HOURS = 14.0
# Where sites differ, months of drought count; what fell in one day is blown off again.
DRY_DAYS = 90
_DUST_STAYS_DAYS = 25.0


def soiling_loss(group: Group, day: date, profile: Profile) -> Floats:
    """Share of light that dirt takes, shape (solar assets, intervals).

    It grows by the asset's own daily rate since the last hour that completed 1.5 mm of rain in a UTC day,
    for 45 days at most.
    """
    rows = group.solar_rows
    if profile == "none" or not len(rows):
        return np.zeros((len(rows), group.steps))
    if group.world is not None:
        return _own_dirt(group, day, events_factor(profile))
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
    below: float | Floats = _SNOW_BELOW_C
    melts: float | Floats = _MELT_KELVIN_HOURS
    if group.world is not None:
        below, melts = group.of_places("snow_below_c")[:, None], group.of_places("snow_melt_kh")[:, None]
    falling = (temperature < below) & (rain > 0.2)
    if not falling.any():
        return None
    melted = np.cumsum(np.maximum(temperature + 1.0, 0.0) + 0.2, axis=1)
    at_fall = np.maximum.accumulate(np.where(falling, melted, -np.inf), axis=1)
    return np.asarray(np.clip(1.0 - (melted - at_fall) / melts, 0.0, 1.0)[:, -24:])


def ice_load(group: Group, day: date, profile: Profile, *, on_cups: bool = False) -> Floats | None:
    """Ice on blades, or on the cups of anemometers, by hour, 0 to 1, shape (places, 24); None where there is none.

    It grows in cold, nearly saturated air, in spells that not every cold front brings, and goes with the
    thaw.
    """
    if profile == "none" or not len(group.wind_rows):
        return None
    number = (day - EPOCH).days
    blocks = [group.hour_block(number - back) for back in (2, 1, 0)]
    temperature = np.concatenate([block.temperature_c for block in blocks], axis=1)
    below, spread, growth, thaw = _ice_constants(group)
    if temperature.min() > np.max(below):
        return None
    dew_point = np.concatenate([block.dew_point_c for block in blocks], axis=1)
    icing = (temperature < below) & (temperature > -12.0) & (temperature - dew_point < spread)
    icing &= _spell(group, number, _spell_chance(group, profile, on_cups))
    if not icing.any():
        return None
    grown = np.cumsum(icing, axis=1)
    thawed = np.maximum.accumulate(np.where(temperature > thaw, grown, 0), axis=1)
    forgotten = np.zeros_like(grown)
    forgotten[:, ICE_HOURS:] = grown[:, :-ICE_HOURS]
    load = np.clip((grown - np.maximum(thawed, forgotten)) / growth, 0.0, 1.0)
    return np.asarray(load[:, -24:])


def _washed(group: Group, number: int) -> Floats:
    """Minute since 1970 at which rain had cleaned each place on a day; NaN where it did not."""

    def found() -> Floats:
        if group.world is None:
            wet = np.cumsum(group.hour_block(number).rain_mm_h, axis=1) >= CLEANING_RAIN_MM
        else:
            enough = group.of_places("cleaning_rain_mm")[:, None]
            wet = np.cumsum(group.hour_rain(number), axis=1) >= enough
        hour = np.argmax(wet, axis=1)
        return np.where(wet[:, -1], number * 1440.0 + 60.0 * (hour + 1), np.nan)

    return group.washed.get(number, found)


def _own_dirt(group: Group, day: date, more: float) -> Floats:
    """Share of light that dirt takes where each site has its own rain, rate and limit, shape (solar assets, intervals).

    Followed day by day from a clean array DRY_DAYS ago; within a day it grows in a line and rain comes at a whole hour.
    """
    rows = group.solar_rows
    at = group.place_of[rows]
    number = (day - EPOCH).days
    rate = more * group.own("dirt_per_day")[rows]
    limit = np.where(group.having("dirt_saturates"), group.own("dirt_limit"), np.inf)[rows]
    leaves = group.own("rain_leaves")[rows]
    dirt, dust = np.zeros(len(rows)), np.zeros(len(rows))
    for back in range(DRY_DAYS, 0, -1):
        washed = _washed(group, number - back)[at]
        fell = more * _dust_fall(group, number - back)[at]
        growth = rate * np.maximum(1.0 - dirt / limit, 0.0)
        left = np.where(np.isnan(washed), 0.0, (number - back + 1) - washed / 1440.0)
        keeps = np.where(np.isnan(washed), 1.0, leaves)
        dirt = keeps * (dirt + growth * (1.0 - left)) + growth * left
        dust = keeps * (dust + fell) * np.exp(-1.0 / _DUST_STAYS_DAYS)
    minutes = group.middles(day)[None, :]
    washed = _washed(group, number)[at][:, None]
    growth = (rate * np.maximum(1.0 - dirt / limit, 0.0))[:, None]
    since_midnight = minutes / 1440.0 - number
    before = (dirt + dust + more * _dust_fall(group, number)[at])[:, None]
    grown = before + growth * since_midnight
    is_clean = minutes >= washed
    at_wash = leaves[:, None] * (before + growth * (washed / 1440.0 - number))
    after = at_wash + growth * (minutes - washed) / 1440.0
    return np.asarray(np.minimum(np.where(is_clean, after, grown), 0.6))


def _dust_fall(group: Group, number: int) -> Floats:
    """Share of light that pollen or dust of one UTC day takes, by place; zero on most days."""

    def found() -> Floats:
        draw = uniform(hashed(channel_keys(group.places.keys, "dust fall"), np.array([number])))
        return np.where(draw < group.of_places("dust_falls"), group.of_places("dust_fall_light"), 0.0)

    return group.washed.get(("dust", number), found)


def _ice_constants(group: Group) -> tuple[float | Floats, float | Floats, float | Floats, float | Floats]:
    """Temperature below which ice grows, spread to the dew point, hours to full ice, temperature of the thaw."""
    if group.world is None:
        return 0.0, 0.6, 6.0, 1.0
    names = ("ice_below_c", "ice_spread_k", "ice_growth_h", "ice_thaw_c")
    below, spread, growth, thaw = (group.of_places(name)[:, None] for name in names)
    return below, spread, growth, thaw


def _spell_chance(group: Group, profile: Profile, on_cups: bool) -> float | Floats:
    """The chance of a spell of ice. Blades and cups share the draw: the rarer of the two never ices alone."""
    if group.world is None:
        return 0.22 if profile == "typical" else 0.6
    chance = group.of_places("anemometer_ice_spells" if on_cups else "ice_spells")[:, None]
    return np.asarray(np.minimum(chance * events_factor(profile), 1.0))


def _spell(
    group: Group, number: int, chance: float | Floats
) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    days = np.array([number - 2, number - 1, number]) // ICE_GATE_DAYS
    open_days = uniform(hashed(channel_keys(group.places.keys, "ice spell")[:, None], days[None, :])) < chance
    return np.repeat(open_days, 24, axis=1)
