"""Laws of the fleet registry: one strict reader, and what it makes of two files that people write."""

import csv
import io
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from renewable.data_calendar import UTC_DAYS_SCHEMA
from renewable.errors import FleetError, SettingsError
from renewable.fitting.power_curve_fit import write_power_curves
from renewable.fleet import (
    AssetSchema,
    Fleet,
    PowerCurveSchema,
    asset_facts,
    doubts,
    load_fleet,
    registry_files,
)
from renewable.places import CHECKOUT as REPO
from renewable.registry_csv import trimmed
from renewable.reported import BAD_READINGS_SCHEMA, EVENTS_SCHEMA
from renewable.settings import Settings
from renewable.thresholds import THRESHOLDS_SCHEMA
from renewable.time_zones import OFFSETS_SCHEMA
from renewable.transform.dbt_project import place_registry, registry_dir
from tests.conftest import SEEDS
from tests.dbt_macros import rendered

pytestmark = pytest.mark.unit
HEADER, ROWS = (lines := (SEEDS / "assets.csv").read_text().splitlines())[0].split(","), lines[1:]
CURVES = (SEEDS / "power_curves.csv").read_text()
FIELDS = {name: place for place, name in enumerate(HEADER)}
WIND, SOLAR = 2, 12  # rows of the demo's registry, as a spreadsheet counts them
BLANKS = ["", " ", "\t", "\u00a0", " \u202f\u3000", "\ufeff"]


def registry(place: Path, assets: str | bytes, curves: str | bytes = CURVES) -> Path:
    for name, content in (("assets.csv", assets), ("power_curves.csv", curves)):
        (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return place


def sheet(*cells: tuple[int, str, str]) -> str:
    """The demo's assets.csv with other texts in cells named by (row, column)."""
    rows = [line.split(",") for line in ROWS]
    for row, column, text in cells:
        rows[row - 2][FIELDS[column]] = text
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([HEADER, *rows])
    return lines.getvalue()


def faults(place: Path) -> list[str]:
    with pytest.raises(FleetError) as raised:
        load_fleet(place)
    return [line.removeprefix("  - ") for line in str(raised.value).splitlines() if line.startswith("  - ")]


def test_what_figures_follow_from_changes_with_the_row_and_the_curve_alone(fleet: Fleet) -> None:
    def changed(assets: pl.DataFrame, curves: pl.DataFrame = fleet.power_curves) -> set[str]:
        after = asset_facts(Fleet(assets, curves))
        return {name for name, version in asset_facts(fleet).items() if after.get(name) != version}

    wind, solar = "nordermarsch-w-01", "campo-claro-s-01"
    model = fleet.assets.filter(pl.col("asset_id") == wind)["turbine_model"].item()
    of_wind, of_model = pl.col("asset_id") == wind, pl.col("turbine_model") == model
    for column, value in {
        "timezone": "UTC",
        "interval_minutes": 30,
        "rated_power_kw": 1999.0,
        "site_id": "elsewhere",
        "hub_height_m": 81.0,
    }.items():
        cell = pl.when(of_wind).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
        assert changed(fleet.assets.with_columns(cell)) == {wind}, column
    power = pl.when(of_model & (pl.col("wind_speed_ms") == 8)).then(999.0).otherwise(pl.col("power_kw"))
    assert changed(fleet.assets, fleet.power_curves.with_columns(power.alias("power_kw"))) == {wind}
    assert changed(fleet.assets, fleet.power_curves.filter(of_model)) == {"prairie-ridge-w-02"}
    assert changed(fleet.assets.filter(pl.col("asset_id") != solar)) == {solar}

    same = fleet.assets.reverse().with_columns(pl.lit("Another name").alias("asset_name"), empty=None)
    assert changed(same, fleet.power_curves.reverse()) == set()


def test_what_figures_follow_from_does_not_depend_on_how_numbers_are_written(tmp_path: Path) -> None:
    for name in ("assets.csv", "power_curves.csv"):
        lines = (SEEDS / name).read_text().splitlines()
        (tmp_path / name).write_text("\n".join([lines[0], *reversed(lines[1:])]))
    curves = tmp_path / "power_curves.csv"
    curves.write_text(curves.read_text().replace(",22\n", ",22.0\n").replace(",0\n", ",-0.0\n"))
    assets = tmp_path / "assets.csv"
    assets.write_text(assets.read_text().replace(",5,2050,", ",5,2.05e3,").replace("54.4800", "54.48"))
    assert asset_facts(load_fleet(tmp_path)) == asset_facts(load_fleet(SEEDS))


@pytest.mark.parametrize(
    "text",
    [
        "03/04/20",
        "03/04/2020",
        "2020-3-4",
        "20200304",
        "2020-02-30",
        "04.03.2020",
        "2020-03-04 00:00:00",
        "43894",
        "2020-W10-3",
        "٢٠٢٠-٠٣-٠٤",
    ],
)
@pytest.mark.parametrize("row", [2, 11, 21])
def test_a_wrong_date_is_named_wherever_it_stands_and_no_other(tmp_path: Path, text: str, row: int) -> None:
    [fault] = faults(registry(tmp_path, sheet((row, "commissioned_on", text))))
    assert f"assets.csv, row {row}, commissioned_on: {text!r} is not a Date; write YYYY-MM-DD" in fault


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        (WIND, "rated_power_kw", "inf"),
        (WIND, "rated_power_kw", "NaN"),
        (WIND, "rated_power_kw", "1e999"),
        (WIND, "rated_power_kw", "1e300"),
        (WIND, "rated_power_kw", "1e-300"),
        (WIND, "rated_power_kw", "2_050"),
        (WIND, "rated_power_kw", "2 050"),
        (WIND, "rated_power_kw", "2,050"),
        (WIND, "rated_power_kw", "2050,5"),
        (WIND, "rated_power_kw", "2050 kW"),
        (WIND, "rated_power_kw", "0x80"),
        (WIND, "rated_power_kw", "٢٠٥٠"),
        (WIND, "rated_power_kw", "-2050"),
        (WIND, "rated_power_kw", ""),
        (WIND, "interval_minutes", "10.5"),
        (WIND, "interval_minutes", "7"),
        (WIND, "interval_minutes", "true"),
        (WIND, "asset_id", "a b"),
        (WIND, "asset_id", "a/../b"),
        (WIND, "asset_id", ""),
        (WIND, "asset_id", "a" * 200),
        (WIND, "asset_name", "two\nlines"),
        (WIND, "asset_name", "a\ttab"),
        (WIND, "technology", "Wind"),
        (WIND, "timezone", "Europe/Rom"),
        (WIND, "timezone", "europe/berlin"),
        (WIND, "timezone", "localtime"),
        (WIND, "timezone", "Factory"),
        (WIND, "latitude_deg", "91"),
        (SOLAR, "mounting", "tracker"),
        (SOLAR, "tilt_deg", "30°"),
        (SOLAR, "dc_capacity_kw", "inf"),
        (SOLAR, "dc_capacity_kw", "0"),
    ],
)
def test_a_wrong_cell_is_refused_by_row_column_and_value(
    tmp_path: Path, row: int, column: str, text: str
) -> None:
    [fault] = faults(registry(tmp_path, sheet((row, column, text))))
    assert f"assets.csv, row {row}, {column}: " in fault
    assert repr(text) in fault or not text or repr(float(text)) in fault or fault.endswith(f"value {text}")


def test_every_fault_of_both_files_is_named_once(tmp_path: Path) -> None:
    found = faults(
        registry(
            tmp_path,
            sheet(
                (2, "timezone", "Mars/Base"),
                (5, "hub_height_m", "tall"),
                (12, "tilt_deg", ""),
                (13, "asset_id", "campo-claro-s-01"),
            ),
            CURVES.replace("MM92/2050,3,22", "MM92/2050,3,x").replace("MM92/2050,5,", "MM92/2050,4.0,"),
        )
    )
    for row, text in (
        (2, "'Mars/Base'"),
        (5, "'tall'"),
        (12, "tilt_deg must not be empty"),
        (13, "campo-claro-s-01 is there more than once"),
        (12, "campo-claro-s-01 is there more than once"),
    ):
        assert any(f"assets.csv, row {row}" in fault and text in fault for fault in found), (row, text, found)
    assert sum("power_curves.csv, row 5, power_kw: 'x'" in fault for fault in found) == 1
    assert sum("primary_key" in fault for fault in found) == 4
    assert len(found) == len(set(found)) == 8


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n\n", "is empty"),
        ((",".join(HEADER) + "\n").encode(), "lists no asset"),
        (sheet().encode("utf-16"), "is not text in UTF-8; save it as CSV in UTF-8"),
        (sheet().encode("utf-16-le"), "is not text in UTF-8"),
        (sheet((3, "asset_name", "Nordermärsch")).encode("latin-1"), "row 3: is not text in UTF-8"),
        (sheet().replace(",", ";").encode(), "the columns are not divided by commas"),
        (sheet().replace(",", "\t").encode(), "the columns are not divided by commas"),
        (
            sheet().replace("asset_id", "Asset_ID").encode(),
            "missing column(s) asset_id; 'Asset_ID' would do in small",
        ),
        (
            sheet().replace("elevation_m", "asset_id").encode(),
            "column(s) asset_id stand there more than once",
        ),
        (sheet().replace("2050,2011", "2050,5,2011", 1).encode(), "row 2: 22 cells, the header has 21"),
        (sheet().replace(",92.5,", ",92,5,", 1).encode(), "row 2: 22 cells, the header has 21"),
        (sheet().replace("2050,2011-05-02,", "2050,", 1).encode(), "row 2: 20 cells, the header has 21"),
        (sheet()[:-30].encode(), "row 21: 17 cells, the header has 21"),
        (sheet().replace("Nordermarsch 1", '"Nordermarsch 1').encode(), "cannot be read as CSV"),
        (sheet().replace("Nordermarsch 1", '"Norder"marsch').encode(), "cannot be read as CSV"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "is not text in UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    assert any(said in fault and "assets.csv" in fault for fault in faults(registry(tmp_path, content)))


def test_a_registry_that_cannot_be_opened_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "assets.csv").mkdir()
    assert [
        "assets.csv: cannot be read: " in f or "power_curves.csv: no such file" in f for f in faults(tmp_path)
    ] == [True, True]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_spreadsheets_ways_of_writing_a_file_do_not_matter(tmp_path: Path, end: str, start: str) -> None:
    lines = sheet((3, "asset_name", "Norder, marsch 'ä'"), (4, "interval_minutes", "5.0")).splitlines()
    text = start + end.join([lines[0], "", *lines[1:], "," * 20, " , " + "," * 19, ""])
    found = load_fleet(registry(tmp_path, text)).assets
    ours = load_fleet(SEEDS).assets
    assert found.drop("asset_name").equals(ours.drop("asset_name"))
    assert "Norder, marsch 'ä'" in found["asset_name"].to_list()


def test_columns_that_nobody_asked_for_are_harmless(tmp_path: Path) -> None:
    more = ["order", "my note", "a int); drop schema raw cascade; --", "", "", "note", "note", '"']
    rows = list(csv.reader(io.StringIO(sheet())))
    lines = io.StringIO()
    csv.writer(lines).writerows([[*more, *rows[0]], *([*more, *row] for row in rows[1:])])
    assert load_fleet(registry(tmp_path, lines.getvalue())).assets.equals(load_fleet(SEEDS).assets)


@hypothesis_settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 19), st.sampled_from(HEADER), st.sampled_from(BLANKS), st.sampled_from(BLANKS)
        ),
        max_size=20,
    )
)
def test_blanks_around_a_cell_change_nothing(cells: list[tuple[int, str, str, str]]) -> None:
    rows = [line.split(",") for line in ROWS]
    padded = [(row + 2, name, before + rows[row][FIELDS[name]] + after) for row, name, before, after in cells]
    with TemporaryDirectory() as place:
        fleet = load_fleet(
            registry(Path(place), sheet(*padded), CURVES.replace("MM92/2050,", "MM92/2050 ,", 9))
        )
    assert fleet.assets.equals(load_fleet(SEEDS).assets)
    assert fleet.power_curves.equals(load_fleet(SEEDS).power_curves)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(
    lambda t: t == trimmed(t)
)


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda number: number + 0.0)


REGISTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "asset_id": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True)
            | st.sampled_from(["007", "1e5", "true", "null", "NULL", "nan", "2020-01-01"]),
            "asset_name": TEXTS,
            "site_id": TEXTS,
            "site_name": TEXTS,
            "technology": st.just("wind"),
            "latitude_deg": numbers(-90, 90),
            "longitude_deg": numbers(-180, 180),
            "elevation_m": numbers(-430, 6000),
            "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+5"]),
            "interval_minutes": st.sampled_from([5, 60]),
            "rated_power_kw": numbers(0.001, 1e7),
            "commissioned_on": st.dates(date(1, 1, 1)),
            "turbine_model": TEXTS,
            "hub_height_m": numbers(1e-300, 250),
            "rotor_diameter_m": numbers(0.1, 300),
            "tilt_deg": st.none() | numbers(0, 90),
            "data_from": st.none() | st.dates(date(2000, 1, 1)),
            "valid_from": st.none() | st.dates(date(2000, 1, 1)),
        }
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda row: row["asset_id"],
)


@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=REGISTRIES)
def test_what_dbt_reads_is_what_python_read(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    assets = AssetSchema.cast(
        pl.DataFrame([dict.fromkeys(AssetSchema.columns()) | row for row in rows], infer_schema_length=None)
    )
    models = assets["turbine_model"].unique()
    curves = pl.DataFrame({"turbine_model": models, "wind_speed_ms": 5.5, "power_kw": 0.1 + 0.2})
    fleet = Fleet(assets.sort("asset_id"), curves.sort("turbine_model"))
    place = tmp_path / "it's [a] *fleet?"
    place.mkdir(exist_ok=True)
    for name, text in registry_files(fleet).items():
        (place / name).write_bytes(text.encode())
    again = load_fleet(place)
    assert again.assets.equals(fleet.assets) and again.power_curves.equals(fleet.power_curves)
    for name, frame in (("assets", fleet.assets), ("power_curves", fleet.power_curves)):
        assert duckdb.sql(registry_sql(name, place)).pl().equals(frame)


@cache
def registry_sql(name: str, place: Path) -> str:
    """The SQL of dbt's model of a registry file, rendered without dbt."""
    project = REPO / "dbt" / "renewable_dbt"
    properties = yaml.safe_load((project / "models" / "registry" / "_registry.yml").read_text("utf-8"))
    columns = {model["name"]: {c["name"]: c for c in model["columns"]} for model in properties["models"]}
    return rendered("registry_table", name, model={"columns": columns[name]}, env_var=lambda *_: str(place))


def test_dbt_lists_the_columns_and_types_of_the_schemas() -> None:
    properties = yaml.safe_load(
        (REPO / "dbt" / "renewable_dbt" / "models" / "registry" / "_registry.yml").read_text("utf-8")
    )
    types = {
        pl.String(): "varchar",
        pl.Float64(): "double",
        pl.Int64(): "bigint",
        pl.Date(): "date",
        pl.Datetime("us", "UTC"): "timestamptz",
    }
    listed = {m["name"]: [(c["name"], c["data_type"]) for c in m["columns"]] for m in properties["models"]}
    schemas = {
        "assets": pl.Schema(AssetSchema),
        "power_curves": pl.Schema(PowerCurveSchema),
        "utc_days": UTC_DAYS_SCHEMA,
        "utc_offsets": OFFSETS_SCHEMA,
        "reported_events": EVENTS_SCHEMA,
        "reported_bad_readings": BAD_READINGS_SCHEMA,
        "asset_thresholds": THRESHOLDS_SCHEMA,
    }
    assert listed == {name: [(c, types[t]) for c, t in schema.items()] for name, schema in schemas.items()}


def test_names_that_differ_in_case_alone_are_doubted(fleet: Fleet) -> None:
    twin = fleet.assets.head(1).with_columns(pl.col("asset_id").str.to_uppercase())
    found = doubts(
        Fleet(pl.concat([fleet.assets, twin]), fleet.power_curves), datetime(2025, 1, 1, tzinfo=UTC)
    )
    assert any("differ in case or blanks alone" in sentence for sentence in found)


def test_a_year_that_cannot_be_is_doubted(fleet: Fleet) -> None:
    for day, doubted in ((date(202, 5, 2), True), (date(2031, 1, 1), True), (date(2011, 5, 2), False)):
        assets = fleet.assets.with_columns(commissioned_on=pl.lit(day))
        found = doubts(Fleet(assets, fleet.power_curves), datetime(2025, 1, 1, tzinfo=UTC))
        assert any(str(day) in sentence for sentence in found) == doubted


def test_the_registry_is_placed_again_only_when_it_says_something_else(tmp_path: Path, fleet: Fleet) -> None:
    settings = Settings(data_dir=tmp_path / "data", fleet_dir=tmp_path / "fleet")

    def placed(fleet: Fleet) -> dict[str, tuple[int, int]]:
        place_registry(settings, fleet)
        found = [(path.name, path.stat()) for path in registry_dir(settings).iterdir()]
        return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found}

    first = placed(fleet)
    assert {"assets.csv", "power_curves.csv"} < set(first) and placed(fleet) == first
    other = placed(Fleet(fleet.assets.head(3), fleet.power_curves))
    assert (
        other["assets.csv"] != first["assets.csv"] and other["power_curves.csv"] == first["power_curves.csv"]
    )
    assert registry_dir(settings).is_relative_to(settings.work_dir)
    assert not settings.fleet_dir.exists()


@pytest.mark.parametrize("folder", ["registry", "mine", "."])
def test_a_registry_is_not_kept_among_files_that_are_overwritten(
    tmp_path: Path, fleet: Fleet, folder: str
) -> None:
    place = tmp_path / "work" / folder
    place.mkdir(parents=True)
    registry(place, sheet())
    with pytest.raises(SettingsError, match="RENEWABLE_FLEET_DIR"):
        place_registry(Settings(data_dir=tmp_path, fleet_dir=place), fleet)
    assert (place / "assets.csv").read_bytes() == sheet().encode()


def test_dbt_has_seeds_of_its_own_in_one_place_for_every_fleet() -> None:
    """A folder that is the registry of any fleet, the demo's too, may hold files that dbt cannot read."""
    project = yaml.safe_load((REPO / "dbt" / "renewable_dbt" / "dbt_project.yml").read_text("utf-8"))
    assert [path for path in project["seed-paths"] if "{" in path or ".." in path or path == "seeds"] == []


def test_fitted_curves_take_the_place_of_their_models_and_leave_what_else_a_person_wrote(
    tmp_path: Path,
) -> None:
    registry(
        tmp_path,
        sheet(),
        "note,turbine_model,wind_speed_ms,power_kw,order\r\n"
        '"a, b", MINE\u00a0,3,10,x\r\nkept,OTHER ,3.50,1e1,y\r\n,MINE,4,20,\r\n',
    )
    fitted = pl.DataFrame({"turbine_model": ["MINE"], "wind_speed_ms": [3.5], "power_kw": [12.25]})
    write_power_curves(fitted, tmp_path)
    assert (tmp_path / "power_curves.csv").read_text("utf-8") == (
        "note,turbine_model,wind_speed_ms,power_kw,order\nkept,OTHER ,3.50,1e1,y\n,MINE,3.5,12.25,\n"
    )
    (tmp_path / "power_curves.csv").unlink()
    write_power_curves(fitted, tmp_path)
    assert (
        tmp_path / "power_curves.csv"
    ).read_text() == "turbine_model,wind_speed_ms,power_kw\nMINE,3.5,12.25\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        CURVES.encode("utf-16"),
        CURVES.replace(",", ";").encode(),
        b"turbine_model,wind_speed_ms,power_kw\nM,3,4,5\n",
    ],
)
def test_fitted_curves_do_not_replace_a_file_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    registry(tmp_path, sheet(), content)
    fitted = pl.DataFrame({"turbine_model": ["MINE"], "wind_speed_ms": [3.5], "power_kw": [12.25]})
    with pytest.raises(FleetError, match=r"power_curves\.csv"):
        write_power_curves(fitted, tmp_path)
    assert (tmp_path / "power_curves.csv").read_bytes() == content


def test_the_seed_fleet_is_ten_and_ten() -> None:
    fleet = load_fleet(SEEDS)
    assert fleet.technology("wind").height == fleet.technology("solar").height == 10


def test_a_broken_registry_is_one_error_with_every_fault(tmp_path: Path) -> None:
    text = (SEEDS / "assets.csv").read_text()
    text = (
        text.replace("Europe/Rome", "Europe/Rom", 1)
        .replace("N117/2400", "N118", 1)
        .replace(",1000,2012", ",much,2012", 1)
    )
    (tmp_path / "assets.csv").write_text(text)
    with pytest.raises(FleetError) as raised:
        load_fleet(tmp_path)
    said = str(raised.value)
    for fault in ("'Europe/Rom'", "'much' is not a Float64", "row 12", "power_curves.csv: no such file"):
        assert fault in said
    (tmp_path / "power_curves.csv").write_text((SEEDS / "power_curves.csv").read_text())
    with pytest.raises(FleetError, match="'N118' has no curve"):
        load_fleet(tmp_path)


def test_an_asset_named_twice_is_a_fault(tmp_path: Path) -> None:
    lines = (SEEDS / "assets.csv").read_text().splitlines()
    (tmp_path / "assets.csv").write_text("\n".join([*lines, lines[1]]))
    (tmp_path / "power_curves.csv").write_text((SEEDS / "power_curves.csv").read_text())
    with pytest.raises(FleetError, match="primary_key"):
        load_fleet(tmp_path)


def with_columns(text: str, added: dict[str, dict[int, str]], *more: str) -> str:
    """A sheet with further columns, filled in rows as a spreadsheet counts them, and further lines at its end."""
    rows = list(csv.reader(io.StringIO(text)))
    rows[0] += list(added)
    for number, row in enumerate(rows[1:], start=2):
        row.extend(cells.get(number, "") for cells in added.values())
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([*rows, *csv.reader(more)])
    return lines.getvalue()


def later_row(row: int, valid_from: str, *cells: tuple[str, str]) -> str:
    """A row of the demo once more, from a day on, with other cells; for a sheet with the column `valid_from`."""
    values = ROWS[row - 2].split(",")
    for column, text in cells:
        values[FIELDS[column]] = text
    return ",".join([*values, valid_from])


def test_columns_that_came_later_may_be_absent_or_empty(tmp_path: Path) -> None:
    without = load_fleet(registry(tmp_path, sheet()))
    empty = with_columns(sheet(), {"data_from": {}, "decommissioned_on": {}, "valid_from": {}})
    assert load_fleet(registry(tmp_path, empty)).assets.equals(without.assets)
    filled = with_columns(
        sheet(), {"data_from": {WIND: "2021-05-06"}, "decommissioned_on": {SOLAR: "2031-01-02"}}
    )
    found = load_fleet(registry(tmp_path, filled)).assets
    assert found["data_from"].drop_nulls().to_list() == [date(2021, 5, 6)]
    assert found["decommissioned_on"].drop_nulls().to_list() == [date(2031, 1, 2)]


def test_an_asset_is_what_its_last_row_up_to_a_day_says(tmp_path: Path) -> None:
    name = ROWS[WIND - 2].split(",")[0]
    text = with_columns(
        sheet(),
        {"valid_from": {}},
        later_row(WIND, "2024-07-01", ("rated_power_kw", "1234.0")),
        later_row(WIND, "2022-02-03", ("rated_power_kw", "4321.0")),
    )
    fleet = load_fleet(registry(tmp_path, text))

    def rated(assets: pl.DataFrame) -> float:
        return float(assets.filter(pl.col("asset_id") == name)["rated_power_kw"].item())

    first = float(ROWS[WIND - 2].split(",")[FIELDS["rated_power_kw"]])
    assert fleet.assets.height == len(ROWS) and fleet.earlier.height == 2
    assert rated(fleet.assets) == 1234.0 and rated(fleet.assets_at_most) == max(first, 4321.0)
    for day, kw in (
        (date(1990, 1, 1), first),
        (date(2022, 2, 2), first),
        (date(2022, 2, 3), 4321.0),
        (date(2024, 6, 30), 4321.0),
        (date(2024, 7, 1), 1234.0),
    ):
        then = fleet.on(day)
        assert rated(then.assets) == kw and then.assets.height == len(ROWS) and then.earlier.is_empty()
    for file, content in registry_files(fleet).items():
        (tmp_path / file).write_text(content)
    again = load_fleet(tmp_path)
    assert again.rows.equals(fleet.rows) and again.assets.equals(fleet.assets)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("site_id", "elsewhere"),
        ("technology", "solar"),
        ("timezone", "Europe/Madrid"),
        ("interval_minutes", "60"),
        ("latitude_deg", "12.5"),
        ("commissioned_on", "2021-01-01"),
    ],
)
def test_what_makes_an_asset_another_one_may_not_change_with_a_day(
    tmp_path: Path, column: str, text: str
) -> None:
    rows = with_columns(sheet(), {"valid_from": {}}, later_row(WIND, "2024-07-01", (column, text)))
    row = len(ROWS) + 2
    (fault,) = (fault for fault in faults(registry(tmp_path, rows)) if "may change" in fault)
    assert f"assets.csv, row {row}, {column}: {text} differs from " in fault
    assert f"in row {WIND}" in fault


def test_rows_of_an_asset_from_the_same_day_are_a_fault(tmp_path: Path) -> None:
    twice = with_columns(
        sheet(), {"valid_from": {}}, later_row(WIND, "2024-07-01"), later_row(WIND, "2024-07-01")
    )
    found = faults(registry(tmp_path, twice))
    assert len(found) == 2 and all(
        "valid_from 2024-07-01 is there more than once" in fault for fault in found
    )


def test_an_asset_that_ends_before_it_begins_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(registry(tmp_path, with_columns(sheet(), {"decommissioned_on": {WIND: "1999-01-01"}})))
    assert f"row {WIND}, decommissioned_on: 1999-01-01 lies before commissioned_on" in fault


def test_a_first_row_that_begins_after_its_asset_is_doubted(tmp_path: Path) -> None:
    fleet = load_fleet(registry(tmp_path, with_columns(sheet(), {"valid_from": {WIND: "2024-07-01"}})))
    assert any("valid from 2024-07-01" in doubt for doubt in doubts(fleet, datetime(2025, 1, 1, tzinfo=UTC)))


def test_what_figures_follow_from_has_later_rows_by_their_day(tmp_path: Path) -> None:
    name = ROWS[WIND - 2].split(",")[0]
    before = asset_facts(load_fleet(registry(tmp_path, sheet())))[name]
    text = with_columns(
        sheet(), {"valid_from": {}}, later_row(WIND, "2024-07-01", ("rated_power_kw", "1234"))
    )
    after = asset_facts(load_fleet(registry(tmp_path, text)))[name]
    history = after.pop("history")
    assert after == before and list(history) == ["2024-07-01"]
    assert history["2024-07-01"] == {
        "rated_power_kw": 1234.0,
        "turbine_model": before["turbine_model"],
        "power_curve": before["power_curve"],
    }
