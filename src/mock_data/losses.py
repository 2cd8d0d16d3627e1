"""From potential to actual power: what events take, and to which kind of loss an interval belongs.

One kind an interval: the first, in the order of LOSS_KINDS, that lowered the power in it gets the whole loss.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mock_data import events, exposure
from mock_data.events import Profile, events_of
from mock_data.group import Group
from mock_data.noise import Floats, channel_keys, uniform
from mock_data.solar_power import DC_SCATTER, ac_power, dc_power
from mock_data.weather import AssetDay, asset_day
from mock_data.wind_power import (
    RESTART_BELOW_CUT_OUT_MS,
    ROTOR_SCATTER,
    curve_power,
    stopped_by_storm,
)
from renewable.windows import ONE_DAY

Codes = NDArray[np.int8]

# What the simulator injects, in the order of the seed event_kinds; 0 is no loss.
LOSS_KINDS = ("none", "downtime", "curtailment", "icing", "snow", "derating", "soiling")
_DOWNTIME, _CURTAILMENT, _ICING, _SNOW, _DERATING, _SOILING = range(1, 7)
STATES = ("running", "standby", "curtailed", "fault", "maintenance", "no_communication")
RUNNING, STANDBY, CURTAILED, FAULT, MAINTENANCE, NO_COMMUNICATION = range(6)
REPORTED_LIMITS = 0.6
_DERATING_FROM = 0.1


@dataclass(frozen=True)
class PowerDay:
    """A day's power in kW on the meter's resolution, shape (assets, intervals).

    `potential - lost` is `actual` exactly. `limit` is NaN where no limit is reported, `state` the true state.
    """

    potential: Floats
    actual: Floats
    limit: Floats
    kind: Codes
    state: Codes

    @property
    def lost(self) -> Floats:
        return self.potential - self.actual


def power_day(group: Group, day: date, profile: Profile, weather: AssetDay) -> PowerDay:
    """Potential and actual power of a day, with every event of `profile`."""
    shape = (len(group), group.steps)
    potential, power = np.empty(shape), np.empty(shape)
    kind = np.zeros(shape, dtype=np.int8)
    idle = np.empty(len(group))
    idle[group.wind_rows] = -group.wind.standby_kw
    idle[group.solar_rows] = -group.solar.tare_kw
    _wind(group, day, profile, weather, potential, power, kind)
    _solar(group, day, profile, weather, potential, power, kind)
    _derate(group, day, profile, power, kind)
    limit = _curtail(group, day, profile, power, kind)
    step = group.power_step_kw[:, None]
    potential = _on_steps(potential, step)
    actual = np.minimum(_on_steps(power, step), potential)
    state = np.where(actual > 0.0, RUNNING, STANDBY).astype(np.int8)
    state[(kind == _CURTAILMENT) & ~np.isnan(limit)] = CURTAILED
    stop = _on_steps(idle, group.power_step_kw)
    _shut_down(group, day, profile, stop, actual, kind, state, potential)
    kind[(actual == potential) & (kind != _DOWNTIME)] = 0
    return PowerDay(potential, actual, limit, kind, state)


def _wind(
    group: Group,
    day: date,
    profile: Profile,
    weather: AssetDay,
    potential: Floats,
    power: Floats,
    kind: Codes,
) -> None:
    rows, wind = group.wind_rows, group.wind
    if not len(rows):
        return
    rotor = weather.wind_ms[rows] * weather.density_factor
    rotor *= 1.0 + ROTOR_SCATTER * weather.rotor_scatter
    produced = curve_power(wind, rotor)
    _storms(group, day, weather, produced)
    standby = wind.standby_kw[:, None]
    possible = np.where(produced > 0.0, produced, -standby)
    potential[rows] = possible
    power[rows] = possible
    load = exposure.ice_load(group, day, profile)
    if load is None:
        return
    iced = np.flatnonzero(load[group.place_of[rows]].max(axis=1) > 0)
    share = 0.15 + 0.65 * uniform(channel_keys(group.keys[rows[iced]], "ice"))
    loss = np.repeat(load[group.place_of[rows[iced]]] * share[:, None], group.steps // 24, axis=1)
    # A heavily iced turbine stalls or is stopped by its vibration guard.
    left = np.where(loss < 0.6, produced[iced] * (1.0 - loss), 0.0)
    lowered = np.where(left > 0.0, left, -standby[iced])
    hit = (loss > 0.0) & (lowered < possible[iced])
    power[rows[iced]] = np.where(hit, lowered, possible[iced])
    kind[rows[iced]] = np.where(hit, _ICING, 0)


def _storms(group: Group, day: date, weather: AssetDay, produced: Floats) -> None:
    rows = group.wind_rows
    wind_ms = weather.wind_ms[rows]
    waiting_from = group.wind.cut_out_ms - RESTART_BELOW_CUT_OUT_MS
    stormy = np.flatnonzero(wind_ms.max(axis=1) > waiting_from)
    if not len(stormy):
        return
    doubtful = stormy[wind_ms[stormy, 0] > waiting_from[stormy]]
    before = _wind_of_day_before(group, day, rows[doubtful])
    for number in stormy:
        known = before.get(int(rows[number]), np.empty(0))
        stopped = stopped_by_storm(float(group.wind.cut_out_ms[number]), known, wind_ms[number])
        produced[number, stopped == 1.0] = 0.0


def _wind_of_day_before(group: Group, day: date, rows: "NDArray[np.int64]") -> dict[int, Floats]:
    if not len(rows):
        return {}
    earlier = asset_day(group.take(rows), day - ONE_DAY).wind_ms
    return {int(row): earlier[i] for i, row in enumerate(rows)}


def _solar(
    group: Group,
    day: date,
    profile: Profile,
    weather: AssetDay,
    potential: Floats,
    power: Floats,
    kind: Codes,
) -> None:
    rows, solar, lit = group.solar_rows, group.solar, weather.lit
    if not len(rows):
        return
    pairs = lit.row * group.steps + lit.column
    clean_dc = dc_power(solar, lit.row, weather.lit_poa_wm2, weather.lit_module_c)
    clean_dc *= 1.0 + DC_SCATTER * weather.lit_scatter
    night = np.repeat(-solar.tare_kw[:, None], group.steps, axis=1)
    possible, soiled = night.copy(), night
    possible.ravel()[pairs] = ac_power(solar, lit.row, clean_dc)
    dirt = exposure.soiling_loss(group, day, profile).ravel().take(pairs)
    light = 1.0 - dirt
    cover = exposure.snow_cover(group, day, profile)
    if cover is not None:
        covered = np.repeat(cover[group.place_of[rows]], group.steps // 24, axis=1)
        light *= 1.0 - 0.98 * covered.ravel().take(pairs)
    soiled.ravel()[pairs] = ac_power(solar, lit.row, clean_dc * light)
    lost_kind = np.full(soiled.shape, _SOILING, dtype=np.int8)
    if cover is not None:
        lost_kind[covered > 0.0] = _SNOW
    potential[rows], power[rows] = possible, soiled
    kind[rows] = np.where(soiled < possible, lost_kind, 0)


def _derate(group: Group, day: date, profile: Profile, power: Floats, kind: Codes) -> None:
    """Power falls to a constant share above a tenth of rated power; below the edge nothing changes."""
    for event in events_of(group, events.DERATING, day, profile):
        share = 0.6 + 0.3 * event.severity[0]
        edge = _DERATING_FROM * group.rated_kw[event.row]
        before = power[event.row, event.columns]
        after = np.minimum(before, np.maximum(share * before, share * edge))
        _set(power, kind, event.row, event.columns, after, _DERATING)


def _curtail(group: Group, day: date, profile: Profile, power: Floats, kind: Codes) -> Floats:
    """Cap the power at set-points of the grid.

    The answer is the reported limit, NaN where none is reported.
    """
    limit = np.full(power.shape, np.nan)
    for cause in (events.WIND_CURTAILMENT, events.SOLAR_CURTAILMENT):
        for event in events_of(group, cause, day, profile):
            step = group.power_step_kw[event.row]
            cap = np.floor((0.1 + 0.6 * event.severity[0]) * group.rated_kw[event.row] / step) * step
            before = power[event.row, event.columns]
            _set(power, kind, event.row, event.columns, np.minimum(before, cap), _CURTAILMENT)
            if event.severity[1] < REPORTED_LIMITS:
                limit[event.row, event.columns] = cap
    return limit


def _shut_down(
    group: Group,
    day: date,
    profile: Profile,
    idle_kw: Floats,
    actual: Floats,
    kind: Codes,
    state: Codes,
    potential: Floats,
) -> None:
    for cause, true_state in (
        (events.FAULT, FAULT),
        (events.MAJOR_FAULT, FAULT),
        (events.MAINTENANCE, MAINTENANCE),
    ):
        for event in events_of(group, cause, day, profile):
            row, columns = event.row, event.columns
            actual[row, columns] = np.minimum(idle_kw[row], potential[row, columns])
            kind[row, columns] = _DOWNTIME
            state[row, columns] = true_state


def _set(power: Floats, kind: Codes, row: int, columns: slice, after: Floats, loss_kind: int) -> None:
    """Write lowered power, and the kind where it was lowered and no kind of higher priority has it."""
    present = kind[row, columns]
    takes = (after < power[row, columns]) & ((present == 0) | (present > loss_kind))
    kind[row, columns] = np.where(takes, loss_kind, present)
    power[row, columns] = after


def _on_steps(power_kw: Floats, step_kw: Floats) -> Floats:
    return np.asarray(np.rint(power_kw / step_kw) * step_kw)
