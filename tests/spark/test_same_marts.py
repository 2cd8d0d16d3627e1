"""Both engines give the same marts, whatever becomes of files, workers, builds and the server meanwhile.

The tests of this file build on each other, in their order: each build takes minutes.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.atomic_write import write_parquet_atomic
from renewable.fleet import Fleet, load_fleet
from renewable.published.publish import read_published
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.windows import ONE_DAY, Window
from tests.conftest import SEEDS
from tests.spark.cluster import Cluster, Process
from tests.spark.comparison import KEYS, compare_marts, mart_rows

pytestmark = pytest.mark.integration
FIRST = date(2025, 3, 30)
# RENEWABLE_ names are cleared in tests.
# Each day that a test changes is another one.
DAYS = max(4, int(os.environ.get("SPARK_TEST_DAYS", "10")))
WHOLE_FLEET = os.environ.get("SPARK_TEST_FLEET", "whole") == "whole"
LATEST_S = 3600.0
Report = Callable[[str], None]


@pytest.fixture(scope="module")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Says a line to who runs the tests: figures that a note quotes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", flush=True)

    yield say


class Twins:
    """A fleet that DuckDB builds `here` and a cluster builds `there`, of the same raw files."""

    def __init__(self, folder: Path, fleet: Fleet, fleet_dir: Path, cluster: Cluster, cache: Path) -> None:
        self.fleet, self.cluster = fleet, cluster
        of_both = Settings(fleet_dir=fleet_dir, lock_wait_s=LATEST_S, cache_dir=cache)
        self.here = of_both.model_copy(update={"data_dir": folder / "here"})
        self.there = of_both.model_copy(
            update={"data_dir": folder / "there", "engine": "spark", "spark_remote": cluster.remote}
        )

    @property
    def window(self) -> Window:
        return Window(FIRST, FIRST + timedelta(days=DAYS))

    def deliver(self, window: Window) -> None:
        generate(self.fleet, window, data_dir=self.here.data_dir, seed=4)

    def raw(self, table: str, day: date) -> Path:
        return RawFileName(table, day, None).path_under(self.here.raw_dir)  # type: ignore[arg-type]

    def take(self) -> None:
        """Let both have the raw files that there are now, and load them."""
        shutil.rmtree(self.there.raw_dir, ignore_errors=True)
        shutil.copytree(self.here.raw_dir, self.there.raw_dir)
        shutil.copytree(self.here.data_dir / "truth", self.there.data_dir / "truth", dirs_exist_ok=True)
        ingest(self.here)
        self.run("ingest")

    def run(self, *arguments: str) -> str:
        """What a command of `there` says; it has to end well."""
        return finished(self.start(*arguments))

    def start(self, *arguments: str, **settings: str) -> "subprocess.Popen[str]":
        """A command of `there`, in a process of its own, with further `settings`."""
        values = {
            "RENEWABLE_DATA_DIR": str(self.there.data_dir),
            "RENEWABLE_FLEET_DIR": str(self.there.fleet_dir),
            "RENEWABLE_LOCK_WAIT_S": str(self.there.lock_wait_s),
            "RENEWABLE_CACHE_DIR": str(self.there.cache_dir),
            "RENEWABLE_ENGINE": "spark",
            "RENEWABLE_SPARK_REMOTE": self.cluster.remote,
        }
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("renewable")), *arguments],
            env=os.environ | values | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            cwd=self.there.data_dir.parent,
        )


def finished(child: "subprocess.Popen[str]") -> str:
    try:
        said, _ = child.communicate(timeout=LATEST_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raise AssertionError(f"{child.args} took longer than {LATEST_S:.0f} s") from None
    assert child.returncode == 0, said[-6000:]
    return said


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory, fleet: Fleet, fleet_dir: Path, cluster: Cluster) -> Twins:
    cache = tmp_path_factory.getbasetemp() / "cache"
    folder = tmp_path_factory.mktemp("twins")
    if WHOLE_FLEET:
        return Twins(folder, load_fleet(SEEDS), SEEDS, cluster, cache)
    return Twins(folder, fleet, fleet_dir, cluster, cache)


def test_every_mart_of_all_days_is_the_same_though_a_worker_is_killed(
    twins: Twins, cluster: Cluster, report: Report
) -> None:
    twins.deliver(twins.window)
    # Comes later.
    late = twins.window.end - 2 * ONE_DAY
    twins.raw("weather", late).rename(twins.here.data_dir / "late.parquet")
    twins.take()
    transform(twins.here)
    since = time.monotonic()
    building = twins.start("transform")
    wait_for_tasks(cluster, cluster.workers[:1], 20, building)
    cluster.workers[0].kill()
    cluster.start_worker()
    report(f"{finished(building).strip().splitlines()[-1]}, in {time.monotonic() - since:.0f} s")
    assert_same_marts(twins, report)


def test_what_is_published_reported_explained_and_scored_is_there_as_on_duckdb(twins: Twins) -> None:
    twins.run("publish")
    twins.run("report")
    assert twins.there.report_page.exists()
    published = read_published(twins.there, "mart_asset_daily")
    assert published is not None
    assert published.height == mart_rows(twins.here.warehouse_path, "mart_asset_daily").height
    asset = twins.fleet.assets["asset_id"][0]
    assert asset in twins.run("explain", asset, f"{FIRST + ONE_DAY}T12:00Z")
    assert "curtailment" in twins.run("score")
    assert "nothing stale" in twins.run("transform")
    assert "built for all loaded days" in twins.run("status")


def test_another_fleet_on_the_same_cluster_is_refused_before_it_writes(twins: Twins) -> None:
    other = twins.start(
        "transform", "--full", RENEWABLE_SPARK_DIR=str(twins.there.data_dir.parent / "elsewhere")
    )
    said, _ = other.communicate(timeout=LATEST_S)
    assert other.returncode == 1 and "each fleet needs a catalogue of its own" in said, said
    assert "nothing stale" in twins.run("transform")


def test_a_day_built_again_changes_nothing(twins: Twins, report: Report) -> None:
    before = {mart: mart_rows(twins.there.warehouse_path, mart) for mart in KEYS}
    twins.run("transform", "--start", str(FIRST + ONE_DAY), "--days", "1")
    for mart, rows in before.items():
        again = mart_rows(twins.there.warehouse_path, mart)
        assert again.sort(KEYS[mart]).equals(rows.sort(KEYS[mart])), mart
    assert_same_marts(twins, report)


def test_late_corrected_and_removed_files_give_the_same_marts(twins: Twins, report: Report) -> None:
    (twins.here.data_dir / "late.parquet").rename(twins.raw("weather", twins.window.end - 2 * ONE_DAY))
    correct(twins, FIRST, 0.5)
    twins.raw("generation", twins.window.end - ONE_DAY).unlink()
    twins.take()
    assert transform(twins.here).windows, "three days are stale"
    twins.run("transform")
    assert_same_marts(twins, report)


def test_a_build_that_is_killed_changes_no_mart_and_is_made_again(
    twins: Twins, cluster: Cluster, report: Report
) -> None:
    correct(twins, FIRST + 2 * ONE_DAY, 0.7)
    twins.take()
    before = mart_rows(twins.there.warehouse_path, "mart_asset_daily")
    building = twins.start("transform")
    wait_for_tasks(cluster, cluster.workers, 100, building)
    os.killpg(building.pid, signal.SIGKILL)
    building.wait()
    assert mart_rows(twins.there.warehouse_path, "mart_asset_daily").equals(before)
    assert "half built" in twins.run("status")
    # Another correction: what the killed build left running on the cluster may not write over it.
    correct(twins, FIRST + 2 * ONE_DAY, 0.6)
    twins.take()
    transform(twins.here)
    twins.run("transform")
    assert_same_marts(twins, report)


def test_one_day_runs_at_once_are_exact(twins: Twins, report: Report) -> None:
    days = [FIRST, FIRST + ONE_DAY, FIRST + 2 * ONE_DAY]
    for number, day in enumerate(days):
        correct(twins, day, 0.9 - 0.1 * number)
    twins.take()
    transform(twins.here)
    at_once = [twins.start("transform", "--start", str(day), "--days", "1") for day in days]
    for child in at_once:
        finished(child)
    assert_same_marts(twins, report)


def test_a_server_that_dies_or_forgets_ends_the_build_with_a_sentence(twins: Twins, cluster: Cluster) -> None:
    correct(twins, FIRST + ONE_DAY, 0.3)
    twins.take()
    before = mart_rows(twins.there.warehouse_path, "mart_asset_daily")
    building = twins.start("transform")
    wait_for_tasks(cluster, cluster.workers, 20, building)
    cluster.server.kill()
    said, _ = building.communicate(timeout=300)
    assert building.returncode == 1 and "Traceback" not in said, said
    assert mart_rows(twins.there.warehouse_path, "mart_asset_daily").equals(before)
    after = twins.start("transform")
    said, _ = after.communicate(timeout=300)
    assert after.returncode == 1 and "no Spark Connect server answers" in said, said
    # Its catalogue was in memory.
    cluster.start_server()
    forgetful = twins.start("transform")
    said, _ = forgetful.communicate(timeout=LATEST_S)
    assert forgetful.returncode == 1 and "its catalogue was lost" in said and "JVM" not in said, said
    assert mart_rows(twins.there.warehouse_path, "mart_asset_daily").equals(before)


def correct(twins: Twins, day: date, factor: float) -> None:
    path = twins.raw("generation", day)
    rows = pl.read_parquet(path).filter(pl.col("timestamp").dt.hour() < 20)
    write_parquet_atomic(rows.with_columns(pl.col("active_power_kw") * factor), path)


def wait_for_tasks(
    cluster: Cluster, workers: Sequence[Process], tasks: int, building: "subprocess.Popen[str]"
) -> None:
    """Wait until `workers` have begun more than so many tasks; AssertionError where the build ends before."""

    def begun() -> int:
        return sum(cluster.tasks_run(worker) for worker in workers)

    before, give_up = begun(), time.monotonic() + LATEST_S
    while begun() <= before + tasks:
        assert building.poll() is None, building.communicate()[0]
        assert time.monotonic() < give_up
        time.sleep(0.05)


def assert_same_marts(twins: Twins, report: Report) -> None:
    found = compare_marts(twins.here.warehouse_path, twins.there.warehouse_path)
    rows, largest = sum(one.rows for one in found), max(one.largest_relative for one in found)
    report(f"{len(found)} marts, {rows} rows, largest relative difference {largest:.1e}")
    faults = [f"{compared.mart}: {fault}" for compared in found for fault in compared.faults]
    assert not faults, "\n".join(faults)
    assert all(compared.rows for compared in found if compared.mart != "event_intervals"), "nothing compared"
