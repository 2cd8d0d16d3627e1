"""Ratios of sums in Python are those of the macros, in any order of the rows."""

from datetime import date

import polars as pl
import pytest

from renewable.published.ratios import ratios_by, sums_by

pytestmark = pytest.mark.unit
DAYS, ASSETS = 40, 7


def _days() -> pl.DataFrame:
    """Rows of mart_asset_daily with figures that no double holds exactly."""
    number = pl.int_range(DAYS * ASSETS)
    names = [
        "expected_hours",
        "observed_hours",
        "energy_kwh",
        "expected_energy_kwh",
        "lost_energy_kwh",
        "gap_energy_kwh",
        "available_hours",
        "unavailable_hours",
        "unavailable_lost_kwh",
        "excluded_expected_energy_kwh",
        "compared_energy_kwh",
        "compared_expected_energy_kwh",
        "reference_yield_energy_kwh",
        "reference_yield_kwh",
        "reference_yield_stc_energy_kwh",
        "reference_yield_stc_kwh",
        "rated_power_kw",
        "dc_capacity_kw",
    ]
    return (
        pl.select(
            asset_id=pl.format("asset {}", number % ASSETS),
            date_local=pl.lit(date(2025, 1, 1)) + pl.duration(days=number // ASSETS),
            intervals_expected=pl.lit(144, pl.Int64),
            intervals_observed=number % 145,
        )
        .with_columns(
            ((pl.int_range(pl.len()) * (7 + place) % 97) / 3.0 + 0.1 * place).alias(name)
            for place, name in enumerate(names)
        )
        .with_columns(pl.col("excluded_expected_energy_kwh") / 10.0)
    )  # a part of what is to be expected


def test_the_order_of_the_rows_changes_no_bit() -> None:
    days = _days()
    for keys in ((), ("asset_id",), ("date_local",)):
        first = ratios_by(days, *keys)
        for seed in range(5):
            assert ratios_by(days.sample(fraction=1.0, shuffle=True, seed=seed), *keys).equals(first)
    assert first["date_local"].is_sorted() and first["assets"].to_list() == [ASSETS] * DAYS


def test_ratios_are_ratios_of_sums_and_not_their_mean() -> None:
    row = ratios_by(_days()).row(0, named=True)
    sums = _days().select(pl.selectors.float().sum()).row(0, named=True)
    assert row["days"] == DAYS and row["assets"] == ASSETS
    assert row["performance_index"] == pytest.approx(
        sums["compared_energy_kwh"] / sums["compared_expected_energy_kwh"], rel=1e-12
    )
    assert row["time_availability_ratio"] == pytest.approx(
        sums["available_hours"] / (sums["available_hours"] + sums["unavailable_hours"]), rel=1e-12
    )
    assert row["energy_availability_ratio"] == pytest.approx(
        1
        - sums["unavailable_lost_kwh"] / (sums["expected_energy_kwh"] - sums["excluded_expected_energy_kwh"]),
        rel=1e-12,
    )


def test_a_group_with_almost_no_expected_energy_has_no_ratio_to_it() -> None:
    day = (
        _days()
        .head(1)
        .with_columns(
            rated_power_kw=pl.lit(1000.0),
            expected_energy_kwh=pl.lit(49.9),
            compared_expected_energy_kwh=pl.lit(50.0),
            compared_energy_kwh=pl.lit(40.0),
        )
    )
    row = ratios_by(day).row(0, named=True)
    assert (row["energy_availability_ratio"], row["performance_index"]) == (None, 0.8)


def test_of_nothing_nothing_is_known() -> None:
    row = ratios_by(_days().clear()).row(0, named=True)
    assert (row.pop("assets"), row.pop("days")) == (0, 0)
    assert set(row.values()) == {None}
    unknown = _days().with_columns(energy_kwh=pl.lit(None, pl.Float64))
    assert ratios_by(unknown).row(0, named=True)["energy_kwh"] is None
    assert ratios_by(_days().clear(), "asset_id").is_empty()


def test_sums_are_the_nearest_doubles_of_exact_sums() -> None:
    rows = pl.DataFrame({"kind": ["a", "b"] * 3, "lost_kwh": [0.1, 1e8] * 3})
    assert sums_by(rows, ["lost_kwh"], "kind").rows() == [("a", 0.3), ("b", 3e8)]
