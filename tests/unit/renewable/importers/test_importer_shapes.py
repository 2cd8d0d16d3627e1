"""Laws of the importer's shapes: wide, several sources, counters, sums, resampling; the incomplete is never less."""

import math
import zipfile
from collections.abc import Mapping as MappingType
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
import yaml
from benchmarks.drafts import answered
from hypothesis import given, settings
from hypothesis import strategies as st

from renewable.errors import MappingError
from renewable.importers import source
from renewable.importers.convert import ImportSummary, import_files
from renewable.importers.draft import draft_mapping
from renewable.importers.mapping import Mapping, load_mapping
from renewable.importers.source import read_batches
from renewable.importers.units import conversion
from renewable.raw_files import raw_file_names

pytestmark = pytest.mark.unit
START = datetime(2024, 5, 31, 22, 0, tzinfo=UTC)
POWER = {"active_power_kw": {"column": "power", "unit": "kW"}}
numbers = st.floats(0, 5000, allow_nan=False).map(lambda value: round(value, 3))


def stamps(count: int, minutes: int) -> list[str]:
    return [f"{START + timedelta(minutes=minutes * step):%Y-%m-%d %H:%M}" for step in range(count)]


def run(
    place: Path, rows: pl.DataFrame, intervals: MappingType[str, int] | None = None, **changes: Any
) -> tuple[pl.DataFrame, ImportSummary]:
    """Import `rows` as export.csv by a mapping with `changes`; generation, sorted, and the summary."""
    rows.write_csv(place / "export.csv")
    content = {
        "source": {"files": "export.csv"},
        "timestamp": {"column": "time", "format": "%Y-%m-%d %H:%M", "zone": "UTC", "interval_minutes": 5},
        "asset": {"column": "unit"},
        "generation": POWER,
    } | changes
    (place / "mapping.yaml").write_text(yaml.safe_dump(content))
    summary = import_files(place / "mapping.yaml", place / "raw", None, intervals)
    found = [pl.read_parquet(path) for path in sorted((place / "raw").glob("generation/*.parquet"))]
    return pl.concat(found), summary


def long(powers: list[float | None], unit: str = "T1", minutes: int = 5) -> pl.DataFrame:
    return pl.DataFrame(
        {"time": stamps(len(powers), minutes), "unit": unit, "power": powers},
        schema_overrides={"power": pl.Float64},
    )


@settings(max_examples=6, deadline=None)
@given(
    powers=st.lists(st.lists(st.none() | numbers, min_size=3, max_size=3), min_size=1, max_size=60),
    batch=st.integers(1, 50),
)
def test_a_wide_file_is_its_long_one_whatever_the_batches(
    powers: list[list[float | None]], batch: int
) -> None:
    names = ["A", "B", "C"]
    columns = {f"{n} P": [row[i] for row in powers] for i, n in enumerate(names)}
    wide = pl.DataFrame(
        {"time": stamps(len(powers), 5), **columns}, schema_overrides=dict.fromkeys(columns, pl.Float64)
    )
    tall = pl.concat(long([row[i] for row in powers], n) for i, n in enumerate(names))
    with TemporaryDirectory() as one, TemporaryDirectory() as two, pytest.MonkeyPatch.context() as patch:
        patch.setattr(source.read_batches, "__defaults__", (None, batch))
        of_wide, _ = run(
            Path(one),
            wide,
            asset={"wide": {n: n for n in names}},
            generation={"active_power_kw": {"column": "{asset} P", "unit": "kW"}},
        )
        of_tall, _ = run(Path(two), tall)
    assert of_wide.equals(of_tall)


@settings(max_examples=6, deadline=None)
@given(powers=st.lists(st.none() | numbers, min_size=3, max_size=90), seed=st.randoms())
def test_resampling_keeps_energy_of_whole_intervals_and_empties_the_others(
    powers: list[float | None], seed: Any
) -> None:
    rows = long(powers)
    shuffled = rows[seed.sample(range(rows.height), rows.height)]
    with TemporaryDirectory() as place:
        found, _ = run(Path(place), shuffled, {"T1": 15})
    expected = {}
    for step in range(0, len(powers), 3):
        three = powers[step : step + 3]
        whole = len(three) == 3 and None not in three
        expected[START + timedelta(minutes=5 * step)] = (
            math.fsum(v or 0 for v in three) / 3 if whole else None
        )
    assert dict(found.select("timestamp", "active_power_kw").iter_rows()) == pytest.approx(expected)


@settings(max_examples=6, deadline=None)
@given(
    added=st.lists(numbers, min_size=2, max_size=80),
    missing=st.sets(st.integers(1, 79), max_size=6),
    first=numbers,
    label=st.sampled_from(["start", "end"]),
)
def test_a_counter_gives_what_was_added_and_no_lump_after_a_gap(
    added: list[float], missing: set[int], first: float, label: str
) -> None:
    totals = [first]
    for value in added:
        totals.append(totals[-1] + value)
    kept = [step for step in range(len(totals)) if step not in missing]
    rows = pl.DataFrame(
        {
            "time": [stamps(len(totals), 5)[step] for step in kept],
            "unit": "T1",
            "total": [totals[s] for s in kept],
        }
    )
    counter = {"active_power_kw": {"column": "total", "unit": "kWh", "counter": True}}
    clock = {
        "column": "time",
        "format": "%Y-%m-%d %H:%M",
        "zone": "UTC",
        "interval_minutes": 5,
        "label": label,
    }
    with TemporaryDirectory() as place:
        if len(kept) < 2:
            return
        found, summary = run(Path(place), rows, generation=counter, timestamp=clock)
    expected = {}
    for before, step in pairwise(kept):
        start = START + timedelta(minutes=5 * (step - 1))
        expected[start] = (totals[step] - totals[before]) * 12 if step - before == 1 else None
    assert dict(found.select("timestamp", "active_power_kw").iter_rows()) == pytest.approx(expected, abs=1e-6)
    gaps = sum(step - before > 1 for before, step in pairwise(kept))
    assert summary.notes.get("counter readings after a gap (their energy is set aside)", 0) == gaps


def test_a_counter_that_falls_has_no_energy_there_and_goes_on(tmp_path: Path) -> None:
    rows = pl.DataFrame({"time": stamps(4, 5), "unit": "T1", "total": [10.0, 12.0, 1.0, 4.0]})
    counter = {"active_power_kw": {"column": "total", "unit": "MWh", "counter": True}}
    found, summary = run(tmp_path, rows, generation=counter)
    assert found["active_power_kw"].to_list() == [24_000.0, None, 36_000.0]
    assert summary.notes == {"counter readings below the one before (set aside)": 1}


@settings(max_examples=6, deadline=None)
@given(powers=st.lists(st.lists(st.none() | numbers, min_size=2, max_size=2), min_size=1, max_size=40))
def test_a_sum_over_inverters_is_null_unless_all_are_there(powers: list[list[float | None]]) -> None:
    rows = pl.concat(long([row[i] for row in powers], f"I{i}") for i in range(2))
    absent = rows.filter(~((pl.col("unit") == "I1") & pl.col("power").is_null()))
    asset = {"column": "unit", "rename": {"I0": "plant", "I1": "plant"}, "combine": "sum"}
    with TemporaryDirectory() as one, TemporaryDirectory() as two:
        found, _ = run(Path(one), rows, asset=asset)
        without, _ = run(Path(two), absent, asset=asset)
    expected = [None if None in row else row[0] + row[1] for row in powers]  # type: ignore[operator]
    assert found["active_power_kw"].to_list() == pytest.approx(expected)
    assert without["active_power_kw"].to_list() == found["active_power_kw"].to_list()
    assert found["asset_id"].unique().to_list() == ["plant"]


def test_two_rows_of_one_inverter_are_no_sum(tmp_path: Path) -> None:
    rows = pl.concat([long([1.0], "I0"), long([2.0], "I0")])
    asset = {"column": "unit", "rename": {"I0": "plant", "I1": "plant"}, "combine": "sum"}
    assert run(tmp_path, rows, asset=asset)[0]["active_power_kw"].to_list() == [None]


def test_a_station_beside_the_plants_joins_by_time_and_directions_turn_over_north(tmp_path: Path) -> None:
    pl.DataFrame({"t": ["1717192800", "1717193100"], "dir": [350.0, 20.0]}).write_parquet(
        tmp_path / "met.parquet"
    )
    also = {
        "source": {"files": "met.parquet"},
        "timestamp": {"column": "t", "format": "epoch_s", "interval_minutes": 5},
        "asset": {"every": ["T1", "T2"]},
        "weather": {"wind_direction_deg": {"column": "dir", "unit": "deg"}},
        "generation": {"curtailment_limit_kw": {"constant": 2, "unit": "MW"}},
    }
    rows = pl.concat([long([1.0, 3.0], "T1"), long([2.0, 4.0], "T2")])
    found, _ = run(tmp_path, rows, {"T1": 10, "T2": 10}, also=[also])
    assert found.select("asset_id", "active_power_kw", "curtailment_limit_kw").rows() == [
        ("T1", 2.0, 2000.0),
        ("T2", 3.0, 2000.0),
    ]
    weather = pl.read_parquet(tmp_path / "raw" / "weather" / "*.parquet")
    assert weather["wind_direction_deg"].to_list() == pytest.approx([5.0, 5.0])


def test_rows_are_left_out_by_condition_counted_and_keep_their_numbers(tmp_path: Path) -> None:
    rows = long([1.0, 2.0, 3.0]).with_columns(
        pl.col("power").cast(pl.String), valid=pl.Series(["1", "0", "1"])
    )
    found, summary = run(tmp_path, rows, source={"files": "export.csv", "keep": "valid = '1'"})
    assert found["active_power_kw"].to_list() == [1.0, 3.0]
    assert summary.notes == {"rows left out by source.keep": 1}
    broken = rows.with_columns(power=pl.Series(["1", "?", "x"]))
    with pytest.raises(MappingError, match=r"'x' in row 4"):
        run(tmp_path, broken, source={"files": "export.csv", "keep": "valid = '1'"})


def test_expressions_signs_and_thousands(tmp_path: Path) -> None:
    rows = pl.DataFrame({"time": stamps(1, 5), "unit": "T1", "a": ["1.234,5"], "b": ["0,5"]})
    found, _ = run(
        tmp_path,
        rows,
        source={"files": "export.csv", "decimal_comma": True, "thousands": "."},
        generation={"active_power_kw": {"expression": "a - 2 * b", "unit": "W", "sign": -1}},
    )
    assert found["active_power_kw"].to_list() == pytest.approx([-1.2335])


@pytest.mark.parametrize("kind", ["zip", "xlsx", "parquet", "tsv"])
def test_the_same_table_in_another_file_is_the_same_import(tmp_path: Path, kind: str) -> None:
    rows = long([1.5, 2.5])
    csv_found, _ = run(tmp_path, rows)
    path = tmp_path / f"other.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.csv", rows.write_csv())
    elif kind == "xlsx":
        rows.write_excel(path)
    elif kind == "parquet":
        rows.write_parquet(path)
    else:
        rows.write_csv(path, separator="\t")
    delimiter = "\t" if kind == "tsv" else ","
    found, _ = run(tmp_path, rows, source={"files": path.name, "delimiter": delimiter})
    assert found.equals(csv_found)


def test_local_hours_of_a_clock_change_in_order_of_the_file(tmp_path: Path) -> None:
    texts = ["2024-10-27 01:30", "2024-10-27 02:00", "2024-10-27 02:30"]
    texts += ["2024-10-27 02:00", "2024-10-27 02:30", "2024-10-27 03:00"]
    rows = pl.DataFrame({"time": texts, "unit": "T1", "power": [float(i) for i in range(6)]})
    clock = {
        "column": "time",
        "format": "%Y-%m-%d %H:%M",
        "zone": "Europe/Paris",
        "ambiguous_hour": "in_order",
        "missing_hour": "set_aside",
    }
    found, summary = run(tmp_path, rows, timestamp=clock)
    first = datetime(2024, 10, 26, 23, 30, tzinfo=UTC)
    assert found.select("timestamp", "active_power_kw").rows() == [
        (first + timedelta(minutes=30 * step), float(step)) for step in range(6)
    ]
    assert summary.notes == {"stamps of a repeated hour given to the skipped or the second one": 2}


@given(late_s=st.integers(-150, 150), snap=st.sampled_from([0.0, 1.0, 2.0]))
@settings(max_examples=6, deadline=None)
def test_stamps_a_little_off_the_grid_are_put_onto_it_and_others_stay(late_s: int, snap: float) -> None:
    at = START + timedelta(seconds=late_s)
    rows = pl.DataFrame({"time": [f"{at:%Y-%m-%d %H:%M:%S}"], "unit": "T1", "power": [1.0]})
    clock = {"column": "time", "format": "%Y-%m-%d %H:%M:%S", "zone": "UTC", "interval_minutes": 5}
    with TemporaryDirectory() as place:
        found, _ = run(Path(place), rows, timestamp=clock | {"snap_minutes": snap})
    assert found["timestamp"].to_list() == [START if abs(late_s) <= 60 * snap else at]


def test_a_fixed_offset_needs_no_zone_name(tmp_path: Path) -> None:
    clock = {"column": "time", "format": "%Y-%m-%d %H:%M", "zone": "+05:30"}
    found, _ = run(tmp_path, long([1.0]), timestamp=clock)
    assert found["timestamp"].to_list() == [START - timedelta(hours=5, minutes=30)]


def test_importing_again_in_another_order_writes_nothing(tmp_path: Path) -> None:
    rows = pl.concat([long([1.0, 2.0], "T1"), long([3.0, 4.0], "T2")])
    run(tmp_path, rows)
    assert run(tmp_path, rows.reverse())[1].files_written == 0
    assert all(not name.startswith(".") for name in raw_file_names(tmp_path))
    assert not list(tmp_path.glob(".import-*"))


def test_memory_holds_batches_and_every_row_comes_once(tmp_path: Path) -> None:
    long([float(i) for i in range(1000)]).write_csv(tmp_path / "export.csv")
    form = Mapping.model_validate(
        {
            "source": {"files": "export.csv"},
            "timestamp": {"column": "time", "format": "%Y-%m-%d %H:%M", "zone": "UTC"},
            "asset": {"column": "unit"},
            "generation": POWER,
        }
    ).source
    batches = list(read_batches(tmp_path / "export.csv", form, ["power"], rows=64))
    assert len(batches) > 5
    assert [b.first_row for b in batches] == [
        2 + sum(p.rows.height for p in batches[:i]) for i in range(len(batches))
    ]
    assert [float(v) for b in batches for v in b.rows["power"]] == [float(i) for i in range(1000)]


@pytest.mark.parametrize(
    ("contract_unit", "unit", "seconds", "value", "expected"),
    [
        ("kW", "kWh", 15 * 60, 1.0, 4.0),
        ("kW", "Wh", 5 * 60, 100.0, 1.2),
        ("kW", "hp", None, 1.0, 0.745699872),
        ("kW", "MJ", 10 * 60, 3.6, 6.0),
        ("m/s", "ft/s", None, 1.0, 0.3048),
        ("°C", "degR", None, 491.67, 0.0),
        ("hPa", "atm", None, 1.0, 1013.25),
        ("W/m²", "mW/cm**2", None, 1.0, 10.0),
    ],
)
def test_units_that_are_not_listed_go_through_pint(
    contract_unit: str, unit: str, seconds: int | None, value: float, expected: float
) -> None:
    made = pl.select(conversion(contract_unit, unit, seconds).apply(pl.lit(value))).item()
    assert made == pytest.approx(expected, abs=1e-9)


def test_energy_without_an_interval_is_refused_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(
        "source: {files: x.csv}\n"
        "timestamp: {column: t, format: '%Y-%m-%d %H:%M', zone: UTC}\n"
        "asset: {column: unit}\n"
        "generation:\n"
        "  active_power_kw: {column: e, unit: kWh}\n"
    )
    with pytest.raises(MappingError, match=r"line 5: generation\.active_power_kw: .*interval_minutes"):
        load_mapping(tmp_path / "mapping.yaml")


def test_a_draft_is_a_mapping_once_its_todos_are_done(tmp_path: Path) -> None:
    text = "Zeit;Anlage;Leistung [kW];Windgeschwindigkeit;Aussentemp\n01.02.2024 00:00;A1;1,5;7,2;-3,0\n"
    (tmp_path / "export.csv").write_bytes(text.replace("Zeit", "Zeit (Süd)").encode("cp1252"))
    draft = draft_mapping(tmp_path / "export.csv")
    assert "TODO" in draft
    (tmp_path / "mapping.yaml").write_text(answered(draft, lambda *_: 0))
    import_files(tmp_path / "mapping.yaml", tmp_path / "raw")
    made = pl.read_parquet(tmp_path / "raw" / "generation" / "*.parquet")
    assert made.select("asset_id", "active_power_kw").rows() == [("A1", 1.5)]
    weather = pl.read_parquet(tmp_path / "raw" / "weather" / "*.parquet")
    assert weather.select("wind_speed_ms", "air_temperature_c").rows() == [(7.2, -3.0)]


@pytest.mark.parametrize("rows", ["", "2024-02-01 00:00;A1;1,5"])
def test_a_draft_needs_no_more_than_a_header(tmp_path: Path, rows: str) -> None:
    (tmp_path / "export.csv").write_text(f"time;unit;power\n{rows}")
    draft = draft_mapping(tmp_path / "export.csv")
    assert ('\n  format: "%Y-%m-%d %H:%M"\n' in draft) == ("decimal_comma: true" in draft) == bool(rows)


def test_the_schema_for_editors_knows_every_setting() -> None:
    known = Mapping.model_json_schema()
    fields = known.get("$defs", {}).get("Mapping", known)["properties"]
    assert {"source", "timestamp", "asset", "weather", "generation", "also"} <= set(fields)
