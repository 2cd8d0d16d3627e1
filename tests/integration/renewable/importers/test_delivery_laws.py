"""Laws of deliveries for any cuts, orders and overlaps."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.renewable.importers.test_deliveries import START, Plant, Row, cut, mapping_of, readings

pytestmark = pytest.mark.integration
places = st.lists(st.integers(0, 10_000), max_size=5)
seeds = st.integers(0, 50)


@settings(max_examples=12, deadline=None)
@given(places, seeds)
def test_a_rotating_inbox_gives_the_raw_files_of_all_at_once_and_of_one_file(
    cuts: list[int], seed: int
) -> None:
    rows = readings(seed=seed)
    with TemporaryDirectory() as place:
        whole, together, rotating = (Plant(Path(place) / name) for name in ("whole", "together", "rotating"))
        whole.deliver(rows, "all.csv")
        whole.run()
        for number, part in enumerate(cut(rows, cuts)):
            together.deliver(part, f"{number}.csv")
            rotating.rotate(part, f"{number}.csv")
        together.run()
        assert whole.files == together.files == rotating.files
        assert whole.files


@settings(max_examples=12, deadline=None)
@given(places, seeds, st.randoms(use_true_random=False))
def test_deliveries_that_do_not_overlap_may_come_in_any_order(
    cuts: list[int], seed: int, order: random.Random
) -> None:
    parts = list(enumerate(cut(readings(seed=seed), cuts)))
    with TemporaryDirectory() as place:
        sorted_, mixed = Plant(Path(place) / "sorted"), Plant(Path(place) / "mixed")
        for number, part in parts:
            sorted_.rotate(part, f"{number}.csv")
        order.shuffle(parts)
        for number, part in parts:
            mixed.rotate(part, f"{number}.csv")
        assert sorted_.files == mixed.files


@settings(max_examples=12, deadline=None)
@example([(29, 3, 0), (31, 1, 0), (29, 3, 0)])
@given(st.lists(st.tuples(st.integers(0, 47), st.integers(1, 30), st.integers(0, 9)), min_size=1, max_size=5))
def test_where_deliveries_overlap_the_last_new_one_wins_value_by_value(
    spans: list[tuple[int, int, int]],
) -> None:
    plain = mapping_of(generation={})
    known: dict[tuple[str, datetime], float] = {}
    imported: list[list[Row]] = []
    with TemporaryDirectory() as place:
        plant = Plant(Path(place), plain)
        for number, (first, length, seed) in enumerate(spans):
            drawn = random.Random(seed)
            rows: list[Row] = [
                (
                    START + timedelta(minutes=10 * step),
                    "T2",
                    None if drawn.random() < 0.3 else float(drawn.randint(0, 20)),
                    None,
                )
                for step in range(first, first + length)
            ]
            plant.rotate(rows, f"{number}.csv")
            if rows in imported:
                continue  # the same file again does nothing, under another name too
            imported.append(rows)
            known |= {
                (unit, at - timedelta(minutes=10)): wind for at, unit, wind, _ in rows if wind is not None
            }
        found = plant.table().drop_nulls("wind_speed_ms")
        assert (
            dict(zip(found.select("asset_id", "timestamp").rows(), found["wind_speed_ms"], strict=True))
            == known
        )
