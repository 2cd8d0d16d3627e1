"""What the dbt project says of built tables: data tests notice each spoilt one, descriptions are of their columns."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.transform.dbt_project import invoke_dbt, target_dir
from renewable.warehouse import connect
from renewable.windows import Window

pytestmark = pytest.mark.integration

# Where a test reads a view, the table behind it is spoilt.
_BEHIND = {"staging.stg_assets": "seeds.assets"}
_FIRST = "where rowid = (select min(rowid) from {table})"
# By test: statements that each have to be noticed.
SPOILT = {
    "rows_are_accounted_for": [
        "update raw.load_log set rows_in = rows_in + 1",
        "update raw.load_log set rows_in = null",
    ],
    "fleet_is_the_sum_of_its_assets": [
        "delete from marts.mart_fleet_daily where group_level = 'site'",
        "delete from marts.mart_asset_daily where technology = 'wind'",
        "update marts.mart_fleet_daily set energy_kwh = energy_kwh + 1 where group_level = 'technology'",
        "update marts.mart_fleet_daily set expected_energy_kwh = null where group_level = 'fleet'",
        "update marts.mart_fleet_daily set intervals_observed = intervals_observed - 1",
    ],
    "losses_add_up": [
        "delete from marts.mart_losses_daily where loss_category = 'residual'",
        "delete from marts.mart_losses_daily",
        "delete from marts.mart_asset_daily",
        "update marts.mart_losses_daily set lost_kwh = null",
        "update marts.mart_losses_daily set lost_kwh = lost_kwh + 0.001 where loss_category = 'downtime'",
    ],
    "month_is_the_sum_of_its_days": [
        "delete from marts.mart_asset_monthly",
        "delete from marts.mart_asset_daily",
        "update marts.mart_asset_monthly set energy_kwh = null",
        "update marts.mart_asset_monthly set lost_energy_kwh = lost_energy_kwh - 1",
        "update marts.mart_asset_monthly set days = days + 1",
    ],
    "no_day_is_observed_longer_than_it_is": [
        "update marts.mart_asset_daily set observed_hours = expected_hours + 1",
        "update marts.mart_asset_daily set observed_hours = null",
        "update marts.mart_asset_daily set expected_hours = null",
        "update marts.mart_asset_daily set expected_hours = 12, observed_hours = 1",
    ],
    "no_energy_is_lost_between_intervals_and_days": [
        "delete from marts.mart_asset_daily where technology = 'solar'",
        "update marts.mart_asset_daily set energy_kwh = energy_kwh + 0.001",
        "update marts.mart_asset_daily set energy_kwh = null",
        "update intermediate.int_intervals set active_power_kw = null",
    ],
    "every_interval_is_there_once": [
        "delete from intermediate.int_intervals where extract(hour from timestamp_utc) = 5",
        "delete from intermediate.int_expected_power where extract(hour from timestamp_utc) = 5",
        "delete from intermediate.int_expected_power where asset_id = (select min(asset_id) from seeds.assets)",
        "insert into intermediate.int_intervals select * from intermediate.int_intervals limit 1",
        "insert into intermediate.int_expected_power select * from intermediate.int_expected_power limit 1",
    ],
    "words_are_those_of_the_vocabulary": [
        "update marts.mart_events set kind = 'residual'",
        "update marts.mart_losses_daily set loss_category = 'theft' where loss_category = 'snow'",
        "update marts.mart_losses_daily set loss_category = null where loss_category = 'snow'",
        "update marts.mart_data_quality_daily set channel = 'rain_mm' where channel = 'precipitation_mm'",
        "update intermediate.int_doubtful_readings set rule = 'odd'",
    ],
    "accepted_values_stg_assets_technology__wind__solar": [
        "update seeds.assets set technology = 'tidal'",
        "update seeds.assets set technology = null",
    ],
    "accepted_values_event_kinds_seen_in__interval__day__rest": [
        "update vocabulary.event_kinds set seen_in = 'hour' where kind = 'snow'",
        "update vocabulary.event_kinds set seen_in = null where kind = 'snow'",
    ],
    "relationships_assets_timezone__timezone__ref_utc_offsets_": [
        "update seeds.assets set timezone = 'Nowhere/Else'",
        "delete from seeds.utc_offsets",
    ],
}


@pytest.fixture(scope="module")
def compiled(
    fleet: Fleet, fleet_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, dict[str, dict[str, Any]]]:
    """A build of ten days of harsh weather, and the data tests as dbt compiles them for all days."""
    place = tmp_path_factory.mktemp("spoilt")
    shutil.copytree(fleet_dir, place / "fleet")
    asset = fleet.asset_ids[0]
    (place / "fleet" / "events.csv").write_text(
        f"asset_id,start,end,kind\n{asset},2025-01-26T00:00Z,2025-01-26T06:00Z,grid_outage\n"
    )
    (place / "fleet" / "bad_readings.csv").write_text(
        f"asset_id,channel,from,to\n{asset},air_temperature_c,2025-01-27T00:00Z,2025-01-27T06:00Z\n"
    )
    settings = Settings(data_dir=place / "data", fleet_dir=place / "fleet")
    window = Window(date(2025, 1, 25), date(2025, 2, 4))
    generate(fleet, window, data_dir=settings.data_dir, seed=5, profile="harsh")
    ingest(settings)
    transform(settings)
    invoke_dbt(settings, ["compile", "--exclude", "resource_type:unit_test"])
    nodes = json.loads((target_dir(settings) / "manifest.json").read_text("utf-8"))["nodes"]
    tests = [node for node in nodes.values() if node["resource_type"] == "test"]
    return settings, {node["name"].removeprefix("source_"): node for node in tests}


@pytest.fixture
def warehouse(compiled: tuple[Settings, dict[str, dict[str, Any]]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse in a transaction that is rolled back."""
    with connect(compiled[0].warehouse_path) as connection:
        connection.execute("begin")
        yield connection
        connection.execute("rollback")


def test_every_data_test_is_shown_to_find_something(
    compiled: tuple[Settings, dict[str, dict[str, Any]]],
) -> None:
    named = {name for name in compiled[1] if not name.startswith("is_key_")}
    plain = {next((known for known in SPOILT if name.startswith(known)), name) for name in named}
    assert plain == SPOILT.keys()


def test_no_data_test_finds_anything_in_sound_tables(
    compiled: tuple[Settings, dict[str, dict[str, Any]]], warehouse: duckdb.DuckDBPyConnection
) -> None:
    found = {name: _rows(warehouse, compiled, name) for name in compiled[1]}
    assert {name for name, rows in found.items() if rows} == set()


@pytest.mark.parametrize(("test", "statement"), [(t, s) for t, ways in SPOILT.items() for s in ways])
def test_a_spoilt_table_is_noticed(
    compiled: tuple[Settings, dict[str, dict[str, Any]]],
    warehouse: duckdb.DuckDBPyConnection,
    test: str,
    statement: str,
) -> None:
    (name,) = [name for name in compiled[1] if name.startswith(test)]
    warehouse.execute(statement)
    assert _rows(warehouse, compiled, name) > 0


# Of one simulated day: what asks for a file of its own, for people's reports, for a storm, a contradiction, weeks, or
# three units of a site.
MAY_BE_EMPTY = (
    "irradiance_power",
    "int_set_aside_readings",
    "int_out_of_range_readings",
    "int_flat_power",
    "int_slowed_anemometers",
    "int_site_limits",
    "int_stop_edges",
    "int_still_meters",
    "int_reported_intervals",
    "int_high_wind_stops",
    "int_contradicted_readings",
    "int_underperformance_daily",
    "int_channel_daily",
    "int_neighbours_clock_daily",
    "int_sun_clock_daily",
    "int_sensor_changes_daily",
)


def test_a_key_that_comes_twice_or_is_null_is_noticed(
    compiled: tuple[Settings, dict[str, dict[str, Any]]], warehouse: duckdb.DuckDBPyConnection
) -> None:
    keys = {name: node for name, node in compiled[1].items() if name.startswith("is_key_")}
    assert len(keys) > 10
    for name, node in keys.items():
        table = _table(node)
        if warehouse.execute(f"select count(*) from {table}").fetchall() == [(0,)]:
            assert table.split(".")[-1] in MAY_BE_EMPTY or "hours" in table, f"{table} is empty"
            continue
        for statement in (
            f"insert into {table} select * from {table} limit 1",
            *(
                f"update {table} set {column} = null {_FIRST.format(table=table)}"
                for column in node["test_metadata"]["kwargs"]["columns"]
                # DuckDB itself refuses null here.
                if column != "event_id"
            ),
        ):
            warehouse.execute("rollback")
            warehouse.execute("begin")
            warehouse.execute(statement)
            assert _rows(warehouse, compiled, name) > 0, f"{name}: {statement}"


def test_every_column_of_what_is_built_is_described_and_nothing_else_is(
    compiled: tuple[Settings, dict[str, dict[str, Any]]],
) -> None:
    settings, _ = compiled
    nodes = json.loads((target_dir(settings) / "manifest.json").read_text("utf-8"))["nodes"].values()
    told = {
        (node["schema"], node["alias"]): {
            name for name, column in node["columns"].items() if column["description"].strip()
        }
        for node in nodes
        if node["resource_type"] in ("model", "seed")
    }
    with connect(settings.warehouse_path, read_only=True) as connection:
        rows = connection.sql(
            "select table_schema, table_name, list(column_name) from information_schema.columns group by all"
        ).fetchall()
    built = {(schema, table): set(columns) for schema, table, columns in rows}
    lacking = {table: names for table in told if (names := built[table] - told[table])}
    unknown = {table: names for table in told if (names := told[table] - built[table])}
    assert not lacking and not unknown, (
        f"without a description: {lacking}, described but not there: {unknown}"
    )


def _table(node: dict[str, Any]) -> str:
    _, _, *name = (node["attached_node"] or node["depends_on"]["nodes"][0]).split(".")
    schema = {"int": "intermediate", "mar": "marts", "stg": "staging"}.get(name[-1][:3], "marts")
    if "source." in str(node["depends_on"]["nodes"][0]):
        schema = "raw"
    elif node["depends_on"]["nodes"][0].startswith("seed."):
        schema = "vocabulary"
    found = f"{schema}.{name[-1]}"
    return _BEHIND.get(found, found)


def _rows(
    connection: duckdb.DuckDBPyConnection, compiled: tuple[Settings, dict[str, dict[str, Any]]], name: str
) -> int:
    settings, nodes = compiled
    node = nodes[name]
    path = target_dir(settings) / "compiled" / node["package_name"] / node["original_file_path"]
    if not path.is_file():
        path = path / node["path"] if path.suffix == ".yml" else path
        path = path.parent / Path(node["path"]).name
    ((rows,),) = connection.execute(f"select count(*) from ({path.read_text('utf-8')})").fetchall()
    return int(rows)
