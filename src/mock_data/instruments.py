"""What instruments of a world read beside the truth: their calibration, ice, shade, and what happens to them.

The plain world's instruments are right until a fault of sensors.py. All is a function of the day and of the asset.
"""

from collections.abc import Iterator
from datetime import date

import numpy as np

from mock_data import exposure
from mock_data.events import Event, Profile, channel_of, happenings_of
from mock_data.group import Group
from mock_data.losses import DOWNTIME, PowerDay
from mock_data.noise import Floats, channel_keys, uniform
from mock_data.notes import Marks, Mask
from mock_data.sun import sin_elevation
from mock_data.weather import AssetDay, beam_ratio

# What would be off by less stays right: nobody could see it.
_VISIBLE = 0.05
_WIND_LEVELS = ("wind_speed_ms", "air_temperature_c", "wind_direction_deg")
_SOLAR_LEVELS = ("poa_irradiance_wm2", "module_temperature_c", "air_temperature_c")
# Shortest and longest step of a level, in the unit that ends the channel's name.
_LEVEL_STEPS = {"ms": (0.8, 2.5), "c": (3.0, 9.0), "deg": (20.0, 170.0), "wm2": (25.0, 80.0)}
_WIND_SCALES = ("wind_speed_ms", "active_power_kw")
_SOLAR_SCALES = ("poa_irradiance_wm2", "ghi_wm2", "active_power_kw")
_WIND_STICKS = ("wind_speed_ms", "wind_direction_deg", "air_temperature_c")
_SOLAR_STICKS = ("poa_irradiance_wm2", "ghi_wm2", "module_temperature_c", "air_temperature_c")
_PYRANOMETERS = ("poa_irradiance_wm2", "ghi_wm2")
Values = dict[str, Floats]


def disturb(
    group: Group,
    day: date,
    profile: Profile,
    weather: AssetDay,
    power: PowerDay,
    values: Values,
    marks: Marks,
) -> None:
    """Calibration, ice, wakes of stopped rotors, shade, and shifts of level and scale, into `values`."""
    _calibrate(group, values)
    _ice_cups(group, day, profile, values, marks)
    _sink_behind_stopped_rotors(group, power, values, marks)
    _shade(group, day, weather, values, marks)
    _shift_levels(group, day, profile, values, marks)
    _change_scales(group, day, profile, values, marks)


def stick(group: Group, day: date, profile: Profile, values: Values, marks: Marks) -> None:
    """Readings that stand still for hours and days, and pyranometers that are dead, into `values`."""
    for event in happenings_of(group, "stuck_sensor", day, profile):
        name = channel_of(group, event, _WIND_STICKS, _SOLAR_STICKS)
        stuck = _stuck_value(group, event, name)
        values[name][event.row, event.columns] = stuck
        marks.set("frozen_sensor", event.row, event.columns, name, stuck)
    number = {int(row): i for i, row in enumerate(group.solar_rows)}
    for event in happenings_of(group, "dead_pyranometer", day, profile):
        night = float(group.solar.night_offset_wm2[number[event.row]])
        dead = 0.0 if event.severity[0] < 0.5 else round(night, 1)
        which = _PYRANOMETERS if event.severity[1] < 0.3 else _PYRANOMETERS[:1]
        for name in which:
            values[name][event.row, event.columns] = dead
            marks.set("dead_sensor", event.row, event.columns, name, dead)


def missing_channels(group: Group) -> Iterator[tuple[str, Mask]]:
    """Channels that some assets do not have, and which assets these are.

    A plant keeps its horizontal pyranometer where it has none in the plane of the array.
    """
    if group.world is None:
        return
    for share in group.world.shares:
        channel = share.removeprefix("no_")
        if channel in (share, "states"):
            continue
        lacking = group.having(share)
        if share == "no_ghi_wm2":
            lacking = lacking & ~group.having("no_poa_irradiance_wm2")
        if channel in ("ghi_wm2", "poa_irradiance_wm2", "module_temperature_c"):
            lacking = lacking & (group.is_wind == 0)
        yield channel, lacking


def _calibrate(group: Group, values: Values) -> None:
    wind, solar = group.wind_rows, group.solar_rows
    speed = values["wind_speed_ms"].copy()
    gain, bias = group.own("anemometer_gain"), group.own("anemometer_bias_ms")
    speed[wind] = np.maximum(speed[wind] * gain[wind, None] + bias[wind, None], 0.0)
    values["wind_speed_ms"] = speed
    values["air_temperature_c"] = values["air_temperature_c"] + group.own("thermometer_offset_k")[:, None]
    values["precipitation_mm"] = values["precipitation_mm"] * group.own("rain_gauge_gain")[:, None]
    for name in _PYRANOMETERS:
        values[name][solar] *= group.own("pyranometer_gain")[solar, None]
    values["module_temperature_c"][solar] += group.own("module_sensor_offset_k")[solar, None]


def _ice_cups(group: Group, day: date, profile: Profile, values: Values, marks: Marks) -> None:
    load = exposure.ice_load(group, day, profile, on_cups=True)
    if load is None:
        return
    ices = group.having("anemometer_ices") & (group.is_wind == 1)
    for row in np.flatnonzero(ices & (load[group.place_of].max(axis=1) > 0)):
        ice = np.repeat(load[group.place_of[row]], group.steps // 24)
        slowed = np.minimum(group.own("anemometer_ice_slowing")[row] * ice, 1.0)
        slowed = np.where(ice >= group.own("anemometer_ice_stop")[row], 1.0, slowed)
        slowed[slowed <= _VISIBLE] = 0.0
        values["wind_speed_ms"][row] *= 1.0 - slowed
        marks.set("iced_anemometer", int(row), slowed > 0.0, "wind_speed_ms", float(slowed.max()))


def _sink_behind_stopped_rotors(group: Group, power: PowerDay, values: Values, marks: Marks) -> None:
    stopped = (power.kind == DOWNTIME) & (power.actual <= 0.0)
    sinks = group.having("anemometer_low_when_stopped") & (group.is_wind == 1)
    for row in np.flatnonzero(sinks & stopped.any(axis=1)):
        drop = float(group.own("anemometer_drop_when_stopped")[row])
        values["wind_speed_ms"][row, stopped[row]] *= 1.0 - drop
        marks.set("low_anemometer", int(row), stopped[row], "wind_speed_ms", drop)


def _shade(group: Group, day: date, weather: AssetDay, values: Values, marks: Marks) -> None:
    """An obstacle east or west of the pyranometer takes direct light while the sun stands behind it."""
    shaded = np.flatnonzero(group.having("pyranometer_shaded")[group.solar_rows])
    if not len(shaded):
        return
    lit, middles = weather.lit, group.middles(day)
    in_east = uniform(channel_keys(group.keys, "shaded in the east")) < 0.5
    later = sin_elevation(group.sun.latitude_rad[shaded], group.sun.longitude_rad[shaded], middles + 1.0)
    now = sin_elevation(group.sun.latitude_rad[shaded], group.sun.longitude_rad[shaded], middles)
    rises = later > now
    for i, number in enumerate(shaded):
        row = int(group.solar_rows[number])
        top = np.sin(np.radians(group.own("shade_elevation_deg")[row]))
        behind = (now[i] > 0.0) & (now[i] < top) & (rises[i] == in_east[row])
        clear_sky = np.zeros(group.steps)
        clear_sky[lit.column[lit.row == number]] = lit.ghi_wm2[lit.row == number]
        clear = weather.ghi_wm2[number] / np.maximum(clear_sky, 1.0)
        taken = np.where(behind, group.own("shade_depth")[row] * beam_ratio(clear) * 0.85, 0.0)
        taken[taken <= _VISIBLE] = 0.0
        values["poa_irradiance_wm2"][row] *= 1.0 - taken
        marks.set("shaded_pyranometer", row, taken > 0.0, "poa_irradiance_wm2", float(taken.max()))


def _shift_levels(group: Group, day: date, profile: Profile, values: Values, marks: Marks) -> None:
    for event in happenings_of(group, "level_shift", day, profile):
        name = channel_of(group, event, _WIND_LEVELS, _SOLAR_LEVELS)
        low, high = _LEVEL_STEPS[name.rpartition("_")[2]]
        step = (low + (high - low) * event.severity[0]) * (1.0 if event.severity[1] < 0.5 else -1.0)
        reading = values[name][event.row]
        reading[event.columns] += step
        if name == "wind_direction_deg":
            reading[event.columns] %= 360.0
        marks.set("level_shift", event.row, event.columns, name, step)


def _change_scales(group: Group, day: date, profile: Profile, values: Values, marks: Marks) -> None:
    for event in happenings_of(group, "scale_change", day, profile):
        assert group.world is not None
        name = channel_of(group, event, _WIND_SCALES, _SOLAR_SCALES)
        size = float(group.world.constants["scale_change_size"].at(np.array(event.severity[0])))
        factor = 1.0 + (size if event.severity[1] < 0.5 else -size)
        values[name][event.row, event.columns] *= factor
        marks.set("scale_change", event.row, event.columns, name, factor)


def _stuck_value(group: Group, event: Event, channel: str) -> float:
    """Where a sensor stands: a plausible reading of the time when it got stuck."""
    draw = event.severity[0]
    if channel == "air_temperature_c":
        day, minute = divmod(event.start_minute, 1440)
        place = int(group.place_of[event.row])
        return round(float(group.hour_block(day).temperature_c[place, minute // 60]), 1)
    return {
        "wind_speed_ms": round(0.5 + 11.0 * draw, 2),
        "wind_direction_deg": round(359.0 * draw, 1),
        "module_temperature_c": round(5.0 + 45.0 * draw, 1),
    }.get(channel, round(40.0 + 800.0 * draw, 1))
