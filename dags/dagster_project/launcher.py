"""Starts runs as processes of this machine, as Dagster's default does, and can tell whether such a process is gone."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import psutil
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus


class LocalRunLauncher(DefaultRunLauncher):
    """Dagster's default leaves a run "started" for ever when the machine, or the code server with it, goes down.

    With this the run monitoring sees that the process is gone, fails the run, and retries and sensors go on.
    """

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> "LocalRunLauncher":
        return cls(inst_data=inst_data, **config_value)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process that wrote the run's start is still there."""
        process = process_of(self._instance, run.run_id)
        if process is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "no process is known yet")
        if is_alive(*process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {process[0]} of this run is gone")


def process_of(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """Number of the process that wrote the run's start, and when, in seconds since the epoch; None before its start."""
    started = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_START, limit=1).records
    event = started[0].event_log_entry.dagster_event if started else None
    return (event.pid, started[0].timestamp) if event is not None and event.pid is not None else None


def is_alive(pid: int, since: float) -> bool:
    """Whether process `pid` runs and is not another one that got the number after `since`, seconds since the epoch."""
    try:
        process = psutil.Process(pid)
        return bool(process.create_time() <= since and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
