"""When injected events happen, drawn by (seed, asset or site, kind, period).

What they do is losses.py's and sensors.py's.

Time is cut into blocks, by kind; a block holds at most one event, which starts in it and lasts no longer
than a block. A day therefore needs to look at the blocks that it touches and at the one before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import numpy as np

from mock_data.group import EPOCH, Group
from mock_data.kinds import Kind
from mock_data.noise import Floats, Ints, channel_keys, hashed, uniform
from mock_data.worlds import HARSH_FACTOR
from renewable.errors import UsageError

Profile = Literal["none", "typical", "harsh"]
PROFILES: tuple[Profile, ...] = get_args(Profile)


@dataclass(frozen=True)
class Event:
    """One event of one asset on one day.

    `columns` are its intervals, `severity` four uniform draws of its own.
    """

    row: int
    start_minute: int
    end_minute: int
    columns: slice
    severity: tuple[float, float, float, float]


FAULT = Kind("fault", 12, 0.28, 0.6, 0.5, 36)
MAJOR_FAULT = Kind("major fault", 150, 0.12, 0.3, 48, 220)
MAINTENANCE = Kind("maintenance", 60, 0.6, 0.8, 3, 9, start_hours=(7, 11))
WIND_CURTAILMENT = Kind("wind curtailment", 6, 0.22, 0.6, 0.75, 9, only="wind", by_site=True)
SOLAR_CURTAILMENT = Kind(
    "solar curtailment", 6, 0.2, 0.6, 1, 5, start_hours=(9.5, 13), only="solar", by_site=True
)
DERATING = Kind("derating", 45, 0.12, 0.35, 36, 290)
COMMUNICATION_GAP = Kind("communication gap", 8, 0.3, 0.7, 0.2, 10)
# A freeze ends within a day, so that its value is found at most one day back.
FROZEN_SENSOR = Kind("frozen sensor", 20, 0.15, 0.5, 1, 24)
SENSOR_DRIFT = Kind("sensor drift", 150, 0.08, 0.3, 600, 2400)
CLOCK_SHIFT = Kind("clock shift", 120, 0.05, 0.25, 48, 360, only="solar")


def check_profile(profile: str) -> Profile:
    """The profile of that name; a UsageError lists those that exist."""
    for known in PROFILES:
        if profile == known:
            return known
    raise UsageError(f"there is no event profile {profile!r}; choose one of {', '.join(PROFILES)}")


def events_factor(profile: Profile) -> float:
    """How much more of what a world brings by itself (dirt, ice) comes with a profile."""
    return {"none": 0.0, "typical": 1.0, "harsh": HARSH_FACTOR}[profile]


def events_of(group: Group, kind: Kind, day: date, profile: Profile) -> Iterator[Event]:
    """The events of `kind` that touch `day`, in order of asset and of start."""
    if profile == "none":
        return
    start_minute = (day - EPOCH).days * 1440
    block = start_minute // (kind.block_days * 1440)
    chance = kind.harsh if profile == "harsh" else kind.typical
    drawn = group.event_spans.get((kind.name, block, chance), lambda: _drawn(group, kind, block, chance))
    step = group.interval_minutes
    for row, first, last, severity in drawn:
        if first < start_minute + 1440 and last > start_minute:
            columns = slice(
                max(first - start_minute, 0) // step, min((last - start_minute) // step, group.steps)
            )
            yield Event(row, first, last, columns, severity)


def happenings_of(group: Group, name: str, day: date, profile: Profile) -> Iterator[Event]:
    """As events_of, of what a world brings by that name; the plain world brings nothing."""
    if group.world is not None:
        yield from events_of(group, group.world.happenings[name], day, profile)


def channel_of(group: Group, event: Event, wind: tuple[str, ...], solar: tuple[str, ...]) -> str:
    """The channel that an event hits: one of `wind` or of `solar`, by the asset."""
    choice = wind if group.is_wind[event.row] else solar
    return choice[int(event.severity[3] * len(choice))]


def _drawn(
    group: Group, kind: Kind, block: int, chance: float
) -> list[tuple[int, int, int, tuple[float, float, float, float]]]:
    """Row, first minute, last minute and severity of events that start in `block` or in the one before."""
    rows = {"wind": group.wind_rows, "solar": group.solar_rows, None: np.arange(len(group))}[kind.only]
    names = (group.site_keys if kind.by_site else group.keys)[rows]
    blocks = np.array([block - 1, block])
    draws = _draws(channel_keys(names, "event", kind.name), blocks)
    begin, end = _spans(group, kind, rows, blocks, draws)
    return [
        (
            int(rows[at]),
            int(begin[at, b]),
            int(end[at, b]),
            (float(draws[3][at, b]), float(draws[4][at, b]), float(draws[5][at, b]), float(draws[6][at, b])),
        )
        for at, b in zip(*np.nonzero(draws[0] < chance), strict=True)
    ]


def _draws(keys: "np.ndarray[tuple[int, ...], np.dtype[np.uint64]]", blocks: Ints) -> list[Floats]:
    """Seven uniform draws for each key and block."""
    counter = blocks[None, :, None] * 8 + np.arange(7)[None, None, :]
    drawn = uniform(hashed(keys[:, None, None], counter))
    return [drawn[:, :, i] for i in range(7)]


def _spans(group: Group, kind: Kind, rows: Ints, blocks: Ints, draws: list[Floats]) -> tuple[Ints, Ints]:
    """First and last minute of each possible event, on the grid of intervals; at least one interval long."""
    step = group.interval_minutes
    ratio = kind.longest_hours / kind.shortest_hours
    length = 60.0 * kind.shortest_hours * np.exp(np.log(ratio) * draws[2])
    block_start = (blocks * kind.block_days * 1440)[None, :]
    if kind.start_hours is None:
        begin = block_start + draws[1] * kind.block_days * 1440
    else:
        low, high = kind.start_hours
        days = np.floor(draws[1] * kind.block_days)
        local = low + (high - low) * (draws[1] * kind.block_days - days)
        # Sites draw one event for all their assets: half-degree time zones keep the start equal for
        # neighbours.
        offset = np.round(group.longitude_deg[rows] * 2.0) / 2.0 * 4.0
        begin = block_start + days * 1440 + local * 60.0 - offset[:, None]
    first = np.floor(begin / step).astype(np.int64) * step
    last = np.maximum(np.floor((begin + length) / step).astype(np.int64) * step, first + step)
    return first, last
