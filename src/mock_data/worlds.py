"""Worlds: what each site and asset is really like, drawn from the ranges of worlds.toml.

Events (`RENEWABLE_EVENTS`) say how much happens; a world says how plants, instruments and registry behave. `plain` has
no constants: plants do what the registry says and instruments what the data sheet says.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from mock_data.kinds import Kind
from mock_data.noise import Floats, Keys, channel_keys, uniform
from renewable.errors import UsageError

WorldName = Literal["plain", "field", "rough"]
WORLDS: tuple[WorldName, ...] = get_args(WorldName)
Whose = Literal["site", "asset"]
HARSH_FACTOR = 2.0
_RANGES = Path(__file__).with_name("worlds.toml")


@dataclass(frozen=True)
class Constant:
    """Bounds of a constant, drawn once for every site or asset; `neutral` changes nothing."""

    of: Whose
    unit: str
    low: float
    high: float
    neutral: float
    is_log: bool

    def at(self, draw: Floats) -> Floats:
        """Values for uniform draws."""
        if self.is_log:
            return np.asarray(self.low * (self.high / self.low) ** draw)
        return np.asarray(self.low + (self.high - self.low) * draw)

    def scaled(self, factor: float) -> "Constant":
        """The same constant `factor` times as far from neutral."""
        low, high = (self.neutral + factor * (bound - self.neutral) for bound in (self.low, self.high))
        return replace(self, low=low, high=high)


@dataclass(frozen=True)
class Share:
    """The share of sites or assets that have a trait."""

    of: Whose
    share: float


@dataclass(frozen=True)
class World:
    """The ranges of one world; what an asset is like follows from its keys alone."""

    name: WorldName
    constants: Mapping[str, Constant]
    shares: Mapping[str, Share]
    happenings: Mapping[str, Kind]

    def drawn(self, name: str, site_keys: Keys, asset_keys: Keys) -> Floats:
        """The constant `name` of each site or asset, whose keys these are."""
        constant = self.constants[name]
        keys = site_keys if constant.of == "site" else asset_keys
        return constant.at(uniform(channel_keys(keys, "world", name)))

    def has(self, name: str, site_keys: Keys, asset_keys: Keys) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Whether each site or asset has the trait `name`."""
        share = self.shares[name]
        keys = site_keys if share.of == "site" else asset_keys
        return np.asarray(uniform(channel_keys(keys, "world", name)) < share.share)


def check_world(world: str) -> WorldName:
    """The world of that name; a UsageError lists those that exist."""
    for known in WORLDS:
        if world == known:
            return known
    raise UsageError(f"there is no world {world!r}; choose one of {', '.join(WORLDS)}")


def world_named(name: str, scale: Mapping[str, float] | None = None) -> World | None:
    """The world of that name, None for `plain`.

    `scale` multiplies constants, shares and happenings by name (worlds.toml says how). Raises UsageError for a
    world or a constant that does not exist.
    """
    known = check_world(name)
    scale = scale or {}
    ranges = _ranges()
    unknown = sorted(set(scale) - set(scalable()))
    if unknown:
        raise UsageError(
            f"{_RANGES.name} has no constant {', '.join(unknown)}; it has {', '.join(scalable())}"
        )
    if known == "plain":
        if scale:
            raise UsageError("the world plain has no constants that could be scaled; choose field or rough")
        return None
    return World(
        known,
        {key: _constant(row, known).scaled(scale.get(key, 1.0)) for key, row in ranges["constants"].items()},
        {
            key: Share(row["of"], min(row[known] * scale.get(key, 1.0), 1.0))
            for key, row in ranges["shares"].items()
        },
        {
            key: _happening(key, row, known, scale.get(key, 1.0), scale.get(f"{key}.hours", 1.0))
            for key, row in ranges["happenings"].items()
        },
    )


def scalable() -> tuple[str, ...]:
    """Names that `scale` of world_named knows."""
    ranges = _ranges()
    happenings = tuple(ranges["happenings"])
    return (
        *ranges["constants"],
        *ranges["shares"],
        *happenings,
        *(f"{name}.hours" for name in happenings),
    )


def parse_scale(texts: Iterable[str]) -> dict[str, float]:
    """Factors by name of texts such as `cleaning_rain_mm=1.5`; a UsageError says what is wrong."""
    factors = {}
    for text in texts:
        name, _, factor = text.partition("=")
        try:
            factors[name.strip()] = float(factor)
        except ValueError as error:
            raise UsageError(f"--scale {text}: write NAME=FACTOR, such as cleaning_rain_mm=1.5") from error
    return factors


@cache
def _ranges() -> dict[str, Any]:
    return tomllib.loads(_RANGES.read_text(encoding="utf-8"))


def _constant(row: Mapping[str, Any], world: WorldName) -> Constant:
    low, high = row[world]
    return Constant(row["of"], row["unit"], low, high, row.get("neutral", 0.0), row.get("spread") == "log")


def _happening(name: str, row: Mapping[str, Any], world: WorldName, more: float, longer: float) -> Kind:
    shortest, longest = (hours * longer for hours in row["hours"])
    # An event lasts no longer than a block.
    longest = min(longest, row["block_days"] * 24.0)
    chance = row[world] * more
    return Kind(
        name=f"world {name}",
        block_days=row["block_days"],
        typical=min(chance, 1.0),
        harsh=min(HARSH_FACTOR * chance, 1.0),
        shortest_hours=min(shortest, longest),
        longest_hours=longest,
        only=row.get("only"),
        by_site=row.get("by_site", False),
    )
