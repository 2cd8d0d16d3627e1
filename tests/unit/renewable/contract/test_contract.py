"""The contract is the source of truth: dbt's columns are its columns, and a later column says so."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml
from benchmarks.drafts import answered

from loaders.gate import inspect_file, read_rows
from mock_data.day import Simulator
from renewable.contract import (
    KEY,
    TABLES,
    RawTable,
    column_called,
    column_since,
    column_technology,
    measurements,
    polars_schema,
    schemas,
)
from renewable.contract.version import BASELINE_COLUMNS, contract_version, generation
from renewable.fleet import Fleet
from renewable.importers.convert import import_files
from renewable.importers.draft import draft_mapping
from renewable.places import CHECKOUT as REPO
from renewable.places import DBT_PROJECT
from renewable.published.dictionary import data_dictionary
from tests.dbt_macros import rendered

pytestmark = pytest.mark.unit
SOURCES = REPO / "dbt" / "renewable_dbt" / "models" / "staging" / "_sources.yml"
DAY = date(2025, 1, 1)


class _Wider(schemas.WeatherSchema):
    hail_size_cm = schemas._channel("cm", 0, 500, "size of the hail", since=99)


@pytest.fixture
def wider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(schemas.SCHEMAS, "weather", _Wider)


@pytest.mark.parametrize("table", TABLES)
def test_the_sources_of_the_models_are_the_columns_of_the_contract(table: RawTable) -> None:
    (source,) = yaml.safe_load(SOURCES.read_text("utf-8"))["sources"]
    written = next(each["columns"] for each in source["tables"] if each["name"] == table)
    ours = [(name, column_technology(table, name)) for name in polars_schema(table)]
    theirs = [(column["name"], (column.get("meta") or {}).get("technology")) for column in written]
    differing = [f"{name} of {of or 'all'}" for name, of in sorted({*ours} ^ {*theirs}, key=str)]
    assert ours == theirs, (
        f"{SOURCES} and src/renewable/contract/schemas.py differ in table {table}: "
        f"{', '.join(differing) or 'the order of the columns'}"
    )


@pytest.mark.parametrize("table", TABLES)
def test_a_column_that_the_first_contract_lacks_is_nullable_and_says_when_it_came(table: RawTable) -> None:
    for name, column in measurements(table).items():
        is_first = name in BASELINE_COLUMNS[table]
        since = column_since(table, name)
        assert (since == 1) == is_first, f"{table}.{name}: since={since}; write the version it came with"
        assert column.nullable
    assert generation() >= 1 and all(column_since(table, name) == 1 for name in KEY)


def test_since_when_a_column_is_there_decides_about_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = contract_version()
    monkeypatch.setitem(schemas.SCHEMAS, "weather", _Wider)
    wider, sooner = contract_version(), _Wider.columns()["hail_size_cm"].metadata
    assert sooner is not None and generation() == 99
    monkeypatch.setitem(sooner, "since", 1)  # type: ignore[arg-type]
    assert len({before, wider, contract_version()}) == 3


@pytest.mark.usefixtures("wider")
def test_a_file_may_lack_a_later_column_and_none_of_the_first_contract(tmp_path: Path) -> None:
    stamps = pl.datetime_range(pl.datetime(2025, 1, 1), pl.datetime(2025, 1, 1, 3), "1h", time_zone="UTC")
    rows = pl.select(asset_id=pl.lit("a"), timestamp=stamps.dt.cast_time_unit("us"))
    values = [pl.lit(1.0).alias(name) for name in BASELINE_COLUMNS["weather"] - set(KEY)]
    older = rows.with_columns(values)
    path = tmp_path / "weather_2025-01-01.parquet"
    older.write_parquet(path)
    seen = inspect_file(path, "weather", max_rows=100)
    assert seen.refusal is None
    frame, refusal = read_rows(seen)
    assert refusal is None and frame is not None
    assert frame.schema == polars_schema("weather") and frame["hail_size_cm"].null_count() == 4
    for name in ("ghi_wm2", "asset_id"):
        older.drop(name).write_parquet(path)
        assert inspect_file(path, "weather", max_rows=100).refusal == f"missing column(s) {name}"


@pytest.mark.usefixtures("wider")
def test_the_simulator_writes_a_column_that_it_knows_nothing_about_as_null(fleet: Fleet) -> None:
    for day in (DAY, date(1990, 1, 1)):
        made = Simulator(fleet, 1).day(day).weather
        assert made.schema == polars_schema("weather")
        assert made["hail_size_cm"].null_count() == made.height
    assert Simulator(fleet, 1).day(DAY).weather["wind_speed_ms"].null_count() < 100


@pytest.mark.usefixtures("wider")
def test_an_export_with_a_new_channel_in_another_unit_is_drafted_and_imported(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text("time;unit;power;Hail size [m]\n2024-02-01 00:00;A1;1.5;0.25\n")
    drafted = draft_mapping(export)
    assert 'hail_size_cm: {column: "Hail size [m]", unit: m}' in drafted
    (tmp_path / "mapping.yaml").write_text(answered(drafted, lambda *_: 0))
    import_files(tmp_path / "mapping.yaml", tmp_path / "raw")
    made = pl.read_parquet(tmp_path / "raw" / "weather" / "*.parquet")
    assert made.schema == polars_schema("weather") and made["hail_size_cm"].to_list() == [25.0]


@pytest.mark.usefixtures("wider")
def test_the_dictionary_tells_of_a_new_channel() -> None:
    page = data_dictionary(DBT_PROJECT)
    assert "contract version 99" in page
    assert "| weather | hail_size_cm | cm | 0 to 500 | all | 99 | size of the hail |" in page
    assert page.count("| hail_size_cm | double | Size of the hail, cm. |") == 2
    assert page.count("| hail_size_cm_flag | varchar |") == 2


def test_headers_that_name_a_plane_are_not_taken_for_the_horizontal_one(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text("time,plant,Tilted irradiance,Irradiance,Ambient temp,Panel temp\n")
    drafted = draft_mapping(export)
    for said in (
        "poa_irradiance_wm2: {column: Tilted irradiance",
        "ghi_wm2: {column: Irradiance",
        "air_temperature_c: {column: Ambient temp",
        "module_temperature_c: {column: Panel temp",
    ):
        assert said in drafted, drafted


def test_every_column_is_looked_for_by_its_own_name_too() -> None:
    for table in TABLES:
        for name in measurements(table):
            assert column_called(table, name)[-1].split(".?")[0] == name.split("_")[0]


def test_a_channel_is_judged_by_each_rule_that_it_has() -> None:
    words = {"rules": [{"channel": "hail_size_cm", "rule": "spike"}]}
    assert "hail_size_cm_rule" in rendered("reading_flag", words, "hail_size_cm")
