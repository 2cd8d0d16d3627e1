"""The days of the fleet's calendar, and where the data of the last one end."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pytest

from renewable.data_calendar import (
    DOUBTFUL_EMPTY_DAYS,
    MOST_EMPTY_DAYS,
    Edge,
    data_calendar,
    days_before_results,
    doubtful_holes,
    read_edges,
)
from renewable.windows import ONE_DAY, Window

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


def _at(hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def test_every_day_from_the_first_to_the_last_that_has_data_counts_whatever_came_between() -> None:
    assert data_calendar([_day(9), _day(0), _day(4)], None, None).stretches == (Window(_day(0), _day(10)),)
    assert data_calendar([], None, None).days == []


def test_days_begin_and_end_with_the_fleet_with_a_day_for_local_dates_on_either_side() -> None:
    days = [_day(0), _day(20)]
    assert data_calendar(days, _day(5), None).stretches == (Window(_day(4), _day(21)),)
    assert data_calendar(days, None, _day(9)).stretches == (Window(_day(0), _day(11)),)
    assert data_calendar(days, _day(22), None).days == [] == data_calendar(days, None, _day(-2)).days
    assert data_calendar(days, _day(21), None).days == [_day(20)]
    assert data_calendar(days, None, _day(-1)).days == [_day(0)]


def test_a_hole_of_years_is_filled_and_one_longer_than_any_is_taken_for_a_slip() -> None:
    filled = data_calendar([_day(0), _day(MOST_EMPTY_DAYS + 1)], None, None)
    assert len(filled.days) == MOST_EMPTY_DAYS + 2
    slip = data_calendar([_day(0), _day(3), _day(MOST_EMPTY_DAYS + 5)], None, None)
    assert slip.stretches == (Window(_day(0), _day(4)), Window.of_day(_day(MOST_EMPTY_DAYS + 5)))
    assert slip.last_days == [_day(3), _day(MOST_EMPTY_DAYS + 5)]


def test_the_table_of_days_says_on_the_last_one_alone_where_the_data_end() -> None:
    calendar = data_calendar([_day(-1), _day(0)], None, None)
    table = calendar.table({_day(0): Edge(_at(10, 50), _at(11))})
    assert table.rows() == [
        (_day(-1), _at(0), _at(0)),
        (_day(0), _at(10, 50), _at(11)),
    ]
    assert calendar.table({}).rows()[1] == (_day(0), _at(24), _at(24)), "nothing is known of an end"


def test_the_end_is_that_of_the_last_interval_of_either_table() -> None:
    weather = pl.DataFrame({"asset_id": ["a", "a", "b"], "timestamp": [_at(1), _at(2), _at(24)]})
    generation = pl.DataFrame({"asset_id": ["b", "b"], "timestamp": [_at(-1), _at(1, 45)]})
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    tables = [connection.from_arrow(frame.to_arrow()) for frame in (weather, generation)]
    calendar = data_calendar([_day(0)], None, None)
    assert read_edges(calendar, tables, {"a": 30, "b": 60}) == {_day(0): Edge(_at(2), _at(2, 45))}
    assert read_edges(data_calendar([_day(7)], None, None), tables, {"a": 30, "b": 60}) == {}


@pytest.mark.parametrize(
    ("edge", "is_cut"),
    [
        (Edge(_at(23, 50), _at(24)), False),
        (Edge(_at(23, 40), _at(23, 50)), True),
        (Edge(_at(23, 0), _at(24)), True),
    ],
)
def test_a_day_is_cut_while_an_interval_of_the_shortest_kind_does_not_count(edge: Edge, is_cut: bool) -> None:
    assert edge.is_cut([(10, 0), (60, 0)]) == is_cut


def test_long_stretches_without_data_are_told() -> None:
    quiet = _day(DOUBTFUL_EMPTY_DAYS)
    assert doubtful_holes({_day(0), quiet}) == []
    (told,) = doubtful_holes({_day(0), quiet + ONE_DAY})
    assert f"the {DOUBTFUL_EMPTY_DAYS} days between 2025-01-01 and 2025-02-02, and they count" in told
    (slip,) = doubtful_holes({_day(0), _day(MOST_EMPTY_DAYS + 2)})
    assert "they do not count" in slip


def test_days_with_data_before_the_first_day_of_results_are_told() -> None:
    days = {_day(0), _day(0) + ONE_DAY, _day(0) + 2 * ONE_DAY}
    (told,) = days_before_results(days, _day(0) + 2 * ONE_DAY)
    assert f"2 loaded days, {_day(0)} to {_day(0) + ONE_DAY}, lie before RENEWABLE_FIRST_DAY" in told
    assert days_before_results(days, _day(0)) == [] == days_before_results(days, None)
