"""What instruments and loggers make of the truth.

Resolution, drift, freezes, shifted clocks, gaps, doubtful states.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from mock_data import events, instruments
from mock_data.clocks import in_summer_time
from mock_data.events import Event, Profile, channel_of, events_of, happenings_of
from mock_data.group import EPOCH, Group
from mock_data.losses import (
    FAULT,
    MAINTENANCE,
    NO_COMMUNICATION,
    RUNNING,
    STANDBY,
    PowerDay,
    power_day,
    stop_causes,
)
from mock_data.noise import Floats
from mock_data.notes import Codes, Marks, Mask, Notes
from mock_data.weather import AssetDay, asset_day
from renewable.windows import ONE_DAY

# The strongest fault of an interval names it: a later one in this tuple hides an earlier one.
SENSOR_FAULTS = ("sensor_drift", "frozen_sensor", "clock_shift", "communication_gap")
# What only worlds add.
WORLD_SENSOR_FAULTS = (
    "level_shift",
    "scale_change",
    "iced_anemometer",
    "low_anemometer",
    "shaded_pyranometer",
    "dead_sensor",
    "link_loss",
)
ALL_SENSOR_FAULTS = (*SENSOR_FAULTS, *WORLD_SENSOR_FAULTS)
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
POWER_CHANNELS = ("active_power_kw", "curtailment_limit_kw")


@dataclass(frozen=True)
class Readings:
    """What the logger writes, by channel, shape (assets, intervals); `state` codes with -1 for none.

    Of the contract's other channels the simulator knows nothing. `fault` is 0 or one more than the index in
    ALL_SENSOR_FAULTS; `channel` is -1 for all, else the place of the faulty one in `values`. Rows that are `absent`
    never arrive, None: all arrive.
    """

    values: dict[str, Floats]
    state: Codes
    fault: Codes
    channel: Codes
    absent: Mask | None
    notes: Notes


def readings(
    group: Group,
    day: date,
    profile: Profile,
    weather: AssetDay,
    power: PowerDay,
    limits: Mapping[str, tuple[float, float]],
) -> Readings:
    """Readings of a day with every sensor fault of `profile`.

    Instruments of a world end at the `limits` of their channels; the plain ones stay inside them.
    """
    values = _true_values(group, weather, power)
    marks = Marks.of_day((len(group), group.steps), ALL_SENSOR_FAULTS, tuple(values))
    state = _reported_state(group, day, profile, weather, power.state)
    if group.world is not None:
        instruments.disturb(group, day, profile, weather, power, values, marks)
    if profile != "none":
        _drift(group, day, profile, values, marks)
        instruments.stick(group, day, profile, values, marks)
        _shift_and_freeze(group, day, profile, values, marks)
    _keep_summer_time(group, day, profile, values, state, marks)
    _round(values)
    if profile != "none":
        _cut_communication(group, day, profile, values, state, marks)
    absent = _lose_link(group, day, profile, values, state, marks)
    if group.world is not None:
        _leave_out(group, values, state, marks.notes)
        _keep_limits(group, values, limits)
    return Readings(values, state, marks.fault, marks.channel, absent, marks.notes)


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


def _drift(group: Group, day: date, profile: Profile, values: dict[str, Floats], marks: Marks) -> None:
    """A sensor leaves its calibration in a straight line over the whole event."""
    middles = group.middles(day)
    for event in events_of(group, events.SENSOR_DRIFT, day, profile):
        name = channel_of(group, event, _WIND_DRIFTS, _SOLAR_DRIFTS)
        progress = (middles[event.columns] - event.start_minute) / (event.end_minute - event.start_minute)
        amount = 0.04 + 0.08 * event.severity[1]
        sign = 1.0 if event.severity[2] < 0.35 else -1.0
        reading = values[name][event.row]
        if name == "air_temperature_c":
            reading[event.columns] += sign * 40.0 * amount * progress
        else:
            reading[event.columns] *= 1.0 + sign * amount * progress
        marks.set("sensor_drift", event.row, event.columns, name, sign * amount)


def _shift_and_freeze(
    group: Group,
    day: date,
    profile: Profile,
    values: dict[str, Floats],
    marks: Marks,
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
        minutes = CLOCK_SHIFT_MINUTES if _ahead(event) else -CLOCK_SHIFT_MINUTES
        marks.set("clock_shift", event.row, event.columns, None, minutes)
    for event in freezes:
        name = channel_of(group, event, _WIND_FREEZES, _SOLAR_FREEZES)
        reading = values[name][event.row]
        if event.start_minute < start:
            stuck = before(event.row, name)[(event.start_minute - start) // group.interval_minutes]
        else:
            stuck = reading[event.columns.start]
        reading[event.columns] = stuck
        marks.set("frozen_sensor", event.row, event.columns, name, float(stuck))


def _neighbour_day(
    group: Group, day: date, profile: Profile, rows: list[int]
) -> Callable[[int, str], Floats]:
    """Drifted but not frozen or shifted readings of another day, of the rows that need them only.

    Beside the channels it knows the true state.
    """
    if not rows:
        return lambda _row, _name: np.empty(0)
    some = np.unique(np.array(rows))
    few = group.take(some)
    weather = asset_day(few, day)
    power = power_day(few, day, profile, weather)
    values = _true_values(few, weather, power)
    marks = Marks.of_day((len(few), few.steps), ALL_SENSOR_FAULTS, tuple(values))
    if few.world is not None:
        instruments.disturb(few, day, profile, weather, power, values, marks)
    if profile != "none":
        _drift(few, day, profile, values, marks)
        instruments.stick(few, day, profile, values, marks)
    values["operating_state"] = power.state.astype(np.float64)
    number = {int(row): i for i, row in enumerate(some)}
    return lambda row, name: values[name][number[row]]


def _ahead(event: Event) -> bool:
    """A clock that is ahead writes the past under a later stamp."""
    return event.severity[0] < 0.5


def _cut_communication(
    group: Group,
    day: date,
    profile: Profile,
    values: dict[str, Floats],
    state: Codes,
    marks: Marks,
) -> None:
    for event in events_of(group, events.COMMUNICATION_GAP, day, profile):
        at = (event.row, event.columns)
        for rows in values.values():
            rows[at] = np.nan
        state[at] = NO_COMMUNICATION if event.severity[0] < GAPS_WITH_STATE else NO_STATE
        marks.set("communication_gap", event.row, event.columns, None)


def _keep_summer_time(
    group: Group, day: date, profile: Profile, values: dict[str, Floats], state: Codes, marks: Marks
) -> None:
    """Stamps an hour late in summer, of loggers on local time that are taken for standard time.

    The hour that spring leaves out has no readings; of the two that autumn writes twice the later ones stay.
    """
    steps = CLOCK_SHIFT_MINUTES // group.interval_minutes
    summer: dict[int, Mask] = {}
    for row in np.flatnonzero(group.having("clock_keeps_summer_time")).tolist():
        active = in_summer_time(group.timezones[row], day, group.interval_minutes)
        if active.any():
            summer[row] = active
    if not summer:
        return
    before = _neighbour_day(group, day - ONE_DAY, profile, list(summer))
    for row, active in summer.items():
        is_late = active[steps:] & active[:-steps]
        has_none = active[steps:] & ~active[:-steps]
        for name, rows in values.items():
            moved = np.concatenate([before(row, name)[-steps:], rows[row][:-steps]])
            rows[row] = np.where(is_late, moved, np.where(has_none, np.nan, rows[row]))
        was = np.concatenate([before(row, "operating_state")[-steps:].astype(np.int8), state[row][:-steps]])
        state[row] = np.where(is_late, was, np.where(has_none, NO_STATE, state[row]))
        marks.set("clock_shift", row, is_late | has_none, None, CLOCK_SHIFT_MINUTES)


def _lose_link(
    group: Group, day: date, profile: Profile, values: dict[str, Floats], state: Codes, marks: Marks
) -> Mask | None:
    """Days of which nothing arrives, or weather without the energy; the answer is which rows never arrive."""
    if group.world is None:
        return None
    absent = np.zeros(state.shape, dtype=np.bool_)
    losses = [
        event
        for name in ("link_loss", "site_link_loss")
        for event in happenings_of(group, name, day, profile)
    ]
    for event in losses:
        at = (event.row, event.columns)
        keeps_weather = event.severity[0] < group.own("link_loss_keeps_weather")[event.row]
        absent[at] |= not keeps_weather
        for name in POWER_CHANNELS if keeps_weather else ():
            values[name][at] = np.nan
        state[at] = NO_STATE
        marks.set("link_loss", event.row, event.columns, None if not keeps_weather else POWER_CHANNELS[0])
    return absent if absent.any() else None


def _leave_out(group: Group, values: dict[str, Floats], state: Codes, notes: Notes) -> None:
    """Channels and states that an asset does not have."""
    for name, lacking in instruments.missing_channels(group):
        for row in np.flatnonzero(lacking):
            values[name][row] = np.nan
            notes.add("missing_channel", name, int(row), slice(None))
    for row in np.flatnonzero(group.having("no_states")):
        state[row] = NO_STATE
        notes.add("missing_channel", "operating_state", int(row), slice(None))


def _keep_limits(group: Group, values: dict[str, Floats], limits: Mapping[str, tuple[float, float]]) -> None:
    """Instruments end somewhere: no reading lies outside what its channel can be."""
    for name, rows in values.items():
        low, high = limits[name]
        scale = group.rated_kw[:, None] if name in POWER_CHANNELS else 1.0
        np.clip(rows, low * scale, high * scale, out=rows)


def _reported_state(group: Group, day: date, profile: Profile, weather: AssetDay, true_state: Codes) -> Codes:
    """The state as controllers report it.

    Some stops pass for standby, some states are missing or mixed up.
    """
    if profile == "none":
        return true_state
    state = true_state.copy()
    misnamed = np.full(len(group), STATE_MISNAMED_EVENTS)
    missing: float | Floats = STATE_MISSING
    mixed_up: float | Floats = STATE_WRONG
    if group.world is not None:
        misnamed = group.own("stop_misnamed")
        missing, mixed_up = group.own("state_missing")[:, None], group.own("state_wrong")[:, None]
    for event in _stops(group, day, profile):
        if event.severity[1] < misnamed[event.row]:
            stopped = state[event.row, event.columns]
            state[event.row, event.columns] = np.where(
                (stopped == FAULT) | (stopped == MAINTENANCE), STANDBY, stopped
            )
    draw = weather.state_draw
    swapped = np.where(state == RUNNING, STANDBY, np.where(state == STANDBY, RUNNING, state))
    wrong = (draw >= missing) & (draw < missing + mixed_up)
    state = np.where(wrong, swapped, state)
    return np.where(draw < missing, NO_STATE, state).astype(np.int8)


def _stops(group: Group, day: date, profile: Profile) -> Iterator[Event]:
    for kind, _ in stop_causes(group):
        yield from events_of(group, kind, day, profile)
