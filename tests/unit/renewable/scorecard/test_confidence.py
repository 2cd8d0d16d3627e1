"""How sure a share is: against textbook values and against draws of its own."""

import numpy as np
import polars as pl
import pytest

from renewable.scorecard.confidence import (
    effective_number,
    rate_interval,
    resampled_ratio,
    share_interval,
    wilson,
)

pytestmark = pytest.mark.unit


def test_wilson_s_interval_has_the_values_of_the_textbook() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) is None


def test_more_events_make_the_same_share_surer() -> None:
    few, many = wilson(9, 10), wilson(900, 1000)
    assert few is not None and many is not None
    assert few[0] < many[0] < 0.9 < many[1] < few[1]


def test_a_rate_has_the_exact_poisson_interval_within_a_percent() -> None:
    # Garwood's interval of 95 %: 10 events 4.795 to 18.39, none 0 to 3.689, 100 events 81.36 to 121.63.
    assert rate_interval(10) == pytest.approx((4.795, 18.39), rel=0.01)
    assert rate_interval(100) == pytest.approx((81.36, 121.63), rel=0.01)
    low, high = rate_interval(0)
    assert low == 0.0 and high == pytest.approx(3.689, rel=0.02)


def test_blocks_that_weigh_alike_count_each_and_one_heavy_block_counts_as_one() -> None:
    assert effective_number(pl.Series([2.0, 2.0, 2.0])) == pytest.approx(3.0)
    assert effective_number(pl.Series([1000.0, 1e-6])) == pytest.approx(1.0)
    assert effective_number(pl.Series([0.0])) == 0.0


def test_a_resampled_ratio_is_as_wide_as_the_scatter_of_its_blocks_and_the_same_each_time() -> None:
    draw = np.random.default_rng(5)
    whole = pl.Series(np.ones(200))
    part = pl.Series((draw.random(200) < 0.7).astype(float))
    found = resampled_ratio(part, whole)
    assert found is not None and found == resampled_ratio(part, whole)
    share = float(part.sum()) / 200
    half = 1.96 * (share * (1 - share) / 200) ** 0.5
    assert found == pytest.approx((share - half, share + half), abs=0.02)
    assert resampled_ratio(pl.Series([1.0]), pl.Series([2.0])) is None
    assert resampled_ratio(pl.Series([1.0, 2.0]), pl.Series([0.0, 0.0])) is None


def test_three_blocks_without_a_fault_prove_little() -> None:
    perfect = pl.Series([5.0, 5.0, 5.0])
    assert share_interval(perfect, perfect) == wilson(3, 3)
    assert share_interval(pl.Series([0.0]), pl.Series([0.0])) is None
