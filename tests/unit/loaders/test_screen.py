"""Laws of the quick look: it never calls spotless what the gate would touch, and it sees through clean days."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from loaders.gate import judge_day
from loaders.screen import spotless_days
from mock_data.generate_generation import generation_day
from mock_data.generate_weather import weather_day
from renewable.contract import TABLES, RawTable, polars_schema
from renewable.fleet import Fleet

pytestmark = pytest.mark.unit
DAY = date(2025, 1, 1)
NEXT = date(2025, 1, 2)
# One broken cell each: (table, column, value). Some are good, so that both answers occur.
CELLS: list[tuple[RawTable, str, object]] = [
    ("generation", "asset_id", None),
    ("generation", "asset_id", "nobody"),
    ("generation", "timestamp", None),
    ("generation", "timestamp", datetime(2025, 1, 1, 12, 1, tzinfo=UTC)),
    ("generation", "timestamp", datetime(2025, 1, 1, 12, 0, 0, 1, tzinfo=UTC)),
    ("generation", "timestamp", datetime(2025, 1, 1, 12, 0, tzinfo=UTC)),
    ("generation", "timestamp", datetime(2025, 1, 2, tzinfo=UTC)),
    ("generation", "timestamp", datetime(1815, 1, 2, tzinfo=UTC)),
    ("generation", "active_power_kw", None),
    ("generation", "active_power_kw", 0.0),
    ("generation", "active_power_kw", -1e9),
    ("generation", "active_power_kw", float("nan")),
    ("generation", "active_power_kw", float("inf")),
    ("generation", "curtailment_limit_kw", float("-inf")),
    ("generation", "curtailment_limit_kw", 1e7),
    ("generation", "curtailment_limit_kw", 10.0),
    ("generation", "operating_state", "asleep"),
    ("generation", "operating_state", "fault"),
    ("generation", "operating_state", None),
    ("weather", "air_temperature_c", -273.2),
    ("weather", "air_temperature_c", None),
    ("weather", "wind_speed_ms", float("nan")),
    ("weather", "wind_direction_deg", 360.0),
    ("weather", "wind_direction_deg", 360.1),
    ("weather", "precipitation_mm", -0.1),
]


@pytest.fixture(scope="module")
def days(fleet: Fleet) -> dict[RawTable, pl.DataFrame]:
    return {"generation": generation_day(fleet, DAY, 1), "weather": weather_day(fleet, DAY, 1)}


def _write(frame: pl.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path


def _gate_takes_it_whole(table: RawTable, frame: pl.DataFrame, fleet: Fleet) -> bool:
    verdict = judge_day(table, DAY, {"file": frame}, fleet)
    return verdict.accepted.height == frame.height and verdict.set_aside.is_empty()


@pytest.mark.parametrize("table", TABLES)
def test_a_clean_day_is_spotless(
    fleet: Fleet, days: dict[RawTable, pl.DataFrame], tmp_path: Path, table: RawTable
) -> None:
    path = _write(days[table], tmp_path / "a.parquet")
    assert set(spotless_days(table, {DAY: [path]}, fleet)) == {(table, DAY)}
    assert set(spotless_days(table, {NEXT: [path]}, fleet)) == set()


@pytest.mark.parametrize("channel", ["wind_speed_ms", "ghi_wm2", "precipitation_mm"])
def test_a_not_a_number_is_seen_although_the_files_statistics_hide_it(
    fleet: Fleet, days: dict[RawTable, pl.DataFrame], tmp_path: Path, channel: str
) -> None:
    holed = (
        pl.when(pl.int_range(pl.len()) == 700).then(float("nan")).otherwise(pl.col(channel)).alias(channel)
    )
    path = _write(days["weather"].with_columns(holed), tmp_path / "a.parquet")
    assert set(spotless_days("weather", {DAY: [path]}, fleet)) == set()


@hypothesis_settings(max_examples=30, deadline=None)
@given(cell=st.sampled_from(CELLS), row=st.integers(0, 1151), twice=st.booleans(), shuffled=st.booleans())
def test_spotless_is_what_the_gate_takes_whole(
    fleet: Fleet,
    days: dict[RawTable, pl.DataFrame],
    tmp_path_factory: pytest.TempPathFactory,
    cell: tuple[RawTable, str, object],
    row: int,
    twice: bool,
    shuffled: bool,
) -> None:
    table, column, value = cell
    frame = days[table].with_columns(
        pl.when(pl.int_range(pl.len()) == row)
        .then(pl.lit(value, dtype=polars_schema(table)[column]))
        .otherwise(pl.col(column))
        .alias(column)
    )
    frame = pl.concat([frame, frame[row : row + 1]]) if twice else frame
    frame = frame.sample(fraction=1, shuffle=True, seed=row) if shuffled else frame
    path = _write(frame, tmp_path_factory.mktemp("screen") / "a.parquet")
    found = set(spotless_days(table, {DAY: [path]}, fleet))
    assert found == ({(table, DAY)} if _gate_takes_it_whole(table, frame, fleet) else set())


def test_parts_of_a_day_are_spotless_when_they_share_no_asset(
    fleet: Fleet, days: dict[RawTable, pl.DataFrame], tmp_path: Path
) -> None:
    frame = days["weather"]
    first = _write(frame.filter(pl.col("asset_id") < "m"), tmp_path / "a.parquet")
    second = _write(frame.filter(pl.col("asset_id") >= "m"), tmp_path / "b.parquet")
    whole = _write(frame, tmp_path / "c.parquet")
    assert set(spotless_days("weather", {DAY: [first, second]}, fleet)) == {("weather", DAY)}
    assert set(spotless_days("weather", {DAY: [first, whole]}, fleet)) == set()


def test_a_file_that_is_broken_inside_costs_only_its_own_day(
    fleet: Fleet, days: dict[RawTable, pl.DataFrame], tmp_path: Path
) -> None:
    good = _write(days["weather"], tmp_path / "a[1]*?'.parquet")
    broken = _write(days["weather"], tmp_path / "b.parquet")
    content = bytearray(broken.read_bytes())
    content[100:4000] = bytes(3900)
    broken.write_bytes(content)
    assert set(spotless_days("weather", {NEXT: [broken], DAY: [good]}, fleet)) == {("weather", DAY)}
