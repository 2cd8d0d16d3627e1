"""Makes plausible fleet registries.

Curves beyond those of the seed fleet are numbers of windpowerlib's OEDB table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from mock_data.noise import text_key
from renewable.atomic_write import write_text_atomic
from renewable.errors import FleetError
from renewable.fleet import INTERVALS_MINUTES, AssetSchema, Fleet, load_fleet
from renewable.places import DBT_PROJECT

_CURVES = Path(__file__).with_name("turbine_curves.csv")
_SEED_CURVES = DBT_PROJECT / "seeds" / "power_curves.csv"
_LARGEST_SITE = 8
# How often sites record: SCADA of turbines mostly 10 minutes, plants 5 to 15, meters 15 to 60.
_INTERVALS = {"wind": (10, 10, 10, 5, 15, 30, 60), "solar": (5, 5, 15, 15, 10, 30, 60)}


@dataclass(frozen=True)
class Region:
    """A box where plants are built; its elevations and time zone hold all over it."""

    country: str
    timezone: str
    latitude: tuple[float, float]
    longitude: tuple[float, float]
    elevation_m: tuple[int, int]


@dataclass(frozen=True)
class Turbine:
    """A type as it is sold: its curve's name, rated power in kW, rotor and usual hub heights in m."""

    model: str
    rated_power_kw: float
    rotor_diameter_m: float
    hub_heights_m: tuple[float, ...]


WIND_REGIONS = (
    Region("Germany", "Europe/Berlin", (52.2, 54.6), (8.0, 12.5), (1, 90)),
    Region("Scotland", "Europe/London", (55.0, 57.5), (-4.8, -2.4), (120, 420)),
    Region("Denmark", "Europe/Copenhagen", (55.3, 57.0), (8.3, 10.2), (2, 60)),
    Region("Spain", "Europe/Madrid", (41.4, 42.9), (-5.5, -1.2), (600, 950)),
    Region("Iowa", "America/Chicago", (41.2, 43.2), (-95.8, -92.0), (280, 430)),
    Region("Tamil Nadu", "Asia/Kolkata", (8.4, 10.8), (77.3, 78.0), (40, 260)),
)
SOLAR_REGIONS = (
    Region("Spain", "Europe/Madrid", (37.2, 39.4), (-6.5, -2.2), (80, 780)),
    Region("Italy", "Europe/Rome", (40.2, 41.6), (15.2, 17.4), (40, 420)),
    Region("Germany", "Europe/Berlin", (48.0, 50.6), (9.6, 12.6), (280, 520)),
    Region("Colorado", "America/Denver", (37.6, 39.9), (-105.0, -102.6), (1150, 1600)),
    Region("New South Wales", "Australia/Sydney", (-34.9, -31.6), (146.2, 149.0), (180, 420)),
    Region("Rajasthan", "Asia/Kolkata", (26.2, 27.8), (71.2, 73.6), (180, 320)),
)
TURBINES = (
    Turbine("MM92/2050", 2050, 92.5, (80, 100)),
    Turbine("V90/2000", 2000, 90, (80, 95)),
    Turbine("E-92/2350", 2350, 92, (98, 104)),
    Turbine("E-115/3000", 3000, 115.7, (92,)),
    Turbine("N100/2500", 2500, 100, (85, 100)),
    Turbine("V112/3075", 3075, 112, (94, 119)),
    Turbine("V117/3450", 3450, 117, (91.5, 116.5)),
    Turbine("V126/3450", 3450, 126, (87, 117)),
)
_FIRST = (
    "Alder",
    "Birch",
    "Cold",
    "Fern",
    "Grey",
    "Hawk",
    "Larch",
    "Long",
    "North",
    "Oak",
    "Raven",
    "Stone",
    "White",
    "Wolf",
)
_LAST = (
    "acre",
    "bank",
    "brook",
    "cliff",
    "dale",
    "field",
    "ford",
    "heath",
    "hill",
    "holm",
    "moor",
    "ridge",
    "stead",
    "wick",
)


def make_fleet(wind: int, solar: int, seed: int, interval_minutes: int | None = None) -> Fleet:
    """A validated registry of that many assets, on sites of one to eight alike; equal for equal arguments.

    Each site records in an interval of its own unless `interval_minutes` is given. Raises FleetError when asked for
    none, for a negative number, or for an interval that no registry may have.
    """
    if min(wind, solar) < 0 or wind + solar == 0:
        raise FleetError(f"a fleet needs at least one asset, got {wind} wind and {solar} solar")
    if interval_minutes is not None and interval_minutes not in INTERVALS_MINUTES:
        known = ", ".join(map(str, INTERVALS_MINUTES))
        raise FleetError(f"there are no intervals of {interval_minutes} minutes; choose one of {known}")
    random = np.random.default_rng(text_key("fleet", seed))
    rows = [*_assets(wind, "wind", random), *_assets(solar, "solar", random)]
    schema = {name: column.dtype for name, column in AssetSchema.columns().items()}
    made = pl.DataFrame(rows, schema=schema)
    if interval_minutes is not None:
        made = made.with_columns(pl.lit(interval_minutes, pl.Int64).alias("interval_minutes"))
    assets = AssetSchema.validate(made).sort("asset_id")
    used = assets["turbine_model"].drop_nulls().unique()
    curves = _curves().filter(pl.col("turbine_model").is_in(used.implode()))
    return Fleet(assets, curves)


def write_fleet(fleet: Fleet, out_dir: Path) -> None:
    """Write assets.csv and power_curves.csv of `fleet`, and read them back.

    What is written is a registry that loads.
    """
    write_text_atomic(fleet.assets.write_csv(), out_dir / "assets.csv")
    write_text_atomic(fleet.power_curves.write_csv(), out_dir / "power_curves.csv")
    load_fleet(out_dir)


@cache
def _curves() -> pl.DataFrame:
    known = pl.concat([pl.read_csv(path, infer_schema_length=None) for path in (_SEED_CURVES, _CURVES)])
    typed = known.with_columns(pl.col("wind_speed_ms", "power_kw").cast(pl.Float64))
    return typed.sort("turbine_model", "wind_speed_ms")


def _assets(count: int, technology: str, random: np.random.Generator) -> Iterator[dict[str, object]]:
    regions = WIND_REGIONS if technology == "wind" else SOLAR_REGIONS
    names: set[str] = set()
    made = 0
    while made < count:
        region = regions[int(random.integers(len(regions)))]
        name = _new_name(names, random)
        size = min(int(random.integers(1, _LARGEST_SITE + 1)), count - made)
        make = _wind_site if technology == "wind" else _solar_site
        yield from make(name, region, size, random)
        made += size


def _new_name(taken: set[str], random: np.random.Generator) -> str:
    name = _FIRST[int(random.integers(len(_FIRST)))] + _LAST[int(random.integers(len(_LAST)))]
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name} {number}", number + 1
    taken.add(unique)
    return unique


def _wind_site(
    name: str, region: Region, size: int, random: np.random.Generator
) -> Iterator[dict[str, object]]:
    turbine = TURBINES[int(random.integers(len(TURBINES)))]
    height = turbine.hub_heights_m[int(random.integers(len(turbine.hub_heights_m)))]
    # Rows of turbines some five rotor diameters apart.
    spacing_deg = 5.0 * turbine.rotor_diameter_m / 111_000.0
    for row in _site(name, "wind", region, size, spacing_deg, random):
        yield row | {
            "rated_power_kw": turbine.rated_power_kw,
            "turbine_model": turbine.model,
            "hub_height_m": height,
            "rotor_diameter_m": turbine.rotor_diameter_m,
        }


def _solar_site(
    name: str, region: Region, size: int, random: np.random.Generator
) -> Iterator[dict[str, object]]:
    south = region.latitude[0] > 0
    tracks = random.random() < 0.25 and abs(region.latitude[0]) < 36
    rated = float(random.choice([500, 800, 1000, 1500, 2500]))
    # Trackers carry less DC for the same inverter: they fill its day without it.
    ratio = 1.0 if tracks else float(random.choice([1.1, 1.15, 1.2]))
    columns = {
        "rated_power_kw": rated,
        "dc_capacity_kw": round(rated * ratio, 1),
        "mounting": "single_axis_tracker" if tracks else "fixed",
        "tilt_deg": 0.0 if tracks else float(random.integers(18, 33)),
        "azimuth_deg": 180.0 if tracks else float((180 if south else 0) + random.integers(0, 16)),
        "temperature_coefficient_pct_per_c": float(random.choice([-0.34, -0.36, -0.38, -0.41, -0.43])),
        "system_loss_pct": float(random.integers(11, 16)),
    }
    for row in _site(name, "solar", region, size, 0.002, random):
        yield row | columns


def _site(
    name: str, technology: str, region: Region, size: int, spacing_deg: float, random: np.random.Generator
) -> Iterator[dict[str, object]]:
    latitude, longitude = random.uniform(*region.latitude), random.uniform(*region.longitude)
    low, high = region.elevation_m
    elevation = float(random.integers(low, high + 1))
    commissioned = date(2008, 1, 1) + timedelta(days=int(random.integers(0, 365 * 6)))
    word = name.lower().replace(" ", "-")
    # Drawn beside the other numbers: they stay what they are.
    choices = _INTERVALS[technology]
    interval = choices[text_key("interval", word, technology, elevation, latitude) % len(choices)]
    for number in range(size):
        yield {
            "asset_id": f"{word}-{technology[0]}-{number + 1:02d}",
            "asset_name": f"{name} {number + 1}",
            "site_id": f"{word}-{technology}",
            "site_name": f"{name}, {region.country}",
            "technology": technology,
            "latitude_deg": round(latitude + spacing_deg * (number % 3), 5),
            "longitude_deg": round(longitude + spacing_deg * (number // 3) * 1.6, 5),
            "elevation_m": elevation,
            "timezone": region.timezone,
            "interval_minutes": interval,
            "commissioned_on": commissioned,
        }
