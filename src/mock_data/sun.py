"""The sun over a fleet: position, clear sky, plane of array. Clouds are weather.py's matter.

Positions come from one solar vector a timestamp (PSA+), so that a site costs three multiplications and no
trigonometry.
"""

import calendar
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl

from mock_data.noise import Floats, Ints

GROUND_ALBEDO = 0.2
TRACKER_LIMIT_RAD = np.radians(60.0)
TRACKER_COVERAGE = 0.35
_J2000_MINUTES = 15_778_800.0
_PARALLAX = 6371.01 / 149_597_890.0
_LOWEST_SINE = -0.0145


@dataclass(frozen=True)
class SunSites:
    """What the sun needs to know of each solar asset; all arrays have one value an asset."""

    latitude_rad: Floats
    longitude_rad: Floats
    elevation_m: Floats
    tracks: Floats
    tilt_rad: Floats
    azimuth_rad: Floats
    linke_by_month: Floats

    def take(self, rows: Ints) -> "SunSites":
        return SunSites(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Daylight:
    """Lit (asset, time) pairs in flat order. Irradiances in W/m² under a clear sky."""

    row: Ints
    column: Ints
    sin_elevation: Floats
    cos_incidence: Floats
    tilt_cos: Floats
    ghi_wm2: Floats
    dni_wm2: Floats
    dni_extra_wm2: float


def sun_sites(solar: pl.DataFrame) -> SunSites:
    """The solar rows of a registry as arrays; Linke turbidity is looked up here, once a fleet."""

    def column(name: str) -> Floats:
        return solar[name].cast(pl.Float64).to_numpy().copy()

    latitude, longitude = column("latitude_deg"), column("longitude_deg")
    return SunSites(
        np.radians(latitude),
        np.radians(longitude),
        column("elevation_m"),
        (solar["mounting"] == "single_axis_tracker").cast(pl.Float64).to_numpy().copy(),
        np.radians(column("tilt_deg")),
        np.radians(column("azimuth_deg")),
        linke_turbidity(latitude, longitude),
    )


def sun_vector(minutes: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit vector to the sun in the earth's frame at minutes since 1970 UTC.

    x points to 0° N 0° E, y to 90° E, z to the pole. PSA+ (Blanco et al. 2020): within 0.005° of SPA
    from 2010 to 2050.
    """
    days = (minutes - _J2000_MINUTES) / 1440.0
    node = 2.267127827 - 9.300339267e-4 * days
    mean_longitude = 4.895036035 + 1.720279602e-2 * days
    anomaly = 6.239468336 + 1.720200135e-2 * days
    ecliptic = (
        mean_longitude
        + 3.338320972e-2 * np.sin(anomaly)
        + 3.497596876e-4 * np.sin(2 * anomaly)
        - 1.544353226e-4
        - 8.689729360e-6 * np.sin(node)
    )
    obliquity = 4.090904909e-1 - 6.213605399e-9 * days + 4.418094944e-5 * np.cos(node)
    right_ascension = np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic))
    sin_declination = np.sin(obliquity) * np.sin(ecliptic)
    cos_declination = np.sqrt(1.0 - sin_declination**2)
    hour_utc = minutes / 60.0 % 24.0
    sidereal_hours = 6.697096103 + 6.570984737e-2 * days + hour_utc
    angle = right_ascension - sidereal_hours * (np.pi / 12.0)
    return cos_declination * np.cos(angle), cos_declination * np.sin(angle), sin_declination


def sin_elevation(latitude_rad: Floats, longitude_rad: Floats, minutes: Floats) -> Floats:
    """Sine of the true (geometric, topocentric) elevation, shape (sites, times)."""
    up = _up(latitude_rad, longitude_rad)
    sine = _dot(up, sun_vector(minutes))
    sine -= _PARALLAX * (1.0 - sine * sine)
    return sine


def linke_turbidity(latitude_deg: Floats, longitude_deg: Floats) -> Floats:
    """Monthly Linke turbidity, shape (sites, 12), from the table that pvlib carries (SoDa).

    The file is read directly: importing pvlib costs three seconds, the twelve numbers of a site microseconds.
    """
    import h5py  # type: ignore[import-untyped]

    spec = find_spec("pvlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the simulator reads pvlib's turbidity table: install pvlib")
    row = np.clip(np.around((90.0 - latitude_deg) * 12.0 - 0.5), 0, 2159).astype(int)
    column = np.clip(np.around((longitude_deg + 180.0) * 12.0 - 0.5), 0, 4319).astype(int)
    with h5py.File(Path(spec.origin).parent / "data" / "LinkeTurbidities.h5", "r") as file:
        table = file["LinkeTurbidity"]
        found = {
            cell: np.asarray(table[cell]) for cell in set(zip(row.tolist(), column.tolist(), strict=True))
        }
    cells = zip(row.tolist(), column.tolist(), strict=True)
    return np.array([found[cell] for cell in cells], dtype=np.float64).reshape(-1, 12) / 20.0


def linke_of_day(by_month: Floats, day: date) -> Floats:
    """Turbidity of a day: linear between the middles of months, as pvlib does it."""
    lengths = np.array([calendar.monthrange(day.year, month)[1] for month in range(1, 13)])
    ends = np.cumsum(lengths)
    middles = np.concatenate([[-15.5], ends - lengths / 2.0, [ends[-1] + 15.5]])
    day_of_year = day.timetuple().tm_yday
    after = int(np.searchsorted(middles, day_of_year, side="right"))
    weight = (day_of_year - middles[after - 1]) / (middles[after] - middles[after - 1])
    return np.asarray(by_month[:, (after - 2) % 12] * (1.0 - weight) + by_month[:, (after - 1) % 12] * weight)


def extraterrestrial_wm2(day: date) -> float:
    """Normal irradiance outside the atmosphere (Spencer 1971)."""
    angle = 2.0 * np.pi * (day.timetuple().tm_yday - 1) / 365.0
    ratio = (
        1.00011
        + 0.034221 * np.cos(angle)
        + 0.00128 * np.sin(angle)
        + 0.000719 * np.cos(2 * angle)
        + 7.7e-05 * np.sin(2 * angle)
    )
    return float(1366.1 * ratio)


def daylight(sites: SunSites, sine: Floats, minutes: Floats, day: date) -> Daylight:
    """Clear sky and incidence for the pairs where the sun is up; `sine` is that of `sin_elevation`."""
    lit = np.flatnonzero(sine.ravel() > _LOWEST_SINE)
    row, column = np.divmod(lit, sine.shape[1])
    sine_lit = sine.ravel().take(lit)
    ghi, dni = clear_sky(sine_lit, row, sites, day)
    cos_incidence, tilt_cos = _incidence(sites, minutes, row, lit)
    return Daylight(row, column, sine_lit, cos_incidence, tilt_cos, ghi, dni, extraterrestrial_wm2(day))


def clear_sky(sine: Floats, row: Ints, sites: SunSites, day: date) -> tuple[Floats, Floats]:
    """GHI and DNI in W/m² by Ineichen and Perez (2002), as pvlib has them, at pairs of site `row`."""
    altitude = sites.elevation_m
    linke = linke_of_day(sites.linke_by_month, day)
    pressure_ratio = ((44331.514 - altitude) / 11880.516) ** (1 / 0.1902632) * 100.0 / 101325.0
    fh1, fh2 = np.exp(-altitude / 8000.0), np.exp(-altitude / 1250.0)
    extra = extraterrestrial_wm2(day)
    ghi_scale = (5.09e-05 * altitude + 0.868) * extra
    ghi_depth = -(3.92e-05 * altitude + 0.0387) * (fh1 + fh2 * (linke - 1.0)) * pressure_ratio
    dni_scale = (0.664 + 0.163 / fh1) * extra
    dni_depth = -0.09 * (linke - 1.0) * pressure_ratio
    dni_share = 1.0 - (0.1 - 0.2 * np.exp(-linke)) / (0.1 + 0.882 / fh1)
    cos_zenith, airmass = _apparent(sine)
    ghi = ghi_scale.take(row) * cos_zenith * np.exp(ghi_depth.take(row) * airmass)
    dni = dni_scale.take(row) * np.exp(dni_depth.take(row) * airmass)
    return ghi, np.minimum(dni, ghi * dni_share.take(row) / np.maximum(cos_zenith, 1e-6))


def plane_of_array(sun: Daylight, ghi: Floats, dni: Floats) -> Floats:
    """Irradiance in the plane of the array, W/m²: Hay and Davies (1980) with ground reflection.

    Shapes as `sun`.
    """
    diffuse = ghi - dni * np.maximum(sun.sin_elevation, 0.0)
    beam = np.maximum(sun.cos_incidence, 0.0)
    anisotropy = dni * (1.0 / sun.dni_extra_wm2)
    ratio = beam / np.maximum(sun.sin_elevation, 0.01745)
    sky = diffuse * (anisotropy * ratio + (1.0 - anisotropy) * (0.5 + 0.5 * sun.tilt_cos))
    return np.asarray(dni * beam + sky + ghi * (GROUND_ALBEDO * 0.5) * (1.0 - sun.tilt_cos))


def _incidence(sites: SunSites, minutes: Floats, row: Ints, lit: Ints) -> tuple[Floats, Floats]:
    up, east, north = _local_frame(sites.latitude_rad, sites.longitude_rad)
    sun = sun_vector(minutes)
    sin_azimuth, cos_azimuth = np.sin(sites.azimuth_rad), np.cos(sites.azimuth_rad)
    sin_tilt, cos_tilt = np.sin(sites.tilt_rad), np.cos(sites.tilt_rad)
    facing = [e * sin_azimuth + n * cos_azimuth for e, n in zip(east, north, strict=True)]
    normal = [u * cos_tilt + f * sin_tilt for u, f in zip(up, facing, strict=True)]
    across = [e * cos_azimuth - n * sin_azimuth for e, n in zip(east, north, strict=True)]
    cos_incidence = _dot(normal, sun).ravel().take(lit)
    tilt_cos = cos_tilt.take(row)
    moving = np.flatnonzero(sites.tracks.take(row) > 0)
    if len(moving):
        pairs = lit[moving]
        sideways = _dot(across, sun).ravel().take(pairs)
        upright = cos_incidence[moving]
        rotation = _rotation(sideways, upright)
        cos_incidence[moving] = np.cos(rotation) * upright + np.sin(rotation) * sideways
        tilt_cos[moving] *= np.cos(rotation)
    return cos_incidence, tilt_cos


def _rotation(sideways: Floats, upright: Floats) -> Floats:
    """Angle of a single-axis tracker with backtracking on level ground (Lorenzo et al. 2011)."""
    ideal = np.arctan2(sideways, upright)
    shade = np.abs(np.cos(ideal)) / TRACKER_COVERAGE
    back = np.where(shade < 1.0, np.arccos(np.minimum(shade, 1.0)), 0.0)
    return np.asarray(np.clip(ideal - np.sign(ideal) * back, -TRACKER_LIMIT_RAD, TRACKER_LIMIT_RAD))


def _up(latitude_rad: Floats, longitude_rad: Floats) -> list[Floats]:
    level = np.cos(latitude_rad)
    return [level * np.cos(longitude_rad), level * np.sin(longitude_rad), np.sin(latitude_rad)]


def _local_frame(
    latitude_rad: Floats, longitude_rad: Floats
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    sin_lat, sin_lon, cos_lon = np.sin(latitude_rad), np.sin(longitude_rad), np.cos(longitude_rad)
    east = [-sin_lon, cos_lon, np.zeros_like(sin_lon)]
    north = [-sin_lat * cos_lon, -sin_lat * sin_lon, np.cos(latitude_rad)]
    return _up(latitude_rad, longitude_rad), east, north


def _dot(site: list[Floats], sun: tuple[Floats, Floats, Floats]) -> Floats:
    total = site[0][:, None] * sun[0]
    total += site[1][:, None] * sun[1]
    total += site[2][:, None] * sun[2]
    return np.asarray(total)


_CELLS = 8192


@cache
def _apparent_table() -> tuple[Floats, Floats]:
    """Refracted cosine of zenith and relative air mass (Kasten and Young 1989) by sine of true elevation."""
    sine = np.linspace(_LOWEST_SINE, 1.0, _CELLS + 1)
    elevation = np.degrees(np.arcsin(sine))
    bend = 1.02 / (60.0 * np.tan(np.radians(elevation + 10.3 / (elevation + 5.11))))
    apparent = elevation + bend * (1013.25 / 1010.0) * (283.0 / 285.0)
    apparent = np.clip(apparent, 0.0, 90.0)
    cos_zenith = np.sin(np.radians(apparent))
    airmass = 1.0 / (cos_zenith + 0.50572 * (6.07995 + apparent) ** -1.6364)
    return cos_zenith, airmass


def _apparent(sine: Floats) -> tuple[Floats, Floats]:
    position = (sine - _LOWEST_SINE) * (_CELLS / (1.0 - _LOWEST_SINE))
    cell = np.minimum(position.astype(np.int64), _CELLS - 1)
    rest = position - cell
    cos_zenith, airmass = (t.take(cell) * (1.0 - rest) + t.take(cell + 1) * rest for t in _apparent_table())
    return cos_zenith, airmass
