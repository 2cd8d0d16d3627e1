"""Laws of the calendar: every asset has every local day from its first to its last, in whatever order files came.

Hourly assets in Honolulu (UTC-10), Berlin and Tongatapu (UTC+13); files are written by hand.
"""

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from renewable.contract import TABLES, polars_schema
from renewable.operations.status import read_status
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.warehouse import connect
from renewable.windows import ONE_DAY, Window, day_start_utc
from tests.conftest import SEEDS
from tests.integration.warehouse_tables import assert_same_tables

pytestmark = pytest.mark.integration
FIRST = date(2025, 1, 30)
ZONES = {"west": "Pacific/Honolulu", "here": "Europe/Berlin", "east": "Pacific/Tongatapu"}
HOUR = timedelta(hours=1)


def _day(number: int) -> date:
    return FIRST + number * ONE_DAY


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    directory = tmp_path / "fleet"
    directory.mkdir()
    shutil.copy(SEEDS / "power_curves.csv", directory)
    turbine = pl.read_csv(SEEDS / "assets.csv", infer_schema=False).filter(
        pl.col("asset_id") == "nordermarsch-w-01"
    )
    pl.concat(
        turbine.with_columns(
            asset_id=pl.lit(name),
            site_id=pl.lit(name),
            timezone=pl.lit(zone),
            interval_minutes=pl.lit("60"),
            commissioned_on=pl.lit("2020-01-01"),
        )
        for name, zone in ZONES.items()
    ).write_csv(directory / "assets.csv")
    return Settings(data_dir=tmp_path / "data", fleet_dir=directory, lock_wait_s=20)


def _deliver(
    settings: Settings, *numbers: int, hours: int = 24, assets: Sequence[str] = tuple(ZONES)
) -> None:
    """Write the files of these days, up to an hour."""
    for number in numbers:
        stamps = [day_start_utc(_day(number)) + hour * HOUR for hour in range(hours)]
        keys = pl.DataFrame({"timestamp": stamps}).join(pl.DataFrame({"asset_id": list(assets)}), how="cross")
        values = {
            "weather": {"wind_speed_ms": 8.0 + pl.col("timestamp").dt.hour() / 10},
            "generation": {"active_power_kw": 900.0 + pl.col("timestamp").dt.hour()},
        }
        for table in TABLES:
            schema = polars_schema(table)
            frame = keys.with_columns(**values[table])
            frame = frame.with_columns(
                pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns
            )
            path = RawFileName(table, _day(number)).path_under(settings.raw_dir)
            path.parent.mkdir(parents=True, exist_ok=True)
            frame.select(schema.names()).cast(schema).write_parquet(path)


def _build(settings: Settings, window: Window | None = None) -> None:
    ingest(settings)
    transform(settings, window)


def _mart(settings: Settings, name: str) -> pl.DataFrame:
    with connect(settings.warehouse_path) as connection:
        return connection.sql(f"from marts.{name} order by all").pl()


def _registry(settings: Settings, *changes: pl.Expr) -> None:
    path = settings.fleet_dir / "assets.csv"
    pl.read_csv(path, infer_schema=False).with_columns(*changes).write_csv(path)


def _equals_one_build(settings: Settings) -> None:
    once = settings.model_copy(update={"data_dir": settings.data_dir.with_name("once")})
    shutil.rmtree(once.data_dir, ignore_errors=True)
    shutil.copytree(settings.raw_dir, once.raw_dir)
    ingest(once)
    transform(once)
    assert_same_tables(settings.warehouse_path, once.warehouse_path)


def _hours(first: int, last: int, zone: str) -> dict[date, int]:
    """Hours of each local date within the UTC days `first` to `last`, by Python's clocks."""
    counted: dict[date, int] = {}
    at = day_start_utc(_day(first))
    while at < day_start_utc(_day(last + 1)):
        local = at.astimezone(ZoneInfo(zone)).date()
        counted[local] = counted.get(local, 0) + 1
        at += HOUR
    return counted


def test_days_between_loaded_ones_are_there_in_whatever_order_they_came(settings: Settings) -> None:
    _deliver(settings, 34)
    _build(settings)
    _deliver(settings, 0)
    _build(settings, Window.of_day(_day(0)))
    _deliver(settings, 3, 37)
    _build(settings)
    daily = _mart(settings, "mart_asset_daily")
    for name, zone in ZONES.items():
        expected = _hours(0, 37, zone)
        rows = daily.filter(pl.col("asset_id") == name)
        found = dict(rows.select("date_local", "intervals_expected").iter_rows())
        assert found == expected, name
        partial = {day for day, hours in expected.items() if hours < 24}
        assert set(rows.filter("is_partial")["date_local"]) == partial, name
        silent = rows.filter(pl.col("date_local").is_between(_day(5), _day(32)))
        assert set(silent["intervals_observed"]) == {0} == set(silent["data_coverage_ratio"])
        assert set(silent["intervals_without_expectation"]) == {24}
    months = _mart(settings, "mart_asset_monthly").filter(pl.col("asset_id") == "here")
    assert dict(months.select("month_local", "days").iter_rows())[date(2025, 2, 1)] == 28, (
        "a month of which one day came has all of them"
    )
    lost = _mart(settings, "mart_events").filter(pl.col("asset_id") == "here", pl.col("kind") == "unmeasured")
    ends = [(day_start_utc(_day(a)), day_start_utc(_day(b))) for a, b in ((1, 3), (4, 34), (35, 37))]
    assert lost.select("start_utc", "end_utc").rows() == ends
    assert not read_status(settings).stale
    _equals_one_build(settings)


def test_a_complete_set_of_files_is_covered_whole_in_every_time_zone(settings: Settings) -> None:
    _deliver(settings, 0, 1, 2)
    _build(settings)
    daily = _mart(settings, "mart_asset_daily")
    assert daily["data_coverage_ratio"].unique().to_list() == [1.0]
    assert (
        daily.group_by("asset_id").agg(pl.col("intervals_expected").sum())["intervals_expected"].to_list()
        == [72] * 3
    )
    whole = daily.filter(~pl.col("is_partial"))
    assert dict(whole.group_by("asset_id").len().iter_rows()) == {"west": 2, "here": 2, "east": 2}
    fleet_days = _mart(settings, "mart_fleet_daily").filter(pl.col("group_level") == "fleet")
    assert fleet_days.filter(~pl.col("is_partial"))["date_local"].to_list() == [_day(1)]


def test_the_day_of_today_may_grow_by_the_hour(settings: Settings) -> None:
    _deliver(settings, 0)
    _deliver(settings, 1, hours=5)
    _build(settings)
    daily = _mart(settings, "mart_asset_daily")
    assert daily["data_coverage_ratio"].unique().to_list() == [1.0]
    assert daily["intervals_expected"].sum() == 3 * 29
    _deliver(settings, 1, hours=9)
    _deliver(settings, 1, hours=9, assets=["west", "here"])
    _build(settings)
    daily = _mart(settings, "mart_asset_daily")
    assert daily["intervals_expected"].sum() == 3 * 33
    behind = daily.filter(pl.col("asset_id") == "east")
    assert behind["intervals_observed"].sum() == 24, "who is behind the others shows it"
    _deliver(settings, 2, hours=1)
    _build(settings)
    daily = _mart(settings, "mart_asset_daily")
    assert daily["intervals_expected"].sum() == 3 * 49, "a day that is over is expected whole"
    _equals_one_build(settings)
    for table in TABLES:
        RawFileName(table, _day(2)).path_under(settings.raw_dir).unlink()
    _build(settings)
    assert _mart(settings, "mart_asset_daily")["intervals_expected"].sum() == 3 * 33
    _equals_one_build(settings)


def test_registry_and_setting_say_from_when_and_until_when_an_asset_has_days(settings: Settings) -> None:
    _deliver(settings, 0, 1, 2, 3, 4, 5)
    _build(settings)
    when = pl.when(pl.col("asset_id") == "west")
    _registry(
        settings,
        when.then(pl.lit(str(_day(2)))).alias("data_from"),
        pl.when(pl.col("asset_id") == "east").then(pl.lit(str(_day(3)))).alias("decommissioned_on"),
    )
    _build(settings)

    def spans() -> dict[str, tuple[date, date, int]]:
        rows = (
            _mart(settings, "mart_asset_daily")
            .group_by("asset_id")
            .agg(first=pl.col("date_local").min(), last=pl.col("date_local").max(), days=pl.len())
        )
        return {name: (first, last, days) for name, first, last, days in rows.iter_rows()}

    assert spans() == {
        "west": (_day(2), _day(5), 4),
        "here": (_day(0), _day(6), 7),
        "east": (_day(0), _day(3), 4),
    }
    edges = _mart(settings, "mart_asset_daily").filter(
        (pl.col("asset_id") == "west") & (pl.col("date_local") == _day(2))
        | (pl.col("asset_id") == "east") & (pl.col("date_local") == _day(3))
    )
    assert edges.select("intervals_expected", "is_partial").rows() == [(24, False)] * 2
    _equals_one_build(settings)
    later = settings.model_copy(update={"first_day": _day(1)})
    transform(later)
    assert {name: first for name, (first, _, _) in spans().items()} == {
        "west": _day(2),
        "here": _day(1),
        "east": _day(1),
    }
    _equals_one_build(later)


def test_a_rating_counts_from_its_local_day_on_and_a_change_of_it_builds_the_days_it_touches(
    settings: Settings,
) -> None:
    _deliver(settings, *range(6))
    path = settings.fleet_dir / "assets.csv"
    rows = pl.read_csv(path, infer_schema=False).with_columns(valid_from=pl.lit(None, pl.String))

    def rate(**kw: str) -> None:
        later = [
            rows.with_columns(valid_from=pl.lit(str(_day(int(day[4:])))), rated_power_kw=pl.lit(rated))
            for day, rated in kw.items()
        ]
        pl.concat([*later, rows]).write_csv(path)

    rate(day_2="1800.0", day_4="1600.0")
    _build(settings)
    first = float(rows["rated_power_kw"][0])
    for name in ZONES:
        rated = _mart(settings, "mart_asset_daily").filter(pl.col("asset_id") == name)
        for day, kw in rated.select("date_local", "rated_power_kw").iter_rows():
            assert kw == (first if day < _day(2) else 1800.0 if day < _day(4) else 1600.0), (name, day)
    rate(day_2="1700.0", day_4="1600.0")
    ingest(settings)
    # The local days 2 and 3 lie within the UTC days 1 to 4, for who lives far east or west.
    assert transform(settings).windows == (Window(_day(1), _day(5)),)
    assert set(_mart(settings, "mart_asset_daily")["rated_power_kw"]) == {first, 1700.0, 1600.0}
    _equals_one_build(settings)
