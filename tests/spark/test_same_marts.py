"""The same model SQL gives the same marts on DuckDB and on a Spark cluster: all days at once, one day again, late and
corrected days.

The tests of this file build on each other, in their order: each build takes minutes.
"""

import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.atomic_write import write_parquet_atomic
from renewable.fleet import Fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.windows import ONE_DAY, Window
from tests.spark.cluster import Cluster
from tests.spark.comparison import KEYS, compare_marts, spark_table
from tests.spark.dbt_on_spark import Dbt
from tests.spark.landing import land

pytestmark = pytest.mark.integration
FIRST = date(2025, 3, 30)
# RENEWABLE_ names are cleared in tests.
DAYS = int(os.environ.get("SPARK_TEST_DAYS", "5"))
Report = Callable[[str], None]


@pytest.fixture(scope="module")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Says a line to who runs the tests: figures that a note quotes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", flush=True)

    yield say


class Side:
    """A fleet on DuckDB, and its landing for Spark."""

    def __init__(self, folder: Path, fleet: Fleet, fleet_dir: Path) -> None:
        self.fleet = fleet
        self.settings = Settings(data_dir=folder / "data", fleet_dir=fleet_dir, lock_wait_s=20)
        self.landing = folder / "landing"

    @property
    def window(self) -> Window:
        return Window(FIRST, FIRST + timedelta(days=DAYS))

    def deliver(self, days: Window, seed: int = 4) -> None:
        generate(self.fleet, days, data_dir=self.settings.data_dir, seed=seed)

    def raw(self, table: str, day: date) -> Path:
        return RawFileName(table, day, None).path_under(self.settings.raw_dir)  # type: ignore[arg-type]

    def build_here(self) -> tuple[Window, ...]:
        """Load and build on DuckDB, and land what is loaded; the windows that were built."""
        ingest(self.settings)
        windows = transform(self.settings).windows
        land(self.settings, self.landing)
        return windows


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory, fleet: Fleet, fleet_dir: Path) -> Side:
    return Side(tmp_path_factory.mktemp("side"), fleet, fleet_dir)


@pytest.fixture(scope="module")
def dbt(cluster: Cluster, side: Side, tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    return Dbt(cluster.remote, side.landing, tmp_path_factory.mktemp("dbt"))


def test_every_mart_of_all_days_is_the_same(cluster: Cluster, side: Side, dbt: Dbt, report: Report) -> None:
    late = side.window.end - ONE_DAY
    side.deliver(side.window)
    # Comes later.
    side.raw("weather", late - ONE_DAY).rename(side.settings.data_dir / "late.parquet")
    side.build_here()
    dbt.register_raw_tables()
    said = dbt.build_all()
    report(said.strip().splitlines()[-1])
    assert_same_marts(cluster, side, report)


def test_a_day_built_again_changes_nothing(cluster: Cluster, side: Side, dbt: Dbt, report: Report) -> None:
    before = {mart: spark_table(cluster.tables, "marts", mart) for mart in KEYS}
    dbt.build_window(Window.of_day(FIRST + ONE_DAY), side.window.end)
    for mart, rows in before.items():
        again = spark_table(cluster.tables, "marts", mart).select(rows.columns)
        assert again.sort(KEYS[mart]).equals(rows.sort(KEYS[mart])), mart
    assert_same_marts(cluster, side, report)


def test_a_late_and_a_corrected_day_give_the_same_marts(
    cluster: Cluster, side: Side, dbt: Dbt, report: Report
) -> None:
    late = side.window.end - 2 * ONE_DAY
    (side.settings.data_dir / "late.parquet").rename(side.raw("weather", late))
    path = side.raw("generation", FIRST)
    corrected = pl.read_parquet(path).filter(pl.col("timestamp").dt.hour() < 20)
    write_parquet_atomic(corrected.with_columns(pl.col("active_power_kw") * 0.5), path)
    windows = side.build_here()
    assert windows, "both days are stale"
    dbt.register_raw_tables()
    for window in windows:
        dbt.build_window(window, side.window.end)
    assert_same_marts(cluster, side, report)


def assert_same_marts(cluster: Cluster, side: Side, report: Report) -> None:
    found = compare_marts(side.settings.warehouse_path, cluster.tables)
    for compared in found:
        report(
            f"{compared.mart}: {compared.rows} rows, largest relative difference {compared.largest_relative:.1e}"
        )
    faults = [f"{compared.mart}: {fault}" for compared in found for fault in compared.faults]
    assert not faults, "\n".join(faults)
    assert all(compared.rows for compared in found if compared.mart != "event_intervals"), "nothing compared"
