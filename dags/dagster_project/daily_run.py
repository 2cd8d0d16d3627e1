"""The daily job as one run in this process, as the UI shows it afterwards."""

import contextlib
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from dagster_project.dead_runs import end_dead_runs
from dagster_project.definitions import build_definitions
from dagster_project.runs import LOCATION, reason_of, window_tags
from dagster_project.runs import outcome as outcome_of
from renewable.errors import FAULT, INTERRUPTED
from renewable.settings import Settings
from renewable.windows import Window

_LONGEST = 600
# The definitions as the pages know them.
_REPOSITORY = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), "__repository__")


@dg.logger(config_schema={})
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """A line a message of the steps on stderr; Dagster's own events are in the UI."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.INFO)
    handler.setFormatter(_StepFormatter())
    handler.addFilter(lambda record: "subsetted execution" not in record.getMessage())
    logger = logging.Logger("progress", level=logging.INFO)
    logger.addHandler(handler)
    return logger


class _StepFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta = getattr(record, "dagster_meta", {})
        message = meta.get("orig_message") or record.getMessage()
        return f"{datetime.now(UTC):%H:%M:%S} {meta.get('step_key') or 'run'}: {message}"


def run_daily_job(settings: Settings, window: Window, instance: dg.DagsterInstance) -> dg.JobExecutionResult:
    """One run of the job `daily` over all days of `window`, after the runs whose process is gone are ended."""
    for sentence in end_dead_runs(instance):
        print(sentence, file=sys.stderr)
    # dbt's own lines are in the run's log; here they would drown the progress.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        job = build_definitions(
            settings, {"console": progress_logger}, begins_at_most=window.start
        ).resolve_job_def("daily")
        run = instance.create_run_for_job(
            job,
            run_config={"loggers": {"console": {}}},
            # The daemon could not start it again: it knows this run's process only.
            tags={**job.run_tags, **window_tags(window), "dagster/max_retries": "0"},
        )
        # Without it the first page leaves the run out: it would belong to no definitions.
        instance.run_storage.replace_job_origin(run, RemoteJobOrigin(_REPOSITORY, job.name))
        # `job.execute_in_process` would put Dagster's executor in the place of ours.
        return execute_run(InMemoryJob(job), run, instance)


def ending(run: dg.JobExecutionResult) -> tuple[str, int]:
    """How a run that did not succeed ended, in a line, and the exit code."""
    failed = run.get_step_failure_events()
    if outcome_of(run.dagster_run) == "interrupted":
        where = f" in {failed[0].step_key}" if failed else ""
        return f"run {run.run_id} was interrupted{where}; the next run goes on", INTERRUPTED
    causes = {" ".join(reason_of(event.step_failure_data).split()) for event in failed}
    steps = ", ".join(str(event.step_key) for event in failed)
    said = f"failed in {steps}: {'; '.join(sorted(causes))[:_LONGEST]}"
    return f"run {run.run_id} {said}; `make ui` shows its log", FAULT
