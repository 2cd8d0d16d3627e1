"""The published marts against the oracle, on days with holes around a clock change."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from analysis.publish import publish
from loaders.dlt_pipeline import ingest
from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from renewable.atomic_write import write_parquet_atomic
from renewable.fleet import Fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.warehouse import connect
from renewable.windows import Window
from tests.integration.oracle import expected_marts
from transform.build import transform

pytestmark = pytest.mark.integration
WINDOW = Window(date(2025, 10, 25), date(2025, 11, 3))
KEYS = {
    "mart_asset_daily": ["asset_id", "date_local"],
    "mart_fleet_daily": ["group_level", "group_name", "date_local"],
    "mart_power_curve": ["asset_id", "month_local", "wind_speed_bin_ms"],
}


@pytest.fixture(scope="module")
def mixed_fleet(fleet: Fleet) -> Fleet:
    """The small fleet with intervals of 5, 10, 15 and 30 minutes."""
    minutes = dict(zip(fleet.asset_ids, (5, 10, 15, 30), strict=True))
    return Fleet(
        fleet.assets.with_columns(pl.col("asset_id").replace_strict(minutes).alias("interval_minutes")),
        fleet.power_curves,
    )


@pytest.fixture(scope="module")
def chain(mixed_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    fleet_dir = tmp_path_factory.mktemp("mixed")
    mixed_fleet.assets.write_csv(fleet_dir / "assets.csv")
    mixed_fleet.power_curves.write_csv(fleet_dir / "power_curves.csv")
    settings = Settings(data_dir=tmp_path_factory.mktemp("marts"), fleet_dir=fleet_dir)
    for number, day in enumerate(WINDOW.days):
        weather = weather_day(mixed_fleet, day, 9)
        generation = generation_day(mixed_fleet, day, 9)
        holes = {"weather": _holed(weather, number), "generation": _holed(generation, number + 7)}
        if number == 2:
            holes = {t: f.filter(pl.col("asset_id") != mixed_fleet.asset_ids[0]) for t, f in holes.items()}
        for table, frame in holes.items():
            write_parquet_atomic(frame, RawFileName(table, day).path_under(settings.raw_dir))  # type: ignore[arg-type]
    assert ingest(settings).rows_quarantined == 0
    transform(settings)
    publish(settings)
    return settings


def _holed(frame: pl.DataFrame, salt: int) -> pl.DataFrame:
    """Rows and single values taken away by a fixed pattern, a different one for each column and day."""
    row = pl.int_range(pl.len())
    values = [name for name in frame.columns if name not in ("asset_id", "timestamp")]
    holed = frame.with_columns(
        pl.when((row * 7 + salt * 5 + number * 11) % 13 > 1).then(pl.col(name)).alias(name)
        for number, name in enumerate(values)
    )
    return holed.filter((row * 3 + salt) % 17 > 1)


@pytest.mark.parametrize("mart", sorted(KEYS))
def test_every_column_of_the_mart_equals_the_oracle(mart: str, chain: Settings, mixed_fleet: Fleet) -> None:
    ours = _published(chain, mart).sort(KEYS[mart])
    theirs = expected_marts(chain.raw_dir, mixed_fleet)[mart].sort(KEYS[mart])
    assert ours.columns == theirs.columns and ours.height == theirs.height > 0
    for name in ours.columns:
        left, right = ours[name], theirs[name].cast(ours.schema[name])
        if left.dtype != pl.Float64:
            assert left.equals(right), name
            continue
        assert left.is_null().equals(right.is_null()), name
        # A spread of a few equal powers is 0 within the rounding of their mean.
        difference = (left - right).abs() - 1e-9 * right.abs() - 1e-9
        assert (difference.drop_nulls() <= 0).all(), (name, difference.max())


def test_the_day_the_clock_goes_back_has_25_hours(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily")
    hours = daily.filter(pl.col("date_local") == pl.date(2025, 10, 26)).select("asset_id", "expected_hours")
    found = dict(hours.iter_rows())
    assert found["nordermarsch-w-01"] == found["campo-claro-s-01"] == 25
    assert found["mesa-dorada-s-01"] == found["prairie-ridge-w-02"] == 24
    later = daily.filter(
        (pl.col("date_local") == pl.date(2025, 11, 2)) & (pl.col("asset_id") == "prairie-ridge-w-02")
    )
    assert later["expected_hours"].to_list() == [25]


def test_missing_hours_do_not_read_as_zero_production(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").filter(pl.col("intervals_observed") > 0)
    mean_kw = daily["energy_kwh"] / daily["observed_hours"]
    assert ((mean_kw / daily["rated_power_kw"] - daily["capacity_factor"]).abs() < 1e-12).all()
    assert (daily["data_coverage_ratio"] < 1).all()


def test_tables_are_found_by_name_in_the_information_schema(chain: Settings) -> None:
    with connect(chain.warehouse_path, read_only=True) as connection:
        names = connection.execute("select table_name from information_schema.tables").fetchall()
    assert {"weather", "generation", "load_log", "stg_weather", "int_interval_performance", *KEYS} <= {
        n for (n,) in names
    }


def _published(settings: Settings, mart: str) -> pl.DataFrame:
    path: Path = settings.published_dir / f"{mart}.parquet"
    return pl.read_parquet(path)
