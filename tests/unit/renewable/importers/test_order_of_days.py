"""Laws of the question whether day and month are the other way round."""

from datetime import date, timedelta

import pytest

from renewable.importers.order_of_days import other_order

pytestmark = pytest.mark.unit


def run_of(first: date, number: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(number)]


def exchanged(days: list[date]) -> list[date]:
    return [date(day.year, day.day, day.month) for day in days]


@pytest.mark.parametrize("number", [3, 5, 12])
def test_a_run_of_days_that_was_read_as_months_fits_better_the_other_way(number: int) -> None:
    days = run_of(date(2024, 5, 1), number)
    assert other_order(exchanged(days)) == "better"
    assert other_order(days) == "not"


def test_a_day_above_twelve_settles_the_order() -> None:
    assert other_order(run_of(date(2024, 5, 10), 4)) == "not"


def test_few_days_may_be_read_both_ways() -> None:
    assert other_order([date(2024, 5, 6)]) == "as well"
    assert other_order(run_of(date(2024, 5, 6), 2)) == "as well"


def test_days_that_are_the_same_both_ways_are_no_question() -> None:
    assert other_order([date(2024, 5, 5)]) == "not"


def test_days_that_lie_scattered_both_ways_are_open() -> None:
    days = [date(2024, 1, 2), date(2024, 3, 4), date(2024, 7, 9)]
    assert other_order(days) == other_order(exchanged(days)) == "as well"
