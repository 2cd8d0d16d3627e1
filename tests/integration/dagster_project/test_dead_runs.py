"""The pool of the warehouse: dead runs lose their slot, living ones keep it; waiting is quiet, told and ends."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, Timer
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.execution.execute_in_process import core_execute_in_process

from dagster_project.dead_runs import end_dead_runs, holders
from dagster_project.executor import PatientPools, patient_executor
from dagster_project.runs import outcome as outcome_of
from dagster_project.runs import tell_why_a_step_failed

pytestmark = pytest.mark.integration
POOL = "duckdb"


@dg.op(pool=POOL)
def step() -> None: ...


@dg.job(executor_def=patient_executor)
def job() -> None:
    step()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    overrides = {
        "concurrency": {"pools": {"granularity": "op", "default_limit": 1}},
        "telemetry": {"enabled": False},
    }
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=overrides) as made:
        made.event_log_storage.initialize_concurrency_limit_to_default(POOL)
        yield made


@contextmanager
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is killed or the test ends."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        try:
            yield started
        finally:
            started.kill()


def holding(
    instance: dg.DagsterInstance, pid: int, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED
) -> dg.DagsterRun:
    """A run of process `pid` that has asked for the pool, and has its slot if it was free."""
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING)
    start = DagsterEvent(DagsterEventType.RUN_START.value, job.name, message="start", pid=pid)
    instance.report_dagster_event(start, run_id=run.run_id)
    if status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceling(run)
    instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "step")
    return run


def execute(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return core_execute_in_process({}, InMemoryJob(job), instance, True, raise_on_error=False)


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def _kill_when_waited_for(instance: dg.DagsterInstance, other: subprocess.Popen[bytes]) -> None:
    waiting = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
    while not any(
        "waits for a slot" in entry.user_message
        for run in instance.get_runs(waiting)
        for entry in instance.all_logs(run.run_id)
    ):
        time.sleep(0.2)
    other.kill()
    other.wait()


def test_runs_whose_process_is_gone_are_ended_and_free_their_slot_and_living_ones_keep_it(
    instance: dg.DagsterInstance,
) -> None:
    with process() as gone, process() as alive:
        dead = holding(instance, gone.pid)
        queued = holding(instance, gone.pid, dg.DagsterRunStatus.CANCELING)
        living = holding(instance, alive.pid)
        not_begun = instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED)
        assert end_dead_runs(instance) == [], "all of them live"
        gone.kill()
        gone.wait()
        told = end_dead_runs(instance)
        assert {run.run_id for run in (dead, queued)} == {sentence.split()[1] for sentence in told}
        assert all(str(gone.pid) in sentence for sentence in told)
        assert status_of(instance, dead) is dg.DagsterRunStatus.FAILURE
        assert status_of(instance, queued) is dg.DagsterRunStatus.CANCELED
        assert status_of(instance, living) is dg.DagsterRunStatus.STARTED
        assert status_of(instance, not_begun) is dg.DagsterRunStatus.NOT_STARTED
        claim = instance.event_log_storage.claim_concurrency_slot(POOL, living.run_id, "step")
        assert claim.is_claimed, "next in the queue after the dead"
        assert end_dead_runs(instance) == []
        (holder,) = holders(instance, POOL)
        assert (holder.run_id, holder.pid, holder.step_key) == (living.run_id, alive.pid, "step")


def test_a_finished_run_whose_process_died_before_it_freed_its_slot_holds_it_no_more(
    instance: dg.DagsterInstance,
) -> None:
    with process() as gone:
        dead = holding(instance, gone.pid)
        instance.report_run_failed(dead)
        gone.kill()
        gone.wait()
        deleted = holding(instance, os.getpid())
        instance.run_storage.delete_run(deleted.run_id)
    assert execute(instance).success
    assert holders(instance, POOL) == []


def test_a_run_waits_for_a_living_one_asleep_says_for_whom_and_goes_on_when_that_one_dies(
    instance: dg.DagsterInstance,
) -> None:
    with process() as other:
        holder = holding(instance, other.pid)
        Thread(target=_kill_when_waited_for, args=(instance, other)).start()
        wall_s, cpu_s = time.monotonic(), time.thread_time()
        outcome = execute(instance)
        wall_s, cpu_s = time.monotonic() - wall_s, time.thread_time() - cpu_s
    assert outcome.success
    assert cpu_s < wall_s / 2, "a waiting run keeps no core busy"
    assert status_of(instance, holder) is dg.DagsterRunStatus.FAILURE
    said = [entry.user_message for entry in instance.all_logs(outcome.run_id)]
    (waits,) = [line for line in said if "waits for a slot" in line]
    assert all(part in waits for part in (POOL, holder.run_id, str(other.pid), "step step"))


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_waiting_run_ends_on_a_signal_and_leaves_the_pool_to_its_holder(
    instance: dg.DagsterInstance, sign: signal.Signals
) -> None:
    with process() as other:
        holder = holding(instance, other.pid)
        Timer(0.5, os.kill, (os.getpid(), sign)).start()
        began = time.monotonic()
        outcome = execute(instance)
        assert time.monotonic() - began < 10
        assert not outcome.success
        assert status_of(instance, outcome.dagster_run) is dg.DagsterRunStatus.FAILURE
        info = instance.event_log_storage.get_concurrency_info(POOL)
        assert [slot.run_id for slot in info.claimed_slots] == [holder.run_id]
        assert {step.run_id for step in info.pending_steps} == {holder.run_id}
        assert status_of(instance, holder) is dg.DagsterRunStatus.STARTED


def test_a_run_that_is_interrupted_inside_its_step_fails_and_frees_its_slot(
    instance: dg.DagsterInstance,
) -> None:
    @dg.op(pool=POOL)
    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    @dg.job(executor_def=patient_executor)
    def stopped() -> None:
        interrupted()

    outcome = core_execute_in_process({}, InMemoryJob(stopped), instance, True, raise_on_error=False)
    assert status_of(instance, outcome.dagster_run) is dg.DagsterRunStatus.FAILURE
    assert holders(instance, POOL) == []
    assert execute(instance).success


def test_an_interruption_that_a_library_turns_into_an_error_is_no_verdict(
    instance: dg.DagsterInstance,
) -> None:
    @dg.op(pool=POOL)
    def turning(context: dg.OpExecutionContext) -> None:
        try:
            if context.has_tag("asked"):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(10)
        except BaseException as error:
            raise RuntimeError("as dbt does") from error
        raise RuntimeError("by itself")

    @dg.job(executor_def=patient_executor, hooks={tell_why_a_step_failed})
    def failing() -> None:
        turning()

    for tags, expected in (({"asked": "x"}, "interrupted"), ({}, "failed")):
        ended = core_execute_in_process({}, InMemoryJob(failing), instance, True, False, run_tags=tags)
        assert outcome_of(ended.dagster_run) == expected


def test_whatever_ends_the_steps_of_a_run_its_slots_are_free_then(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    context: Any = SimpleNamespace(instance=instance, dagster_run=run, log=logging.getLogger())
    with pytest.raises(OSError, match="full"), PatientPools(context) as pools:
        assert pools.claim(POOL, "step")
        assert [holder.run_id for holder in holders(instance, POOL)] == [run.run_id]
        raise OSError("full disk while the event of the step was written")
    assert holders(instance, POOL) == []


def test_a_library_that_swallows_a_signal_does_not_keep_a_run_from_ending(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_project.interrupts._AGAIN_S", 0.2)

    @dg.op(pool=POOL)
    def swallowing() -> None:
        before = signal.signal(signal.SIGTERM, lambda *_: None)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)
        time.sleep(10)

    @dg.job(executor_def=patient_executor)
    def stopped() -> None:
        swallowing()

    began = time.monotonic()
    outcome = core_execute_in_process({}, InMemoryJob(stopped), instance, True, raise_on_error=False)
    assert time.monotonic() - began < 8
    assert status_of(instance, outcome.dagster_run) is dg.DagsterRunStatus.FAILURE
    assert holders(instance, POOL) == []
