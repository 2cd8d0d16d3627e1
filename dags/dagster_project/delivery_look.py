"""The file sensor's look at deliveries: whether a run has to import what came, changed or was mended."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from dagster_project.runs import BATCH_TAG, MAX_FAILURES, SENSOR_TAG, Attempt, attempts_of, listed
from dagster_project.schedule import DAILY
from renewable.settings import Settings

DELIVERIES = "deliveries"


def delivery_request(
    context: dg.SensorEvaluationContext, settings: Settings
) -> dg.SensorResult | dg.SkipReason | None:
    """A run that imports what is new; None where no delivery is, and the raw files are to be looked at."""
    if settings.input != "mapping" or settings.mapping is None:
        return None
    from renewable.importers.inbox import Patience, peek
    from renewable.importers.ledger import store_of

    found = peek(settings.mapping, store_of(settings.raw_dir), Patience(settings.settle_s))
    if found.unfinished:
        context.log.info(f"still being written: {listed(found.unfinished)}")
    return (
        request(found.due, attempts_of(context.instance, DELIVERIES), datetime.now(UTC))
        if found.due
        else None
    )


def request(
    due: Mapping[str, str], tried: Sequence[Attempt], now: datetime
) -> dg.SensorResult | dg.SkipReason | None:
    """One run for files in this state; after MAX_FAILURES that failed for it none, until a file changes.

    The run's partition is today: it takes along whatever days the deliveries hold.
    """
    states = "\n".join(f"{name} {state}" for name, state in sorted(due.items()))
    batch = hashlib.sha256(states.encode()).hexdigest()[:16]
    if any(attempt.outcome == "unfinished" for attempt in tried):
        return dg.SkipReason(f"a run is importing; {len(due)} file(s) are new")
    alike = [attempt for attempt in tried if attempt.batch == batch]
    if any(attempt.outcome == "succeeded" for attempt in alike):
        return None
    if sum(attempt.outcome in ("failed", "cancelled") for attempt in alike) >= MAX_FAILURES:
        return dg.SkipReason(
            f"gave up on {len(due)} delivered file(s) after {MAX_FAILURES} failed runs, which say why:"
            f" {listed(sorted(due))}. Mend the cause, then run `renewable import`"
        )
    tags = {SENSOR_TAG: DELIVERIES, BATCH_TAG: batch}
    asked = dg.RunRequest(
        run_key=f"{batch}-{len(alike)}", job_name=DAILY, partition_key=str(now.date()), tags=tags
    )
    return dg.SensorResult(run_requests=[asked])
