"""Assets of one interval as arrays, with the places they stand on.

Registry rows go in; nothing here varies with time.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mock_data.hourly import BLOCK_DAYS, HourBlock, hour_block, rain_block
from mock_data.noise import Floats, Ints, Keys, channel_keys, name_keys, uniform
from mock_data.places import REFERENCE_HEIGHT_M, Places, build_places, place_columns
from mock_data.solar_power import SolarAssets, solar_assets
from mock_data.sun import SunSites, sun_sites
from mock_data.wind_power import WindAssets, wind_assets

if TYPE_CHECKING:
    from mock_data.worlds import World

EPOCH = date(1970, 1, 1)
SENSOR_HEIGHT_M = 10.0

Value = TypeVar("Value")


class Recent:
    """The last few results of a pure function, by key; it saves time and never changes an answer."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._found: OrderedDict[object, object] = OrderedDict()

    def get(self, key: object, make: Callable[[], Value]) -> Value:
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]  # type: ignore[return-value]
        value = make()
        self._found[key] = value
        if len(self._found) > self._keep:
            self._found.popitem(last=False)
        return value


@dataclass(frozen=True)
class Group:
    """Assets that share an interval, in order of asset_id. `wind_rows` and `solar_rows` index the assets.

    Without a `world` plants and instruments are as the registry says.
    """

    interval_minutes: int
    asset_ids: list[str]
    timezones: list[str]
    world: "World | None"
    commissioned: Ints
    keys: Keys
    site_keys: Keys
    places: Places
    place_of: Ints
    elevation_offset_m: Floats
    longitude_deg: Floats
    rated_kw: Floats
    log_height: Floats
    shelter: Floats
    is_wind: Ints
    wind: WindAssets
    solar: SolarAssets
    sun: SunSites
    hours: Recent = field(default_factory=lambda: Recent(16))
    rains: Recent = field(default_factory=lambda: Recent(40))
    washed: Recent = field(default_factory=lambda: Recent(240))
    place_days: Recent = field(default_factory=lambda: Recent(3))
    event_spans: Recent = field(default_factory=lambda: Recent(60))
    own_values: dict[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.asset_ids)

    @property
    def steps(self) -> int:
        """Intervals in a UTC day."""
        return 1440 // self.interval_minutes

    @cached_property
    def wind_rows(self) -> Ints:
        return np.flatnonzero(self.is_wind == 1)

    @cached_property
    def solar_rows(self) -> Ints:
        return np.flatnonzero(self.is_wind == 0)

    def own(self, name: str) -> Floats:
        """A constant of the world, one value an asset."""
        if self.world is None:
            raise KeyError(f"the plain world has no constant {name}")
        if name not in self.own_values:
            self.own_values[name] = self.world.drawn(name, self.site_keys, self.keys)
        return self.own_values[name]

    def of_places(self, name: str) -> Floats:
        """A constant of the world that sites draw, one value a place."""
        if self.world is None or self.world.constants[name].of != "site":
            raise KeyError(f"places have no constant {name}: it belongs to assets")
        if f"place {name}" not in self.own_values:
            keys = self.places.keys
            self.own_values[f"place {name}"] = self.world.drawn(name, keys, keys)
        return self.own_values[f"place {name}"]

    def having(self, name: str) -> "NDArray[np.bool_]":
        """Which assets have a trait of the world; none in the plain world."""
        if self.world is None:
            return np.zeros(len(self), dtype=np.bool_)
        return self.world.has(name, self.site_keys, self.keys)

    @cached_property
    def power_step_kw(self) -> Floats:
        """Resolution of the power meter, a power of two.

        Sums and differences of readings are exact in float64.
        """
        return np.asarray(2.0 ** np.floor(np.log2(self.rated_kw / 16384.0)))

    @cached_property
    def id_column(self) -> pl.Series:
        """asset_id of every row of a day."""
        return pl.Series(self.asset_ids).gather(np.repeat(np.arange(len(self)), self.steps))

    def hour_block(self, day_number: int) -> HourBlock:
        """The hours of a day, counted from 1970-01-01."""
        number, day = divmod(day_number, BLOCK_DAYS)
        block = self.hours.get(number, lambda: hour_block(self.places, number))
        return block.of_day(day)

    def hour_rain(self, day_number: int) -> Floats:
        """Rain in mm/h in the hours of a day, as hour_block has it, for look-backs of months."""
        number, day = divmod(day_number, BLOCK_DAYS)
        block = self.rains.get(number, lambda: rain_block(self.places, number))
        return block[:, 24 * day : 24 * day + 24]

    def middles(self, day: date) -> Floats:
        """Minutes since 1970 UTC at the middle of each interval: what an interval's mean is taken to be."""
        start = (day - EPOCH) // timedelta(minutes=1)
        return start + self.interval_minutes * (np.arange(self.steps, dtype=np.float64) + 0.5)

    def take(self, rows: Ints) -> "Group":
        """The same assets by row numbers in rising order.

        Places and what is known of their weather are shared.
        """
        solar_number = np.cumsum(self.is_wind == 0) - 1
        wind_number = np.cumsum(self.is_wind == 1) - 1
        solar = solar_number[rows[self.is_wind[rows] == 0]]
        wind = wind_number[rows[self.is_wind[rows] == 1]]
        by_asset = (
            "commissioned",
            "keys",
            "site_keys",
            "place_of",
            "elevation_offset_m",
            "longitude_deg",
            "rated_kw",
            "log_height",
            "shelter",
            "is_wind",
        )
        return replace(
            self,
            asset_ids=[self.asset_ids[i] for i in rows],
            timezones=[self.timezones[i] for i in rows],
            wind=self.wind.take(wind),
            solar=self.solar.take(solar),
            sun=self.sun.take(solar),
            event_spans=Recent(60),
            own_values={},
            **{name: getattr(self, name)[rows] for name in by_asset},
        )


def build_groups(
    assets: pl.DataFrame, curves: pl.DataFrame, seed: int, world: "World | None" = None
) -> list[Group]:
    """One group an interval, shortest first."""
    return [
        _group(rows.sort("asset_id"), curves, seed, int(minutes), world)
        for (minutes,), rows in sorted(
            assets.partition_by("interval_minutes", as_dict=True).items(), key=lambda item: item[0]
        )
    ]


def _group(
    assets: pl.DataFrame, curves: pl.DataFrame, seed: int, interval_minutes: int, world: "World | None"
) -> Group:
    keyed = assets.select(place_columns())
    unique = keyed.unique(maintain_order=True).with_row_index("place")
    place_of = keyed.join(unique, on=keyed.columns, how="left", maintain_order="left")["place"]
    places = build_places(unique, seed)
    at = place_of.cast(pl.Int64).to_numpy().copy()
    asset_ids = assets["asset_id"].to_list()
    keys = name_keys(seed, [f"asset {name}" for name in asset_ids])
    is_wind = (assets["technology"] == "wind").cast(pl.Int64).to_numpy().copy()
    height = assets["hub_height_m"].fill_null(SENSOR_HEIGHT_M).to_numpy().copy()
    height[is_wind == 0] = SENSOR_HEIGHT_M
    wind = assets.filter(pl.col("technology") == "wind")
    solar = assets.filter(pl.col("technology") == "solar")
    group = Group(
        interval_minutes=interval_minutes,
        asset_ids=asset_ids,
        timezones=assets["timezone"].to_list(),
        world=world,
        commissioned=np.array([(d - EPOCH).days for d in assets["commissioned_on"].to_list()]),
        keys=keys,
        site_keys=name_keys(seed, [f"site {name}" for name in assets["site_id"].to_list()]),
        places=places,
        place_of=at,
        elevation_offset_m=assets["elevation_m"].to_numpy() - places.climate.elevation_m[at],
        longitude_deg=assets["longitude_deg"].to_numpy().copy(),
        rated_kw=assets["rated_power_kw"].to_numpy().copy(),
        log_height=np.log(height / REFERENCE_HEIGHT_M),
        # Solar plants stand sheltered: their 10 m wind is weaker than over open land.
        shelter=np.where(is_wind == 1, 0.0, np.log(0.65 + 0.2 * uniform(channel_keys(keys, "shelter")))),
        is_wind=is_wind,
        wind=wind_assets(wind, curves, keys[is_wind == 1]),
        solar=solar_assets(solar, keys[is_wind == 0]),
        sun=sun_sites(solar),
    )
    return group if world is None else _as_built(group)


def _as_built(group: Group) -> Group:
    """Turbines and plants as they are, where the registry errs."""
    wind, solar = group.wind_rows, group.solar_rows
    misstated = group.having("rated_misstated")
    rated = np.where(misstated, group.own("rated_factor"), 1.0)
    true_loss = 1.0 + group.own("system_loss_error")[solar] / (1.0 - group.solar.system_loss)
    return replace(
        group,
        wind=replace(
            group.wind,
            rated_factor=rated[wind],
            partial_factor=group.own("curve_factor")[wind],
            shape=group.own("curve_shape")[wind],
            scatter=group.own("rotor_scatter")[wind],
            restart_below_ms=group.own("restart_below_cut_out_ms")[wind],
            standby_kw=(group.rated_kw * group.own("standby_ratio"))[wind],
        ),
        solar=replace(
            group.solar,
            rated_kw=(group.rated_kw * rated)[solar],
            dc_factor=group.solar.dc_factor * true_loss,
            tare_kw=(group.rated_kw * group.own("tare_ratio"))[solar],
            temperature_ratio_per_k=group.solar.temperature_ratio_per_k
            + group.own("temperature_coefficient_error")[solar] / 100.0,
            heat_loss_u0=group.own("heat_loss_u0")[solar],
            scatter=group.own("dc_scatter")[solar],
        ),
    )
