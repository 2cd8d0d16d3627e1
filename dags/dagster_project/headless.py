"""Runs the daily job over a range of days without the UI; the run shows in the UI afterwards.

Nearly all is imported late: Ctrl-C is heard from the first moment on, and where nothing is new Dagster is not needed.
"""

from typing import TYPE_CHECKING

from renewable.ctrl_c import interruptible

if TYPE_CHECKING:
    import argparse

    import dagster as dg

    from renewable.settings import Settings


def main() -> None:
    instances: list[dg.DagsterInstance] = []

    def end_runs() -> None:
        from dagster_project.dead_runs import end_own_runs

        for instance in instances:
            end_own_runs(instance)

    with interruptible(end_runs):
        _run(instances)


def _run(instances: "list[dg.DagsterInstance]") -> None:
    """Runs the job; `instances` gets the instance that knows of the run."""
    import os
    import time
    from datetime import UTC, datetime

    from dagster_project.failures import ended, reported
    from dagster_project.interrupts import end_like_ctrl_c
    from renewable.operations.pending_work import nothing_new
    from renewable.settings import load_settings
    from renewable.windows import requested_window

    end_like_ctrl_c()
    known: list[Settings] = []
    with reported(known):
        options = _parser().parse_args()
        known.append(settings := load_settings(options.profile))
        window = requested_window(options.start, options.end, options.days, today=datetime.now(UTC).date())
        if window is None:
            _parser().error("give --days or --start and --end")
        if nothing_new(settings, window, time.time()):
            print(f"nothing new: {window}: all is imported, loaded, built, published and reported")
            return
        from dagster import DagsterInstance

        from dagster_project.daily_run import ending, run_daily_job
        from dagster_project.home import prepare_home

        os.environ["DAGSTER_HOME"] = str(prepare_home(settings))
        with DagsterInstance.get() as instance:
            instances.append(instance)
            outcome = run_daily_job(settings, window, instance)
        if not outcome.success:
            ended(*ending(outcome))


def _parser() -> "argparse.ArgumentParser":
    import argparse
    from datetime import date
    from pathlib import Path

    from renewable import windows

    parser = argparse.ArgumentParser(
        prog="python -m dagster_project.headless",
        description="Run the daily Dagster job over a range of UTC days.",
    )
    parser.add_argument("--start", type=date.fromisoformat, help=windows.START)
    parser.add_argument("--end", type=date.fromisoformat, help=windows.END)
    parser.add_argument("--days", type=int, help=windows.DAYS)
    parser.add_argument("--profile", type=Path, help="settings of one fleet, a file like .env")
    return parser


if __name__ == "__main__":
    main()
