"""Laws of the importer: nothing is lost, nothing is guessed, and an error says what is at fault."""

import csv
import gzip
import math
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from renewable.contract import TABLES, RawTable, WeatherSchema, column_unit, measurements, polars_schema
from renewable.errors import MappingError
from renewable.importers.convert import import_files
from renewable.importers.kept_rows import split_by_day
from renewable.importers.mapping import Mapping, load_mapping
from renewable.importers.notes import Notes
from renewable.importers.rows import table_rows
from renewable.importers.set_aside import SetAside
from renewable.importers.source import SourceFrame, read_batches
from renewable.importers.together import assembled
from renewable.importers.units import CONVERSIONS, SAME, conversion
from renewable.places import CHECKOUT as REPO
from renewable.raw_files import raw_file_names
from renewable.windows import Window

pytestmark = pytest.mark.unit

EXAMPLE = REPO / "examples" / "la_haute_borne"
EXAMPLE_MAPPING = EXAMPLE / "mapping.yaml"
EXAMPLE_CSV = EXAMPLE / "scada-2014-03-23-to-2014-04-05.csv.gz"


@pytest.fixture(scope="module")
def example_raw_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw_dir = tmp_path_factory.mktemp("raw")
    import_files(EXAMPLE_MAPPING, raw_dir)
    return raw_dir


@pytest.fixture(scope="module")
def example_rows() -> list[dict[str, str]]:
    with gzip.open(EXAMPLE_CSV, "rt", newline="") as file:
        return list(csv.DictReader(file))


def mapping_of(**changes: Any) -> dict[str, Any]:
    """A small valid mapping of power and wind; `changes` replace whole sections."""
    return {
        "source": {"files": "export*.csv"},
        "timestamp": {"column": "time", "format": "%Y-%m-%d %H:%M", "zone": "UTC"},
        "asset": {"column": "unit"},
        "weather": {"wind_speed_ms": {"column": "wind", "unit": "m/s"}},
        "generation": {"active_power_kw": {"column": "power", "unit": "kW"}},
    } | changes


def write_export(directory: Path, rows: list[str], *, name: str = "export.csv", **changes: Any) -> Path:
    """An export of `time,unit,wind,power` rows and its mapping; the mapping's path."""
    (directory / name).write_text("\n".join(["time,unit,wind,power", *rows, ""]), encoding="utf-8")
    mapping_path = directory / "mapping.yaml"
    mapping_path.write_text(yaml.safe_dump(mapping_of(**changes)), encoding="utf-8")
    return mapping_path


def imported(mapping_path: Path, table: str = "generation") -> pl.DataFrame:
    raw_dir = mapping_path.parent / "raw"
    import_files(mapping_path, raw_dir)
    return pl.concat(pl.read_parquet(path) for path in sorted((raw_dir / table).iterdir()))


def starts(texts: list[str], **timestamp: Any) -> list[datetime]:
    """UTC interval starts of `texts`, in order of time."""
    mapping = Mapping.model_validate(mapping_of(timestamp={"column": "time", **timestamp}))
    rows = pl.DataFrame({"time": texts, "unit": "T1", "wind": "1", "power": "1"})
    return converted(rows, mapping)["weather"]["timestamp"].to_list()


def converted(rows: pl.DataFrame, mapping: Mapping) -> dict[RawTable, pl.DataFrame]:
    """The raw tables of rows of the mapping's first source, put together at once."""
    notes = Notes()
    batch = SourceFrame("export.csv", rows, set_aside=SetAside("export.csv"))
    made = table_rows(batch, mapping, notes)
    batch.set_aside.settle()
    return {
        table: assembled(table, {(0, "rows"): made[table, "rows"]}, mapping, {}, notes)
        for table in mapping.tables
    }


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The real example


def test_importing_twice_rewrites_nothing(tmp_path: Path) -> None:
    first = import_files(EXAMPLE_MAPPING, tmp_path)
    stamps = {name: (tmp_path / name).stat().st_mtime_ns for name in raw_file_names(tmp_path)}
    second = import_files(EXAMPLE_MAPPING, tmp_path)
    assert (first.files_written, first.files_unchanged) == (28, 0)
    assert (second.files_known, second.files_written, second.files_unchanged) == (1, 0, 0)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in raw_file_names(tmp_path)} == stamps


def test_every_source_row_arrives_in_exactly_one_day_file(
    example_raw_dir: Path, example_rows: list[dict[str, str]]
) -> None:
    def number(text: str) -> float | None:
        return float(text) if text else None

    keys = [(row["Wind_turbine_name"], row["Date_time"][:19]) for row in example_rows]
    expected = sorted(
        # The first of two equal stamps was pushed from the hour before.
        (
            turbine,
            utc(stamp) - timedelta(hours=(turbine, stamp) in keys[place + 1 :]),
            str(number(row["P_avg"])),
        )
        for place, ((turbine, stamp), row) in enumerate(zip(keys, example_rows, strict=True))
    )
    found = []
    for path in sorted((example_raw_dir / "generation").iterdir()):
        frame = pl.read_parquet(path)
        assert frame["timestamp"].dt.date().unique().to_list() == [date.fromisoformat(path.stem[-10:])]
        found += [
            (a, t, str(p)) for a, t, p in frame.select("asset_id", "timestamp", "active_power_kw").rows()
        ]
    assert sorted(found) == expected


def test_energy_per_turbine_equals_the_plain_sum_over_the_export(
    example_raw_dir: Path, example_rows: list[dict[str, str]]
) -> None:
    powers: dict[str, list[float]] = defaultdict(list)
    for row in example_rows:
        if row["P_avg"]:
            powers[row["Wind_turbine_name"]].append(float(row["P_avg"]))
    expected_kwh = {asset: math.fsum(values) / 6 for asset, values in powers.items()}
    raw = pl.read_parquet(example_raw_dir / "generation" / "*.parquet")
    energy_kwh = dict(raw.group_by("asset_id").agg(pl.col("active_power_kw").sum() / 6).rows())
    assert energy_kwh == pytest.approx(expected_kwh, rel=1e-9)
    assert len(energy_kwh) == 4


def test_the_24_pushed_stamps_are_given_back_to_the_skipped_hour(
    example_raw_dir: Path, tmp_path: Path
) -> None:
    for table in TABLES:
        day = pl.read_parquet(example_raw_dir / table / f"{table}_2014-03-30.parquet")
        assert not day.filter(pl.struct("asset_id", "timestamp").is_duplicated()).height
        assert day["timestamp"].dt.hour().eq(2).sum() == 24
        assert day.height == 4 * 144
    content = yaml.safe_load(EXAMPLE_MAPPING.read_text())
    del content["timestamp"]["spring_pairs"]
    content["source"]["files"] = str(EXAMPLE_CSV)
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(content))
    import_files(tmp_path / "mapping.yaml", tmp_path / "raw")
    as_printed = pl.read_parquet(tmp_path / "raw" / "generation" / "generation_2014-03-30.parquet")
    assert as_printed.filter(pl.struct("asset_id", "timestamp").is_duplicated()).height == 48
    assert not as_printed["timestamp"].dt.hour().eq(2).any()


def test_raw_files_have_the_columns_and_types_of_the_contract(example_raw_dir: Path) -> None:
    for table in TABLES:
        for path in (example_raw_dir / table).iterdir():
            assert pl.read_parquet_schema(path) == dict(polars_schema(table))
    weather = pl.read_parquet(example_raw_dir / "weather" / "weather_2014-03-23.parquet")
    assert WeatherSchema.is_valid(weather)


def test_offset_ignored_and_honoured_differ_by_exactly_the_offset(example_rows: list[dict[str, str]]) -> None:
    def by_row(offset: str) -> list[datetime]:
        batches = read_batches(EXAMPLE_CSV, load_mapping(EXAMPLE_MAPPING).source)
        rows = pl.concat(batch.rows for batch in batches)
        numbered = rows.with_columns(Wind_turbine_name=pl.int_range(pl.len()).cast(pl.String).str.zfill(6))
        content = load_mapping(EXAMPLE_MAPPING).model_dump()
        content["timestamp"] |= {"offset": offset, "zone": "UTC" if offset == "ignored" else None}
        tables = converted(numbered, Mapping.model_validate(content))
        return tables["generation"]["timestamp"].to_list()

    printed_offsets = [datetime.fromisoformat(row["Date_time"]).utcoffset() for row in example_rows]
    differences = [i - h for i, h in zip(by_row("ignored"), by_row("honoured"), strict=True)]
    assert differences == printed_offsets
    assert set(printed_offsets) == {timedelta(hours=1), timedelta(hours=2)}


# Clock


def test_an_offset_may_be_written_with_or_without_colon_or_as_z() -> None:
    texts = ["2024-01-01 05:00+05:30", "2024-01-01 00:00Z", "2024-01-01 00:00-0030", "2024-01-01 03:00 +02"]
    found = starts(texts, format="%Y-%m-%d %H:%M%z", offset="honoured")
    assert [f"{t:%d %H:%M}" for t in found] == ["31 23:30", "01 00:00", "01 00:30", "01 01:00"]


def test_end_labelled_stamps_shift_by_one_interval_over_midnight_too() -> None:
    texts = ["2024-06-01 00:00", "2024-06-01 00:15"]
    form = {"format": "%Y-%m-%d %H:%M", "zone": "UTC"}
    ends = starts(texts, **form, label="end", interval_minutes=15)
    assert ends == [t - timedelta(minutes=15) for t in starts(texts, **form)]
    assert ends[0] == utc("2024-05-31T23:45:00")


def test_a_local_clock_becomes_utc_in_winter_and_summer() -> None:
    found = starts(["2024-01-15 12:00", "2024-07-15 12:00"], format="%Y-%m-%d %H:%M", zone="Europe/Paris")
    assert found == [utc("2024-01-15T11:00:00"), utc("2024-07-15T10:00:00")]


def test_the_repeated_local_hour_is_refused_until_the_mapping_states_the_rule() -> None:
    texts = ["2024-10-27 01:50", "2024-10-27 02:00", "2024-10-27 02:30", "2024-10-27 03:00"]
    form = {"format": "%Y-%m-%d %H:%M", "zone": "Europe/Paris"}
    with pytest.raises(
        MappingError, match=r"column time: 2 stamp.*Europe/Paris.*'2024-10-27 02:00' in row 3"
    ) as e:
        starts(texts, **form)
    assert "timestamp.ambiguous_hour: earliest or latest" in str(e.value)
    assert starts(texts, **form, ambiguous_hour="earliest")[1] == utc("2024-10-27T00:00:00")
    assert starts(texts, **form, ambiguous_hour="latest")[1] == utc("2024-10-27T01:00:00")


def test_the_skipped_local_hour_is_always_refused() -> None:
    with pytest.raises(MappingError, match=r"1 stamp.*leaves out in spring: '2024-03-31 02:30' in row 2"):
        starts(["2024-03-31 02:30"], format="%Y-%m-%d %H:%M", zone="Europe/Paris", ambiguous_hour="latest")


@pytest.mark.parametrize("text", ["2024-01-01 24:10", "01.01.2024 00:00", "2024-01-01 00:00 UTC", ""])
def test_an_unreadable_stamp_is_named_with_file_row_and_column(text: str) -> None:
    with pytest.raises(
        MappingError, match=rf"export\.csv, column time: 1 of 2 rows are no timestamp.*'{text}' in row 3"
    ):
        starts(["2024-01-01 00:00", text], format="%Y-%m-%d %H:%M", zone="UTC")


def test_a_stamp_without_the_stated_offset_is_refused() -> None:
    with pytest.raises(MappingError, match=r"column time: 1 of 1 rows .*'2024-01-01 00:00' in row 2"):
        starts(["2024-01-01 00:00"], format="%Y-%m-%d %H:%M%z", offset="ignored", zone="UTC")


# Files and rows


def test_only_the_changed_day_is_rewritten(tmp_path: Path) -> None:
    rows = ["2024-01-01 00:00,T1,5,10", "2024-01-02 00:00,T1,6,20", "2024-01-03 00:00,T1,7,30"]
    mapping_path = write_export(tmp_path, rows)
    import_files(mapping_path, tmp_path / "raw")
    write_export(tmp_path, [*rows[:1], "2024-01-02 00:00,T1,6,21", *rows[2:]])
    again = import_files(mapping_path, tmp_path / "raw")
    assert (again.files_written, again.files_unchanged) == (1, 5)


def test_a_window_writes_its_days_and_the_others_wait(tmp_path: Path) -> None:
    mapping_path = write_export(tmp_path, [f"2024-01-0{day} 12:00,T1,5,10" for day in range(1, 6)])
    summary = import_files(mapping_path, tmp_path / "raw", Window(date(2024, 1, 2), date(2024, 1, 4)))
    assert summary.rows == {"weather": 2, "generation": 2}
    assert summary.days_waiting == 6
    assert set(raw_file_names(tmp_path / "raw")) == {
        f"{table}/{table}_2024-01-0{day}.parquet" for table in TABLES for day in (2, 3)
    }
    assert import_files(mapping_path, tmp_path / "raw").files_written == 6
    assert len(raw_file_names(tmp_path / "raw")) == 10


def test_files_of_a_glob_are_joined_into_the_same_days(tmp_path: Path) -> None:
    write_export(tmp_path, ["2024-01-01 00:00,T2,5,10"], name="export_b.csv")
    mapping_path = write_export(tmp_path, ["2024-01-01 00:00,T1,6,20"], name="export_a.csv")
    assert imported(mapping_path)["asset_id"].to_list() == ["T1", "T2"]


def test_duplicates_and_impossible_values_are_left_to_the_gate(tmp_path: Path) -> None:
    rows = ["2024-01-01 00:00,T1,5,10", "2024-01-01 00:00,T1,5,10", "2024-01-01 00:00,T1,-999,1e9"]
    mapping_path = write_export(tmp_path, rows)
    assert imported(mapping_path, "weather")["wind_speed_ms"].to_list() == [5.0, 5.0, -999.0]
    assert imported(mapping_path)["active_power_kw"].to_list() == [10.0, 10.0, 1e9]


@pytest.mark.parametrize("typed", [False, True])
def test_what_is_no_finite_number_is_empty_and_infinity_is_counted(tmp_path: Path, typed: bool) -> None:
    rows = [f"2024-01-01 {n // 6:02}:{n % 6}0,T1,{n},{n}" for n in range(40)]
    rows += ["2024-01-01 10:00,T1,NaN,-nan", "2024-01-01 10:10,T1,inf,1"]
    mapping_path = write_export(tmp_path, rows)
    if typed:
        read = pl.read_csv(tmp_path / "export.csv", try_parse_dates=True)
        (tmp_path / "export.csv").unlink()
        read.write_parquet(tmp_path / "export.csv")
        text = mapping_path.read_text()
        mapping_path.write_text("\n".join(line for line in text.splitlines() if "%Y" not in line))
    summary = import_files(mapping_path, tmp_path / "raw")
    assert [what for what in summary.notes if "no number" in what and "inf" in what]
    wind = pl.read_parquet(tmp_path / "raw" / "weather" / "*.parquet")["wind_speed_ms"]
    power = pl.read_parquet(tmp_path / "raw" / "generation" / "*.parquet")["active_power_kw"]
    assert wind.to_list() == [*map(float, range(40)), None, None]
    assert power.to_list() == [*map(float, range(40)), None, 1.0]


def test_decimal_commas_null_markers_encoding_and_renames_follow_the_mapping(tmp_path: Path) -> None:
    mapping_path = write_export(
        tmp_path,
        [],
        source={
            "files": "export.csv",
            "delimiter": ";",
            "decimal_comma": True,
            "null_markers": ["-"],
            "encoding": "cp1252",
        },
        timestamp={"column": "Zeit", "format": "%d.%m.%Y %H:%M", "zone": "UTC"},
        asset={"column": "Gerät", "rename": {"Süd 1": "T1"}},
        weather=None,
        generation={
            "active_power_kw": {"column": "Leistung", "unit": "MW"},
            "operating_state": {"column": "Status", "rename": {"4": "running"}},
        },
    )
    text = "Zeit;Gerät;Leistung;Status\n01.02.2024 00:00;Süd 1;1,5;4\n01.02.2024 00:10;Süd 1; - ;9\n\n"
    (tmp_path / "export.csv").write_bytes(text.encode("cp1252"))
    frame = imported(mapping_path).select("asset_id", "active_power_kw", "operating_state")
    assert frame.rows() == [("T1", 1500.0, "running"), ("T1", None, "9")]


def test_an_export_without_rows_writes_nothing(tmp_path: Path) -> None:
    summary = import_files(write_export(tmp_path, []), tmp_path / "raw")
    assert (summary.source_rows, summary.files_written) == (0, 0)


def test_days_of_a_frame_hold_its_rows_once_and_in_order() -> None:
    stamps = [utc("2024-01-02T00:00:00"), utc("2024-01-01T23:59:00"), utc("2024-01-02T00:00:00")]
    frame = pl.DataFrame({"timestamp": stamps, "row": [0, 1, 2]})
    assert [(day.day, part["row"].to_list()) for day, part in split_by_day(frame)] == [(1, [1]), (2, [0, 2])]


# Errors that name what is at fault


def test_a_unit_of_another_dimension_is_refused_with_file_column_and_the_allowed_units(
    tmp_path: Path,
) -> None:
    wrong = {"wind_speed_ms": {"column": "wind", "unit": "kW"}}
    mapping_path = write_export(tmp_path, [], weather=wrong)
    with pytest.raises(MappingError) as e:
        load_mapping(mapping_path)
    for named in (str(mapping_path), "weather.wind_speed_ms", "'kW'", "'wind'", "m/s, km/h, mph, knots"):
        assert named in str(e.value)


def test_an_unknown_target_column_is_refused_with_the_columns_that_exist(tmp_path: Path) -> None:
    mapping_path = write_export(tmp_path, [], generation={"power": {"column": "power", "unit": "kW"}})
    with pytest.raises(MappingError, match=r"generation\.power: .*active_power_kw, curtailment_limit_kw"):
        load_mapping(mapping_path)


def test_a_source_column_that_the_file_lacks_is_named_with_those_it_has(tmp_path: Path) -> None:
    mapping_path = write_export(
        tmp_path, ["2024-01-01 00:00,T1,5,10"], weather={"wind_speed_ms": {"column": "Wind", "unit": "m/s"}}
    )
    with pytest.raises(
        MappingError, match=r"export\.csv: .*column\(s\) Wind .*it has time, unit, wind, power"
    ):
        import_files(mapping_path, tmp_path / "raw")


@pytest.mark.parametrize(("text", "decimal_comma"), [("1.5x", False), ('"1,5"', False), ("1.234", True)])
def test_an_unreadable_number_is_named_and_nothing_is_written(
    tmp_path: Path, text: str, decimal_comma: bool
) -> None:
    mapping_path = write_export(
        tmp_path,
        ["2024-01-01 00:00,T1,5,10", f"2024-01-01 00:10,T1,5,{text}"],
        source={"files": "export.csv", "decimal_comma": decimal_comma},
    )
    value = text.strip('"')
    with pytest.raises(
        MappingError, match=rf"export\.csv, column power: 1 of 2 filled.*'{value}' in row 3.*null_markers"
    ):
        import_files(mapping_path, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"timestamp": {"column": "t", "format": "%Y-%m-%d %H:%M"}}, "timestamp: zone is missing"),
        ({"timestamp": {"column": "t", "format": "%H:%M%z"}}, "honoured, or ignored"),
        ({"timestamp": {"column": "t", "format": "%H:%M", "zone": "CET+1"}}, "timestamp.zone: 'CET[+]1'"),
        ({"asset": {"column": "unit", "constant": "T1"}}, "asset: give one of column, columns, constant"),
        ({"colour": "blue"}, "colour: Extra inputs"),
        ({"weather": {}, "generation": {}}, "nothing is mapped"),
        ({"source": {"files": "nowhere*.csv"}}, "'nowhere[*].csv' matches no file"),
        ({"source": {"files": "export.csv", "encoding": "utf-99"}}, "'utf-99' is no text encoding"),
    ],
)
def test_a_faulty_mapping_is_refused_with_its_path_and_the_setting(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    mapping_path = write_export(tmp_path, [], **changes)
    with pytest.raises(MappingError, match=rf"(?s)mapping\.yaml.*{fault}"):
        import_files(mapping_path, tmp_path / "raw")


def test_a_broken_gzip_file_is_named(tmp_path: Path) -> None:
    mapping_path = write_export(tmp_path, [])
    (tmp_path / "export.csv").write_bytes(EXAMPLE_CSV.read_bytes()[:1000])
    with pytest.raises(MappingError, match=r"export\.csv: cannot be read as CSV"):
        import_files(mapping_path, tmp_path / "raw")


# Units


def test_every_measured_column_of_the_contract_has_units() -> None:
    numeric = [(t, c) for t in TABLES for c in measurements(t) if c != "operating_state"]
    for unit in {column_unit(table, column) for table, column in numeric}:
        assert conversion(unit, unit) == SAME, unit


@pytest.mark.parametrize(
    ("contract_unit", "unit", "value", "expected"),
    [
        ("kW", "W", 1234.5, 1.2345),
        ("kW", "MW", 2.05, 2050.0),
        ("°C", "K", 273.15, 0.0),
        ("°C", "degF", 212.0, 100.0),
        ("m/s", "km/h", 36.0, 10.0),
        ("m/s", "mph", 1.0, 0.44704),
        ("m/s", "knots", 1.0, 1852 / 3600),
        ("hPa", "Pa", 101325.0, 1013.25),
        ("hPa", "kPa", 101.325, 1013.25),
        ("W/m²", "kW/m2", 1.0, 1000.0),
        ("deg", "rad", math.pi, 180.0),
        ("%", "1", 0.5, 50.0),
        ("mm", "inch", 1.0, 25.4),
    ],
)
def test_units_convert_by_their_definition(
    contract_unit: str, unit: str, value: float, expected: float
) -> None:
    converted = pl.select(CONVERSIONS[contract_unit][unit].apply(pl.lit(value))).item()
    assert converted == pytest.approx(expected, rel=1e-15, abs=1e-12)


@given(
    value=st.floats(-1e6, 1e6),
    unit=st.sampled_from([(to, frm) for to, units in CONVERSIONS.items() for frm in units]),
)
def test_a_converted_value_goes_back_to_where_it_came_from(value: float, unit: tuple[str, str]) -> None:
    conversion = CONVERSIONS[unit[0]][unit[1]]
    converted = pl.select(conversion.apply(pl.lit(value))).item()
    back = converted * conversion.over / conversion.times - conversion.plus
    assert back == pytest.approx(value, rel=1e-12, abs=1e-9)
    if conversion == SAME:
        assert math.copysign(1, converted) == math.copysign(1, value) and converted == value
