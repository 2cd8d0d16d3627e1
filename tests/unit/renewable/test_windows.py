"""Windows are half-open ranges of UTC days."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewable.errors import WindowError
from renewable.windows import Window, contiguous_windows, few_windows, requested_window

pytestmark = pytest.mark.unit
DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))
CLOSE_DAYS = st.sets(st.integers(0, 40).map(lambda n: date(2025, 1, 1) + timedelta(days=n)))


@given(st.sets(DAYS, max_size=40))
def test_contiguous_windows_hold_exactly_the_days_they_were_made_of(days: set[date]) -> None:
    windows = list(contiguous_windows(days))
    assert [day for window in windows for day in window.days] == sorted(days)
    assert all(left.end < right.start for left, right in itertools.pairwise(windows))


@given(DAYS, st.integers(1, 400))
def test_a_window_is_half_open(start: date, length: int) -> None:
    window = Window(start, start + timedelta(days=length))
    assert window.start in window and window.end not in window
    assert len(window.days) == length


@given(CLOSE_DAYS, CLOSE_DAYS, st.integers(1, 9))
def test_few_windows_close_the_smallest_gaps_and_none_with_a_day_to_leave_out(
    days: set[date], apart: set[date], at_most: int
) -> None:
    windows = few_windows(days, at_most, apart - days)
    held = [day for window in windows for day in window.days]
    assert days <= set(held) and len(held) == len(set(held))
    assert not set(held) & (apart - days)
    if not apart:
        assert len(windows) == min(at_most, len(list(contiguous_windows(days))))
        gaps = [(after.start - before.end) for before, after in itertools.pairwise(windows)]
        closed = contiguous_windows(set(held) - days)
        assert all((window.end - window.start) <= gap for window in closed for gap in gaps)


def test_an_empty_window_is_refused_with_its_ends() -> None:
    with pytest.raises(WindowError, match="2025-01-02 to 2025-01-02"):
        Window(date(2025, 1, 2), date(2025, 1, 2))


def test_days_counts_whole_days_before_today() -> None:
    today = date(2025, 5, 1)
    assert requested_window(None, None, 2, today=today) == Window(date(2025, 4, 29), today)
    assert requested_window(None, None, None, today=today) is None
    with pytest.raises(WindowError, match="not both"):
        requested_window(None, today, 3, today=today)
    first = date(2025, 1, 30)
    assert requested_window(first, None, 3, today=today) == Window(first, date(2025, 2, 2))
    with pytest.raises(WindowError, match="beyond the year 9999"):
        requested_window(date.max, None, 1, today=today)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (date(2026, 11, 12), date(2026, 11, 26), "12 to 25 November 2026, both included"),
        (date(2026, 10, 28), date(2026, 11, 4), "28 October to 3 November 2026, both included"),
        (date(2025, 12, 30), date(2026, 1, 3), "30 December 2025 to 2 January 2026, both included"),
        (date(2025, 1, 5), date(2026, 1, 6), "5 January 2025 to 5 January 2026, both included"),
        (date(2024, 2, 29), date(2024, 3, 1), "29 February 2024"),
    ],
)
def test_words_name_the_first_and_the_last_day_and_never_the_one_after(
    start: date, end: date, words: str
) -> None:
    assert str(Window(start, end)) == words
