"""What the file sensor starts, on values alone."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.file_sensor import MAX_RUNS, Request, plan
from dagster_project.runs import (
    DAYS_TAG,
    MAX_FAILURES,
    Attempt,
    Outcome,
    days_of_tag,
)
from renewable.operations.pending_work import Work
from renewable.settings import Settings
from renewable.windows import Window, contiguous_windows

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)
NOW = datetime(2025, 3, 1, tzinfo=UTC)
DAYS = st.sets(st.integers(0, 40).map(lambda n: FIRST + timedelta(days=n)))
SETTINGS = Settings(retry_wait_s=60)


def work_on(days: set[date], version: str = "1") -> Work:
    return Work({day: (f"{day}|{version}",) for day in days}, {day: (f"{day}.parquet",) for day in days})


def asked_of(requests: Sequence[Request]) -> set[date]:
    return {day for request in requests for day in request.window.days}


@given(DAYS, DAYS)
def test_requests_are_few_and_cover_every_free_day_and_no_busy_one(
    pending: set[date], busy: set[date]
) -> None:
    made = plan(work_on(pending), [], busy, NOW, SETTINGS)
    free, asked = pending - busy, asked_of(made.requests)
    assert len(made.requests) <= MAX_RUNS
    assert not asked & busy
    assert len(free - asked) == made.later
    assert made.later == 0 or len(made.requests) == MAX_RUNS
    contiguous = list(contiguous_windows(free))
    if len(contiguous) <= MAX_RUNS:
        assert [request.window for request in made.requests] == contiguous, (
            "no day too many where ranges are few"
        )
    assert all(before.window.end < after.window.start for before, after in pairwise(made.requests))
    assert len({request.run_request(FIRST).run_key for request in made.requests}) == len(made.requests)


def test_hundreds_of_scattered_days_become_few_runs_and_no_more_while_those_are_at_work() -> None:
    scattered = {FIRST + timedelta(days=2 * n - 1500) for n in range(735)}
    made = plan(work_on(scattered), [], set(), NOW, SETTINGS)
    assert len(made.requests) == MAX_RUNS and asked_of(made.requests) >= scattered
    assert {day for request in made.requests for day in request.days} == scattered
    at_work = [Attempt(r.window, r.batch, "unfinished", None, r.days) for r in made.requests]
    late = work_on(scattered | {FIRST + timedelta(days=20)})
    assert not plan(late, at_work, asked_of(made.requests), NOW, SETTINGS).requests
    for request in made.requests:
        tags = request.run_request(FIRST).tags
        if len(request.window.days) > 1:
            assert days_of_tag(tags[DAYS_TAG], request.window) == request.digests


@pytest.mark.parametrize("end", ["cancelled", "given up"])
def test_a_batch_that_ended_halfway_is_held_with_the_days_that_are_left(end: str) -> None:
    days = [FIRST + timedelta(days=n) for n in range(6)]
    (asked,) = plan(work_on(set(days)), [], set(), NOW, SETTINGS).requests
    outcome: Outcome = "cancelled" if end == "cancelled" else "failed"
    ended = [
        Attempt(asked.window, asked.batch, outcome, NOW, asked.days, tuple(asked.digests.values()))
    ] * MAX_FAILURES
    left = work_on(set(days[2:]))
    for busy in (set[date](), {days[3]}):
        held = plan(left, ended, busy, NOW, SETTINGS)
        assert not held.requests and len(held.cancelled or held.given_up) == 4
    assert plan(work_on(set(days[2:]), "2"), ended, set(), NOW, SETTINGS).requests, "its files changed"


def test_a_range_is_not_tried_again_over_days_that_another_run_works_on() -> None:
    scattered = {FIRST + timedelta(days=2 * n) for n in range(MAX_RUNS + 1)}
    made = plan(work_on(scattered), [], set(), NOW, SETTINGS)
    (merged,) = (request for request in made.requests if len(request.window.days) > 1)
    noted = tuple(merged.digests.values())
    ended = [Attempt(merged.window, merged.batch, "interrupted", NOW, merged.days, noted)]
    work = work_on(set(merged.days))
    assert plan(work, ended, set(), NOW, SETTINGS).requests
    between = merged.window.start + timedelta(days=1)
    assert not plan(work, ended, {between}, NOW, SETTINGS).requests


def test_a_file_that_still_grows_is_not_loaded_with_the_days_around_it() -> None:
    scattered = {FIRST + timedelta(days=2 * n) for n in range(MAX_RUNS + 1)}
    grows = dataclasses.replace(work_on(scattered), growing=("weather/weather_2025-01-02.parquet",))
    made = plan(grows, [], set(), NOW, SETTINGS)
    assert asked_of(made.requests) >= scattered and date(2025, 1, 2) not in asked_of(made.requests)


@given(DAYS.filter(bool), DAYS, st.sampled_from(["failed", "cancelled", "waiting"]))
def test_a_failed_or_cancelled_batch_stays_apart_from_new_days(
    pending: set[date], new: set[date], kind: str
) -> None:
    tried: list[Attempt] = []
    for day in pending:
        batch = work_on(pending).fingerprint([day])
        count, outcome = {"failed": (MAX_FAILURES, "failed"), "waiting": (1, "failed")}.get(
            kind, (1, "cancelled")
        )
        tried += [Attempt(Window.of_day(day), batch, outcome, NOW)] * count  # type: ignore[arg-type]
    after = plan(work_on(pending | new), tried, set(), NOW, SETTINGS)
    held = {f"{day}.parquet" for day in pending}
    assert set(after.given_up) == (held if kind == "failed" else set())
    assert set(after.cancelled) == (held if kind == "cancelled" else set())
    assert (after.retry_at is not None) == (kind == "waiting")
    asked = asked_of(after.requests)
    assert not asked & pending, "what is between two new days is not tried with them"
    assert len((new - pending) - asked) == after.later
    mended = plan(work_on(pending, "2"), tried, set(), NOW, SETTINGS)
    assert not mended.given_up and not mended.cancelled and mended.requests


@given(DAYS)
def test_days_without_a_partition_are_named_and_the_others_load(pending: set[date]) -> None:
    out = {date.max, date(2099, 1, 1), NOW.date() + timedelta(days=1), date.min}
    made = plan(work_on(pending | out), [], set(), NOW, SETTINGS)
    assert made.requests == plan(work_on(pending), [], set(), NOW, SETTINGS).requests
    assert made.too_early == (date.min,) and set(made.too_late) == out - {date.min}
    today = plan(work_on({NOW.date()}), [], set(), NOW, SETTINGS)
    assert asked_of(today.requests) == {NOW.date()}


def test_a_busy_warehouse_is_waited_for_as_long_as_it_takes_with_pauses_that_end() -> None:
    work = work_on({FIRST})
    busy = [Attempt(Window.of_day(FIRST), work.fingerprint([FIRST]), "busy", NOW)] * 1000
    assert not plan(work, busy, set(), NOW, SETTINGS).requests
    later = plan(work, busy, set(), NOW + timedelta(hours=1), SETTINGS)
    assert len(later.requests) == 1 and not later.given_up
    failed = [Attempt(Window.of_day(FIRST), work.fingerprint([FIRST]), "failed", NOW)] * MAX_FAILURES
    assert plan(work, busy + failed, set(), NOW, SETTINGS).given_up


def test_files_that_a_successful_run_leaves_pending_are_not_run_without_a_pause() -> None:
    work = work_on({FIRST})
    done = [Attempt(Window.of_day(FIRST), work.fingerprint([FIRST]), "succeeded", NOW)]
    assert plan(work, done, set(), NOW, SETTINGS).requests, "a warehouse that was restored, say"
    assert not plan(work, done * 5, set(), NOW + timedelta(seconds=60), SETTINGS).requests
