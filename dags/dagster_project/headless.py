"""Runs the daily job over a range of days without the UI; the run shows in the UI afterwards."""

import argparse
import contextlib
import logging
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.execute_in_process import core_execute_in_process

from dagster_project.dead_runs import end_dead_runs
from dagster_project.definitions import build_definitions
from dagster_project.failures import reported
from dagster_project.home import prepare_home
from dagster_project.interrupts import end_like_ctrl_c
from dagster_project.runs import cause_of, window_tags
from dagster_project.runs import outcome as outcome_of
from renewable import windows
from renewable.settings import Settings, load_settings
from renewable.windows import Window, requested_window

_LONGEST = 600


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


def run_daily_job(
    settings: Settings, window: Window, instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    """One run of the job `daily` over all days of `window`, after the runs whose process is gone are ended."""
    for sentence in end_dead_runs(instance):
        print(sentence, file=sys.stderr)
    # dbt's own lines are in the run's log; here they would drown the progress.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        job = build_definitions(settings, loggers={"console": progress_logger}).resolve_job_def("daily")
        # `job.execute_in_process` would put Dagster's executor in the place of ours.
        return core_execute_in_process(
            job=InMemoryJob(job),
            instance=instance,
            # The daemon could not start it again: it knows this run's process only.
            run_tags=window_tags(window) | {"dagster/max_retries": "0"},
            run_config={"loggers": {"console": {}}},
            output_capturing_enabled=True,
            raise_on_error=False,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the daily Dagster job over a range of UTC days.")
    parser.add_argument("--start", type=date.fromisoformat, help=windows.START)
    parser.add_argument("--end", type=date.fromisoformat, help=windows.END)
    parser.add_argument("--days", type=int, help=windows.DAYS)
    parser.add_argument("--profile", type=Path, help="settings of one fleet, a file like .env")
    options = parser.parse_args()
    end_like_ctrl_c()
    known: list[Settings] = []
    with reported(known):
        known.append(settings := load_settings(options.profile))
        window = requested_window(options.start, options.end, options.days, today=datetime.now(UTC).date())
        if window is None:
            parser.error("give --days or --start and --end")
        os.environ["DAGSTER_HOME"] = str(prepare_home(settings))
        with dg.DagsterInstance.get() as instance:
            outcome = run_daily_job(settings, window, instance)
        if not outcome.success:
            sys.exit(_ended(outcome))


def _ended(ended: dg.ExecuteInProcessResult) -> str:
    """How a run that did not succeed ended, in a line."""
    failed = ended.get_step_failure_events()
    if outcome_of(ended.dagster_run) != "interrupted":
        causes = {" ".join(cause_of(event.step_failure_data.error).split()) for event in failed}
        said = f"failed in {', '.join(str(event.step_key) for event in failed)}: {'; '.join(sorted(causes))[:_LONGEST]}"
    else:
        said = f"was interrupted{f' in {failed[0].step_key}' if failed else ''}; what was half done is undone"
    return f"run {ended.run_id} {said}; `make ui` shows its log"


if __name__ == "__main__":
    main()
