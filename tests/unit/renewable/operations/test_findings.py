"""Findings, which become asset checks."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from renewable.operations.findings import coverage_finding, deliveries_finding, quarantine_finding
from renewable.settings import Settings
from tests.unit.renewable.importers.test_deliveries import Plant, readings

pytestmark = pytest.mark.unit
FIRST = date(2025, 1, 1)


def test_coverage_leaves_out_the_day_that_is_not_over() -> None:
    days = [FIRST + timedelta(days=n) for n in range(10)]
    daily = pl.DataFrame(
        [
            (asset, day, day == days[-1], hours, 24.0)
            for asset, hours in (("a", 24.0), ("b", 12.0))
            for day in days
        ],
        schema=["asset_id", "date_local", "is_partial", "observed_hours", "expected_hours"],
        orient="row",
    )
    whole = daily.with_columns(
        observed_hours=pl.when(pl.col("date_local") == days[-1]).then(0.0).otherwise("observed_hours")
    )
    finding = coverage_finding(whole, 0.8)
    assert not finding.is_well and "1 of 2 assets" in finding.sentence and "fleet 75.0%" in finding.sentence
    assert coverage_finding(whole, 0.5).is_well
    assert coverage_finding(daily.clear(), 0.8).is_well


def test_an_empty_quarantine_is_well(tmp_path: Path) -> None:
    assert quarantine_finding(Settings(data_dir=tmp_path)).is_well


def test_a_delivered_file_that_was_set_aside_is_told_with_its_reason(tmp_path: Path) -> None:
    plant, settings = Plant(tmp_path), Settings(data_dir=tmp_path / "data")
    assert deliveries_finding(settings).is_well
    plant.deliver(readings(), "good.csv")
    (tmp_path / "inbox" / "bad.csv").write_text("time,unit\n2024-01-01 00:00,T1\n")
    plant.run()
    finding = deliveries_finding(settings)
    assert not finding.is_well and finding.sentence == "1 delivered file(s) were set aside"
    assert "bad.csv" in finding.sample
