"""Deletes old runs with their events from Dagster's history; data and tables are not touched."""

import argparse
import os
from datetime import UTC, datetime, timedelta

import dagster as dg

from dagster_project.failures import reported
from dagster_project.home import prepare_home
from renewable.settings import Settings, load_settings

_AT_ONCE = 100
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def prune_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete the finished runs that were made before `before`; returns how many.

    Dagster then shows the partitions that only these runs made as missing: it knows them by their events.
    """
    deleted, old = 0, dg.RunsFilter(statuses=_ENDED, created_before=before)
    while runs := instance.get_runs(old, limit=_AT_ONCE):
        for run in runs:
            instance.delete_run(run.run_id)
        deleted += len(runs)
    return deleted


def main() -> None:
    parser = argparse.ArgumentParser(description="Delete old runs from Dagster's history.")
    parser.add_argument(
        "--keep-days", type=int, required=True, help="age in days from which runs are deleted"
    )
    options = parser.parse_args()
    known: list[Settings] = []
    with reported(known):
        known.append(settings := load_settings())
        if fault := _too_few(options.keep_days, settings):
            parser.error(fault)
        os.environ["DAGSTER_HOME"] = str(prepare_home(settings))
        with dg.DagsterInstance.get() as instance:
            before = datetime.now(UTC) - timedelta(days=options.keep_days)
            print(
                f"deleted {prune_runs(instance, before)} runs that were made before {before:%Y-%m-%d %H:%M} UTC"
            )


def _too_few(days: int, settings: Settings) -> str | None:
    """The schedule would take days for missed whose runs are forgotten."""
    if days > settings.catch_up_days:
        return None
    return f"--keep-days must be more than RENEWABLE_CATCH_UP_DAYS={settings.catch_up_days}, got {days}"


if __name__ == "__main__":
    main()
