"""What the tags of a run say: which UTC days it works on, who asked for it, how it ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

import dagster as dg

from renewable.windows import ONE_DAY, Window

PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
FAILURE_REASON_TAG = "dagster/failure_reason"
BATCH_TAG = "renewable/batch"
SENSOR_TAG = "renewable/sensor"
# Which fleet a run is about, by the name of its data directory.
FLEET_TAG = "renewable/fleet"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# What the history of one sensor needs: the batches that are still pending are among its latest runs.
_REMEMBERED_RUNS = 500

Outcome = Literal["unfinished", "succeeded", "failed", "interrupted"]


@dataclass(frozen=True)
class Attempt:
    """A run that a sensor started for `batch`, the state of the files of `window` at that time."""

    window: Window
    batch: str
    outcome: Outcome
    ended_at: datetime | None = None


def window_tags(window: Window) -> dict[str, str]:
    """Tags that make one run of a range of partitions."""
    return dict(zip(RANGE_TAGS, (str(window.start), str(window.end - ONE_DAY)), strict=True))


def window_of_tags(tags: Mapping[str, str]) -> Window | None:
    """The UTC days that a run with these tags works on; None when it has no partition."""
    first, last = (tags.get(tag) or tags.get(PARTITION_TAG) for tag in RANGE_TAGS)
    if not first or not last:
        return None
    return Window(date.fromisoformat(first), date.fromisoformat(last) + ONE_DAY)


def days_of_runs(tags_of_runs: Iterable[Mapping[str, str]]) -> set[date]:
    """All UTC days that runs with these tags work on."""
    windows = (window_of_tags(tags) for tags in tags_of_runs)
    return {day for window in windows if window for day in window.days}


def busy_days(instance: dg.DagsterInstance) -> set[date]:
    """UTC days that a run is queued for or at work on."""
    return days_of_runs(run.tags for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)))


def attempts_of(instance: dg.DagsterInstance, sensor: str) -> list[Attempt]:
    """The latest runs that `sensor` started, newest first."""
    records = instance.get_run_records(dg.RunsFilter(tags={SENSOR_TAG: sensor}), limit=_REMEMBERED_RUNS)
    found = []
    for record in records:
        tags = record.dagster_run.tags
        window, batch = window_of_tags(tags), tags.get(BATCH_TAG)
        if window and batch:
            ended = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else None
            found.append(Attempt(window, batch, outcome(record.dagster_run), ended))
    return found


def outcome(run: dg.DagsterRun) -> Outcome:
    """How a run ended. One that failed without a failed step was interrupted: killed, out of memory, machine off."""
    if run.status in UNFINISHED:
        return "unfinished"
    if run.status is dg.DagsterRunStatus.SUCCESS:
        return "succeeded"
    cancelled = run.status is dg.DagsterRunStatus.CANCELED
    return "failed" if cancelled or run.tags.get(FAILURE_REASON_TAG) == "STEP_FAILURE" else "interrupted"
