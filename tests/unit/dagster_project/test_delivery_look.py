"""When the sensor starts an import: once for each state of the files, and not for ever."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from dagster_project.delivery_look import request
from dagster_project.runs import BATCH_TAG, MAX_FAILURES, Attempt, Outcome
from dagster_project.schedule import DAILY
from renewable.windows import Window

pytestmark = pytest.mark.unit

NOW = datetime(2025, 6, 10, 12, tzinfo=UTC)
DUE = {"/inbox/a.csv": "10 1 1"}


def asked(due: dict[str, str], *outcomes: Outcome) -> dg.RunRequest | None:
    """The run that is asked for after runs for the state `DUE` that ended like this, newest first."""
    first = request(DUE, [], NOW)
    assert isinstance(first, dg.SensorResult) and first.run_requests
    batch = first.run_requests[0].tags[BATCH_TAG]
    today = Window.of_day(date(2025, 6, 10))
    found = request(due, [Attempt(today, batch, outcome, NOW) for outcome in outcomes], NOW)
    return found.run_requests[0] if isinstance(found, dg.SensorResult) and found.run_requests else None


def test_new_files_are_imported_by_one_run_of_the_daily_job() -> None:
    run = asked(DUE)
    assert run is not None and (run.job_name, run.partition_key) == (DAILY, "2025-06-10")
    assert asked(DUE) == run


def test_nothing_starts_while_a_run_imports_or_after_one_that_did() -> None:
    assert asked(DUE, "unfinished") is None
    assert asked(DUE, "succeeded") is None


def test_a_run_that_was_killed_or_failed_is_started_again_but_not_for_ever() -> None:
    first, second = asked(DUE), asked(DUE, "interrupted")
    assert first and second and first.run_key != second.run_key
    assert asked(DUE, *["failed"] * (MAX_FAILURES - 1)) is not None
    assert asked(DUE, *["failed"] * MAX_FAILURES) is None
    told = request(DUE, [], NOW)
    assert isinstance(told, dg.SensorResult)


def test_another_state_of_the_files_is_another_run() -> None:
    changed = {"/inbox/a.csv": "20 2 2"}
    run = asked(changed, *["failed"] * MAX_FAILURES)
    assert run is not None and run.run_key != getattr(asked(DUE), "run_key", None)
