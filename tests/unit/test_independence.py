"""When a constant of the simulator counts as known to a detection."""

from datetime import date, timedelta

import polars as pl
import pytest

from mock_data.worlds import scalable
from tests.independence.__main__ import MOVES, Found, Move, f1, found_dirt, judge, moves_of, read_moves

pytestmark = pytest.mark.unit


def test_f1_is_the_harmonic_mean_and_nothing_found_is_nothing() -> None:
    assert f1(0.5, 1.0) == pytest.approx(2 / 3)
    assert f1(None, 0.0) == 0.0 and f1(0.0, 0.0) == 0.0
    assert f1(0.9, None) is None


def test_dirt_is_found_by_asset_days_that_lose_more_than_two_percent() -> None:
    days = [date(2025, 1, 1) + timedelta(days=i) for i in range(4)]
    about = {"asset_id": ["a"] * 4, "date_local": days}
    true = pl.DataFrame({**about, "soiling_ratio": [0.97, 0.97, 0.97, 0.99]})
    daily = pl.DataFrame({**about, "soiling_ratio": [0.90, None, 0.99, 0.97]})
    assert found_dirt(true, daily) == Found(f1(0.5, 1 / 3), 3)


@pytest.mark.parametrize(
    ("before", "after", "is_large"),
    [
        (Found(0.90, 200), Found(0.96, 200), True),
        (Found(0.90, 200), Found(0.84, 900), True),
        (Found(0.90, 200), Found(0.94, 200), False),
        (Found(0.90, 199), Found(0.10, 900), False),
        (Found(0.90, 900), Found(0.10, 199), False),
        (Found(0.90, 900), Found(None, 900), False),
    ],
)
def test_a_move_counts_from_five_hundredths_on_and_two_hundred_events(
    before: Found, after: Found, is_large: bool
) -> None:
    assert Move("cleaning_rain_mm", "icing", before, after).is_large is is_large


def test_moves_are_listed_with_a_reason_as_long_as_they_are_seen() -> None:
    moves = moves_of("a", {"icing": Found(0.9, 300), "snow": Found(0.9, 300)}, {"icing": Found(0.5, 300)})
    assert [move.kind for move in moves] == ["icing"]
    assert judge(moves, {("a", "icing"): "less ice is harder to see"}) == []
    assert "icing moves by -0.400 with a" in judge(moves, {})[0]
    assert "no reason" in judge(moves, {("a", "icing"): ""})[0]
    assert "does not move any more" in judge([], {("a", "icing"): "less ice"})[0]


def test_listed_moves_name_constants_that_exist() -> None:
    assert all(constant in scalable() for _, constant, _ in read_moves(MOVES.read_text("utf-8")))
