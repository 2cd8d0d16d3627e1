"""What the daily schedule starts, on values alone."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.schedule import OLDER_RUNS, days_to_run
from renewable.settings import Settings

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)
DAYS = st.sets(st.integers(0, 40).map(lambda n: FIRST + timedelta(days=n)))


@given(DAYS, DAYS, st.integers(1, 40))
def test_the_daily_run_ends_with_yesterday_and_takes_along_what_is_pending(
    pending: set[date], busy: set[date], reach: int
) -> None:
    yesterday = FIRST + timedelta(days=45)
    out = {yesterday + timedelta(days=1), date(2099, 1, 1), date.max, date.min}
    night = days_to_run(yesterday, pending | out, busy, Settings(catch_up_days=reach))
    window, free = night.window, pending - busy
    assert window.days[-1] == yesterday and len(window.days) <= reach
    assert window.start == yesterday or window.start in free
    older = [day for one in night.older for day in one.days]
    assert len(night.older) <= OLDER_RUNS and not set(older) & busy
    assert all(day < yesterday - timedelta(days=reach - 1) for day in older)
    assert set(night.left_out) == (free | out) - set(window.days) - set(older)
    assert night.left_out == tuple(sorted(night.left_out))
    if not busy:
        assert set(night.left_out) == out, "a bounded number of runs takes all that is late"
