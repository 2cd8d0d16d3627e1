"""Pruning gives space back and leaves alone what is young or not finished."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.execute_in_process import core_execute_in_process

from dagster_project.executor import patient_executor
from dagster_project.prune import Pruned, prune, size_bytes

pytestmark = pytest.mark.integration
KEY = dg.AssetKey("asset")
QUIET = {"telemetry": {"enabled": False}}


@dg.asset(check_specs=[dg.AssetCheckSpec("check", asset=KEY)])
def asset() -> Iterator[Any]:
    check = dg.AssetCheckResult(passed=True, check_name="check")
    yield dg.MaterializeResult(metadata={"long": "x" * 200_000}, check_results=[check])


JOB = dg.Definitions(
    assets=[asset], jobs=[dg.define_asset_job("job", [asset])], executor=patient_executor
).resolve_job_def("job")


def finished(instance: dg.DagsterInstance) -> str:
    outcome = core_execute_in_process({}, InMemoryJob(JOB), instance, True, raise_on_error=False)
    assert outcome.success
    return outcome.run_id


def test_old_runs_go_with_all_that_is_kept_of_them_and_young_or_unfinished_ones_stay(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=QUIET) as instance:
        old = [finished(instance) for _ in range(2)]
        working = instance.create_run_for_job(JOB, status=dg.DagsterRunStatus.STARTED).run_id
        before = datetime.now(UTC)
        young = finished(instance)
        # what a former version left of a run that it deleted
        orphan = tmp_path / "history" / "runs" / f"{uuid4()}.db"
        orphan.write_bytes(b"x" * 1000)
        strange = tmp_path / "storage" / "of_somebody_else"
        strange.mkdir()
        events = len(instance.all_logs(young))
        size = size_bytes(tmp_path)

        pruned = prune(instance, tmp_path, before)

        assert pruned.runs == 2 and not pruned.in_use
        assert size - size_bytes(tmp_path) == pruned.freed_bytes > 4 * 200_000, "events and their copies"
        assert {run.run_id for run in instance.get_runs()} == {working, young}
        names = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")]
        assert not [name for name in names for run_id in (*old, orphan.stem) if run_id in name]
        assert [name for name in names if young in name and "compute_logs" in name] and strange.exists()
        assert len(instance.all_logs(young)) == events
        assert instance.get_latest_materialization_event(KEY)
        check = dg.AssetCheckKey(KEY, "check")
        verdicts = instance.event_log_storage.get_asset_check_execution_history(check, limit=9)
        assert {verdict.run_id for verdict in verdicts} == {young, working}
        finished(instance)


def test_the_last_verdict_of_a_check_outlives_its_run(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=QUIET) as instance:
        finished(instance)
        assert prune(instance, tmp_path, datetime.now(UTC)).runs == 1
        check = dg.AssetCheckKey(KEY, "check")
        assert len(instance.event_log_storage.get_asset_check_execution_history(check, limit=9)) == 1


def test_a_database_in_use_is_named_and_pruned_another_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_project.prune._BUSY_WAIT_S", 0.01)
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=QUIET) as instance:
        (tmp_path / "schedules").mkdir(exist_ok=True)
        database = tmp_path / "schedules" / "schedules.db"
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("begin immediate")
            pruned = prune(instance, tmp_path, datetime.now(UTC))
        assert pruned.in_use == ("schedules.db",) and "still in use" in str(pruned)
        assert prune(instance, tmp_path, datetime.now(UTC)) == Pruned(0, 0)
