"""Decisions of schedule, sensor, alerts and launcher, on values alone."""

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.findings import coverage_finding, quarantine_finding
from analysis.pending_work import Work
from dagster_project.alerts import latest_failures
from dagster_project.file_sensor import MAX_ATTEMPTS, MAX_FAILURES, plan
from dagster_project.launcher import is_alive
from dagster_project.runs import Attempt, Outcome, days_of_runs, window_of_tags, window_tags
from dagster_project.schedule import days_to_run
from renewable.settings import Settings
from renewable.windows import Window

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)
NOW = datetime(2025, 3, 1, tzinfo=UTC)
DAYS = st.sets(st.integers(0, 40).map(lambda n: FIRST + timedelta(days=n)))
SETTINGS = Settings(retry_wait_s=60)


def work_on(days: set[date], version: str = "1") -> Work:
    return Work({day: (f"{day}|{version}",) for day in days}, {day: (f"{day}.parquet",) for day in days})


@given(DAYS, DAYS)
def test_requests_cover_every_free_day_once_in_the_fewest_ranges(pending: set[date], busy: set[date]) -> None:
    requests = plan(work_on(pending), [], busy, NOW, SETTINGS).requests
    days = [day for request in requests for day in request.window.days]
    assert sorted(days) == sorted(pending - busy)
    gaps = pairwise(requests)
    assert all(before.window.end < after.window.start for before, after in gaps)
    assert len({request.run_request.run_key for request in requests}) == len(requests)


@given(DAYS.filter(bool), DAYS)
def test_a_failed_batch_stays_apart_from_new_days(pending: set[date], new: set[date]) -> None:
    work = work_on(pending)
    failed = [
        Attempt(request.window, request.batch, "failed", NOW)
        for request in plan(work, [], set(), NOW, SETTINGS).requests
    ] * MAX_FAILURES
    after = plan(work_on(pending | new), failed, set(), NOW, SETTINGS)
    assert {day for request in after.requests for day in request.window.days} == new - pending
    assert set(after.given_up) == {f"{day}.parquet" for day in pending}
    mended = plan(work_on(pending, "2"), failed, set(), NOW, SETTINGS)
    assert not mended.given_up and mended.requests


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


@given(DAYS, DAYS, st.integers(1, 40))
def test_the_daily_run_ends_with_yesterday_and_misses_nothing_in_reach(
    done: set[date], busy: set[date], reach: int
) -> None:
    yesterday = FIRST + timedelta(days=45)
    window = days_to_run(yesterday, done, busy, Settings(catch_up_days=reach))
    assert window.days[-1] == yesterday and len(window.days) <= reach
    begun = min(done, default=yesterday)
    in_reach = Window(max(begun, yesterday - timedelta(days=reach - 1)), yesterday + timedelta(days=1)).days
    missed = {day for day in in_reach if day not in done and day not in busy}
    assert missed <= set(window.days)
    assert window.start == yesterday or window.start in missed


@given(st.integers(0, 400), st.integers(1, 400))
def test_tags_of_a_range_give_its_window_back(offset: int, length: int) -> None:
    start = FIRST + timedelta(days=offset)
    window = Window(start, start + timedelta(days=length))
    assert window_of_tags(window_tags(window)) == window
    assert days_of_runs([{"dagster/partition": str(start)}, {"other": "tag"}]) == {start}


def test_a_later_success_mends_a_failed_run_and_a_retry_to_come_is_no_trouble() -> None:
    def run(status: dg.DagsterRunStatus, day: str, **tags: str) -> dg.DagsterRun:
        return dg.DagsterRun(job_name="daily", status=status, tags={"dagster/partition": day} | tags)

    failed, success = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS
    newest_first = [
        run(dg.DagsterRunStatus.STARTED, "2025-01-03"),
        run(success, "2025-01-01"),
        run(failed, "2025-01-01"),
        run(failed, "2025-01-02"),
        run(success, "2025-01-02"),
        run(failed, "2025-01-03"),
        run(failed, "2025-01-04", **{"dagster/will_retry": "true"}),
    ]
    assert set(latest_failures(newest_first)) == {"run of daily 2025-01-02", "run of daily 2025-01-03"}


def test_a_process_is_alive_until_it_ends_and_its_number_is_not_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_alive(process.pid, time.time() + 1)
        assert not is_alive(process.pid, time.time() - 3600), "another process with the same number"
        process.kill()
        process.wait()
    assert not is_alive(process.pid, time.time() + 1)
    assert is_alive(os.getpid(), time.time())


def test_coverage_leaves_out_the_day_that_is_not_over() -> None:
    days = [FIRST + timedelta(days=n) for n in range(10)]
    daily = pl.DataFrame(
        [(asset, day, hours, 24.0) for asset, hours in (("a", 24.0), ("b", 12.0)) for day in days],
        schema=["asset_id", "date_local", "observed_hours", "expected_hours"],
        orient="row",
    )
    whole = daily.with_columns(
        observed_hours=pl.when(pl.col("date_local") == days[-1]).then(0.0).otherwise("observed_hours")
    )
    finding = coverage_finding(whole, 0.8)
    assert not finding.is_well and "1 of 2 assets" in finding.sentence and "fleet 75.0%" in finding.sentence
    assert coverage_finding(whole, 0.5).is_well
    assert coverage_finding(daily.clear(), 0.8).is_well


def test_an_empty_quarantine_is_well(tmp_path: Path) -> None:
    assert quarantine_finding(Settings(data_dir=tmp_path)).is_well
