"""What runs say by their tags and outcomes, and the pauses between them."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.file_sensor import MAX_ATTEMPTS, plan
from dagster_project.runs import (
    FAILURE_REASON_TAG,
    STEP_FAULT_TAG,
    Attempt,
    Outcome,
    days_of_runs,
    outcome,
    window_of_tags,
    window_tags,
)
from renewable.operations.pending_work import Work
from renewable.settings import Settings
from renewable.windows import Window

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)
NOW = datetime(2025, 3, 1, tzinfo=UTC)
SETTINGS = Settings(retry_wait_s=60)


def work_on(days: set[date], version: str = "1") -> Work:
    return Work({day: (f"{day}|{version}",) for day in days}, {day: (f"{day}.parquet",) for day in days})


@pytest.mark.parametrize(
    ("status", "tags", "expected"),
    [
        (dg.DagsterRunStatus.STARTED, {}, "unfinished"),
        (dg.DagsterRunStatus.SUCCESS, {}, "succeeded"),
        (dg.DagsterRunStatus.CANCELED, {FAILURE_REASON_TAG: "STEP_FAILURE"}, "cancelled"),
        (dg.DagsterRunStatus.FAILURE, {}, "interrupted"),
        (dg.DagsterRunStatus.FAILURE, {FAILURE_REASON_TAG: "STEP_FAILURE"}, "failed"),
        (dg.DagsterRunStatus.FAILURE, {FAILURE_REASON_TAG: "STEP_FAILURE", STEP_FAULT_TAG: "busy"}, "busy"),
        (
            dg.DagsterRunStatus.FAILURE,
            {FAILURE_REASON_TAG: "STEP_FAILURE", STEP_FAULT_TAG: "fault"},
            "failed",
        ),
    ],
)
def test_only_a_step_that_failed_by_itself_is_a_verdict(
    status: dg.DagsterRunStatus, tags: dict[str, str], expected: Outcome
) -> None:
    assert outcome(dg.DagsterRun(job_name="load_files", status=status, tags=tags)) == expected


@pytest.mark.parametrize(
    ("outcomes", "wait_s"),
    [(["failed"], 60), (["failed", "failed"], 120), (["interrupted"], 0), (["interrupted", "failed"], 60)],
)
def test_pauses_double_with_each_failure(outcomes: list[Outcome], wait_s: int) -> None:
    work = work_on({FIRST})
    batch = work.fingerprint([FIRST])
    tried = [Attempt(Window.of_day(FIRST), batch, outcome, NOW) for outcome in outcomes]
    soon = plan(work, tried, set(), NOW + timedelta(seconds=wait_s - 1), SETTINGS)
    assert not soon.requests or not wait_s
    due = plan(work, tried, set(), NOW + timedelta(seconds=wait_s), SETTINGS)
    assert [request.number for request in due.requests] == [len(outcomes)]


def test_runs_that_only_get_killed_come_to_an_end_too_and_a_success_starts_anew() -> None:
    work = work_on({FIRST})
    batch = work.fingerprint([FIRST])
    killed = [Attempt(Window.of_day(FIRST), batch, "interrupted", NOW)] * MAX_ATTEMPTS
    assert plan(work, killed, set(), NOW, SETTINGS).given_up
    since = [*killed[:2], Attempt(Window.of_day(FIRST), batch, "succeeded", NOW), *killed]
    assert plan(work, since, set(), NOW, SETTINGS).requests[0].number == len(since)


@given(st.integers(0, 400), st.integers(1, 400))
def test_tags_of_a_range_give_its_window_back(offset: int, length: int) -> None:
    start = FIRST + timedelta(days=offset)
    window = Window(start, start + timedelta(days=length))
    assert window_of_tags(window_tags(window)) == window
    assert days_of_runs([{"dagster/partition": str(start)}, {"other": "tag"}]) == {start}
