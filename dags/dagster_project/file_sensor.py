"""The file sensor. What to start is decided by a pure function over what is pending, what runs and what was tried."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import dagster as dg

from dagster_project.runs import BATCH_TAG, SENSOR_TAG, Attempt, attempts_of, busy_days, window_tags
from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.windows import Window, contiguous_windows

if TYPE_CHECKING:
    from analysis.pending_work import Work

RAW_FILE_SENSOR = "raw_file_sensor"
MAX_FAILURES = 3
# Runs that were killed are no verdict on the files; but files may be what kills them (memory), so there is an end.
MAX_ATTEMPTS = 10
_NAMED = 5


@dataclass(frozen=True)
class Request:
    """A run to start over `window`; `number` counts the runs that were started for this very state of its files."""

    window: Window
    batch: str
    number: int

    @property
    def run_request(self) -> dg.RunRequest:
        """The run key is new for each state of the files and each attempt, and the same if a tick is repeated."""
        tags = {SENSOR_TAG: RAW_FILE_SENSOR, BATCH_TAG: self.batch}
        run_key, days = f"{self.batch}-{self.number}", self.window.days
        if len(days) == 1:
            return dg.RunRequest(run_key=run_key, partition_key=str(days[0]), tags=tags)
        return dg.RunRequest(run_key=run_key, tags=tags | window_tags(self.window))


@dataclass(frozen=True)
class Plan:
    """What a look at the files leads to."""

    requests: tuple[Request, ...] = ()
    given_up: tuple[str, ...] = ()
    retry_at: datetime | None = None
    busy: int = 0
    too_early: tuple[date, ...] = ()


def raw_file_sensor(settings: Settings, job: Any) -> dg.SensorDefinition:
    """Starts `job` for the days of new, changed and removed raw files, by default stopped."""

    @dg.sensor(
        name=RAW_FILE_SENSOR,
        job=job,
        minimum_interval_seconds=settings.sensor_interval_s,
        description=f"Loads what is new, changed or gone under {settings.raw_dir}, one run a range of days.",
    )
    def raw_file_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        from analysis.pending_work import find_work

        work, tried = find_work(settings, time.time()), attempts_of(context.instance, RAW_FILE_SENSOR)
        return answer(
            work, plan(work, tried, busy_days(context.instance), datetime.now(UTC), settings), settings
        )

    return raw_file_sensor


def plan(work: "Work", tried: Sequence[Attempt], busy: set[date], now: datetime, settings: Settings) -> Plan:
    """One request for each contiguous range of days that no run is working on and that is due.

    `tried` holds the sensor's runs, newest first. A batch that failed and did not change stays apart, so that new
    files beside it neither wait for it nor have it tried again; after MAX_FAILURES it is given up until a file changes.
    """
    early = tuple(sorted(day for day in work.states if day < settings.first_day))
    free = {day for day in work.states if day not in busy and day >= settings.first_day}
    requests, given_up, waiting = [], list[str](), list[datetime]()
    for window, batch in _batches(work, free, tried):
        runs = [attempt for attempt in tried if attempt.batch == batch]
        unsettled = list(takewhile(lambda attempt: attempt.outcome != "succeeded", runs))
        failures = sum(attempt.outcome == "failed" for attempt in unsettled)
        if failures >= MAX_FAILURES or len(unsettled) >= MAX_ATTEMPTS:
            given_up += [name for day in window.days for name in work.files[day]]
        elif (due := _due(unsettled, failures, settings.retry_wait_s)) and due > now:
            waiting.append(due)
        else:
            requests.append(Request(window, batch, len(runs)))
    return Plan(
        tuple(requests), tuple(given_up), min(waiting, default=None), len(busy & work.states.keys()), early
    )


def answer(work: "Work", plan: Plan, settings: Settings) -> dg.SensorResult | dg.SkipReason:
    """The plan for Dagster. With nothing to start but files given up the tick fails, which shows and can be alerted."""
    if plan.requests:
        return dg.SensorResult(run_requests=[request.run_request for request in plan.requests])
    if plan.given_up:
        raise PipelineError(
            f"gave up on {len(plan.given_up)} file(s) after {MAX_FAILURES} failed runs: {_names(plan.given_up)}."
            " The failed runs say why. Mend the cause and materialize these days by hand, or write the files anew"
        )
    return dg.SkipReason("; ".join(_reasons(work, plan, settings)))


def _batches(work: "Work", free: set[date], tried: Sequence[Attempt]) -> list[tuple[Window, str]]:
    left, batches = set(free), []
    for attempt in tried:
        days = set(attempt.window.days)
        if (
            attempt.outcome != "succeeded"
            and days <= left
            and work.fingerprint(attempt.window.days) == attempt.batch
        ):
            batches.append((attempt.window, attempt.batch))
            left -= days
    batches += [(window, work.fingerprint(window.days)) for window in contiguous_windows(left)]
    return sorted(batches)


def _due(unsettled: Sequence[Attempt], failures: int, wait_s: float) -> datetime | None:
    """When the next attempt may start: `wait_s` after the last end, twice that after a second failure, and so on."""
    if not unsettled or unsettled[0].ended_at is None:
        return None
    return unsettled[0].ended_at + timedelta(seconds=wait_s * 2.0 ** max(0, failures - 1) if failures else 0)


def _reasons(work: "Work", plan: Plan, settings: Settings) -> list[str]:
    reasons = []
    if plan.busy:
        reasons.append(f"a run is working on {plan.busy} pending day(s)")
    if plan.retry_at:
        reasons.append(f"the next attempt after a failed run is due at {plan.retry_at:%H:%M:%S} UTC")
    if work.growing:
        reasons.append(f"still being written: {_names(work.growing)}")
    if plan.too_early:
        reasons.append(
            f"{len(plan.too_early)} pending day(s) lie before RENEWABLE_FIRST_DAY={settings.first_day},"
            f" first {plan.too_early[0]}"
        )
    if work.misnamed:
        reasons.append(f"no raw file by its name, the next load sets it aside: {_names(work.misnamed)}")
    return reasons or [f"nothing new among {work.files_seen} raw files"]


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
