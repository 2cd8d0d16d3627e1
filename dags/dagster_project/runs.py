"""What the tags of a run say: which UTC days it works on, who asked for it, how it ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

import dagster as dg

from dagster_project.interrupts import asked_to_end
from renewable.errors import WarehouseBusyError
from renewable.windows import ONE_DAY, Window

PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
FAILURE_REASON_TAG = "dagster/failure_reason"
BATCH_TAG = "renewable/batch"
# Which days of its range a run was started for: a number in base 16, of which bit 0 is the first day of the range, and
# after a colon the digest of each day's files.
DAYS_TAG = "renewable/days"
# Why its steps failed: `busy` when each of them found the warehouse held by another program, `interrupted` when the run
# was asked to end, otherwise `fault`.
STEP_FAULT_TAG = "renewable/step_fault"
SENSOR_TAG = "renewable/sensor"
# Switches of schedule and sensors are kept under this name, which `dg` gives the folder's code, too.
LOCATION = "dags"
# Which build of the books the run made.
BUILD_TAG = "renewable/build"
# Which fleet a run is about, by the name of its data directory.
FLEET_TAG = "renewable/fleet"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
DIGEST_LENGTH = 6
# What the history of one sensor needs: the batches that are still pending are among its latest runs.
_REMEMBERED_RUNS = 500

# Only `failed` is a verdict on the files.
Outcome = Literal["unfinished", "succeeded", "failed", "interrupted", "busy", "cancelled"]

# Runs that failed for the same files: then a sensor gives up, until a file changes.
MAX_FAILURES = 3
_NAMED = 5


@dataclass(frozen=True)
class Attempt:
    """A run that a sensor started over `window` for `batch`, the state of the files of `days` at that time.

    `digests` tell the state of each day, where the run noted them.
    """

    window: Window
    batch: str
    outcome: Outcome
    ended_at: datetime | None = None
    days: tuple[date, ...] = ()
    digests: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.days:
            object.__setattr__(self, "days", tuple(self.window.days))


def window_tags(window: Window) -> dict[str, str]:
    """Tags that make one run of a range of partitions."""
    return dict(zip(RANGE_TAGS, (str(window.start), str(window.end - ONE_DAY)), strict=True))


def days_tag(digests: Mapping[date, str], window: Window) -> str:
    """The digests of some days of `window`, each DIGEST_LENGTH long, as the value of DAYS_TAG."""
    mask = sum(1 << (day - window.start).days for day in digests)
    return f"{mask:x}:{''.join(digests[day] for day in sorted(digests))}"


def days_of_tag(value: str | None, window: Window) -> dict[date, str]:
    """The way back; empty where the tag is missing."""
    mask, _, text = (value or "0").partition(":")
    days = [day for number, day in enumerate(window.days) if int(mask, 16) >> number & 1]
    return {day: text[n * DIGEST_LENGTH : (n + 1) * DIGEST_LENGTH] for n, day in enumerate(days)}


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
            days = days_of_tag(tags.get(DAYS_TAG), window)
            ending = outcome(record.dagster_run)
            found.append(Attempt(window, batch, ending, ended, tuple(days), tuple(days.values())))
    return found


def outcome(run: dg.DagsterRun) -> Outcome:
    """How a run ended. One that failed without a failed step was interrupted: killed, out of memory, machine off."""
    if run.status in UNFINISHED:
        return "unfinished"
    if run.status is dg.DagsterRunStatus.SUCCESS:
        return "succeeded"
    if run.status is dg.DagsterRunStatus.CANCELED:
        return "cancelled"
    if run.tags.get(FAILURE_REASON_TAG) != "STEP_FAILURE":
        return "interrupted"
    of_steps: dict[str | None, Outcome] = {"busy": "busy", "interrupted": "interrupted"}
    return of_steps.get(run.tags.get(STEP_FAULT_TAG), "failed")


@dg.failure_hook(name="tell_why_a_step_failed")
def tell_why_a_step_failed(context: dg.HookContext) -> None:
    """Note on the run whether a step failed by itself: a busy warehouse and a signal are no fault of the files."""
    run = context.instance.get_run_by_id(context.run_id)
    before = run.tags.get(STEP_FAULT_TAG) if run else None
    fault = "interrupted" if asked_to_end() else "busy" if is_busy(context.op_exception) else "fault"
    if before in (None, fault) or fault == "fault":
        context.instance.add_run_tags(context.run_id, {STEP_FAULT_TAG: fault})


def cause_of(error: object) -> str:
    """What the innermost error of a failed step or tick says: the outer ones are Dagster's."""
    while (inner := getattr(error, "cause", None)) is not None:
        error = inner
    return str(getattr(error, "message", None) or "see its log").strip()


def reason_of(failed: Any) -> str:
    """Why a step failed, by its failure data: the sentence that it gave, else what its innermost error says."""
    told = failed.user_failure_data
    return str(told.description) if told and told.description else cause_of(failed.error)


def is_busy(error: BaseException | None) -> bool:
    """Whether a busy warehouse is behind `error`."""
    while error is not None and not isinstance(error, WarehouseBusyError):
        error = error.__cause__ or error.__context__
    return error is not None


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
