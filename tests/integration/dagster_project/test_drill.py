"""Dagster's real daemon on a fresh instance: all at once, then all killed; the tables are the oracle's."""

import shutil
import subprocess
import sys
import time as clock
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from dagster_project.definitions import build_definitions
from dagster_project.file_sensor import RAW_FILE_SENSOR
from dagster_project.keys import published_key
from dagster_project.runs import UNFINISHED, days_of_runs
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.places import CHECKOUT as REPO
from renewable.published.publish import publish
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.windows import ONE_DAY, Window
from tests.integration.services import MODULE, environment, services
from tests.integration.warehouse_tables import assert_same_tables

pytestmark = pytest.mark.integration

SEED = 6


def test_backfills_schedule_and_sensor_at_once_and_killed_halfway_end_where_one_build_would(
    settings: Settings, fleet: Fleet
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=120)
    live = settings.model_copy(
        update={
            "seed": SEED,
            "daily_at": due.time().replace(second=0, microsecond=0),
            "sensor_interval_s": 5,
            "lock_wait_s": 300.0,
        }
    )
    yesterday = due.date() - ONE_DAY
    dropped, killed = _days_before(yesterday, 19, 18), _days_before(yesterday, 15, 11)
    backfills = [_days_before(yesterday, *range_) for range_ in ((9, 7), (8, 5), (4, 3))]
    with services(live) as dagster:
        dagster.start("daemon")
        _switch_on(live, "schedule", "daily_schedule")
        _switch_on(live, "sensor", RAW_FILE_SENSOR)
        for number, window in enumerate(backfills):
            _backfill(live, dagster.instance, f"drill{number}", window)
        _drop(live, fleet, dropped)
        dagster.until(600, "three backfills", lambda: _completed(dagster.instance) == 3)
        dagster.until(
            800, "sensor and schedule", lambda: _done(dagster.instance) >= {*dropped.days, yesterday}
        )
        dagster.until(480, "all runs at their end", lambda: not _unfinished(dagster.instance))
        runs = dagster.instance.get_runs()
        assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
        sources = [run.tags.get("dagster/backfill") or run.tags.get("dagster/schedule_name") for run in runs]
        assert {"drill0", "drill1", "drill2", "daily_schedule"} <= set(sources)
        # Both ask what is pending: the files that a stranger dropped are loaded by whichever looks first.
        automatic = ("dagster/sensor_name", "dagster/schedule_name")
        found = days_of_runs(run.tags for run in runs if any(tag in run.tags for tag in automatic))
        assert set(dropped.days) <= found

        _backfill(live, dagster.instance, "killed", killed)
        dagster.until(480, "a run at work", lambda: _at_work(dagster.instance))
        dagster.kill("daemon")
        assert _unfinished(dagster.instance), "the instance believes that the run goes on"
        dagster.start("daemon")
        dagster.until(900, "the killed backfill", lambda: _completed(dagster.instance) == 4)
        dagster.until(480, "all runs at their end", lambda: not _unfinished(dagster.instance))
        failed = [run for run in dagster.instance.get_runs() if not run.is_success]
        assert [run.tags.get("dagster/backfill") for run in failed] == ["killed"]

    oracle = settings.model_copy(update={"data_dir": settings.data_dir.with_name("oracle")})
    shutil.copytree(live.raw_dir, oracle.raw_dir)
    days = set().union(*(window.days for window in (*backfills, dropped, killed)), {yesterday})
    made = {date.fromisoformat(path.stem[-10:]) for path in live.raw_dir.rglob("*.parquet")}
    assert made >= days
    ingest(oracle)
    transform(oracle)
    publish(oracle)
    assert_same_tables(live.warehouse_path, oracle.warehouse_path)
    for mart in oracle.published_dir.glob("mart_*.parquet"):
        theirs, ours = (
            pl.read_parquet(path).drop("build_id") for path in (live.published_dir / mart.name, mart)
        )
        assert theirs.equals(ours), mart.name


def _days_before(day: date, first: int, last: int) -> Window:
    return Window(day - timedelta(days=first), day - timedelta(days=last - 1))


def _switch_on(settings: Settings, kind: str, name: str) -> None:
    command = [sys.executable, "-m", "dagster", kind, "start", name, "-m", MODULE]
    subprocess.run(command, cwd=REPO / "dags", env=environment(settings), check=True, capture_output=True)


def _backfill(settings: Settings, instance: dg.DagsterInstance, name: str, window: Window) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    asked = PartitionBackfill.from_asset_partitions(
        backfill_id=name,
        asset_graph=graph,
        partition_names=[str(day) for day in window.days],
        asset_selection=sorted(graph.materializable_asset_keys),
        backfill_timestamp=clock.time(),
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(asked)


def _drop(settings: Settings, fleet: Fleet, window: Window) -> None:
    """Files as a stranger drops them: each appears whole, under its name."""
    elsewhere = settings.data_dir.with_name("dropped")
    generate(fleet, window, data_dir=elsewhere, seed=SEED)
    for path in sorted((elsewhere / "raw").rglob("*.parquet")):
        target = settings.raw_dir / path.relative_to(elsewhere / "raw")
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)


def _completed(instance: dg.DagsterInstance) -> int:
    found = instance.get_backfills()
    assert all(backfill.status is not BulkActionStatus.FAILED for backfill in found), found
    return sum(backfill.status is BulkActionStatus.COMPLETED_SUCCESS for backfill in found)


def _done(instance: dg.DagsterInstance) -> set[date]:
    key = published_key("mart_asset_daily")
    return {date.fromisoformat(day) for day in instance.get_materialized_partitions(key)}


def _unfinished(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return list(instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)))


def _at_work(instance: dg.DagsterInstance) -> bool:
    """A run has got as far as the warehouse."""
    steps = [
        record.event_log_entry.step_key
        for run in _unfinished(instance)
        for record in instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_START).records
    ]
    return "warehouse_tables" in steps
