"""Laws of cells and intervals: bad cells are empty and counted, each unit is its own, short rows suffice by a share."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from renewable.errors import MappingError
from renewable.importers.convert import ImportSummary, import_files
from renewable.importers.irregular import time_weighted
from renewable.importers.mapping import Mapping, load_mapping
from renewable.importers.notes import Notes
from renewable.importers.together import assembled

pytestmark = pytest.mark.unit
START = datetime(2024, 6, 1, tzinfo=UTC)
CLOCK = {"column": "t", "format": "%Y-%m-%d %H:%M:%S", "zone": "UTC", "interval_minutes": 10}


def mapped(place: Path, channel: dict[str, Any], clock: dict[str, Any] | None = None, **changes: Any) -> Path:
    content = {
        "source": {"files": "x.csv", "delimiter": ";"},
        "timestamp": CLOCK | (clock or {}),
        "asset": {"constant": "T1"},
        "generation": {"active_power_kw": channel},
    } | changes
    content["timestamp"] = {name: value for name, value in content["timestamp"].items() if value is not None}
    (place / "mapping.yaml").write_text(yaml.safe_dump(content))
    return place / "mapping.yaml"


def run(
    place: Path, lines: list[str], mapping: Path, minutes: int = 10
) -> tuple[pl.DataFrame, ImportSummary]:
    (place / "x.csv").write_text("\n".join(lines) + "\n")
    summary = import_files(mapping, place / "raw", None, {"T1": minutes})
    return pl.concat(pl.read_parquet(p) for p in sorted(place.glob("raw/generation/*.parquet"))), summary


def rows(cells: list[str], header: str = "t;P", seconds: int = 600) -> list[str]:
    return [
        header,
        *(f"{START + timedelta(seconds=seconds * n):%Y-%m-%d %H:%M:%S};{c}" for n, c in enumerate(cells)),
    ]


def test_cells_whose_quality_is_not_good_are_empty_and_counted_whatever_they_hold(tmp_path: Path) -> None:
    channel = {"column": "P", "unit": "kW", "quality": {"column": "Q", "good": ["Good", "192"]}}
    lines = rows(["1;Good", "2;Bad", "I/O Timeout;Bad", "4;192", "5;", ";Bad"], "t;P;Q")
    found, summary = run(tmp_path, lines, mapped(tmp_path, channel))
    assert found["active_power_kw"].to_list() == [1.0, None, None, 4.0, None, None]
    assert summary.notes == {"cells of active_power_kw left empty, as their quality is not good": 3}


def test_quality_by_pattern_and_by_an_empty_cell(tmp_path: Path) -> None:
    channel = {"column": "P", "unit": "kW", "quality": {"column": "Q", "good": ["", "/^19[2-9]$/"]}}
    found, _ = run(tmp_path, rows(["1;192", "2;", "3;64", "4;1920"], "t;P;Q"), mapped(tmp_path, channel))
    assert found["active_power_kw"].to_list() == [1.0, 2.0, None, None]


def test_a_text_that_is_called_good_is_an_error_that_names_its_row(tmp_path: Path) -> None:
    channel = {"column": "P", "unit": "kW", "quality": {"column": "Q", "good": ["Good"]}}
    with pytest.raises(MappingError, match="'Bad' in row 3"):
        run(tmp_path, rows(["1;Good", "Bad;Good"], "t;P;Q"), mapped(tmp_path, channel))


def test_qualities_of_expressions_words_and_wide_columns(tmp_path: Path) -> None:
    quality = {"column": "{asset} Q", "good": ["ok"]}
    generation = {
        "active_power_kw": {"expression": '"{asset} P" * 2', "unit": "kW", "quality": quality},
        "operating_state": {"column": "{asset} S", "quality": quality, "rename": {"/^run/": "running"}},
    }
    mapping = mapped(tmp_path, {}, generation=generation, asset={"wide": {"A": "T1", "B": "T2"}})
    lines = rows(["1;ok;RUN 1;2;no;runs"], "t;A P;A Q;A S;B P;B Q;B S")
    found, _ = run(tmp_path, lines, mapping)
    told = found.select("asset_id", "active_power_kw", "operating_state").rows()
    assert told == [("T1", 2.0, "running"), ("T2", None, None)]


def test_each_cell_is_read_in_the_unit_behind_its_number(tmp_path: Path) -> None:
    channel = {"column": "P", "unit": "from_cell", "sign": -1}
    mapping = mapped(tmp_path, channel, source={"files": "x.csv", "delimiter": ";", "thousands": ","})
    found, _ = run(tmp_path, rows(["12.3 kW", "1,590 W", "-2MW", "", "1 kWh"]), mapping)
    assert found["active_power_kw"].to_list() == pytest.approx([-12.3, -1.59, 2000.0, None, -6.0])


@pytest.mark.parametrize(
    ("cell", "said"), [("5", "'5' in row 3"), ("5 m/s", "'5 m/s' in row 3"), ("kW", "'kW' in row 3")]
)
def test_a_cell_without_a_unit_of_that_kind_is_named(tmp_path: Path, cell: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        run(tmp_path, rows(["1 kW", cell]), mapped(tmp_path, {"column": "P", "unit": "from_cell"}))


@pytest.mark.parametrize("header", ["P [W]", "P (W)", "Active power W", "P_W"])
def test_a_unit_at_the_end_of_a_columns_name(tmp_path: Path, header: str) -> None:
    found, _ = run(
        tmp_path, rows(["1500"], f"t;{header}"), mapped(tmp_path, {"column": header, "unit": "from_header"})
    )
    assert found["active_power_kw"].to_list() == [1.5]


@pytest.mark.parametrize(
    ("channel", "clock", "said"),
    [
        ({"column": "P", "unit": "from_header"}, {}, "is not in that name"),
        ({"column": "P [mood]", "unit": "from_header"}, {}, "is none of kW"),
        ({"column": "P", "unit": "kW", "counter": {"resets": "never"}}, {}, "unit of energy"),
        ({"column": "P", "unit": "kWh", "counter": {"resets": "weekly"}}, {}, "'never' or 'daily'"),
        (
            {"column": "P", "unit": "kWh", "counter": {"resets": "daily", "rolls_over_at": 9}},
            {},
            "resets: never",
        ),
        (
            {"column": "P", "unit": "kWh", "counter": {"resets": "never", "largest_power_kw": 0}},
            {},
            "above 0",
        ),
        ({"column": "P", "unit": "kW", "quality": {"column": "Q", "good": []}}, {}, "quality.good"),
        ({"column": "P", "unit": "kW", "quality": {"column": "Q", "good": ["/(/"]}}, {}, "no pattern"),
        ({"column": "P", "unit": "kW"}, {"interval_minutes": 0.1666}, "seconds as '10 s'"),
        ({"column": "P", "unit": "kW"}, {"interval_minutes": "7 s"}, "divide an hour"),
        ({"column": "P", "unit": "kW"}, {"interval_minutes": 0}, "divide an hour"),
        ({"column": "P", "unit": "kW"}, {"enough_ratio": 1.5}, "enough_ratio"),
        ({"column": "P", "unit": "kW"}, {"holds_minutes": 5}, "or holds_minutes"),
        ({"column": "P", "unit": "kWh"}, {"holds_minutes": 5, "interval_minutes": None}, "interval_minutes"),
    ],
)
def test_a_fault_of_a_value_or_an_interval_is_named_with_its_line(
    tmp_path: Path, channel: dict[str, Any], clock: dict[str, Any], said: str
) -> None:
    with pytest.raises(MappingError, match=said) as raised:
        load_mapping(mapped(tmp_path, channel, clock))
    assert "line " in str(raised.value)


def test_a_counter_that_tells_gaps_is_the_one_origin_of_their_energy(tmp_path: Path) -> None:
    generation = {
        "active_power_kw": {"column": "P", "unit": "kWh", "counter": {"resets": "never"}},
        "gap_energy_kwh": {"column": "G", "unit": "kWh"},
    }
    with pytest.raises(MappingError, match=r"generation\.gap_energy_kwh: is told by a counter that resets"):
        load_mapping(mapped(tmp_path, {}, generation=generation))


@settings(max_examples=15, deadline=None)
@given(
    powers=st.lists(st.none() | st.integers(0, 900), min_size=1, max_size=120),
    enough=st.sampled_from([1.0, 0.8, 0.5]),
)
def test_seconds_become_an_assets_interval_where_enough_of_them_are_there(
    powers: list[int | None], enough: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("seconds")
    mapping = mapped(
        place, {"column": "P", "unit": "kW"}, {"interval_minutes": "10 s", "enough_ratio": enough}
    )
    found, _ = run(place, rows(["" if p is None else str(p) for p in powers], seconds=10), mapping)
    expected = []
    for step in range(0, len(powers), 60):
        there = [p for p in powers[step : step + 60] if p is not None]
        expected.append(sum(there) / len(there) if len(there) >= 60 * enough else None)
    assert found["active_power_kw"].to_list() == pytest.approx(expected)


def test_a_sum_needs_all_rows_though_a_share_of_them_suffices_for_a_mean(tmp_path: Path) -> None:
    weather = {
        "precipitation_mm": {"column": "rain", "unit": "mm"},
        "air_temperature_c": {"column": "temp", "unit": "degC"},
    }
    clock = {"interval_minutes": 5, "enough_ratio": 0.5}
    mapping = mapped(tmp_path, {"column": "rain", "unit": "kW"}, clock, weather=weather)
    run(tmp_path, rows(["1;1", "1;2", "1;3", ";"], "t;rain;temp", 300), mapping)
    found = pl.concat(pl.read_parquet(p) for p in sorted(tmp_path.glob("raw/weather/*.parquet")))
    assert found["precipitation_mm"].to_list() == [2.0, None]
    assert found["air_temperature_c"].to_list() == [1.5, 3.0]


def test_energy_of_seconds_is_mean_power(tmp_path: Path) -> None:
    mapping = mapped(tmp_path, {"column": "P", "unit": "Wh"}, {"interval_minutes": "30 s", "label": "end"})
    lines = rows(["0", *["5"] * 20], seconds=30)
    found, _ = run(tmp_path, lines, mapping)
    assert found.select("timestamp", "active_power_kw").rows()[-1] == (START, pytest.approx(0.6))


@settings(max_examples=25, deadline=None)
@given(
    samples=st.dictionaries(st.integers(0, 3600), st.none() | st.integers(0, 99), min_size=1, max_size=60),
    holds=st.sampled_from([2, 5, 10]),
    label=st.sampled_from(["start", "end"]),
    enough=st.sampled_from([1.0, 0.7]),
)
def test_a_mean_of_irregular_rows_is_weighted_by_the_time_that_each_value_held(
    samples: dict[int, int | None], holds: int, label: str, enough: float
) -> None:
    at = sorted(samples)
    frame = pl.DataFrame(
        {
            "asset_id": "T1",
            "timestamp": [START + timedelta(seconds=s) for s in at],
            "name": "T1",
            "p": [None if samples[s] is None else float(samples[s] or 0) for s in at],
        },
        schema_overrides={"p": pl.Float64, "timestamp": pl.Datetime("us", "UTC")},
    )
    found = time_weighted(frame, holds, label, enough, {"T1": 600}, {}, Notes(), words=(), directions=())
    got = {t: p for t, p in found.select("timestamp", "p").iter_rows() if p is not None}
    held: dict[int, float | None] = {}
    for number, start in enumerate(at):
        if label == "start":
            until = min(at[number + 1] if number + 1 < len(at) else 10**9, start + holds * 60)
            held |= dict.fromkeys(range(start, until), samples[start])
        else:
            since = max(at[number - 1] if number else -(10**9), start - holds * 60)
            held |= dict.fromkeys(range(since, start), samples[start])
    expected = {}
    for step in range(-2, 9):
        values = [v for s in range(600 * step, 600 * step + 600) if (v := held.get(s)) is not None]
        if values and len(values) >= 600 * enough:
            expected[START + timedelta(seconds=600 * step)] = sum(values) / len(values)
    assert got == pytest.approx(expected, abs=1e-8)


def test_irregular_directions_turn_over_north_and_contradicting_rows_are_empty() -> None:
    stamps = [
        START,
        START + timedelta(minutes=5),
        START + timedelta(minutes=10),
        START + timedelta(minutes=10),
    ]
    frame = pl.DataFrame({"asset_id": "T1", "timestamp": stamps, "name": "T1", "d": [350.0, 20.0, 1.0, 2.0]})
    notes = Notes()
    found = time_weighted(frame, 10, "start", 1, {"T1": 600}, {}, notes, words=(), directions=("d",))
    assert found.sort("timestamp")["d"].to_list() == [pytest.approx(5.0), None]
    assert notes.counts["rows that contradict another at the same time, left empty"] == 2


def test_an_irregular_row_before_midnight_holds_into_the_next_day(tmp_path: Path) -> None:
    mapping = mapped(tmp_path, {"column": "P", "unit": "kW"}, {"interval_minutes": None, "holds_minutes": 15})
    lines = ["t;P", "2024-06-01 23:55:00;6", "2024-06-02 00:06:00;1", "2024-06-02 00:20:00;1"]
    found, _ = run(tmp_path, lines, mapping)
    assert dict(found.select("timestamp", "active_power_kw").drop_nulls().iter_rows()) == {
        datetime(2024, 6, 2, 0, 0, tzinfo=UTC): pytest.approx(4.0),
        datetime(2024, 6, 2, 0, 10, tzinfo=UTC): pytest.approx(1.0),
        datetime(2024, 6, 2, 0, 20, tzinfo=UTC): pytest.approx(1.0),
    }


def test_grids_that_begin_late_are_filled_by_their_own_intervals() -> None:
    """Hourly intervals of a zone of half an hour: from rows of seconds, of minutes, at no fixed time, and a counter."""
    base = {"source": {"files": "x"}, "asset": {"constant": "T1"}}
    power = {"active_power_kw": {"column": "P", "unit": "kW"}}
    counter = {"active_power_kw": {"column": "P", "unit": "kWh", "counter": {"resets": "never"}}}
    stamps = pl.datetime_range(
        START, START + timedelta(hours=3), "15m", eager=True, time_unit="us", time_zone="UTC"
    )
    frame = pl.DataFrame(
        {"timestamp": stamps, "first_shift_us": 0, "second_shift_us": 0, "asset_id": "T1", "name": "T1"}
    )
    numbers = pl.Series([float(n) for n in range(stamps.len())])
    expected = [sum(range(first, first + 4)) / 4 for first in (2, 6)]
    found = {}
    for kind, clock, channels in (
        ("rows", {"interval_minutes": 15}, power),
        ("rows", {"holds_minutes": 15}, power),
        ("active_power_kw", {"interval_minutes": 15}, counter),
    ):
        mapping = Mapping.model_validate(
            {**base, "timestamp": {"column": "t", "zone": "UTC"} | clock, "generation": channels}
        )
        name = "active_power_kw" if kind == "rows" else "reading_active_power_kw"
        values = numbers if kind == "rows" else (numbers / 4).cum_sum()
        streams = {(0, kind): frame.with_columns(values.alias(name))}
        told = assembled("generation", streams, mapping, {"T1": 60}, Notes(), phases={"T1": 30})
        whole = told.drop_nulls("active_power_kw")
        assert whole["timestamp"].to_list() == [START + timedelta(minutes=30), START + timedelta(minutes=90)]
        found[str((kind, clock))] = whole["active_power_kw"].to_list()
    assert list(found.values()) == [pytest.approx(expected)] * 3
