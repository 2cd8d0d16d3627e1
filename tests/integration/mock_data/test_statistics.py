"""Statistics of a simulated year against the bands that real sites show, recomputed here with NumPy alone."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from mock_data.day import Simulator
from mock_data.fleet_maker import make_fleet
from mock_data.group import EPOCH
from mock_data.hourly import between_hours
from mock_data.noise import Octave, local_series, name_keys
from mock_data.sun import daylight, sin_elevation, sun_sites
from renewable.fleet import Fleet, load_fleet
from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.integration
SEED = 20
FIRST = date(2025, 1, 1)
WIND_SITES = ("cairn-rigg", "nordermarsch", "prairie-ridge")
SOLAR_SITES = ("campo-claro", "masseria-sole", "mesa-dorada")


@dataclass(frozen=True)
class Year:
    fleet: Fleet
    rows: dict[str, pl.DataFrame]

    def column(self, site: str, name: str, number: int = 1) -> np.ndarray:
        letter = "w" if site in WIND_SITES else "s"
        return self.rows[f"{site}-{letter}-{number:02d}"][name].to_numpy()


@pytest.fixture(scope="module")
def year() -> Year:
    fleet = load_fleet(REPO / "dbt" / "renewable_dbt" / "seeds")
    kept = fleet.assets.filter(pl.col("asset_id").str.contains("-0[12]$"))
    part = Fleet(kept.with_columns(pl.lit(10, pl.Int64).alias("interval_minutes")), fleet.power_curves)
    simulator = Simulator(part, SEED, "none")
    days = [simulator.day(FIRST + timedelta(days=i)) for i in range(365)]
    joined = pl.concat(day.weather.hstack(day.generation.drop("asset_id", "timestamp")) for day in days)
    return Year(
        part, {str(key[0]): rows for key, rows in joined.partition_by("asset_id", as_dict=True).items()}
    )


@pytest.mark.parametrize("minutes", [20, 180, 540])
def test_noise_has_a_variance_of_one_between_its_knots_as_on_them(minutes: int) -> None:
    keys = name_keys(1, [f"row {i}" for i in range(40_000)])
    phases = minutes * (1000 + np.arange(8) / 8.0)
    series = local_series(keys, "test", (Octave(minutes, 1.0),), phases)
    assert np.abs(series.var(axis=0) - 1.0).max() < 0.03
    assert np.abs(series.mean(axis=0)).max() < 0.02
    kurtosis = (series**4).mean(axis=0) / series.var(axis=0) ** 2
    assert np.abs(kurtosis - 3.0).max() < 0.15


@pytest.mark.parametrize("site", WIND_SITES)
def test_wind_has_the_statistics_of_real_anemometers(year: Year, site: str) -> None:
    speed = year.column(site, "wind_speed_ms")
    assert 1.7 < (speed.std() / speed.mean()) ** -1.086 < 2.6
    assert 5.8 < speed.mean() < 7.5
    assert 0.85 < autocorrelation(speed, 6) < 0.95
    assert 0.55 < autocorrelation(speed, 36) < 0.78
    assert 0.20 < autocorrelation(speed, 144) < 0.45
    assert 0.5 < np.diff(speed).std() < 1.0


@pytest.mark.parametrize("site", WIND_SITES)
def test_wind_has_a_daily_and_a_yearly_cycle(year: Year, site: str) -> None:
    speed = year.column(site, "wind_speed_ms").reshape(365, 24, 6)
    by_hour = speed.mean(axis=(0, 2))
    assert 0.08 < np.ptp(by_hour) / speed.mean() < 0.25
    months = [(FIRST + timedelta(days=i)).month for i in range(365)]
    by_month = np.array([speed[np.array(months) == month].mean() for month in range(1, 13)])
    assert 0.25 < np.ptp(by_month) / speed.mean() < 0.65


def test_turbines_of_a_site_feel_nearly_the_same_wind_and_far_sites_do_not(year: Year) -> None:
    for site in WIND_SITES:
        one, other = (year.column(site, "wind_speed_ms", number) for number in (1, 2))
        assert 0.92 < np.corrcoef(one, other)[0, 1] < 0.97
    far = np.corrcoef([year.column(site, "wind_speed_ms") for site in WIND_SITES])
    assert far[0, 2] < 0.2


def test_fronts_reach_the_eastern_neighbour_later_and_correlation_falls_with_distance() -> None:
    base = make_fleet(1, 0, 2, interval_minutes=5).assets
    longitudes = [8.0, 9.0, 10.0, 14.0]
    rows = [
        base.with_columns(
            pl.lit(f"w-{i}").alias("asset_id"),
            pl.lit(f"site {i}").alias("site_id"),
            pl.lit(52.0).alias("latitude_deg"),
            pl.lit(longitude).alias("longitude_deg"),
            pl.lit(30, pl.Int64).alias("interval_minutes"),
        )
        for i, longitude in enumerate(longitudes)
    ]
    simulator = Simulator(
        Fleet(pl.concat(rows), make_fleet(1, 0, 2, interval_minutes=5).power_curves), 4, "none"
    )
    days = pl.concat(simulator.day(FIRST + timedelta(days=i)).weather for i in range(400))
    wind = np.stack(
        [days.filter(pl.col("asset_id") == f"w-{i}")["air_pressure_hpa"].to_numpy() for i in range(4)]
    )
    lags = np.arange(-12, 13)
    lagged = [np.corrcoef(np.roll(wind[0], lag)[20:-20], wind[2][20:-20])[0, 1] for lag in lags]
    assert 1.5 <= lags[int(np.argmax(lagged))] / 2 <= 5.5
    speed = np.stack(
        [days.filter(pl.col("asset_id") == f"w-{i}")["wind_speed_ms"].to_numpy() for i in range(4)]
    )
    near, middle, far = (np.corrcoef(speed[0], speed[i])[0, 1] for i in (1, 2, 3))
    assert near > middle > far


def clearness(year: Year, site: str) -> tuple[np.ndarray, np.ndarray]:
    """Clearness by 10 minutes in full sun, NaN elsewhere, and the clear-sky GHI."""
    asset = f"{site}-s-01"
    sites = sun_sites(year.fleet.assets.filter(pl.col("asset_id") == asset))
    clear = np.zeros((365, 144))
    for number in range(365):
        day = FIRST + timedelta(days=number)
        minutes = (day - EPOCH) / timedelta(minutes=1) + 10.0 * np.arange(144) + 5.0
        sine = sin_elevation(sites.latitude_rad, sites.longitude_rad, minutes)
        lit = daylight(sites, sine, minutes, day)
        clear[number, lit.column] = lit.ghi_wm2
    clear = clear.ravel()
    ratio = np.full(clear.shape, np.nan)
    sunny = clear > 100.0
    ratio[sunny] = year.column(site, "ghi_wm2")[sunny] / clear[sunny]
    return ratio, clear


@pytest.mark.parametrize("site", SOLAR_SITES)
def test_clearness_is_clear_broken_or_overcast_as_often_as_in_reality(year: Year, site: str) -> None:
    ratio, clear = clearness(year, site)
    seen = ratio[np.isfinite(ratio)]
    assert 0.35 < ((seen > 0.9) & (seen < 1.1)).mean() < 0.75
    assert (seen < 0.35).mean() > 0.05
    assert 1.15 < np.quantile(seen, 0.99) < 1.35
    assert 1.30 < seen.max() < 1.50
    ghi = year.column(site, "ghi_wm2")
    assert (ghi <= 1.5 * clear + 0.5).all()
    pairs = np.isfinite(ratio[1:]) & np.isfinite(ratio[:-1])
    step_correlation = np.corrcoef(ratio[1:][pairs], ratio[:-1][pairs])[0, 1]
    assert 0.70 < step_correlation < 0.90


@pytest.mark.parametrize("site", SOLAR_SITES)
def test_modules_heat_up_as_faiman_has_it(year: Year, site: str) -> None:
    poa, wind = year.column(site, "poa_irradiance_wm2"), year.column(site, "wind_speed_ms")
    expected = year.column(site, "air_temperature_c") + np.maximum(poa, 0) / (25.0 + 6.84 * wind)
    assert np.abs(year.column(site, "module_temperature_c") - expected).max() < 0.25


@pytest.mark.parametrize("site", WIND_SITES + SOLAR_SITES)
def test_the_channels_of_the_air_agree_with_one_another(year: Year, site: str) -> None:
    rain, humidity = year.column(site, "precipitation_mm"), year.column(site, "relative_humidity_pct")
    temperature, pressure = year.column(site, "air_temperature_c"), year.column(site, "air_pressure_hpa")
    wet = rain > 0
    assert 0.005 < wet.mean() < 0.15
    assert humidity[wet].mean() > humidity[~wet].mean() + 5.0
    assert pressure[wet].mean() < pressure[~wet].mean()
    assert 5.0 < pressure.std() < 10.0
    daily = temperature.reshape(365, 144)
    assert daily.argmax(axis=1).size == 365
    smooth = np.convolve(daily.mean(axis=1), np.ones(31) / 31, mode="valid")
    assert 2.0 < (daily.mean(axis=1)[15:-15] - smooth).std() < 4.5
    by_clock = daily.mean(axis=0) - daily.mean()
    humid_clock = humidity.reshape(365, 144).mean(axis=0)
    assert np.corrcoef(by_clock, humid_clock)[0, 1] < -0.9


@pytest.mark.parametrize("site", SOLAR_SITES)
def test_rain_falls_under_clouds(year: Year, site: str) -> None:
    ratio, _ = clearness(year, site)
    wet = year.column(site, "precipitation_mm") > 0
    seen = np.isfinite(ratio)
    assert ratio[seen & wet].mean() < 0.75 * ratio[seen & ~wet].mean()


@pytest.mark.parametrize("channel", ["wind_speed_ms", "air_temperature_c", "air_pressure_hpa", "ghi_wm2"])
def test_midnight_and_the_turn_of_months_are_steps_like_any_other(year: Year, channel: str) -> None:
    for site in SOLAR_SITES:
        steps = np.abs(np.diff(year.column(site, channel)))
        midnight = steps[143::144]
        if channel == "ghi_wm2" and site != "mesa-dorada":
            assert midnight.max() < 1.0
            continue
        around = np.concatenate([steps[142::144], steps[144::144]])
        assert midnight.mean() < 1.25 * around.mean() + 1e-9
        assert midnight.max() < 1.5 * around.max()


@pytest.mark.parametrize("site", WIND_SITES + SOLAR_SITES)
def test_capacity_factors_are_those_of_good_sites(year: Year, site: str) -> None:
    letter = "w" if site in WIND_SITES else "s"
    rated = year.fleet.assets.filter(pl.col("asset_id") == f"{site}-{letter}-01")["rated_power_kw"][0]
    factor = year.column(site, "active_power_kw").mean() / rated
    low, high = (0.25, 0.47) if letter == "w" else (0.12, 0.26)
    assert low < factor < high


def autocorrelation(series: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(series[:-lag], series[lag:])[0, 1])


@pytest.mark.parametrize(("band_minutes", "bound"), [(540, 2e-4), (1620, 2e-4), (360, 1e-3)])
def test_slow_bands_between_whole_hours_equal_their_direct_evaluation(
    band_minutes: int, bound: float
) -> None:
    keys, octave = name_keys(5, [f"asset-{i}" for i in range(100)]), (Octave(band_minutes, 1.0),)
    midnight = 20_000 * 1440.0
    hours = local_series(keys, "band", octave, midnight + 60.0 * np.arange(-2, 27))
    direct = local_series(keys, "band", octave, midnight + 2.5 + 5.0 * np.arange(288))
    assert np.abs(between_hours(hours, 5) - direct).max() < bound
