"""One UTC day of a fleet as three frames from one computation. Files are generate.py's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mock_data.conditions import CONDITIONS_SCHEMA, ORDER, conditions_frame
from mock_data.events import Profile, check_profile
from mock_data.group import EPOCH, Group, Recent, build_groups
from mock_data.losses import ALL_LOSS_KINDS, STATES, power_day
from mock_data.noise import Floats
from mock_data.sensors import ALL_SENSOR_FAULTS, readings
from mock_data.weather import asset_day
from mock_data.worlds import WorldName, check_world, world_named
from renewable.atomic_write import write_parquet_atomic

if TYPE_CHECKING:
    from renewable.fleet import Fleet

TRUTH_SCHEMA = pl.Schema(
    {
        "asset_id": pl.String(),
        "timestamp": pl.Datetime("us", "UTC"),
        "potential_power_kw": pl.Float64(),
        "kind": pl.String(),
        "lost_power_kw": pl.Float64(),
        "sensor_fault": pl.String(),
        "sensor_channel": pl.String(),
    }
)


@dataclass(frozen=True)
class DayFrames:
    """The tables of a UTC day, ordered by (asset_id, timestamp); conditions by their own order, None in `plain`."""

    weather: pl.DataFrame
    generation: pl.DataFrame
    truth: pl.DataFrame
    conditions: pl.DataFrame | None


class Simulator:
    """A fleet prepared for one seed, profile and world; days may be asked for in any order.

    `scale` multiplies constants of the world by name (worlds.world_named).
    """

    def __init__(
        self,
        fleet: "Fleet",
        seed: int,
        profile: str = "typical",
        world: str = "plain",
        scale: Mapping[str, float] | None = None,
    ) -> None:
        self.profile: Profile = check_profile(profile)
        self._fleet, self._seed = fleet, seed
        self._groups_since = Recent(4)
        self.world: WorldName = check_world(world)
        self._constants = world_named(world, scale)
        self._days = Recent(2)
        # Kept here, for the processes that share the days need not load the contract.
        from renewable.contract import TABLES, polars_schema

        self._schemas = {str(table): polars_schema(table) for table in TABLES}
        self._limits = _limits()

    def day(self, day: date) -> DayFrames:
        """The frames of a day; no rows before an asset's commissioning, and its ratings are those of its local days."""
        return self._days.get(day, lambda: self._frames(day))

    def _frames(self, day: date) -> DayFrames:
        local_days = [day + timedelta(days=number) for number in (-1, 0, 1)]
        if len({self._fleet.last_change(local_day) for local_day in local_days}) == 1:
            return self._frames_of(self._groups_on(day), day)
        found = [(local_day, self._frames_of(self._groups_on(local_day), day)) for local_day in local_days]

        def joined(table: str) -> pl.DataFrame:
            parts = [_of_local_day(getattr(frames, table), self._fleet, at) for at, frames in found]
            return pl.concat(parts).sort("asset_id", "timestamp")

        # What a day is like does not hang on ratings.
        return DayFrames(joined("weather"), joined("generation"), joined("truth"), found[1][1].conditions)

    def _groups_on(self, local_day: date) -> list[Group]:
        def build() -> list[Group]:
            return build_groups(
                self._fleet.on(local_day).assets, self._fleet.power_curves, self._seed, self._constants
            )

        return self._groups_since.get(self._fleet.last_change(local_day), build)

    def _frames_of(self, groups: list[Group], day: date) -> DayFrames:
        number = (day - EPOCH).days
        parts = []
        for group in groups:
            rows = np.flatnonzero(group.commissioned <= number)
            if len(rows):
                present = group if len(rows) == len(group) else group.take(rows)
                parts.append(_group_frames(present, day, self.profile, self._schemas, self._limits))
        if not parts:
            weather, generation, truth, spans = (
                pl.DataFrame(schema=schema)
                for schema in (*self._schemas.values(), TRUTH_SCHEMA, CONDITIONS_SCHEMA)
            )
            return DayFrames(weather, generation, truth, None if self.world == "plain" else spans)
        return DayFrames(
            _joined([part.weather for part in parts]),
            _joined([part.generation for part in parts]),
            _joined([part.truth for part in parts]),
            _conditions(parts),
        )


def _of_local_day(frame: pl.DataFrame, fleet: "Fleet", local_day: date) -> pl.DataFrame:
    """The rows of a UTC day whose local date is `local_day`."""
    zones = fleet.assets.select("asset_id", "timezone").partition_by("timezone", as_dict=True)
    parts = [
        frame.filter(
            pl.col("asset_id").is_in(assets["asset_id"].implode()),
            pl.col("timestamp").dt.convert_time_zone(str(zone)).dt.date() == local_day,
        )
        for (zone,), assets in zones.items()
    ]
    return pl.concat(parts)


_simulators: list[tuple["Fleet", tuple[int, str, str], Simulator]] = []


def simulator(fleet: "Fleet", seed: int, profile: str, world: str = "plain") -> Simulator:
    """The simulator of this very fleet object.

    The last two are remembered, so that three tables share one computation.
    """
    for known, asked, found in _simulators:
        if known is fleet and asked == (seed, profile, world):
            return found
    made = Simulator(fleet, seed, profile, world)
    _simulators.append((fleet, (seed, profile, world), made))
    del _simulators[:-2]
    return made


def _joined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return frames[0] if len(frames) == 1 else pl.concat(frames).sort("asset_id", "timestamp")


def _conditions(parts: Sequence[DayFrames]) -> pl.DataFrame | None:
    found = [part.conditions for part in parts if part.conditions is not None]
    return pl.concat(found).sort(ORDER) if found else None


def _limits() -> dict[str, tuple[float, float]]:
    """What each channel can be by the contract; of power, the share of rated power."""
    from renewable.contract.schemas import POWER_CHANNELS, POWER_RATIO_RANGE, WeatherSchema

    limits = dict.fromkeys(POWER_CHANNELS, POWER_RATIO_RANGE)
    for name, column in WeatherSchema.columns().items():
        low, high = getattr(column, "min", None), getattr(column, "max", None)
        if low is not None and high is not None:
            limits[name] = (float(low), float(high))
    return limits


def _group_frames(
    group: Group,
    day: date,
    profile: Profile,
    schemas: Mapping[str, pl.Schema],
    limits: Mapping[str, tuple[float, float]],
) -> DayFrames:
    weather = asset_day(group, day)
    power = power_day(group, day, profile, weather)
    read = readings(group, day, profile, weather, power, limits)
    start = (day - EPOCH) // timedelta(microseconds=1)
    stamps = start + group.interval_minutes * 60_000_000 * np.arange(group.steps)
    key = {
        "asset_id": group.id_column,
        "timestamp": pl.Series(np.tile(stamps, len(group))).cast(pl.Datetime("us", "UTC")),
    }
    states, channels = pl.Series([*STATES, None]), pl.Series([*read.values, None])
    columns = {
        **key,
        **{name: _measured(values) for name, values in read.values.items()},
        "operating_state": _words(states, read.state % len(states)),
    }
    arrived = None if read.absent is None else pl.Series(~read.absent.ravel())
    return DayFrames(
        _arrived(_table(columns, schemas["weather"]), arrived),
        _arrived(_table(columns, schemas["generation"]), arrived),
        pl.DataFrame(
            {
                **key,
                "potential_power_kw": power.potential.ravel(),
                "kind": _words(
                    pl.Series([*ALL_LOSS_KINDS, *ALL_SENSOR_FAULTS]), _kinds(power.kind, read.fault)
                ),
                "lost_power_kw": power.lost.ravel(),
                "sensor_fault": _words(pl.Series([None, *ALL_SENSOR_FAULTS]), read.fault),
                "sensor_channel": _words(channels, read.channel % len(channels)),
            }
        ),
        None if group.world is None else conditions_frame(group, day, weather, power, read),
    )


def _arrived(table: pl.DataFrame, arrived: pl.Series | None) -> pl.DataFrame:
    return table if arrived is None else table.filter(arrived)


def _table(columns: Mapping[str, pl.Series], schema: pl.Schema) -> pl.DataFrame:
    """The columns of a raw table; those that nothing is known of are null."""
    rows = columns["asset_id"].len()
    return pl.DataFrame(
        {
            name: columns[name] if name in columns else pl.Series([None], dtype=dtype).new_from_index(0, rows)
            for name, dtype in schema.items()
        }
    )


def _kinds(
    kind: "np.ndarray[tuple[int, ...], np.dtype[np.int8]]",
    fault: "np.ndarray[tuple[int, ...], np.dtype[np.int8]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.int8]]":
    """The loss of an interval; where nothing is lost, the sensor fault that acts."""
    named = fault.astype(np.int8) + np.int8(len(ALL_LOSS_KINDS) - 1)
    return np.where((kind == 0) & (fault > 0), named, kind)


def _measured(values: Floats) -> pl.Series:
    return pl.Series(values.ravel(), nan_to_null=True)


def _words(names: pl.Series, codes: "np.ndarray[tuple[int, ...], np.dtype[np.int8]]") -> pl.Series:
    flat = codes.ravel()
    if flat.min() == flat.max():
        return names.gather([int(flat[0])]).new_from_index(0, len(flat))
    return names.gather(flat.astype(np.uint32))


def conditions_path(truth: Path) -> Path:
    """The file of the spans that belong to a day's file of the answer key: <data-dir>/truth/conditions/…"""
    return truth.parent / "conditions" / truth.name.replace("truth_", "conditions_", 1)


def write_due(frames: DayFrames, due: dict[str, Path]) -> tuple[int, int]:
    """Write the frames whose names are in `due`; the answer is the number of files and of rows.

    Conditions go beside the answer key that they belong to and are not counted: they are part of it.
    """
    if "truth" in due:
        spans = conditions_path(due["truth"])
        if frames.conditions is not None:
            write_parquet_atomic(frames.conditions, spans)
        else:
            # Of another world, which this day is not any more.
            spans.unlink(missing_ok=True)
    rows = 0
    for name, path in due.items():
        frame: pl.DataFrame = getattr(frames, name)
        write_parquet_atomic(frame, path)
        rows += frame.height
    return len(due), rows
