"""The file sensor. What to start is decided by a pure function over what is pending, what runs and what was tried."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import dagster as dg

from dagster_project.partitions import earliest_day, takes_any_day
from dagster_project.runs import (
    BATCH_TAG,
    DAYS_TAG,
    DIGEST_LENGTH,
    LOCATION,
    MAX_FAILURES,
    SENSOR_TAG,
    Attempt,
    attempts_of,
    busy_days,
    days_tag,
    listed,
    window_tags,
)
from dagster_project.schedule import LOAD_FILES
from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.windows import Window, few_windows

if TYPE_CHECKING:
    from renewable.operations.pending_work import Work

RAW_FILE_SENSOR = "raw_file_sensor"
# Runs that were killed are no verdict on the files; but files may be what kills them (memory), so there is an end.
MAX_ATTEMPTS = 10
# Runs of the sensor that are queued or at work at a time. The days of a tick are merged into that few.
MAX_RUNS = 5
_LONGEST_PAUSE_S = 900.0


@dataclass(frozen=True)
class Request:
    """A run to start over `window` for `days` of it; `number` counts the runs for this very state of their files."""

    window: Window
    batch: str
    number: int
    digests: Mapping[date, str]

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(sorted(self.digests))

    def run_request(self, begins: date) -> dg.RunRequest:
        """The run key is new for each state of the files and each attempt, and the same if a tick is repeated.

        Days before `begins` are no partitions yet that a request may name; the run itself knows them.
        """
        tags = {SENSOR_TAG: RAW_FILE_SENSOR, BATCH_TAG: self.batch}
        run_key, days = f"{self.batch}-{self.number}", self.window.days
        if len(days) == 1 and days[0] >= begins:
            return dg.RunRequest(run_key=run_key, job_name=LOAD_FILES, partition_key=str(days[0]), tags=tags)
        tags |= window_tags(self.window) | {DAYS_TAG: days_tag(self.digests, self.window)}
        return dg.RunRequest(run_key=run_key, job_name=LOAD_FILES, tags=tags)


@dataclass(frozen=True)
class Plan:
    """What a look at the files leads to. `given_up` and `cancelled` are names of files, `later` counts days."""

    requests: tuple[Request, ...] = ()
    given_up: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    retry_at: datetime | None = None
    busy: int = 0
    later: int = 0
    too_early: tuple[date, ...] = ()
    too_late: tuple[date, ...] = ()


def raw_file_sensor(settings: Settings, load_files: Any, daily: Any, begins: date) -> dg.SensorDefinition:
    """Starts `load_files` for the days of new, changed and removed raw files, by default stopped.

    With a mapping it looks at the deliveries first, and starts `daily` where one is new. `begins` is the first
    partition that the pages know.
    """

    @dg.sensor(
        name=RAW_FILE_SENSOR,
        jobs=[load_files, daily] if takes_any_day(settings) else [load_files],
        minimum_interval_seconds=settings.sensor_interval_s,
        description=f"Loads what is new, changed or gone under {settings.raw_dir}, at most {MAX_RUNS} runs at a time.",
    )
    def raw_file_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        from dagster_project.delivery_look import delivery_request
        from renewable.operations.pending_work import find_work

        if (delivered := delivery_request(context, settings)) is not None:
            return delivered
        work, tried = find_work(settings, time.time()), attempts_of(context.instance, RAW_FILE_SENSOR)
        made = plan(work, tried, busy_days(context.instance), datetime.now(UTC), settings)
        if made.requests:
            context.log.info("; ".join(_reasons(work, made, settings, begins)))
        return answer(work, made, settings, begins)

    return raw_file_sensor


def plan(work: "Work", tried: Sequence[Attempt], busy: set[date], now: datetime, settings: Settings) -> Plan:
    """A few runs over the days that no run is working on and that are due.

    `tried` holds the sensor's runs, newest first. A batch that did not end well and did not change stays apart, so that
    new files beside it neither wait for it nor have it tried again. After MAX_FAILURES it is given up, and after a
    person cancelled it it is left, until a file changes. A busy warehouse is no reason to give up.
    Days that are no partition, before the first day or in the future, are left out.
    """
    today = now.astimezone(UTC).date()
    early = tuple(sorted(day for day in work.states if day < earliest_day(settings)))
    late = tuple(sorted(day for day in work.states if day > today))
    free = set(work.states) - busy - set(early) - set(late)
    given_up, cancelled, waiting, due_again = list[str](), list[str](), list[datetime](), list[Request]()
    digests = {day: work.fingerprint([day])[:DIGEST_LENGTH] for day in work.states}
    for last, days in _tried_batches(work, digests, tried):
        free -= days
        runs = [attempt for attempt in tried if attempt.batch == last.batch]
        unsettled = list(takewhile(lambda attempt: attempt.outcome != "succeeded", runs))
        names = [name for day in sorted(days) for name in work.files[day]]
        if unsettled and unsettled[0].outcome == "cancelled":
            cancelled += names
        elif _is_hopeless(unsettled):
            given_up += names
        elif (due := _due(runs, settings.retry_wait_s)) and due > now:
            waiting.append(due)
        elif busy.isdisjoint(last.window.days):
            noted = dict(zip(last.days, last.digests or [digests[day] for day in last.days], strict=True))
            due_again.append(Request(last.window, last.batch, len(runs), noted))
    # A run over a gap between two free days works on the days in it, too.
    apart = (set(work.states) | busy | work.growing_days) - free
    room = MAX_RUNS - sum(attempt.outcome == "unfinished" for attempt in tried)
    room_for_fresh = max(1, room - len(due_again)) if room > 0 else 0
    fresh = [
        _request(window, {day: digests[day] for day in window.days if day in free}, work, tried)
        for window in few_windows(free, max(1, room_for_fresh), apart)[:room_for_fresh]
    ]
    again = due_again[: max(0, room - len(fresh))]
    requests = sorted(fresh + again, key=lambda request: request.window)
    asked = {day for request in requests for day in request.days}
    wanted = free | {day for request in due_again for day in request.days}
    return Plan(
        tuple(requests),
        tuple(given_up),
        tuple(cancelled),
        min(waiting, default=None),
        len(busy & work.states.keys()),
        len(wanted - asked),
        early,
        late,
    )


def answer(work: "Work", plan: Plan, settings: Settings, begins: date) -> dg.SensorResult | dg.SkipReason:
    """The plan for Dagster. With nothing to start but files given up the tick fails, which shows and can be alerted."""
    if plan.requests:
        return dg.SensorResult(run_requests=[request.run_request(begins) for request in plan.requests])
    if plan.given_up:
        raise PipelineError(
            f"gave up on {len(plan.given_up)} file(s) after {MAX_FAILURES} failed runs: {listed(plan.given_up)}."
            " The failed runs say why. Mend the cause and materialize these days by hand, or write the files anew"
        )
    return dg.SkipReason("; ".join(_reasons(work, plan, settings, begins)))


def _tried_batches(
    work: "Work", digests: Mapping[date, str], tried: Sequence[Attempt]
) -> list[tuple[Attempt, set[date]]]:
    """What was tried and is as it was then, newest first, with those of its days that are still pending.

    A run that ended halfway may have built some of its days.
    """
    seen, found = set[date](), []
    for attempt in tried:
        days = {day for day in attempt.days if day in digests}
        if not days or days & seen:
            continue
        noted = zip(attempt.days, attempt.digests, strict=False)
        if (
            all(digests.get(day, digest) == digest for day, digest in noted)
            if attempt.digests
            else work.fingerprint(attempt.days) == attempt.batch
        ):
            found.append((attempt, days))
            seen |= days
    return found


def _request(window: Window, digests: Mapping[date, str], work: "Work", tried: Sequence[Attempt]) -> Request:
    batch = work.fingerprint(digests)
    return Request(window, batch, sum(attempt.batch == batch for attempt in tried), digests)


def _is_hopeless(unsettled: Sequence[Attempt]) -> bool:
    outcomes = [attempt.outcome for attempt in unsettled]
    failures = outcomes.count("failed")
    return failures >= MAX_FAILURES or failures + outcomes.count("interrupted") >= MAX_ATTEMPTS


def _due(runs: Sequence[Attempt], wait_s: float) -> datetime | None:
    """When the next attempt may start: `wait_s` after the last end, twice that after a second such end, and so on.

    An interrupted run is started again at once, unless another kind of end came before it. One that succeeded and left
    its files pending waits, too, or it would be started for ever without a pause.
    """
    if not runs or (ended_at := runs[0].ended_at) is None:
        return None
    if runs[0].outcome == "succeeded":
        alike = len(list(takewhile(lambda attempt: attempt.outcome == "succeeded", runs))) - 1
    else:
        unsettled = takewhile(lambda attempt: attempt.outcome != "succeeded", runs)
        alike = sum(attempt.outcome in ("failed", "busy") for attempt in unsettled)
    pause_s = wait_s * 2.0 ** min(alike - 1, 20) if alike > 0 else 0.0
    return ended_at + timedelta(seconds=min(pause_s, max(wait_s, _LONGEST_PAUSE_S)))


def _reasons(work: "Work", plan: Plan, settings: Settings, begins: date) -> list[str]:
    reasons = []
    if plan.busy:
        reasons.append(f"a run is working on {plan.busy} pending day(s)")
    if plan.retry_at:
        reasons.append(f"the next attempt after a failed run is due at {plan.retry_at:%H:%M:%S} UTC")
    if plan.later:
        reasons.append(
            f"{plan.later} day(s) wait until fewer than {MAX_RUNS} runs of this sensor are at work"
        )
    if plan.cancelled:
        reasons.append(
            f"a person cancelled the run of {len(plan.cancelled)} file(s), which wait until they change or somebody"
            f" materializes their days: {listed(plan.cancelled)}"
        )
    if work.upgrade_needed:
        reasons.append(
            "other models built the tables: run `renewable upgrade`; until then files are loaded only"
        )
    if work.growing:
        reasons.append(f"still being written: {listed(work.growing)}")
    if plan.too_early:
        reasons.append(
            f"{len(plan.too_early)} pending day(s) lie before {earliest_day(settings)}, first {plan.too_early[0]}:"
            " RENEWABLE_FIRST_DAY says from which day on files count"
        )
    if older := sorted(day for request in plan.requests for day in request.days if day < begins):
        reasons.append(
            f"{len(older)} day(s) from {older[0]} on lie before the first partition that the pages know ({begins}):"
            f" reload the code location `{LOCATION}` under Deployment to see them"
        )
    if plan.too_late:
        reasons.append(
            f"{len(plan.too_late)} pending day(s) lie in the future, which has no partition:"
            f" {listed([str(day) for day in plan.too_late])}"
        )
    if work.misnamed:
        reasons.append(f"no raw file by its name, the next load sets it aside: {listed(work.misnamed)}")
    return reasons or [
        "nothing else is new" if plan.requests else f"nothing new among {work.files_seen} raw files"
    ]
