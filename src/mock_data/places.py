"""Where assets stand: the climate of each place, and the noise that neighbours share.

Weather in time is elsewhere.

A place is (site, position to 0.1°, elevation to 100 m) of an asset's own registry row, so that no asset
depends on another. The climate follows from the site's name and position only; the seed draws the weather,
not the climate.
"""

from dataclasses import dataclass, field
from math import gamma
from statistics import NormalDist

import numpy as np
import polars as pl

from mock_data.noise import (
    Floats,
    Ints,
    Keys,
    channel_keys,
    gaussian,
    hashed,
    name_keys,
    spline_weights,
    text_key,
)

REFERENCE_HEIGHT_M = 80.0
_LATTICE_KM = 700.0
_EARTH_KM = 6371.0
# Fronts travel east at about 45 km/h in middle latitudes.
_FRONT_MINUTES_PER_DEGREE = 105.0


@dataclass(frozen=True)
class Follows:
    """A band's tie to another channel's band of the same spacing.

    To its level, or to its rise between knots.
    """

    channel: str
    weight: float
    rise: bool = False


@dataclass(frozen=True)
class Band:
    """One band of a regional series.

    Knots every `minutes`, `share` of variance, `regional` share of that in common.
    """

    minutes: int
    share: float
    regional: float
    follows: Follows | None = None


@dataclass(frozen=True)
class Climate:
    """Constants of each place; arrays of one value a place."""

    latitude_deg: Floats
    longitude_deg: Floats
    elevation_m: Floats
    season_sign: Floats
    wind_scale_ms: Floats
    wind_exponent: Floats
    wind_season: Floats
    wind_diurnal: Floats
    direction_deg: Floats
    cloud_offset: Floats
    rain_threshold: Floats
    temperature_mean_c: Floats
    temperature_season_c: Floats
    dryness: Floats
    pressure_mean_hpa: Floats


@dataclass(frozen=True)
class Places:
    """Places with their noise keys: own, and those of the eight lattice nodes around each."""

    climate: Climate
    keys: Keys
    node_keys: Keys
    node_weights: Floats
    delay_minutes: Floats

    def __len__(self) -> int:
        return len(self.keys)

    def clock(self, minutes: Floats) -> "Clock":
        """Times at which several series are asked for; fronts reach each place with its own delay."""
        return Clock(minutes[None, :] - self.delay_minutes[:, None])

    def series(self, channel: str, bands: tuple[Band, ...], clock: "Clock") -> Floats:
        """Gaussian series, shape (places, times); variance is the sum of shares."""
        total = np.zeros(clock.positions.shape)
        for band in bands:
            first, weights = clock.weights(band.minutes)
            start = first[:, 0]
            count = int((first[:, -1] - start).max()) + 4
            knots = self._tied_knots(channel, band, start, count) * np.sqrt(band.share)
            index = first - (start - count * np.arange(len(self)))[:, None]
            flat = knots.ravel()
            for i, weight in enumerate(weights):
                total += flat.take(index + i) * weight
        return total

    def _tied_knots(self, channel: str, band: Band, start: Ints, count: int) -> Floats:
        own = self._knots(channel, band, start, count)
        tie = band.follows
        if tie is None:
            return own
        if tie.rise:
            led = self._knots(tie.channel, band, start - 1, count + 2)
            led = (led[:, 2:] - led[:, :-2]) * np.sqrt(0.5)
        else:
            led = self._knots(tie.channel, band, start, count)
        return np.asarray(tie.weight * led + np.sqrt(1.0 - tie.weight**2) * own)

    def _knots(self, channel: str, band: Band, start: Ints, count: int) -> Floats:
        counter = start[:, None] + np.arange(count)[None, :]
        own = channel_keys(self.keys, channel, band.minutes)
        knots = gaussian(hashed(own[:, None], counter)) * np.sqrt(1.0 - band.regional)
        nodes = channel_keys(self.node_keys, channel, band.minutes)
        shared = gaussian(hashed(nodes[:, :, None], counter[:, None, :]))
        weights = self.node_weights * np.sqrt(band.regional)
        for node in range(nodes.shape[1]):
            knots += shared[:, node, :] * weights[:, node, None]
        return np.asarray(knots)


@dataclass(frozen=True)
class Clock:
    """Times at each place in minutes, shape (places, times), with the spline weights asked of them."""

    positions: Floats
    _known: dict[int, tuple[Ints, tuple[Floats, Floats, Floats, Floats]]] = field(default_factory=dict)

    def weights(self, spacing: int) -> tuple[Ints, tuple[Floats, Floats, Floats, Floats]]:
        if spacing not in self._known:
            self._known[spacing] = spline_weights(self.positions / spacing)
        return self._known[spacing]


def place_columns() -> list[pl.Expr]:
    """The key of an asset's place, from its own registry row."""
    return [
        pl.col("site_id"),
        (pl.col("latitude_deg") * 10).round().alias("latitude_tenths"),
        (pl.col("longitude_deg") * 10).round().alias("longitude_tenths"),
        (pl.col("elevation_m") / 100).round().alias("elevation_hundreds"),
    ]


def build_places(keys: pl.DataFrame, seed: int) -> Places:
    """Places of the rows of `keys`, whose columns are those of `place_columns`."""
    sites = keys["site_id"].to_list()
    latitude = keys["latitude_tenths"].to_numpy() / 10.0
    longitude = keys["longitude_tenths"].to_numpy() / 10.0
    elevation = keys["elevation_hundreds"].to_numpy() * 100.0
    node_keys, node_weights = _lattice(seed, latitude, longitude)
    return Places(
        climate_of(sites, latitude, longitude, elevation),
        name_keys(seed, [f"site {site}" for site in sites]),
        node_keys,
        node_weights,
        longitude * _FRONT_MINUTES_PER_DEGREE,
    )


def climate_of(sites: list[str], latitude_deg: Floats, longitude_deg: Floats, elevation_m: Floats) -> Climate:
    """A plausible climate: by latitude and elevation, varied from site to site by its name."""

    def varied(name: str) -> Floats:
        return np.array([text_key("climate", name, site) / 2.0**64 for site in sites])

    away = np.abs(latitude_deg)
    clear = np.clip(0.66 - 0.010 * np.maximum(away - 30.0, 0.0) + 0.06 * (varied("clear") - 0.5), 0.40, 0.68)
    exponent = 2.0 + 0.4 * varied("exponent")
    mean = 6.35 + 0.5 * varied("mean wind")
    scale = mean / np.array([gamma(1.0 + 1.0 / k) for k in exponent])
    wet = 0.10 * np.clip((0.72 - clear) / 0.3, 0.1, 1.0)
    sea_level_mean = 28.0 - 0.0062 * away**2 + 2.0 * (varied("warmth") - 0.5)
    return Climate(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        elevation_m=elevation_m,
        season_sign=np.where(latitude_deg >= 0, 1.0, -1.0),
        wind_scale_ms=scale,
        wind_exponent=exponent,
        wind_season=0.05 + 0.04 * varied("season"),
        wind_diurnal=0.050 + 0.015 * varied("diurnal"),
        direction_deg=np.where(away > 30.0, 245.0, 75.0) + 110.0 * (varied("direction") - 0.5),
        cloud_offset=-_normal_quantiles(clear),
        rain_threshold=-_normal_quantiles(wet),
        temperature_mean_c=sea_level_mean - 0.0065 * elevation_m,
        temperature_season_c=1.0 + 0.10 * away + 5.0 * varied("continent"),
        dryness=1.0 + 30.0 * np.maximum(clear - 0.5, 0.0),
        pressure_mean_hpa=1014.0 * (1.0 - 2.25577e-5 * elevation_m) ** 5.25588,
    )


def _normal_quantiles(probability: Floats) -> Floats:
    quantile = NormalDist().inv_cdf
    return np.array([quantile(p) for p in probability.tolist()])


def _lattice(seed: int, latitude_deg: Floats, longitude_deg: Floats) -> tuple[Keys, Floats]:
    """Keys and weights of the eight corners of each place's cube in a lattice through the earth.

    Weights have unit sum of squares, so a blend of independent normals at the corners has a variance of one.
    """
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    level = np.cos(latitude)
    cube = np.stack([level * np.cos(longitude), level * np.sin(longitude), np.sin(latitude)], axis=1)
    cube *= _EARTH_KM / _LATTICE_KM
    corner = np.floor(cube)
    rest = cube - corner
    keys = np.empty((len(cube), 8), dtype=np.uint64)
    weights = np.empty((len(cube), 8))
    for node in range(8):
        offset = np.array([node & 1, node >> 1 & 1, node >> 2 & 1])
        weights[:, node] = np.prod(np.where(offset == 1, rest, 1.0 - rest), axis=1)
        cells = (corner + offset).astype(int).tolist()
        keys[:, node] = [text_key(seed, "node", *cell) for cell in cells]
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return keys, weights
