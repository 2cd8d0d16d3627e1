"""Jobs, the daily schedule and the file sensor. Decisions are pure functions over what is pending and what runs."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl

from analysis.status import published_stale_days
from dagster_project.metadata import RAW_FILES
from loaders.load_log import pending_files, read_load_log
from loaders.pending import ledger_name
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


def jobs() -> tuple[Any, Any]:
    """The daily job over everything, and the one that loads files which are there already."""
    everything = dg.AssetSelection.all()
    daily = dg.define_asset_job("daily", everything, description="Raw files to published marts.")
    load_files = dg.define_asset_job(
        "load_files",
        everything - dg.AssetSelection.groups(RAW_FILES),
        description="From the raw files that are there to published marts.",
    )
    return daily, load_files


def daily_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """Runs `job` for yesterday (UTC), by default stopped."""

    @dg.schedule(
        name="daily_schedule", job=job, cron_schedule=settings.schedule_cron, execution_timezone="UTC"
    )
    def daily_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        yesterday = context.scheduled_execution_time.date() - timedelta(days=1)
        return dg.RunRequest(partition_key=yesterday.isoformat())

    return daily_schedule


def raw_file_sensor(settings: Settings, job: Any) -> dg.SensorDefinition:
    """Starts `job` for the days of new and changed raw files, by default stopped."""

    @dg.sensor(name="raw_file_sensor", job=job, minimum_interval_seconds=settings.sensor_interval_s)
    def raw_file_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        work = find_work(settings)
        unfinished = context.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        busy = days_of_runs(run.tags for run in unfinished)
        return answer(work, busy, lambda batch: attempts(context.instance, batch), settings.first_day)

    return raw_file_sensor


@dataclass(frozen=True)
class Work:
    """Days that need a run, each with what identifies its state, and the names of the files behind them."""

    days: Mapping[date, tuple[str, ...]]
    files: Mapping[date, tuple[str, ...]]
    files_seen: int


def find_work(settings: Settings) -> Work:
    """Days with files to load, and days that are loaded but not built: a run may have failed in between."""
    pending, log = pending_files(settings), read_load_log(settings)
    states: dict[date, list[str]] = {}
    files: dict[date, list[str]] = {}
    for unit in pending.days:
        for path in unit.changed:
            stat, name = path.lstat(), ledger_name(path, settings.raw_dir)
            states.setdefault(unit.day, []).append(
                f"{name}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}"
            )
            files.setdefault(unit.day, []).append(name)
        states.setdefault(unit.day, []).extend(f"{name}|removed" for name in unit.removed)
        files.setdefault(unit.day, []).extend(unit.removed)
    for day in published_stale_days(settings):
        loaded = log.filter(pl.col("day") == day).select("file", "sha256").rows()
        states.setdefault(day, []).extend(f"{name}|{sha256}" for name, sha256 in loaded)
        files.setdefault(day, []).extend(name for name, _ in loaded)
    return Work(
        {day: tuple(sorted(state)) for day, state in states.items()},
        {day: tuple(sorted(set(names))) for day, names in files.items()},
        pending.files_seen,
    )


def answer(
    work: Work, busy: set[date], attempts_of: Callable[[str], int], first_day: date
) -> dg.SensorResult | dg.SkipReason:
    """One run for each contiguous range of days that no run is working on; else the reason for none."""
    free = [day for day in work.days if day not in busy and day >= first_day]
    requests, given_up = [], []
    for window in contiguous_windows(free):
        batch = batch_hash(state for day in window.days for state in work.days[day])
        tries = attempts_of(batch)
        if tries < MAX_ATTEMPTS:
            requests.append(run_request(window, batch, tries))
        else:
            given_up += [name for day in window.days for name in work.files[day]]
    if requests:
        return dg.SensorResult(run_requests=requests)
    return dg.SkipReason(_reason(work, given_up, first_day))


def batch_hash(states: Iterable[str]) -> str:
    """Identity of a set of files in their present state."""
    return hashlib.sha256("\n".join(states).encode()).hexdigest()[:16]


def attempts(instance: dg.DagsterInstance, batch: str) -> int:
    """How many runs were started for this very state of the files."""
    return instance.get_runs_count(dg.RunsFilter(tags={BATCH_TAG: batch}))


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


def _reason(work: Work, given_up: list[str], first_day: date) -> str:
    early = sorted(day for day in work.days if day < first_day)
    if given_up:
        return (
            f"gave up after {MAX_ATTEMPTS} attempts on {len(given_up)} file(s): {', '.join(given_up[:5])}."
            " See the failed runs; a run by hand, or files written anew, mend it."
        )
    if early:
        return f"{len(early)} pending day(s) lie before RENEWABLE_FIRST_DAY={first_day}, first {early[0]}"
    if work.days:
        return f"a run is working on the {len(work.days)} pending day(s)"
    return f"nothing new among {work.files_seen} raw files"
