"""The picture of a preview: means and coverage by an independent count, and a file that shows them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from renewable.contract import polars_schema
from renewable.errors import PipelineError
from renewable.importers.preview_picture import coverage_calendar, daily_profiles, draw_preview

pytestmark = pytest.mark.unit
ASSETS = pl.DataFrame(
    {
        "asset_id": ["paris", "kolkata"],
        "timezone": ["Europe/Paris", "Asia/Kolkata"],
        "interval_minutes": [30, 60],
    }
)
# Three days around the spring change of Paris, at which a day has 23 hours.
START = datetime(2024, 3, 29, 23, tzinfo=UTC)


def power(asset_id: str, minutes: int, hours: int) -> pl.LazyFrame:
    stamps = [START + timedelta(minutes=at) for at in range(0, hours * 60, minutes)]
    rows = {"asset_id": asset_id, "timestamp": stamps, "active_power_kw": [float(at.hour) for at in stamps]}
    frame = pl.DataFrame(rows).with_columns(pl.col("timestamp").dt.cast_time_unit("us"))
    schema = polars_schema("generation")
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(schema.names()).lazy()


def test_a_mean_day_is_that_of_the_sites_clock() -> None:
    found = daily_profiles({"generation": power("kolkata", 60, 24)}, ASSETS)
    assert set(found["channel"]) == {"active_power_kw"}
    # Half past five ahead of UTC.
    means = dict(found.select("hour_local", "mean").iter_rows())
    assert means == {(hour + 5.5) % 24: float(hour) for hour in range(24)}


def test_coverage_counts_the_hours_that_a_day_has() -> None:
    found = coverage_calendar({"generation": power("paris", 30, 24 + 23 + 12)}, ASSETS)
    days = dict(found.select("date_local", "filled_ratio").iter_rows())
    assert days == {date(2024, 3, 30): 1.0, date(2024, 3, 31): 1.0, date(2024, 4, 1): 0.5}
    empty = power("paris", 30, 24).with_columns(pl.lit(None, pl.Float64).alias("active_power_kw"))
    assert coverage_calendar({"generation": empty}, ASSETS).is_empty()
    assert daily_profiles({"generation": empty}, ASSETS).is_empty()


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_is_drawn_of_much_and_of_nothing(tmp_path: Path, ending: str) -> None:
    tables = {"generation": power("paris", 30, 60)}
    path = tmp_path / "new" / f"look.{ending}"
    draw_preview(daily_profiles(tables, ASSETS), coverage_calendar(tables, ASSETS), path)
    assert path.stat().st_size > 5_000
    with pytest.raises(PipelineError, match="a picture ends in"):
        draw_preview(
            daily_profiles(tables, ASSETS), coverage_calendar(tables, ASSETS), path.with_suffix(".gif")
        )
