"""Which windows a build is cut into."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform.build import BUILD_LOG_SCHEMA, pieces_of

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60_000)), min_size=1, max_size=40),
    st.integers(1, 500_000),
)
def test_pieces_hold_every_loaded_day_once_and_in_order(files: list[tuple[int, int]], rows: int) -> None:
    log = pl.DataFrame(
        [
            ("weather", FIRST + timedelta(days=day), f"f{n}", "x", count)
            for n, (day, count) in enumerate(files)
        ],
        schema=BUILD_LOG_SCHEMA,
        orient="row",
    )
    pieces = list(pieces_of(log, rows))
    days = [day for piece in pieces for day in piece.days]
    assert days == sorted(set(days)) and set(log["day"]) <= set(days)
    busiest = max(log.group_by("day").agg(pl.col("rows_loaded").sum())["rows_loaded"])
    assert all(len(piece.days) == 1 or len(piece.days) * busiest <= rows for piece in pieces)


def test_a_warehouse_without_days_has_no_pieces() -> None:
    assert list(pieces_of(pl.DataFrame(schema=BUILD_LOG_SCHEMA), 100)) == []
