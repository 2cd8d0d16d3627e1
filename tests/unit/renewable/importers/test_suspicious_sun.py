"""Laws of the suspicions that the sun tells: a right clock is believed on any roof, a wrong one is found."""

from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from renewable.importers.clear_sky import Plane, sin_elevation
from renewable.importers.evidence import STAMPS_SCHEMA, Evidence
from renewable.importers.mapping import load_mapping
from renewable.importers.suspicious_sun import months_lags, suspicious_sun

pytestmark = pytest.mark.unit

ROOFS = [
    Plane(48.0, 10.0, 30.0, 180.0),
    Plane(48.0, 10.0, 40.0, 90.0),
    Plane(39.7, -105.2, 40.0, 270.0),
    Plane(-33.0, 151.0, 25.0, 0.0),
    Plane(52.0, 5.0, 60.0, 225.0),
]


def clear_days(roof: Plane, first: datetime, days: int, minutes: int) -> pl.DataFrame:
    """Irradiance under pvlib's clear sky in the middle of intervals: timestamp and value."""
    import pandas as pd
    from pvlib import irradiance
    from pvlib.location import Location

    middle = [first + timedelta(minutes=minutes * (n + 0.5)) for n in range(days * 1440 // minutes)]
    stamps = pd.DatetimeIndex(middle)
    place = Location(roof.latitude_deg, roof.longitude_deg)
    sun, sky = place.get_solarposition(stamps), place.get_clearsky(stamps, model="haurwitz")
    split = irradiance.erbs(sky["ghi"], sun["zenith"], stamps)
    on_plane = irradiance.get_total_irradiance(
        roof.tilt_deg,
        roof.azimuth_deg,
        sun["apparent_zenith"],
        sun["azimuth"],
        split["dni"],
        sky["ghi"],
        split["dhi"],
    )["poa_global"].fillna(0.0)
    return pl.DataFrame(
        {"timestamp": middle, "value": on_plane.to_numpy()},
        schema_overrides={"timestamp": STAMPS_SCHEMA["timestamp"]},
    )


def clouded(rows: pl.DataFrame, roof: Plane) -> pl.DataFrame:
    """Two of three days of the sun under clouds that come and go."""
    random = np.random.default_rng(7)
    day = (rows["timestamp"] + timedelta(minutes=4 * roof.longitude_deg)).dt.date().rank("dense").to_numpy()
    passing = np.where(day % 3 == 0, 1.0, random.uniform(0.1, 1.0, rows.height))
    return rows.with_columns(value=pl.col("value") * passing)


def late(rows: pl.DataFrame, minutes: int) -> pl.DataFrame:
    return rows.with_columns(pl.col("timestamp") + timedelta(minutes=minutes))


def evidence(place: Path, roof: Plane, rows: pl.DataFrame, minutes: int, table: str) -> Evidence:
    """What a preview sees of one asset; `rows` have the middles of intervals, power is a tenth of irradiance."""
    channel = "active_power_kw" if table == "generation" else "poa_irradiance_wm2"
    path = place / "mapping.yaml"
    content: dict[str, Any] = {
        "source": {"files": "*.csv"},
        "timestamp": {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": "UTC"},
        "asset": {"constant": "pv"},
        table: {channel: {"column": "p", "unit": "kW" if table == "generation" else "W/m²"}},
    }
    path.write_text(yaml.safe_dump(content))
    factor = 0.1 if table == "generation" else 1.0
    other = [] if table == "generation" else [pl.lit(None, pl.Float64).alias("ghi_wm2")]
    frame = rows.select(
        pl.lit("pv").alias("asset_id"),
        pl.col("timestamp") - timedelta(minutes=minutes / 2),
        (pl.col("value") * factor).alias(channel),
        *other,
    )
    assets = pl.DataFrame(
        {
            "asset_id": ["pv"],
            "technology": ["solar"],
            "latitude_deg": [roof.latitude_deg],
            "longitude_deg": [roof.longitude_deg],
            "tilt_deg": [roof.tilt_deg],
            "azimuth_deg": [roof.azimuth_deg],
            "mounting": ["fixed"],
            "interval_minutes": [minutes],
            "rated_power_kw": [100.0],
        }
    )
    mapping = load_mapping(path)
    stamps = pl.DataFrame(schema=STAMPS_SCHEMA)
    tables = {each: frame.lazy() for each in mapping.all_tables}
    return Evidence(mapping, path, tables, stamps, assets, datetime(2030, 1, 1, tzinfo=UTC))


def test_the_sun_stands_where_spa_says() -> None:
    import pandas as pd
    from pvlib import solarposition

    stamps = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=7 * n) for n in range(1250)]
    frame = pl.DataFrame({"timestamp": stamps}, schema={"timestamp": STAMPS_SCHEMA["timestamp"]})
    for place in ROOFS:
        ours = (
            frame.select(sin_elevation(pl.col("timestamp"), place)).to_series().arcsin().to_numpy()
            * 180
            / np.pi
        )
        spa = solarposition.get_solarposition(
            pd.DatetimeIndex(stamps), place.latitude_deg, place.longitude_deg
        )
        assert np.abs(ours - spa["elevation"].to_numpy()).max() < 0.02


@pytest.mark.parametrize(
    ("roof", "minutes", "table"),
    [
        (roof, *other)
        for roof, other in zip(ROOFS, cycle([(15, "weather"), (60, "generation")]), strict=False)
    ],
)
def test_a_right_clock_is_believed_on_any_roof_and_one_an_hour_off_is_found(
    tmp_path: Path, roof: Plane, minutes: int, table: str
) -> None:
    rows = clouded(clear_days(roof, datetime(2024, 5, 3, tzinfo=UTC), 9, minutes), roof)
    assert not list(suspicious_sun(evidence(tmp_path, roof, rows, minutes, table)))
    for shift in (-60, 60):
        (told,) = [
            each
            for each in suspicious_sun(evidence(tmp_path, roof, late(rows, shift), minutes, table))
            if "of clear days" in each
        ]
        assert ("later than" if shift > 0 else "earlier than") in told and "timestamp.zone, line" in told


def test_hidden_summer_time_shows_in_the_months_that_have_it(tmp_path: Path) -> None:
    roof = ROOFS[0]
    winter = clouded(clear_days(roof, datetime(2024, 2, 5, tzinfo=UTC), 9, 15), roof)
    summer = late(clouded(clear_days(roof, datetime(2024, 7, 5, tzinfo=UTC), 9, 15), roof), 60)
    both = pl.concat([winter, summer])
    (told,) = suspicious_sun(evidence(tmp_path, roof, both, 15, "generation"))
    assert "on time with its stamps in 2024-02" in told and "later than its stamps in 2024-07" in told
    assert "summer time" in told and "timestamp.zone, line" in told
    assert dict(months_lags(winter, roof, 50.0)) == {date(2024, 2, 1): 0}


def test_power_at_night_is_told(tmp_path: Path) -> None:
    roof = ROOFS[2]
    rows = late(clear_days(roof, datetime(2024, 6, 1, tzinfo=UTC), 2, 15), 420)
    told = [
        each
        for each in suspicious_sun(evidence(tmp_path, roof, rows, 15, "generation"))
        if "sun is down" in each
    ]
    assert len(told) == 1 and "active_power_kw" in told[0] and "timestamp.zone, line" in told[0]


def test_days_under_clouds_alone_tell_no_clock(tmp_path: Path) -> None:
    roof, random = ROOFS[0], np.random.default_rng(3)
    rows = clear_days(roof, datetime(2024, 11, 3, tzinfo=UTC), 9, 15)
    dull = rows.with_columns(value=pl.col("value") * random.uniform(0.05, 1.0, rows.height))
    told = list(suspicious_sun(evidence(tmp_path, roof, late(dull, 120), 15, "generation")))
    assert not [each for each in told if "of clear days" in each]


def test_a_late_inverter_is_no_wrong_clock(tmp_path: Path) -> None:
    rows = clouded(clear_days(ROOFS[0], datetime(2024, 5, 3, tzinfo=UTC), 9, 15), ROOFS[0])
    assert not list(suspicious_sun(evidence(tmp_path, ROOFS[0], late(rows, 20), 15, "generation")))


def test_a_single_day_tells_hours_and_no_single_hour(tmp_path: Path) -> None:
    roof = ROOFS[0]
    day = clear_days(roof, datetime(2024, 5, 3, tzinfo=UTC), 1, 15)
    for shift, doubted in ((60, False), (180, True)):
        told = list(suspicious_sun(evidence(tmp_path, roof, late(day, shift), 15, "generation")))
        assert any("of clear days" in each for each in told) == doubted
