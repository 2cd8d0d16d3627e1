"""From potential to actual power: what events take, and to which kind of loss an interval belongs.

One kind an interval: the first, in the order of LOSS_KINDS and WORLD_LOSS_KINDS, that lowered the power in it gets the
whole loss; underperformance comes before dirt, which is there on most days. Potential is what the plant as built would
have given.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mock_data import events, exposure
from mock_data.events import Profile, events_of
from mock_data.group import Group
from mock_data.kinds import Kind
from mock_data.limits import held_power
from mock_data.noise import Floats, channel_keys, uniform
from mock_data.notes import Codes, Notes
from mock_data.solar_power import ac_power, dc_power
from mock_data.weather import AssetDay, asset_day
from mock_data.wind_power import built_power, stopped_by_storm
from renewable.windows import ONE_DAY

# What the simulator injects, in the order of the seed event_kinds; 0 is no loss.
LOSS_KINDS = ("none", "downtime", "curtailment", "icing", "snow", "derating", "soiling")
# What only worlds add.
WORLD_LOSS_KINDS = ("underperformance",)
ALL_LOSS_KINDS = (*LOSS_KINDS, *WORLD_LOSS_KINDS)
DOWNTIME, _CURTAILMENT, _ICING, _SNOW, _DERATING, _SOILING, _UNDERPERFORMANCE = range(1, 8)
STATES = ("running", "standby", "curtailed", "fault", "maintenance", "no_communication")
RUNNING, STANDBY, CURTAILED, FAULT, MAINTENANCE, NO_COMMUNICATION = range(6)
REPORTED_LIMITS = 0.6
_DERATING_FROM = 0.1


@dataclass(frozen=True)
class PowerDay:
    """A day's power in kW on the meter's resolution, shape (assets, intervals).

    `potential - lost` is `actual` exactly. `limit` is NaN where no limit is reported, `state` the true state. Of the
    loss of solar assets `dirt_lost` is the part of dirt where the kind is soiling or underperformance;
    `clean_ratio` is the share of light that dirt leaves, shape (solar assets, intervals), 1 in the dark.
    """

    potential: Floats
    actual: Floats
    limit: Floats
    kind: Codes
    state: Codes
    dirt_lost: Floats
    clean_ratio: Floats
    notes: Notes

    @property
    def lost(self) -> Floats:
        return self.potential - self.actual


def power_day(group: Group, day: date, profile: Profile, weather: AssetDay) -> PowerDay:
    """Potential and actual power of a day, with every event of `profile`."""
    shape = (len(group), group.steps)
    potential, power = np.empty(shape), np.empty(shape)
    kind = np.zeros(shape, dtype=np.int8)
    notes = Notes(shape)
    idle = np.empty(len(group))
    idle[group.wind_rows] = -group.wind.standby_kw
    idle[group.solar_rows] = -group.solar.tare_kw
    _wind(group, day, profile, weather, potential, power, kind, notes)
    dirty, clean_ratio = _solar(group, day, profile, weather, potential, power, kind)
    _derate(group, day, profile, power, kind)
    limit = _curtail(group, day, profile, power, kind)
    step = group.power_step_kw[:, None]
    potential = _on_steps(potential, step)
    actual = np.minimum(_on_steps(power, step), potential)
    state = np.where(actual > 0.0, RUNNING, STANDBY).astype(np.int8)
    state[(kind == _CURTAILMENT) & ~np.isnan(limit)] = CURTAILED
    stop = _on_steps(idle, group.power_step_kw)
    _shut_down(group, day, profile, stop, actual, kind, state, potential)
    kind[(actual == potential) & (kind != DOWNTIME)] = 0
    dirt_lost = np.where(kind == _SOILING, potential - actual, 0.0)
    if group.world is not None:
        _note_clipping(group, actual, notes)
        worn = (kind == _UNDERPERFORMANCE)[group.solar_rows]
        by_dirt = potential[group.solar_rows] - _on_steps(dirty, step[group.solar_rows])
        most = (potential - actual)[group.solar_rows]
        dirt_lost[group.solar_rows] += np.where(worn, np.clip(by_dirt, 0.0, most), 0.0)
    return PowerDay(potential, actual, limit, kind, state, dirt_lost, clean_ratio, notes)


def _wind(
    group: Group,
    day: date,
    profile: Profile,
    weather: AssetDay,
    potential: Floats,
    power: Floats,
    kind: Codes,
    notes: Notes,
) -> None:
    rows, wind = group.wind_rows, group.wind
    if not len(rows):
        return
    rotor = weather.wind_ms[rows] * weather.density_factor
    rotor *= 1.0 + wind.scatter[:, None] * weather.rotor_scatter
    produced = built_power(wind, rotor)
    _storms(group, day, weather, produced, notes)
    standby = wind.standby_kw[:, None]
    possible = np.where(produced > 0.0, produced, -standby)
    potential[rows] = possible
    power[rows] = possible
    worn = _worn(group, day, profile)
    if worn is not None:
        produced = produced * (1.0 - worn[rows])
        power[rows] = np.where(produced > 0.0, produced, possible)
        kind[rows] = np.where(power[rows] < possible, _UNDERPERFORMANCE, 0)
    load = exposure.ice_load(group, day, profile)
    if load is None:
        return
    iced = np.flatnonzero(load[group.place_of[rows]].max(axis=1) > 0)
    share, stall = _ice_loss(group, rows[iced])
    loss = np.repeat(load[group.place_of[rows[iced]]] * share[:, None], group.steps // 24, axis=1)
    # A heavily iced turbine stalls or is stopped by its vibration guard.
    left = np.where(loss < stall, produced[iced] * (1.0 - loss), 0.0)
    lowered = np.where(left > 0.0, left, -standby[iced])
    before = power[rows[iced]]
    hit = (loss > 0.0) & (lowered < before)
    power[rows[iced]] = np.where(hit, lowered, before)
    kind[rows[iced]] = np.where(hit, _ICING, kind[rows[iced]])


def _ice_loss(group: Group, rows: "NDArray[np.int64]") -> tuple[Floats, float | Floats]:
    """Loss at full ice, and the loss at which a turbine stops, of these rows."""
    if group.world is None:
        return 0.15 + 0.65 * uniform(channel_keys(group.keys[rows], "ice")), 0.6
    return group.own("blade_ice_loss")[rows], group.own("blade_ice_stall")[rows, None]


def _worn(group: Group, day: date, profile: Profile) -> Floats | None:
    """Share of the power that lasting underperformance takes, shape (assets, intervals); None without any.

    Wear grows in a line, a lost string or a wrong setting is there at once; both are mended at the end.
    """
    if group.world is None:
        return None
    found = list(events_of(group, group.world.happenings["underperformance"], day, profile))
    if not found:
        return None
    worn = np.zeros((len(group), group.steps))
    middles = group.middles(day)
    for event in found:
        size = group.world.constants["underperformance_size"].at(np.array(event.severity[0]))
        progress = (middles[event.columns] - event.start_minute) / (event.end_minute - event.start_minute)
        grows = event.severity[1] < (0.6 if group.is_wind[event.row] else 0.25)
        worn[event.row, event.columns] = size * (progress if grows else 1.0)
    return worn


def _storms(group: Group, day: date, weather: AssetDay, produced: Floats, notes: Notes) -> None:
    rows = group.wind_rows
    wind_ms = weather.wind_ms[rows]
    waiting_from = group.wind.cut_out_ms - group.wind.restart_below_ms
    stormy = np.flatnonzero(wind_ms.max(axis=1) > waiting_from)
    if not len(stormy):
        return
    doubtful = stormy[wind_ms[stormy, 0] > waiting_from[stormy]]
    before = _wind_of_day_before(group, day, rows[doubtful])
    for number in stormy:
        known = before.get(int(rows[number]), np.empty(0))
        stopped = stopped_by_storm(
            float(group.wind.cut_out_ms[number]),
            known,
            wind_ms[number],
            float(group.wind.restart_below_ms[number]),
        )
        produced[number, stopped == 1.0] = 0.0
        notes.add("high_wind", None, int(rows[number]), stopped == 1.0)


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
) -> tuple[Floats, Floats]:
    """Write what plants could give and give; the answer is the power with dirt alone, and the light left by dirt."""
    rows, solar, lit = group.solar_rows, group.solar, weather.lit
    if not len(rows):
        return np.zeros((0, group.steps)), np.ones((0, group.steps))
    pairs = lit.row * group.steps + lit.column
    clean_dc = dc_power(solar, lit.row, weather.lit_poa_wm2, weather.lit_module_c)
    clean_dc *= 1.0 + solar.scatter.take(lit.row) * weather.lit_scatter
    night = np.repeat(-solar.tare_kw[:, None], group.steps, axis=1)
    possible, soiled = night.copy(), night
    possible.ravel()[pairs] = ac_power(solar, lit.row, clean_dc)
    dirt = exposure.soiling_loss(group, day, profile).ravel().take(pairs)
    light = 1.0 - dirt
    clean_ratio = np.ones(soiled.shape)
    clean_ratio.ravel()[pairs] = light
    dirty, worn = soiled, None
    if group.world is not None:
        worn = _worn(group, day, profile)
    if worn is not None:
        dirty = night.copy()
        dirty.ravel()[pairs] = ac_power(solar, lit.row, clean_dc * light)
        light = light * (1.0 - worn[rows].ravel().take(pairs))
    cover = exposure.snow_cover(group, day, profile)
    if cover is not None:
        covered = np.repeat(cover[group.place_of[rows]], group.steps // 24, axis=1)
        opacity: float | Floats = 0.98
        if group.world is not None:
            opacity = group.own("snow_opacity")[rows].take(lit.row)
        light = light * (1.0 - opacity * covered.ravel().take(pairs))
    soiled.ravel()[pairs] = ac_power(solar, lit.row, clean_dc * light)
    lost_kind = np.full(soiled.shape, _SOILING, dtype=np.int8)
    if worn is not None:
        lost_kind[worn[rows] > 0.0] = _UNDERPERFORMANCE
    if cover is not None:
        lost_kind[covered > 0.0] = _SNOW
    potential[rows], power[rows] = possible, soiled
    kind[rows] = np.where(soiled < possible, lost_kind, 0)
    return dirty, clean_ratio


def _note_clipping(group: Group, power: Floats, notes: Notes) -> None:
    """Clipped is what comes out at rated power: not what dirt, snow or a limit holds below it."""
    if not len(group.solar_rows):
        return
    step = group.power_step_kw[group.solar_rows, None]
    clipped = power[group.solar_rows] >= _on_steps(group.solar.rated_kw[:, None], step)
    for number in np.flatnonzero(clipped.any(axis=1)):
        notes.add("clipping", None, int(group.solar_rows[number]), clipped[number])


def _derate(group: Group, day: date, profile: Profile, power: Floats, kind: Codes) -> None:
    """Power falls to a constant share above a tenth of rated power; below the edge nothing changes."""
    for event in events_of(group, events.DERATING, day, profile):
        share = 0.6 + 0.3 * event.severity[0]
        own = _DERATING_FROM if group.world is None else float(group.own("derating_from")[event.row])
        edge = own * group.rated_kw[event.row]
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
            held = np.minimum(before, cap)
            reported = REPORTED_LIMITS
            if group.world is not None:
                held = held_power(group, day, event, before, float(cap))
                reported = float(group.own("limit_reported")[event.row])
            _set(power, kind, event.row, event.columns, held, _CURTAILMENT)
            if event.severity[1] < reported:
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
    for cause, true_state in stop_causes(group):
        for event in events_of(group, cause, day, profile):
            row, columns = event.row, event.columns
            actual[row, columns] = np.minimum(idle_kw[row], potential[row, columns])
            kind[row, columns] = DOWNTIME
            state[row, columns] = true_state


def stop_causes(group: Group) -> list[tuple[Kind, int]]:
    """Kinds of events that stop a unit, and the true state in them; a later one names the state."""
    causes = [(events.FAULT, FAULT), (events.MAJOR_FAULT, FAULT), (events.MAINTENANCE, MAINTENANCE)]
    if group.world is not None:
        causes.append((group.world.happenings["site_outage"], FAULT))
    return causes


def _set(power: Floats, kind: Codes, row: int, columns: slice, after: Floats, loss_kind: int) -> None:
    """Write lowered power, and the kind where it was lowered and no kind of higher priority has it."""
    present = kind[row, columns]
    takes = (after < power[row, columns]) & ((present == 0) | (present > loss_kind))
    kind[row, columns] = np.where(takes, loss_kind, present)
    power[row, columns] = after


def _on_steps(power_kw: Floats, step_kw: Floats) -> Floats:
    return np.asarray(np.rint(power_kw / step_kw) * step_kw)
