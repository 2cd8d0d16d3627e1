"""Jobs, the daily schedule and the file sensor. Decisions are pure functions over what is pending and what runs."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.metadata import RAW_FILES
from loaders.dlt_pipeline import pending_files
from loaders.pending import Pending, batch_hash
from renewable.settings import Settings
from renewable.windows import Window, contiguous_windows

PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
BATCH_TAG = "renewable/batch"
MAX_ATTEMPTS = 3
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def jobs(partitions: dg.PartitionsDefinition[str]) -> tuple[Any, Any]:
    """The daily job over everything, and the one that loads files which are there already."""
    everything = dg.AssetSelection.all()
    daily = dg.define_asset_job(
        "daily", everything, partitions_def=partitions, description="Raw files to published marts."
    )
    load_files = dg.define_asset_job(
        "load_files",
        everything - dg.AssetSelection.groups(RAW_FILES),
        partitions_def=partitions,
        description="From the raw files that are there to published marts.",
    )
    return daily, load_files


def daily_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """Runs `job` for yesterday (UTC), by default stopped."""

    @dg.schedule(name="daily_schedule", job=job, cron_schedule=settings.schedule_cron, execution_timezone="UTC")
    def daily_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        yesterday = context.scheduled_execution_time.date() - timedelta(days=1)
        return dg.RunRequest(partition_key=yesterday.isoformat())

    return daily_schedule


def raw_file_sensor(settings: Settings, job: Any) -> dg.SensorDefinition:
    """Starts `job` for the days of new and changed raw files, by default stopped."""

    @dg.sensor(name="raw_file_sensor", job=job, minimum_interval_seconds=settings.sensor_interval_s)
    def raw_file_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        pending = pending_files(settings)
        busy = days_of_runs(run.tags for run in context.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)))
        return answer(pending, busy, lambda batch: attempts(context.instance, batch), settings)

    return raw_file_sensor


def attempts(instance: dg.DagsterInstance, batch: str) -> int:
    """How many runs were started for this very set of files."""
    return instance.get_runs_count(dg.RunsFilter(tags={BATCH_TAG: batch}))


def answer(
    pending: Pending, busy: set[date], attempts_of: Any, settings: Settings
) -> dg.SensorResult | dg.SkipReason:
    """One run for each contiguous range of pending days that no run is working on; else the reason for none."""
    free = [day for day in pending.partition_days if day not in busy and day >= settings.first_day]
    requests, given_up = [], []
    for window in contiguous_windows(free):
        paths = [path for unit in pending.days if unit.day in window for path in unit.changed]
        batch = batch_hash(paths, settings.raw_dir)
        tries = attempts_of(batch)
        if tries < MAX_ATTEMPTS:
            requests.append(run_request(window, batch, tries))
        else:
            given_up += paths
    if requests:
        return dg.SensorResult(run_requests=requests)
    return dg.SkipReason(_reason(pending, busy, given_up, settings))


def run_request(window: Window, batch: str, tries: int) -> dg.RunRequest:
    """A run over `window`, one partition or a range. The key is new for each state of the files and each attempt."""
    run_key, tags = f"{batch}-{tries}", {BATCH_TAG: batch}
    first, last = window.days[0].isoformat(), window.days[-1].isoformat()
    if first == last:
        return dg.RunRequest(run_key=run_key, partition_key=first, tags=tags)
    return dg.RunRequest(run_key=run_key, tags=tags | range_tags(window))


def range_tags(window: Window) -> dict[str, str]:
    """Tags that make one run of a range of partitions."""
    return dict(zip(RANGE_TAGS, (window.days[0].isoformat(), window.days[-1].isoformat()), strict=True))


def days_of_runs(tags_of_runs: Iterable[Mapping[str, str]]) -> set[date]:
    """The UTC days that runs with these tags work on."""
    days: set[date] = set()
    for tags in tags_of_runs:
        first, last = (tags.get(tag) or tags.get(PARTITION_TAG) for tag in RANGE_TAGS)
        if first and last:
            days.update(Window(date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1)).days)
    return days


def _reason(pending: Pending, busy: set[date], given_up: list[Path], settings: Settings) -> str:
    early = [day for day in pending.partition_days if day < settings.first_day]
    if given_up:
        names = ", ".join(path.name for path in given_up[:5])
        return f"gave up after {MAX_ATTEMPTS} attempts on {len(given_up)} file(s): {names}. See the failed runs, then write the files anew."
    if early:
        return f"{len(early)} pending day(s) lie before RENEWABLE_FIRST_DAY={settings.first_day}: {early[0]} is the first"
    if pending.days:
        return f"a run is working on the {len(pending.partition_days)} pending day(s)"
    return f"nothing new among {pending.files_seen} raw files"
