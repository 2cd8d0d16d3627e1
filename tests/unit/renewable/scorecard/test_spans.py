"""Whole events and whole local days out of the answer key by spans."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mock_data.day import Simulator
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.scorecard.spans import joined_spans, true_events, true_soiling
from renewable.settings import Settings
from renewable.windows import Window

pytestmark = pytest.mark.unit
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def _span(
    kind: str, start: float, end: float, lost: float | None, value: float | None = None
) -> dict[str, object]:
    about = {"asset_id": "a", "kind": kind, "channel": None, "value": value, "lost_kwh": lost, "weight": None}
    return about | {"start_utc": NOON + timedelta(hours=start), "end_utc": NOON + timedelta(hours=end)}


def test_spans_that_touch_or_lie_in_one_another_are_one_event() -> None:
    rows = [
        _span("downtime", 0, 12, 5.0),
        _span("downtime", 12, 15, 7.0),
        _span("downtime", 13, 14, 1.0),
        _span("downtime", 14.5, 16, 0.5),
        _span("downtime", 17, 18, 2.0),
        _span("icing", 12, 15, 3.0),
        _span("iced_anemometer", 12, 15, None, -0.5),
        _span("iced_anemometer", 15, 16, None, 0.2),
    ]
    schema = {"channel": pl.String(), "value": pl.Float64(), "lost_kwh": pl.Float64(), "weight": pl.Float64()}
    found = joined_spans(pl.DataFrame(rows[::-1], schema_overrides=schema))
    told = found.select(
        "kind",
        (pl.col("start_utc") - NOON).dt.total_minutes() / 60,
        (pl.col("end_utc") - NOON).dt.total_minutes() / 60,
        "lost_kwh",
        "value",
    ).rows()
    assert told == [
        ("downtime", 0, 16, 13.5, None),
        ("downtime", 17, 18, 2.0, None),
        ("iced_anemometer", 12, 16, None, -0.5),
        ("icing", 12, 15, 3.0, None),
    ]


def test_events_and_soiling_of_files_are_whole_over_midnights(
    tmp_path: Path, fleet: Fleet, fleet_dir: Path
) -> None:
    fleet = Fleet(
        fleet.assets.with_columns(pl.lit(60, pl.Int64).alias("interval_minutes")), fleet.power_curves
    )
    settings = Settings(data_dir=tmp_path, fleet_dir=fleet_dir)
    zones = fleet.assets.select("asset_id", "timezone")
    assert true_events(settings).is_empty() and true_soiling(settings, zones).is_empty()
    window = Window(date(2025, 6, 1), date(2025, 6, 9))
    generate(fleet, window, data_dir=tmp_path, seed=3, profile="harsh", world="rough")
    events, soiling = true_events(settings), true_soiling(settings, zones)
    keys = pl.concat(Simulator(fleet, 3, "harsh", "rough").day(day).truth for day in window.days)
    lost = keys["lost_power_kw"].sum()
    assert events["lost_kwh"].sum() + soiling["lost_kwh"].sum() == pytest.approx(lost)
    lengths = events["end_utc"] - events["start_utc"]
    assert lengths.max() == timedelta(days=8)
    # In Arizona the first UTC day begins in the evening of the local day before.
    assert soiling.group_by("asset_id").len()["len"].sort().to_list() == [8, 9]
    assert soiling["soiling_ratio"].is_between(0.3, 1.0).all()
    one = true_events(settings, Window.of_day(date(2025, 6, 2)))
    assert one["start_utc"].min() >= datetime(2025, 6, 2, tzinfo=UTC)


def test_the_demo_registry_has_a_soiling_ratio_for_every_plant_and_whole_day(
    tmp_path: Path, fleet: Fleet
) -> None:
    window = Window(date(2025, 6, 1), date(2025, 6, 4))
    generate(fleet, window, data_dir=tmp_path, seed=3, world="field")
    soiling = true_soiling(Settings(data_dir=tmp_path), fleet.assets.select("asset_id", "timezone"))
    whole = soiling.filter(pl.col("date_local").is_between(date(2025, 6, 1), date(2025, 6, 3)))
    plants = fleet.technology("solar").height
    assert whole.height == plants * 3
