"""Runs whose process is gone are failed, and what they held of the pools is free again. Living runs are left alone.

Dagster's daemon does the same within a minute; this is for runs without a daemon.
"""

import os
from dataclasses import dataclass

import dagster as dg
from dagster._core.storage.dagster_run import DagsterRunStatus

from dagster_project.launcher import is_alive, process_of
from dagster_project.runs import UNFINISHED, window_of_tags


@dataclass(frozen=True)
class Holder:
    """A step that has a slot of a pool; `pid` is that of its run, where it is known."""

    run_id: str
    step_key: str
    job: str
    pid: int | None

    def __str__(self) -> str:
        process = f"process {self.pid}" if self.pid else "process unknown"
        return f"step {self.step_key} of run {self.run_id} ({self.job}, {process})"


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the unfinished runs whose process is gone and free their slots; a sentence for each that was at fault."""
    unfinished = {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))}
    return [
        sentence
        for run_id in sorted(unfinished | _in_pools(instance))
        if (sentence := _end_if_dead(instance, run_id))
    ]


def end_own_runs(instance: dg.DagsterInstance) -> None:
    """Fail the unfinished runs of this process, which ends now, and free their slots."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        process = process_of(instance, run.run_id)
        if process and process[0] == os.getpid():
            instance.report_run_failed(run, "interrupted: its process was asked to end")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def holders(instance: dg.DagsterInstance, pool: str) -> list[Holder]:
    """Who has the slots of `pool` now."""
    found = []
    for slot in instance.event_log_storage.get_concurrency_info(pool).claimed_slots:
        run, process = instance.get_run_by_id(slot.run_id), process_of(instance, slot.run_id)
        window = window_of_tags(run.tags) if run else None
        job = " ".join(str(part) for part in (run.job_name if run else "unknown run", window) if part)
        found.append(Holder(slot.run_id, slot.step_key, job, process[0] if process else None))
    return found


def _in_pools(instance: dg.DagsterInstance) -> set[str]:
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return set()
    infos = [storage.get_concurrency_info(key) for key in storage.get_concurrency_keys()]
    claimed = {slot.run_id for info in infos for slot in info.claimed_slots}
    # A run that died while it waited may be next in the queue, which then stands still.
    return claimed | {step.run_id for info in infos for step in info.pending_steps}


def _end_if_dead(instance: dg.DagsterInstance, run_id: str) -> str | None:
    run, process = instance.get_run_by_id(run_id), process_of(instance, run_id)
    if run is None:
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        return f"run {run_id} was deleted; its slot is free again"
    if process is None:
        # Before its start a run holds nothing; Dagster's daemon sees to those that never start.
        return None
    pid, since = process
    is_over = run.is_finished and pid == os.getpid()
    if is_alive(pid, since) and not is_over:
        return None
    gone = f"process {pid} of this run is gone"
    if run.status is DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"{gone}; it was being cancelled")
    elif not run.is_finished:
        instance.report_run_failed(run, f"{gone}: killed, or the machine was off")
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return f"run {run_id} ({run.job_name}) is over: {gone}" if not is_over else None
