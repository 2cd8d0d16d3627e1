"""The sun of the models against published figures and against pvlib, which shares no line with it."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from renewable.places import DBT_PROJECT
from renewable.transform.macros import macros

pytestmark = pytest.mark.unit
SUN = macros(DBT_PROJECT, ("sun.sql",))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = dict[str, float]


def _rows(statement: str) -> list[Row]:
    with duckdb.connect() as connection:
        found = connection.execute(statement)
        names = [column[0] for column in connection.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _suns(places: list[tuple[datetime, float, float]]) -> list[Row]:
    given = ", ".join(f"({(at - EPOCH) / timedelta(minutes=1)}, {lat}, {lon})" for at, lat, lon in places)
    given = f"(select * from (values {given}) as t(minutes, latitude_deg, longitude_deg))"
    seen = SUN.sun_seen_from(given, distance=True)
    return _rows(
        f"select degrees(asin(sun_up)) as elevation, sun_distance_au,"
        f" (degrees(atan2(sun_east, sun_north)) + 360) % 360 as azimuth from ({seen})"
    )


def test_the_sun_stands_where_the_example_of_the_solar_position_algorithm_has_it() -> None:
    """Reda and Andreas 2004: 2003-10-17 12:30:30 at UTC-7 in Golden, without refraction."""
    (sun,) = _suns([(datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC), 39.742476, -105.1786)])
    assert sun["elevation"] == pytest.approx(39.872046, abs=0.02)
    assert sun["azimuth"] == pytest.approx(194.340241, abs=0.02)
    assert sun["sun_distance_au"] == pytest.approx(0.9965422974, abs=1e-4)


def test_the_sun_stands_where_pvlib_has_it_all_over_the_earth_and_the_year() -> None:
    from pvlib import solarposition

    for lat, lon in ((54.0, 10.0), (-33.0, 147.5), (27.0, 72.0), (0.0, -78.0), (68.0, 20.0)):
        places = [
            (datetime(2025, 1, 1, 0, 7, tzinfo=UTC) + number * timedelta(hours=37, minutes=11), lat, lon)
            for number in range(236)
        ]
        wanted = solarposition.get_solarposition([at for at, _, _ in places], lat, lon)
        for sun, elevation, azimuth in zip(
            _suns(places), wanted["elevation"], wanted["azimuth"], strict=True
        ):
            assert sun["elevation"] == pytest.approx(elevation, abs=0.03)
            if abs(elevation) < 85:
                assert abs((sun["azimuth"] - azimuth + 180) % 360 - 180) < 0.2


@pytest.mark.parametrize("sun_up", [0.07, 0.3, 0.6, 0.95, 1.0])
@pytest.mark.parametrize("clearness", [0.05, 0.25, 0.55, 0.65, 0.8, 1.1])
def test_the_beam_is_that_of_disc(sun_up: float, clearness: float) -> None:
    import numpy as np
    from pvlib import atmosphere, irradiance

    extra = 1400.0
    ghi = clearness * extra * sun_up
    zenith = np.degrees(np.arccos(sun_up))
    mass = atmosphere.get_relative_airmass(zenith, "kasten1966")
    normal, _ = irradiance._disc_kn(min(clearness, 1.0), mass)
    wanted = min(max(normal * extra, 0.0), ghi / sun_up)
    (found,) = _rows(
        f"select {SUN.disc_beam('ghi', 'up', 'extra')} as beam from (select {ghi}::double as ghi,"
        f" {sun_up}::double as up, {extra}::double as extra)"
    )
    assert found["beam"] == pytest.approx(wanted, rel=1e-9)


def test_there_is_no_beam_at_night_and_none_of_a_low_sun() -> None:
    cases = [(0.0, 0.5), (500.0, 0.0649), (5.0, -0.2), (300.0, 0.0)]
    for ghi, sun_up in cases:
        (found,) = _rows(f"select {SUN.disc_beam(f'{ghi}::double', f'{sun_up}::double', '1361.0')} as beam")
        assert found["beam"] == 0.0


@pytest.mark.parametrize(("tilt", "azimuth"), [(0, 180), (30, 180), (60, 90), (25, 300)])
def test_the_plane_of_modules_gets_what_hay_and_davies_give_it(tilt: float, azimuth: float) -> None:
    import numpy as np
    from pvlib import irradiance

    ghi, beam, zenith, bearing, extra = 600.0, 650.0, 50.0, 160.0, 1400.0
    up = float(np.cos(np.radians(zenith)))
    incidence = float(irradiance.aoi_projection(tilt, azimuth, zenith, bearing))
    diffuse = ghi - beam * up
    sky = irradiance.haydavies(tilt, azimuth, diffuse, beam, extra, zenith, bearing)
    ground = irradiance.get_ground_diffuse(tilt, ghi, albedo=0.2)
    wanted = beam * max(incidence, 0.0) + sky + ground
    formula = SUN.hay_davies(
        f"{ghi}::double",
        f"{beam}::double",
        f"{up}::double",
        f"{incidence}::double",
        f"cos(radians({tilt}))",
        f"{extra}",
    )
    (found,) = _rows(f"select {formula} as poa")
    assert found["poa"] == pytest.approx(wanted, rel=1e-9)
