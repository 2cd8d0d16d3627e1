"""The sun over one place and the irradiance of a clear sky on a plane, good enough to tell the time by.

Written in Polars: pvlib costs seconds to import, and is not needed for the shape of a day.
"""

from dataclasses import dataclass
from math import cos, radians, sin

import polars as pl

_J2000_MINUTES = 15_778_800.0
_MINUTE_US = 60_000_000
_TRACKER_LIMIT_COS = 0.5
# Meinel's model of the beam, and the share of it that the sky scatters.
_BEAM_WM2, _CLEARNESS, _DIFFUSE_RATIO = 1353.0, 0.7, 0.1


@dataclass(frozen=True)
class Plane:
    """Where a surface is and how it lies: degrees, azimuth clockwise from north. A tracker turns from east to west."""

    latitude_deg: float
    longitude_deg: float
    tilt_deg: float = 0.0
    azimuth_deg: float = 180.0
    tracks: bool = False


def sin_elevation(stamp: pl.Expr, plane: Plane) -> pl.Expr:
    """Sine of the sun's elevation at instants in UTC (microseconds); within 0.02° of SPA (PSA+, Blanco et al. 2020)."""
    return _direction(stamp, plane)[2]


def clear_sky_wm2(stamp: pl.Expr, plane: Plane) -> pl.Expr:
    """Irradiance on the plane under a clear sky, W/m²; 0 while the sun is down."""
    east, north, up = _direction(stamp, plane)
    tilt, azimuth = radians(plane.tilt_deg), radians(plane.azimuth_deg)
    if plane.tracks:
        across = (east**2 + up**2).sqrt()
        # Beyond its limit the tracker stands; what it then misses is little.
        incidence, tilt_cos = across.clip(0.0), (up / across).clip(_TRACKER_LIMIT_COS, 1.0)
    else:
        incidence = east * (sin(tilt) * sin(azimuth)) + north * (sin(tilt) * cos(azimuth)) + up * cos(tilt)
        tilt_cos = pl.lit(cos(tilt))
    air_mass = 1.0 / up.clip(0.02)
    beam = _BEAM_WM2 * pl.lit(_CLEARNESS).pow(air_mass**0.678)
    on_plane = beam * (incidence.clip(0.0) + _DIFFUSE_RATIO * (1.0 + tilt_cos) / 2.0)
    return pl.when(up > 0).then(on_plane).otherwise(0.0)


def _direction(stamp: pl.Expr, plane: Plane) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Unit vector to the sun: east, north, up."""
    minutes = stamp.to_physical() / _MINUTE_US
    days = (minutes - _J2000_MINUTES) / 1440.0
    node = 2.267127827 - 9.300339267e-4 * days
    mean_longitude = 4.895036035 + 1.720279602e-2 * days
    anomaly = 6.239468336 + 1.720200135e-2 * days
    ecliptic = (
        mean_longitude
        + 3.338320972e-2 * anomaly.sin()
        + 3.497596876e-4 * (2 * anomaly).sin()
        - 1.544353226e-4
        - 8.689729360e-6 * node.sin()
    )
    obliquity = 4.090904909e-1 - 6.213605399e-9 * days + 4.418094944e-5 * node.cos()
    ascension = pl.arctan2(obliquity.cos() * ecliptic.sin(), ecliptic.cos())
    sin_declination = obliquity.sin() * ecliptic.sin()
    cos_declination = (1.0 - sin_declination**2).sqrt()
    sidereal = (6.697096103 + 6.570984737e-2 * days + minutes / 60.0 % 24.0) * radians(15.0)
    hour_angle = sidereal + radians(plane.longitude_deg) - ascension
    latitude = radians(plane.latitude_deg)
    return (
        -cos_declination * hour_angle.sin(),
        sin_declination * cos(latitude) - cos_declination * hour_angle.cos() * sin(latitude),
        sin_declination * sin(latitude) + cos_declination * hour_angle.cos() * cos(latitude),
    )
