"""The published marts against the oracle, on days with holes around a clock change."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from renewable.atomic_write import write_parquet_atomic
from renewable.fleet import Fleet, load_fleet, registry_files
from renewable.published.publish import publish
from renewable.published.ratios import ratios_by
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.warehouse import connect
from renewable.windows import Window
from tests.conftest import SEEDS
from tests.integration.oracle import expected_marts
from tests.integration.warehouse_tables import interval_labels

pytestmark = pytest.mark.integration
WINDOW = Window(date(2025, 10, 25), date(2025, 11, 3))
MINUTES = {
    "campo-claro-s-01": 15,
    "campo-claro-s-02": 30,
    "mesa-dorada-s-01": 15,
    "nordermarsch-w-01": 5,
    "nordermarsch-w-02": 30,
    "prairie-ridge-w-02": 10,
}
SILENT, SILENT_LOCAL_DAY = "campo-claro-s-02", date(2025, 10, 28)
LATE, LATE_FROM = "nordermarsch-w-02", date(2025, 10, 28)
# Since when an asset is another one: other capacity, losses, curve.
CHANGED = {"nordermarsch-w-01": date(2025, 10, 30), "campo-claro-s-01": date(2025, 10, 29)}
OTHER_MODEL = "V90/2000"
KEYS = {
    "mart_asset_daily": ["asset_id", "date_local"],
    "mart_fleet_daily": ["group_level", "group_name", "date_local"],
    "mart_power_curve": ["asset_id", "month_local", "wind_speed_bin_ms"],
    "mart_losses_daily": ["asset_id", "date_local", "loss_category"],
    "mart_asset_monthly": ["asset_id", "month_local"],
    "mart_data_quality_daily": ["asset_id", "date_local", "channel"],
    "mart_events": ["event_id"],
}


@pytest.fixture(scope="module")
def mixed_fleet() -> Fleet:
    """Intervals of 5 to 30 minutes, two zones with two assets each; one commissioned in the middle, two changed."""
    whole = load_fleet(SEEDS)
    commissioned = pl.when(pl.col("asset_id") == LATE).then(LATE_FROM).otherwise("commissioned_on")
    assets = whole.assets.filter(pl.col("asset_id").is_in(list(MINUTES))).with_columns(
        pl.col("asset_id").replace_strict(MINUTES).alias("interval_minutes"),
        commissioned.alias("commissioned_on"),
    )
    changed = assets.filter(pl.col("asset_id").is_in(list(CHANGED))).with_columns(
        valid_from=pl.col("asset_id").replace_strict(CHANGED),
        rated_power_kw=pl.col("rated_power_kw") * 0.8,
        dc_capacity_kw=pl.col("dc_capacity_kw") * 1.1,
        system_loss_pct=pl.col("system_loss_pct") + 3,
        turbine_model=pl.when(pl.col("technology") == "wind").then(pl.lit(OTHER_MODEL)),
    )
    before = pl.col("asset_id").is_in(list(CHANGED))
    latest = pl.concat([assets.filter(~before), changed]).sort("asset_id")
    return Fleet(latest, whole.power_curves, assets.filter(before))


@pytest.fixture(scope="module")
def chain(mixed_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    fleet_dir = tmp_path_factory.mktemp("mixed")
    for name, text in registry_files(mixed_fleet).items():
        (fleet_dir / name).write_text(text)
    settings = Settings(data_dir=tmp_path_factory.mktemp("marts"), fleet_dir=fleet_dir)
    for number, day in enumerate(WINDOW.days):
        weather = weather_day(mixed_fleet, day, 9)
        generation = generation_day(mixed_fleet, day, 9)
        holes = {"weather": _holed(weather, number), "generation": _holed(generation, number + 7)}
        if number in (2, 3):  # the whole of its local day between them
            holes = {t: f.filter(pl.col("asset_id") != SILENT) for t, f in holes.items()}
        for table, frame in holes.items():
            write_parquet_atomic(_broken(frame), RawFileName(table, day).path_under(settings.raw_dir))  # type: ignore[arg-type]
    loaded = ingest(settings)
    assert loaded.rows_quarantined == 0 and loaded.values_set_aside > 0
    transform(settings)
    publish(settings)
    return settings


@pytest.fixture(scope="module")
def oracle(chain: Settings, mixed_fleet: Fleet) -> dict[str, pl.DataFrame]:
    return expected_marts(chain.raw_dir, mixed_fleet, interval_labels(chain))


def _holed(frame: pl.DataFrame, salt: int) -> pl.DataFrame:
    """Rows and single values taken away by a fixed pattern, a different one for each column and day."""
    row = pl.int_range(pl.len())
    values = [name for name in frame.columns if name not in ("asset_id", "timestamp")]
    holed = frame.with_columns(
        pl.when((row * 7 + salt * 5 + number * 11) % 13 > 1).then(pl.col(name)).alias(name)
        for number, name in enumerate(values)
    )
    return holed.filter((row * 3 + salt) % 17 > 1)


def _broken(frame: pl.DataFrame) -> pl.DataFrame:
    """Values outside their range, which the gate sets aside without losing their rows."""
    wrong = {
        "wind_speed_ms": -3.0,
        "air_temperature_c": 99.0,
        "air_pressure_hpa": 12.0,
        "relative_humidity_pct": 180.0,
        "poa_irradiance_wm2": 9000.0,
        "active_power_kw": 1e6,
        "operating_state": "asleep",
    }
    row = pl.int_range(pl.len())
    return frame.with_columns(
        pl.when((row + 7 * number) % 97 == 0).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for number, (name, value) in enumerate(wrong.items())
        if name in frame.columns
    )


@pytest.mark.parametrize("mart", sorted(KEYS))
def test_every_column_of_the_mart_equals_the_oracle(
    mart: str, chain: Settings, oracle: dict[str, pl.DataFrame]
) -> None:
    ours = _published(chain, mart).drop("evidence", strict=False).sort(KEYS[mart])
    theirs = oracle[mart].sort(KEYS[mart])
    assert ours.columns == theirs.columns and ours.height == theirs.height > 0
    assert ours.select(KEYS[mart]).equals(theirs.select(KEYS[mart]).cast(ours.select(KEYS[mart]).schema))
    differing = {name: _difference(ours[name], theirs[name]) for name in ours.columns}
    assert not {name: found for name, found in differing.items() if found}


def _difference(left: pl.Series, right: pl.Series) -> str | None:
    right = right.cast(left.dtype)
    if left.dtype != pl.Float64:
        return None if left.equals(right) else f"{(left != right).sum()} rows differ"
    if not left.is_null().equals(right.is_null()):
        return f"nulls differ in {(left.is_null() != right.is_null()).sum()} rows"
    # A spread of a few equal powers is 0 within the rounding of their mean.
    beyond = ((left - right).abs() > 1e-9 * right.abs() + 1e-9).sum()
    return f"{beyond} rows beyond the tolerance" if beyond else None


def test_the_day_the_clock_goes_back_has_25_hours(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily")
    hours = daily.filter(pl.col("date_local") == pl.date(2025, 10, 26)).select("asset_id", "expected_hours")
    found = dict(hours.iter_rows())
    assert found["nordermarsch-w-01"] == found["campo-claro-s-01"] == 25
    assert found["mesa-dorada-s-01"] == found["prairie-ridge-w-02"] == 24
    later = daily.filter(
        (pl.col("date_local") == pl.date(2025, 11, 2)) & (pl.col("asset_id") == "prairie-ridge-w-02")
    )
    # Of its 25 hours 19 lie within the UTC days that were loaded.
    assert later.select("expected_hours", "is_partial").rows() == [(19, True)]


def test_missing_hours_do_not_read_as_zero_production(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").filter(pl.col("intervals_observed") > 0)
    mean_kw = daily["energy_kwh"] / daily["observed_hours"]
    assert ((mean_kw / daily["rated_power_kw"] - daily["capacity_factor"]).abs() < 1e-12).all()
    assert (daily.filter(~pl.col("is_partial"))["data_coverage_ratio"] < 1).all()


def test_a_silent_asset_has_a_row_on_the_days_of_its_neighbours(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").filter(
        (pl.col("asset_id") == SILENT) & (pl.col("date_local") == SILENT_LOCAL_DAY)
    )
    assert daily.select("intervals_expected", "intervals_observed").rows() == [(48, 0)]
    assert daily.select("energy_kwh", "capacity_factor").rows() == [(None, None)]
    # What it might have given is known from the plant beside it, and counts as unmeasured.
    losses = _published(chain, "mart_losses_daily").filter(
        (pl.col("asset_id") == SILENT)
        & (pl.col("date_local") == SILENT_LOCAL_DAY)
        & (pl.col("lost_kwh") != 0)
    )
    assert losses["loss_category"].to_list() == ["unmeasured"]
    assert losses["lost_kwh"].item() == pytest.approx(daily["expected_energy_kwh"].item(), abs=1e-6)


def test_losses_add_up_to_the_gap_on_every_day(chain: Settings) -> None:
    sums = (
        _published(chain, "mart_losses_daily")
        .group_by("asset_id", "date_local")
        .agg(pl.col("lost_kwh").sum())
    )
    days = _published(chain, "mart_asset_daily").join(sums, on=["asset_id", "date_local"], how="left")
    gap = pl.col("expected_energy_kwh").fill_null(0) - pl.col("energy_kwh").fill_null(0)
    assert days.filter((gap - pl.col("lost_kwh")).abs() > 1e-6).is_empty()
    assert days["lost_kwh"].null_count() == 0


def test_an_asset_has_no_days_before_it_is_commissioned(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").filter(pl.col("asset_id") == LATE)
    assert daily["date_local"].min() == LATE_FROM


def test_a_change_of_the_registry_counts_from_its_local_day_on(chain: Settings, mixed_fleet: Fleet) -> None:
    daily = _published(chain, "mart_asset_daily")
    for name, since in CHANGED.items():
        rows = daily.filter(pl.col("asset_id") == name)
        (first,) = mixed_fleet.earlier.filter(pl.col("asset_id") == name)["rated_power_kw"]
        expected = [first if day < since else first * 0.8 for day in rows["date_local"]]
        assert rows["rated_power_kw"].to_list() == expected


def test_the_fleet_is_the_sum_of_its_assets(chain: Settings) -> None:
    summed = ["intervals_expected", "intervals_observed", "energy_kwh", "expected_energy_kwh"]
    assets = (
        _published(chain, "mart_asset_daily")
        .group_by("date_local")
        .agg(pl.len().alias("assets"), pl.col(summed).sum())
        .sort("date_local")
    )
    fleet = _published(chain, "mart_fleet_daily").filter(pl.col("group_level") == "fleet").sort("date_local")
    assert fleet["date_local"].equals(assets["date_local"]) and not fleet.is_empty()
    for name in ["assets", *summed]:
        # A sum over no known value is null in the mart and 0 in Polars.
        assert ((fleet[name].fill_null(0) - assets[name]).abs() <= 1e-9 * assets[name].abs()).all(), name


def test_a_bin_of_exactly_30_minutes_is_complete_whatever_the_interval(chain: Settings) -> None:
    minutes = pl.col("intervals") * pl.col("asset_id").replace_strict(MINUTES)
    curve = _published(chain, "mart_power_curve").with_columns(minutes.alias("minutes"))
    exact = curve.filter(pl.col("minutes") == 30)
    assert "nordermarsch-w-01" in exact["asset_id"]
    assert exact.filter(~pl.col("is_complete")).is_empty()
    assert curve.filter(pl.col("is_complete") != (pl.col("minutes") >= 30)).is_empty()


def test_tables_are_found_by_name_in_the_information_schema(chain: Settings) -> None:
    with connect(chain.warehouse_path, read_only=True) as connection:
        names = connection.execute("select table_name from information_schema.tables").fetchall()
    assert {"weather", "generation", "load_log", "stg_weather", "int_interval_performance", *KEYS} <= {
        n for (n,) in names
    }


def test_ratios_that_readers_take_over_other_days_are_those_of_the_marts(chain: Settings) -> None:
    daily = _published(chain, "mart_asset_daily").sample(fraction=1.0, shuffle=True, seed=3)
    by_month = daily.with_columns(month_local=pl.col("date_local").dt.truncate("1mo"))
    _assert_same_bits(ratios_by(by_month, "asset_id", "month_local"), _published(chain, "mart_asset_monthly"))
    fleet = _published(chain, "mart_fleet_daily")
    for level, keys in (("fleet", []), ("technology", ["technology"]), ("site", ["site_id"])):
        ours = ratios_by(daily, *keys, "date_local")
        theirs = fleet.filter(pl.col("group_level") == level)
        _assert_same_bits(ours, theirs.rename({"group_name": keys[0]}) if keys else theirs)


def _assert_same_bits(ours: pl.DataFrame, theirs: pl.DataFrame) -> None:
    shared = [name for name in ours.columns if name in theirs.columns]
    assert len(shared) > 12 and ours.height == theirs.height > 0
    ours, theirs = ours.select(shared).sort(shared[:2]), theirs.select(shared).sort(shared[:2])
    assert [name for name in shared if not ours[name].equals(theirs[name])] == []


def _published(settings: Settings, mart: str) -> pl.DataFrame:
    path: Path = settings.published_dir / f"{mart}.parquet"
    return pl.read_parquet(path).drop("build_id")
