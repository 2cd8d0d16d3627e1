"""The sun of the simulator against pvlib, which it does not import."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pvlib
import pytest

from mock_data import sun
from mock_data.group import EPOCH

pytestmark = pytest.mark.unit

LATITUDE = np.array([54.48, 38.742, 33.312, -21.3, 65.0, -33.9])
LONGITUDE = np.array([8.95, -3.357, -112.717, 55.5, 25.0, 148.3])
ELEVATION = np.array([2.0, 690.0, 280.0, 100.0, 50.0, 1200.0])
SITES = sun.SunSites(
    np.radians(LATITUDE),
    np.radians(LONGITUDE),
    ELEVATION,
    np.array([0, 0, 1, 0, 1.0, 0]),
    np.radians([30, 30, 0, 20, 0.0, 25]),
    np.radians([180, 170, 180, 0, 180.0, 10]),
    sun.linke_turbidity(LATITUDE, LONGITUDE),
)
DAYS = [date(2014, 3, 7), date(2020, 2, 29), date(2025, 6, 21), date(2031, 12, 31)]


def _day(day: date) -> tuple[np.ndarray, pd.DatetimeIndex]:
    minutes = (day - EPOCH) / timedelta(minutes=1) + 5.0 * np.arange(288) + 2.5
    return minutes, pd.to_datetime(np.rint(minutes * 60).astype("int64"), unit="s", utc=True)


@pytest.mark.parametrize("day", DAYS)
def test_elevation_is_that_of_spa_within_a_hundredth_of_a_degree(day: date) -> None:
    minutes, stamps = _day(day)
    elevation = np.degrees(np.arcsin(sun.sin_elevation(SITES.latitude_rad, SITES.longitude_rad, minutes)))
    for site in range(len(LATITUDE)):
        spa = pvlib.solarposition.get_solarposition(stamps, LATITUDE[site], LONGITUDE[site], ELEVATION[site])
        assert np.abs(elevation[site] - spa["elevation"].to_numpy()).max() < 0.01


@pytest.mark.parametrize("day", DAYS)
def test_clear_sky_is_that_of_ineichen_within_two_percent(day: date) -> None:
    minutes, stamps = _day(day)
    sine = sun.sin_elevation(SITES.latitude_rad, SITES.longitude_rad, minutes)
    lit = sun.daylight(SITES, sine, minutes, day)
    ghi, dni = np.zeros(sine.shape), np.zeros(sine.shape)
    ghi[lit.row, lit.column], dni[lit.row, lit.column] = lit.ghi_wm2, lit.dni_wm2
    for site in range(len(LATITUDE)):
        place = pvlib.location.Location(LATITUDE[site], LONGITUDE[site], altitude=ELEVATION[site])
        clear = place.get_clearsky(stamps)
        np.testing.assert_allclose(ghi[site], clear["ghi"], rtol=0.02, atol=1.0)
        high = sine[site] > 0.1
        np.testing.assert_allclose(dni[site][high], clear["dni"][high], rtol=0.02, atol=2.0)


@pytest.mark.parametrize("day", DAYS)
def test_plane_of_array_is_that_of_hay_and_davies_also_on_trackers(day: date) -> None:
    minutes, stamps = _day(day)
    sine = sun.sin_elevation(SITES.latitude_rad, SITES.longitude_rad, minutes)
    lit = sun.daylight(SITES, sine, minutes, day)
    poa = np.zeros(sine.shape)
    poa[lit.row, lit.column] = sun.plane_of_array(lit, lit.ghi_wm2, lit.dni_wm2)
    for site in range(len(LATITUDE)):
        place = pvlib.location.Location(LATITUDE[site], LONGITUDE[site], altitude=ELEVATION[site])
        spa, clear = place.get_solarposition(stamps), place.get_clearsky(stamps)
        tilt, azimuth = np.degrees(SITES.tilt_rad[site]), np.degrees(SITES.azimuth_rad[site])
        if SITES.tracks[site]:
            turned = pvlib.tracking.singleaxis(
                spa["apparent_zenith"], spa["azimuth"], 0, 180, max_angle=60, gcr=sun.TRACKER_COVERAGE
            )
            tilt, azimuth = turned["surface_tilt"].fillna(0), turned["surface_azimuth"].fillna(180)
        expected = pvlib.irradiance.get_total_irradiance(
            tilt,
            azimuth,
            spa["apparent_zenith"],
            spa["azimuth"],
            clear["dni"],
            clear["ghi"],
            clear["dhi"],
            dni_extra=lit.dni_extra_wm2,
            albedo=sun.GROUND_ALBEDO,
            model="haydavies",
        )["poa_global"]
        assert np.nanmax(np.abs(poa[site] - expected.to_numpy())) < 8.0
