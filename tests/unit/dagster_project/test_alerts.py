"""Which failed runs are trouble now, on values alone."""

import dagster as dg
import pytest

from dagster_project.alerts import latest_failures

pytestmark = pytest.mark.unit


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
