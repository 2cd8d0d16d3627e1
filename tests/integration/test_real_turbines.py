"""Detections on turbines that nobody here made stay as good as they are."""

from pathlib import Path

import polars as pl
import pytest
from benchmarks.real_turbines import EXAMPLE, intervals_of, stops_by_pitch

from renewable.settings import Settings

pytestmark = pytest.mark.integration
FIXTURES = Path(__file__).parents[1] / "fixtures"
# Curve of the farm's own bins; the registry says what the farm's authors say.
FARM_CURVE_KW = {
    3.0: 40.0,
    5.0: 391.0,
    7.0: 1152.0,
    9.0: 2451.0,
    11.0: 4299.0,
    12.0: 4902.0,
    13.0: 5000.0,
    25.0: 5000.0,
}


def test_stops_in_frost_are_found_by_the_neighbours_where_anemometers_are_iced(tmp_path: Path) -> None:
    """A week in which two of four anemometers iced while their rotors stood: 1,000 kW beside 3 m/s."""
    readings = pl.read_parquet(FIXTURES / "la_haute_borne" / "frosty-week-2014-12.parquet")
    intervals = intervals_of(readings, Settings(data_dir=tmp_path, fleet_dir=EXAMPLE))
    found = stops_by_pitch(readings, intervals)
    assert found.true > 400
    assert found.recall >= 0.9 and found.precision >= 0.9, found
    contradicted = intervals.filter(pl.col("wind_speed_ms_flag") == "contradicted")
    assert contradicted.height > 100


def test_abnormal_hours_of_an_artificial_farm_are_found_and_normal_ones_left_alone(tmp_path: Path) -> None:
    """FLASC's key knows stops of days, and single intervals that no rule asks about."""
    key = pl.read_parquet(FIXTURES / "flasc" / "ten-days-2019-02.parquet")
    header = (EXAMPLE / "assets.csv").read_text("utf-8").splitlines()[0]
    rows = [
        f"{name},{name},farm,Farm,wind,54,5,0,UTC,10,5000,2015-01-01,5MW,90,126,,,,,,"
        for name in sorted(set(key["asset_id"]))
    ]
    (tmp_path / "assets.csv").write_text("\n".join([header, *rows]) + "\n")
    curve = [f"5MW,{speed},{power}" for speed, power in FARM_CURVE_KW.items()]
    (tmp_path / "power_curves.csv").write_text(
        "\n".join(["turbine_model,wind_speed_ms,power_kw", *curve]) + "\n"
    )
    intervals = intervals_of(key, Settings(data_dir=tmp_path / "data", fleet_dir=tmp_path))
    judged = key.join(intervals, on=["asset_id", "timestamp"], how="left").with_columns(
        is_down=(pl.col("event_kind") == "downtime").fill_null(False)
    )
    down = judged.filter("is_down")
    assert down.filter(~pl.col("is_operation_normal")).height >= 0.95 * down.height
    # Runs of abnormal hours while there was wind for 5 % of rated power.
    lasting = ~pl.col("is_operation_normal") & (
        ~pl.col("is_operation_normal").shift(1).fill_null(True)
        | ~pl.col("is_operation_normal").shift(-1).fill_null(True)
    )
    long = judged.sort("asset_id", "timestamp").filter(lasting & (pl.col("expected_power_kw") >= 250.0))
    assert long.height > 300
    assert long.filter("is_down").height >= 0.8 * long.height, long.filter("is_down").height / long.height
