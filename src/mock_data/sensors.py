"""What instruments and loggers make of the truth.

Resolution, drift, freezes, shifted clocks, gaps, doubtful states.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from mock_data import events
from mock_data.events import Event, Profile, events_of
from mock_data.group import EPOCH, Group
from mock_data.losses import (
    FAULT,
    MAINTENANCE,
    NO_COMMUNICATION,
    RUNNING,
    STANDBY,
    Codes,
    PowerDay,
    power_day,
)
from mock_data.noise import Floats
from mock_data.weather import AssetDay, asset_day
from renewable.windows import ONE_DAY

# The strongest fault of an interval names it: a later one in this tuple hides an earlier one.
SENSOR_FAULTS = ("sensor_drift", "frozen_sensor", "clock_shift", "communication_gap")
_DRIFT, _FROZEN, _CLOCK, _GAP = 1, 2, 3, 4
# Resolution of readings by the unit that ends a channel's name; power is written on the meter's own.
_STEPS_PER_UNIT = {"ms": 100.0, "mm": 100.0, "deg": 10.0, "c": 10.0, "hpa": 10.0, "pct": 10.0, "wm2": 10.0}
_WIND_FREEZES = ("wind_speed_ms", "wind_direction_deg", "air_temperature_c", "active_power_kw")
_SOLAR_FREEZES = ("poa_irradiance_wm2", "ghi_wm2", "module_temperature_c", "active_power_kw")
_WIND_DRIFTS = ("wind_speed_ms", "air_temperature_c")
_SOLAR_DRIFTS = ("poa_irradiance_wm2", "ghi_wm2", "air_temperature_c")
CLOCK_SHIFT_MINUTES = 60

# How reported states fall short of the true ones (shares of events, of intervals).
STATE_MISNAMED_EVENTS = 0.12
STATE_MISSING = 0.004
STATE_WRONG = 0.002
GAPS_WITH_STATE = 0.7
NO_STATE = -1


@dataclass(frozen=True)
class Readings:
    """What the logger writes, by channel, shape (assets, intervals); `state` codes with -1 for none.

    Of the contract's other channels the simulator knows nothing. `fault` is 0 or one more than the index in
    SENSOR_FAULTS; `channel` is -1 for all, else the place of the faulty one in `values`.
    """

    values: dict[str, Floats]
    state: Codes
    fault: Codes
    channel: Codes


def readings(group: Group, day: date, profile: Profile, weather: AssetDay, power: PowerDay) -> Readings:
    """Readings of a day with every sensor fault of `profile`."""
    values = _true_values(group, weather, power)
    shape = (len(group), group.steps)
    fault, channel = np.zeros(shape, dtype=np.int8), np.full(shape, -1, dtype=np.int8)
    state = _reported_state(group, day, profile, weather, power.state)
    if profile != "none":
        _drift(group, day, profile, values, fault, channel)
        _shift_and_freeze(group, day, profile, values, fault, channel)
    _round(values)
    if profile != "none":
        _cut_communication(group, day, profile, values, state, fault, channel)
    return Readings(values, state, fault, channel)


def _true_values(group: Group, weather: AssetDay, power: PowerDay) -> dict[str, Floats]:
    solar = group.solar_rows
    values = {
        "wind_speed_ms": weather.wind_ms,
        "wind_direction_deg": weather.direction_deg,
        "air_temperature_c": weather.temperature_c,
        "air_pressure_hpa": weather.pressure_hpa,
        "relative_humidity_pct": weather.humidity_pct,
    }
    for name, rows in (
        ("ghi_wm2", weather.ghi_wm2),
        ("poa_irradiance_wm2", weather.poa_wm2),
        ("module_temperature_c", weather.module_c),
    ):
        values[name] = np.full((len(group), group.steps), np.nan)
        values[name][solar] = rows
    values["precipitation_mm"] = weather.rain_mm
    values["active_power_kw"] = power.actual.copy()
    values["curtailment_limit_kw"] = power.limit
    return values


def _round(values: dict[str, Floats]) -> None:
    for name, rounded in values.items():
        steps = _STEPS_PER_UNIT.get(name.rpartition("_")[2])
        if steps is None:
            continue
        rounded *= steps
        np.rint(rounded, out=rounded)
        rounded /= steps
    direction = values["wind_direction_deg"]
    direction[direction == 360.0] = 0.0


def _drift(
    group: Group, day: date, profile: Profile, values: dict[str, Floats], fault: Codes, channel: Codes
) -> None:
    """A sensor leaves its calibration in a straight line over the whole event."""
    middles = group.middles(day)
    for event in events_of(group, events.SENSOR_DRIFT, day, profile):
        name = _channel_of(group, event, _WIND_DRIFTS, _SOLAR_DRIFTS)
        progress = (middles[event.columns] - event.start_minute) / (event.end_minute - event.start_minute)
        amount = 0.04 + 0.08 * event.severity[1]
        sign = 1.0 if event.severity[2] < 0.35 else -1.0
        reading = values[name][event.row]
        if name == "air_temperature_c":
            reading[event.columns] += sign * 40.0 * amount * progress
        else:
            reading[event.columns] *= 1.0 + sign * amount * progress
        fault[event.row, event.columns] = _DRIFT
        channel[event.row, event.columns] = list(values).index(name)


def _shift_and_freeze(
    group: Group,
    day: date,
    profile: Profile,
    values: dict[str, Floats],
    fault: Codes,
    channel: Codes,
) -> None:
    shifts = list(events_of(group, events.CLOCK_SHIFT, day, profile))
    freezes = list(events_of(group, events.FROZEN_SENSOR, day, profile))
    start = (day - EPOCH).days * 1440
    yesterday = [e.row for e in shifts if _ahead(e)] + [e.row for e in freezes if e.start_minute < start]
    tomorrow = [e.row for e in shifts if not _ahead(e)]
    before = _neighbour_day(group, day - ONE_DAY, profile, yesterday)
    after = _neighbour_day(group, day + ONE_DAY, profile, tomorrow)
    steps = CLOCK_SHIFT_MINUTES // group.interval_minutes
    for event in shifts:
        for name, rows in values.items():
            today = rows[event.row]
            if _ahead(event):
                moved = np.concatenate([before(event.row, name)[-steps:], today[:-steps]])
            else:
                moved = np.concatenate([today[steps:], after(event.row, name)[:steps]])
            today[event.columns] = moved[event.columns]
        fault[event.row, event.columns] = _CLOCK
        channel[event.row, event.columns] = -1
    for event in freezes:
        name = _channel_of(group, event, _WIND_FREEZES, _SOLAR_FREEZES)
        reading = values[name][event.row]
        if event.start_minute < start:
            stuck = before(event.row, name)[(event.start_minute - start) // group.interval_minutes]
        else:
            stuck = reading[event.columns.start]
        reading[event.columns] = stuck
        fault[event.row, event.columns] = _FROZEN
        channel[event.row, event.columns] = list(values).index(name)


def _neighbour_day(
    group: Group, day: date, profile: Profile, rows: list[int]
) -> Callable[[int, str], Floats]:
    """Drifted but not frozen or shifted readings of another day, of the rows that need them only."""
    if not rows:
        return lambda _row, _name: np.empty(0)
    some = np.unique(np.array(rows))
    few = group.take(some)
    weather = asset_day(few, day)
    values = _true_values(few, weather, power_day(few, day, profile, weather))
    shape = (len(few), few.steps)
    _drift(few, day, profile, values, np.zeros(shape, dtype=np.int8), np.zeros(shape, dtype=np.int8))
    number = {int(row): i for i, row in enumerate(some)}
    return lambda row, name: values[name][number[row]]


def _ahead(event: Event) -> bool:
    """A clock that is ahead writes the past under a later stamp."""
    return event.severity[0] < 0.5


def _channel_of(group: Group, event: Event, wind: tuple[str, ...], solar: tuple[str, ...]) -> str:
    choice = wind if group.is_wind[event.row] else solar
    return choice[int(event.severity[3] * len(choice))]


def _cut_communication(
    group: Group,
    day: date,
    profile: Profile,
    values: dict[str, Floats],
    state: Codes,
    fault: Codes,
    channel: Codes,
) -> None:
    for event in events_of(group, events.COMMUNICATION_GAP, day, profile):
        at = (event.row, event.columns)
        for rows in values.values():
            rows[at] = np.nan
        state[at] = NO_COMMUNICATION if event.severity[0] < GAPS_WITH_STATE else NO_STATE
        fault[at] = _GAP
        channel[at] = -1


def _reported_state(group: Group, day: date, profile: Profile, weather: AssetDay, true_state: Codes) -> Codes:
    """The state as controllers report it.

    Some stops pass for standby, some states are missing or mixed up.
    """
    if profile == "none":
        return true_state
    state = true_state.copy()
    for event in _stops(group, day, profile):
        if event.severity[1] < STATE_MISNAMED_EVENTS:
            stopped = state[event.row, event.columns]
            state[event.row, event.columns] = np.where(
                (stopped == FAULT) | (stopped == MAINTENANCE), STANDBY, stopped
            )
    draw = weather.state_draw
    swapped = np.where(state == RUNNING, STANDBY, np.where(state == STANDBY, RUNNING, state))
    wrong = (draw >= STATE_MISSING) & (draw < STATE_MISSING + STATE_WRONG)
    state = np.where(wrong, swapped, state)
    return np.where(draw < STATE_MISSING, NO_STATE, state).astype(np.int8)


def _stops(group: Group, day: date, profile: Profile) -> Iterator[Event]:
    for kind in (events.FAULT, events.MAJOR_FAULT, events.MAINTENANCE):
        yield from events_of(group, kind, day, profile)
