"""Laws of counters with stated resets: nothing is lost over a gap, nothing is told twice, no glitch is production."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from renewable.errors import MappingError
from renewable.importers.around import rows_around
from renewable.importers.convert import import_files
from renewable.importers.counters import taken_back
from renewable.importers.mapping import Mapping
from renewable.importers.notes import Notes
from renewable.importers.together import assembled
from renewable.windows import Window

pytestmark = pytest.mark.unit
START = datetime(2024, 5, 30, 20, 0, tzinfo=UTC)
ZONE = "Asia/Kolkata"


def mapping(
    counter: Any = None, unit: str = "kWh", clock: dict[str, Any] | None = None, **asset: Any
) -> Mapping:
    return Mapping.model_validate(
        {
            "source": {"files": "x.csv"},
            "timestamp": {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": "UTC"}
            | (clock or {"interval_minutes": 30}),
            "asset": asset or {"column": "unit"},
            "generation": {
                "active_power_kw": {"column": "c", "unit": unit, "counter": counter or {"resets": "never"}}
            },
        }
    )


def stream(
    readings: list[tuple[datetime, float]], minutes: int = 30, name: str = "T1", asset: str = "T1"
) -> pl.DataFrame:
    """Rows as `table_rows` gives them: the start of the interval that each reading closes."""
    return pl.DataFrame(
        {
            "timestamp": [at - timedelta(minutes=minutes) for at, _ in readings],
            "first_shift_us": 0,
            "second_shift_us": 0,
            "asset_id": "T1",
            "name": name,
            "reading_active_power_kw": [reading for _, reading in readings],
        },
        schema_overrides={
            "timestamp": pl.Datetime("us", "UTC"),
            "first_shift_us": pl.Int64,
            "second_shift_us": pl.Int64,
            "reading_active_power_kw": pl.Float64,
            "asset_id": pl.String,
            "name": pl.String,
        },
    )


def told(
    rows: pl.DataFrame,
    by: Mapping,
    window: Window | None = None,
    minutes: int = 30,
    notes: Notes | None = None,
    **known: Any,
) -> pl.DataFrame:
    streams = {(0, "active_power_kw"): rows}
    return assembled(
        "generation", streams, by, {"T1": minutes}, notes or Notes(window=window), zones={"T1": ZONE}, **known
    )


def energy_kwh(found: pl.DataFrame, minutes: int = 30) -> float:
    return float(found["active_power_kw"].sum() * minutes / 60 + found["gap_energy_kwh"].sum())


def every(minutes: int, readings: list[float], start: datetime = START) -> list[tuple[datetime, float]]:
    return [(start + timedelta(minutes=minutes * step), reading) for step, reading in enumerate(readings)]


steps_kwh = st.lists(st.integers(0, 5000).map(lambda wh: wh / 1000), min_size=2, max_size=200)


@settings(max_examples=15, deadline=None)
@given(
    steps=steps_kwh, missing=st.sets(st.integers(0, 200), max_size=150), fine=st.sampled_from([30, 10, 15])
)
def test_energy_of_intervals_and_gaps_is_last_minus_first_reading_whatever_is_missing(
    steps: list[float], missing: set[int], fine: int
) -> None:
    totals = [0.0]
    for step in steps:
        totals.append(totals[-1] + step)
    kept = [pair for number, pair in enumerate(every(fine, totals)) if number not in missing]
    if len(kept) < 2:
        return
    found = told(stream(kept, fine), mapping(clock={"interval_minutes": fine}))
    assert energy_kwh(found) == pytest.approx(kept[-1][1] - kept[0][1])
    assert found.filter(
        pl.col("active_power_kw").is_not_null() & pl.col("gap_energy_kwh").is_not_null()
    ).is_empty()
    if not missing:
        whole = found["active_power_kw"].is_not_null()
        assert whole.sum() >= len(totals) * fine // 30 - 2


@settings(max_examples=8, deadline=None)
@given(
    steps=st.lists(st.integers(-3000, 5000).map(lambda wh: wh / 1000), min_size=2, max_size=260),
    missing=st.sets(st.integers(0, 260), max_size=200),
    resets=st.sampled_from(["never", "daily"]),
    minutes=st.sampled_from([30, 60]),
)
def test_a_day_is_the_same_whether_asked_for_alone_or_with_all_others(
    steps: list[float], missing: set[int], resets: str, minutes: int
) -> None:
    reading, readings = 100.0, []
    for number, step in enumerate(steps):
        reading = max(0.0, reading + step)
        local = (START + timedelta(minutes=30 * number)).astimezone(ZoneInfo(ZONE))
        if resets == "daily" and local.hour == 0 and local.minute < 30:
            reading = 0.0
        readings.append(round(reading, 3))
    rows = stream([pair for number, pair in enumerate(every(30, readings)) if number not in missing])
    by = mapping({"resets": resets})
    if rows.is_empty():
        return
    first, last = rows["timestamp"].dt.date().min(), rows["timestamp"].dt.date().max()
    window = Window(first - timedelta(days=1), last + timedelta(days=2))  # type: ignore[operator]
    whole = told(rows, by, window, minutes)
    days = [
        told(rows_around("active_power_kw", rows, Window.of_day(day)), by, Window.of_day(day), minutes)
        for day in window.days
    ]
    assert pl.concat(days).equals(whole)


def test_a_gap_over_days_is_shared_by_time_on_the_last_interval_of_each_day_by_utc_and_local_clock() -> None:
    # 18:30 UTC is midnight in Kolkata.
    readings = [
        (datetime(2024, 6, 1, 12, 0, tzinfo=UTC), 0.0),
        (datetime(2024, 6, 2, 12, 0, tzinfo=UTC), 24.0),
    ]
    found = told(stream(readings), mapping())
    assert found.select("timestamp", "active_power_kw", "gap_energy_kwh").rows() == [
        (datetime(2024, 6, 1, 18, 0, tzinfo=UTC), None, pytest.approx(6.5)),
        (datetime(2024, 6, 1, 23, 30, tzinfo=UTC), None, pytest.approx(5.5)),
        (datetime(2024, 6, 2, 11, 30, tzinfo=UTC), None, pytest.approx(12.0)),
    ]


def test_a_missing_reading_inside_an_assets_interval_takes_nothing_from_it() -> None:
    readings = [pair for number, pair in enumerate(every(10, [0, 1, 2, 3, 4, 5, 6])) if number != 2]
    found = told(stream(readings, 10), mapping(clock={"interval_minutes": 10}))
    assert found["active_power_kw"].to_list() == pytest.approx([6.0, 6.0])
    assert found["gap_energy_kwh"].to_list() == [None, None]


def test_yesterdays_total_shown_again_is_no_production_and_the_reset_loses_nothing() -> None:
    start = datetime(2024, 6, 1, 16, 30, tzinfo=UTC)  # 22:00 local
    readings = [5.0, 5.0, 5.0, 5.0, 0.0, 0.0, 5.0, 5.0, 0.0, 0.5, 1.0]
    notes = Notes()
    found = told(stream(every(30, readings, start)), mapping({"resets": "daily"}), notes=notes)
    assert found["active_power_kw"].to_list() == pytest.approx([0, 0, 0, 0, 0, 0, 0, 0, 1.0, 1.0])
    assert notes.counts["counter readings that a later one takes back, left out"] == 2


def test_a_daily_counter_that_keeps_its_total_until_the_device_wakes_up_resets_then() -> None:
    start = datetime(2024, 6, 1, 16, 0, tzinfo=UTC)  # 21:30 local
    readings = every(30, [4.9, 5.0, 5.0], start)
    morning = datetime(2024, 6, 2, 0, 30, tzinfo=UTC)  # 06:00 local
    readings += every(30, [5.0, 5.0, 0.0, 0.25], morning)
    found = told(stream(readings), mapping({"resets": "daily"}))
    # The first reading of all tells what came since midnight.
    assert energy_kwh(found) == pytest.approx(4.9 + 0.1 + 0.25)


def test_a_daily_counter_higher_than_yesterday_after_a_night_without_rows_began_at_midnight() -> None:
    readings = [
        (datetime(2024, 6, 1, 12, 0, tzinfo=UTC), 5.0),
        (datetime(2024, 6, 2, 7, 30, tzinfo=UTC), 8.0),
    ]
    readings.append((datetime(2024, 6, 2, 8, 0, tzinfo=UTC), 9.0))
    found = told(stream(readings), mapping({"resets": "daily"}))
    # What came before midnight nobody knows; 8 kWh came since (18:30 UTC), 5.5 of 13 hours of it before midnight UTC.
    assert found.select("timestamp", "active_power_kw", "gap_energy_kwh").rows() == [
        (datetime(2024, 6, 1, 23, 30, tzinfo=UTC), None, pytest.approx(8 * 5.5 / 13)),
        (datetime(2024, 6, 2, 7, 0, tzinfo=UTC), None, pytest.approx(8 * 7.5 / 13)),
        (datetime(2024, 6, 2, 7, 30, tzinfo=UTC), 2.0, None),
    ]


def test_a_running_turbines_interval_of_the_daily_reset_is_empty_not_small() -> None:
    start = datetime(2024, 6, 1, 17, 30, tzinfo=UTC)
    notes = Notes()
    found = told(
        stream(every(30, [980.0, 1000.0, 0.0, 20.0], start)), mapping({"resets": "daily"}), notes=notes
    )
    assert found["active_power_kw"].to_list() == pytest.approx([40.0, 40.0])
    assert sum(notes.counts.values()) == 1


@pytest.mark.parametrize(
    ("readings", "powers"),
    [
        (
            [10, 11, 500, 500, 12, 13],
            [2.0, None, None, None, 2.0],
        ),  # a rise that is taken back: 1 kWh over the gap
        ([10, 11, 0, 0, 12, 13], [2.0, None, None, None, 2.0]),  # a dip that is taken back
        ([10, 11, 500, 500, 11, 13], [2.0, 0.0, 0.0, 0.0, 4.0]),  # nothing came meanwhile
        ([10, 11, 1, 2, 3, 4], [2.0, None, 2.0, 2.0, 2.0]),  # another meter
    ],
)
def test_glitches_of_a_lifetime_counter_are_no_production(
    readings: list[float], powers: list[float | None]
) -> None:
    found = told(stream(every(30, [float(r) for r in readings])), mapping())
    grid = {START + timedelta(minutes=30 * step): power for step, power in enumerate(powers)}
    assert {at: p for at, p in found.select("timestamp", "active_power_kw").iter_rows() if p is not None} == {
        at: p for at, p in grid.items() if p is not None
    }


def test_a_counter_of_five_digits_rolls_over_and_one_set_back_does_not() -> None:
    by = mapping({"resets": "never", "rolls_over_at": 100_000}, unit="Wh")
    found = told(stream(every(30, [99_000.0, 99_500.0, 250.0])), by)
    assert found["active_power_kw"].to_list() == pytest.approx([1.0, 1.5])
    set_back = told(stream(every(30, [49_000.0, 49_500.0, 250.0])), by)
    assert set_back["active_power_kw"].to_list() == pytest.approx([1.0])


@pytest.mark.parametrize(("largest", "known"), [(10, {}), ("rated", {"rated_kw": {"T1": 10.0}})])
def test_a_step_above_the_largest_plausible_power_is_set_aside_and_counted(largest: Any, known: Any) -> None:
    notes = Notes()
    by = mapping({"resets": "never", "largest_power_kw": largest})
    found = told(stream(every(30, [0.0, 2.0, 900.0, 902.0])), by, notes=notes, **known)
    assert found["active_power_kw"].to_list() == pytest.approx([4.0, 4.0])
    assert notes.counts["steps of a counter above the largest plausible power, set aside"] == 1


def test_a_rated_power_that_the_registry_lacks_is_named() -> None:
    by = mapping({"resets": "never", "largest_power_kw": "rated"})
    with pytest.raises(MappingError, match="no rated power of T1"):
        told(stream(every(30, [0.0, 2.0])), by)


def test_what_one_of_two_counters_tells_while_the_other_is_silent_is_energy_of_the_gap() -> None:
    by = mapping(column="unit", rename={"I1": "T1", "I2": "T1"}, combine="sum")
    one = stream(every(30, [0.0, 1.0, 2.0, 3.0, 4.0]), name="I1")
    other = stream([p for n, p in enumerate(every(30, [0.0, 2.0, 4.0, 6.0, 8.0])) if n != 2], name="I2")
    found = told(pl.concat([one, other]), by)
    assert found["active_power_kw"].to_list() == [6.0, None, 6.0]
    assert found["gap_energy_kwh"].to_list() == [None, 6.0, None]


def test_irregular_readings_are_interpolated_at_borders_and_not_over_long_gaps() -> None:
    at = [0, 7, 12, 26, 31, 100, 125]
    readings = [(START + timedelta(minutes=m), m / 10) for m in at]
    found = told(stream(readings, 0), mapping(clock={"holds_minutes": 15}), minutes=10)
    got = dict(found.select("timestamp", "active_power_kw").iter_rows())
    assert [got.get(START + timedelta(minutes=m)) for m in (0, 10, 20)] == pytest.approx([6.0] * 3)
    assert got.get(START + timedelta(minutes=50)) is None
    assert energy_kwh(found, 10) == pytest.approx(12.5)


def test_contradicting_readings_of_one_instant_count_as_missing() -> None:
    readings = [*every(30, [0.0, 1.0, 2.0]), (START + timedelta(minutes=30), 1.5)]
    found = told(stream(readings), mapping())
    assert found.select("active_power_kw", "gap_energy_kwh").rows() == [(None, 2.0)]


@settings(max_examples=60, deadline=None)
@given(readings=st.lists(st.integers(0, 9).map(float), max_size=30))
def test_what_is_believed_of_a_lifetime_counter_falls_only_where_nothing_takes_it_back(
    readings: list[float],
) -> None:
    out = taken_back(
        [step * 60_000_000 for step in range(len(readings))], readings, [0] * len(readings), daily=False
    )
    kept = [reading for place, reading in enumerate(readings) if place not in out]
    for place, (before, after) in enumerate(pairwise(kept)):
        assert after >= before or all(reading > after for reading in kept[: place + 1])


def test_a_gap_of_days_without_any_row_is_told_on_each_of_them_by_an_import(tmp_path: Path) -> None:
    at = [START, START + timedelta(hours=1), START + timedelta(days=5), START + timedelta(days=5, minutes=30)]
    lines = [f"{t:%Y-%m-%d %H:%M},{reading}" for t, reading in zip(at, (0, 2, 240, 241), strict=True)]
    (tmp_path / "x.csv").write_text("\n".join(["t,c", *lines]) + "\n")
    clock = {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": "UTC", "interval_minutes": 30}
    content = {
        "source": {"files": "x.csv"},
        "timestamp": clock,
        "asset": {"constant": "T1"},
        "generation": {"active_power_kw": {"column": "c", "unit": "kWh", "counter": {"resets": "never"}}},
    }
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(content))
    import_files(tmp_path / "mapping.yaml", tmp_path / "raw")
    files = sorted((tmp_path / "raw").glob("generation/*.parquet"))
    assert len(files) == 6
    found = pl.concat(pl.read_parquet(path) for path in files)
    assert found["active_power_kw"].drop_nulls().to_list() == [2.0]
    assert energy_kwh(found) == pytest.approx(241.0)
    # A whole day's share of 238 kWh over 119 hours.
    assert found.filter(pl.col("timestamp").dt.day() == 1)["gap_energy_kwh"].to_list() == [
        pytest.approx(48.0)
    ]


MORNING = datetime(2024, 6, 2, 0, 30, tzinfo=UTC)  # 06:00 local


@pytest.mark.parametrize(
    ("resets", "start", "readings", "energy"),
    [
        # A device whose day ends in the evening: the day's production stays.
        ("daily", MORNING, [0.0, 0.5, 1.0, 2.0, 3.0, 0.0, 0.0], 3.0),
        # One whose day ends an hour late goes on over midnight.
        (
            "daily",
            datetime(2024, 6, 1, 17, 0, tzinfo=UTC),
            [4.9, 5.0, 5.0, 5.1, 5.2, 5.2, 0.1],
            0.3 + 0.1,
        ),
        # The total of the day before, which nobody saw fall.
        ("daily", MORNING - timedelta(hours=6, minutes=30), [0.0] * 2 + [5.0] * 20, 5.0),
        # A first reading that is the total of the day before.
        ("daily", MORNING, [5.0, 0.0, 3.0, 6.0], 6.0),
        # Another meter that soon reads more than the one before.
        ("never", MORNING, [10.0, 11.0, 0.0, 4.0, 8.0, 12.0], 13.0),
        # What stood for more than a day was no glitch.
        ("never", MORNING, [10.0, *[500.0] * 50, 12.0, 13.0], 491.0),
        ("never", MORNING, [10.0, *[500.0] * 40, 12.0, 13.0], 3.0),
    ],
)
def test_energy_of_counters_that_fall(
    resets: str, start: datetime, readings: list[float], energy: float
) -> None:
    found = told(stream(every(30, readings, start)), mapping({"resets": resets}))
    assert energy_kwh(found) == pytest.approx(energy)


def test_a_total_that_is_the_same_after_a_night_is_not_todays() -> None:
    readings = [
        (datetime(2024, 6, 1, 12, 0, tzinfo=UTC), 4.0),
        (datetime(2024, 6, 1, 12, 30, tzinfo=UTC), 5.0),
    ]
    readings += every(30, [5.0, 5.0], MORNING)
    found = told(stream(readings), mapping({"resets": "daily"}))
    # 4 kWh from midnight to the first reading, 1 until the second.
    assert energy_kwh(found) == pytest.approx(5.0)


def test_a_glitch_at_the_far_end_of_a_long_gap_is_known_on_each_of_its_days() -> None:
    readings = [*every(30, [9.0, 10.0]), *every(30, [500.0, 12.0, 13.0], START + timedelta(days=6))]
    rows, by = stream(readings), mapping()
    window = Window(START.date(), START.date() + timedelta(days=8))
    days = [told(rows_around("c", rows, Window.of_day(day)), by, Window.of_day(day)) for day in window.days]
    assert pl.concat(days).equals(told(rows, by, window))
    assert energy_kwh(pl.concat(days)) == pytest.approx(4.0)
