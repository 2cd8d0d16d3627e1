"""Raw files to published marts, against a plain DuckDB script and against the models' own SQL; and one more day."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from benchmarks.fleet import FIRST, generated
from benchmarks.table import row
from benchmarks.timing import in_child, timed
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import load_fleet
from renewable.published.publish import publish
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.transform.dbt_project import invoke_dbt, target_dir
from renewable.warehouse import connect
from renewable.windows import Window

YEAR_DAYS, ASSETS = 365, 200
SHORT_DAYS, LONG_DAYS, FEW_ASSETS = 30, 1095, 40
DAY_REPEATS = 5
LATE_DAYS = 30


def main() -> None:
    a_year()
    one_day_more()


def a_year() -> None:
    """The chain, each step in a process of its own, beside (a) and (b) of the same run."""
    with tempfile.TemporaryDirectory() as directory:
        settings = generated(Path(directory), ASSETS, YEAR_DAYS)
        print(f"{ASSETS} assets, {YEAR_DAYS} days; memory_limit {settings.duckdb_memory_limit}\n")
        row("step", "s", "reference", "s", "ratio")
        plain_s, _ = in_child(plain_script, settings)
        ingest_s, _ = in_child(ingest, settings)
        loaded = settings.warehouse_path.with_name("models.duckdb")
        shutil.copy(settings.warehouse_path, loaded)
        transform_s, peak_mib = in_child(_full_build, settings)
        models_s, _ = in_child(models_at_once, settings)
        publish_s, _ = in_child(publish, settings)
        row("transform --full", transform_s, "its models' SQL, in one piece", models_s)
        row("ingest", f"{ingest_s:.2f}", "", "")
        row("publish", f"{publish_s:.2f}", "", "")
        row("whole chain", ingest_s + transform_s + publish_s, "plain script", plain_s)
        print(f"resident memory of transform at most {peak_mib:.0f} MiB\n")


def one_day_more() -> None:
    """The two histories in turn, so that both meet the same moods of the machine."""
    with tempfile.TemporaryDirectory() as directory:
        histories = {}
        for days in (SHORT_DAYS, LONG_DAYS):
            settings = histories[days] = generated(Path(directory) / str(days), FEW_ASSETS, days)
            ingest(settings)
            transform(settings, full=True)
            publish(settings)
        fleet = load_fleet(histories[SHORT_DAYS].fleet_dir)
        print(f"{FEW_ASSETS} assets; medians of {DAY_REPEATS}, in process\n")
        row("step", "s", "reference", "s", "ratio")
        built: dict[int, list[float]] = {days: [] for days in histories}
        published: dict[int, list[float]] = {days: [] for days in histories}
        late: dict[int, list[float]] = {days: [] for days in histories}
        for number in range(DAY_REPEATS + 1):
            for days, settings in histories.items():
                day = Window.of_day(FIRST + timedelta(days=days + number))
                generate(fleet, day, data_dir=settings.data_dir, seed=1)
                ingest(settings)
                built[days].append(timed(lambda s=settings: transform(s)))  # type: ignore[misc]
                published[days].append(timed(lambda s=settings: publish(s)))  # type: ignore[misc]
        for _ in range(DAY_REPEATS):
            for days, settings in histories.items():
                window = Window.of_day(FIRST + timedelta(days=days - LATE_DAYS))
                late[days].append(timed(lambda s=settings, w=window: transform(s, w)))  # type: ignore[misc]
        for name, found in (("transform", built), ("publish", published), ("transform, late", late)):
            # The first build of each also parses the project.
            long_s, short_s = (median(found[days][1:]) for days in (LONG_DAYS, SHORT_DAYS))
            row(f"{name} after {LONG_DAYS}", long_s, f"after {SHORT_DAYS}", short_s)


def plain_script(settings: Settings) -> None:
    """(a) What somebody writes in an afternoon: raw tables, intervals beside expected power, daily sums; no check."""
    path = settings.data_dir / "plain.duckdb"
    path.unlink(missing_ok=True)
    with connect(path) as connection:
        connection.execute(f"set memory_limit = '{settings.duckdb_memory_limit}'")
        for table in ("weather", "generation"):
            connection.execute(
                f"create table {table} as from read_parquet('{settings.raw_dir}/{table}/*.parquet')"
            )
        for table in ("assets", "power_curves"):
            connection.execute(f"create table {table} as from read_csv('{settings.fleet_dir}/{table}.csv')")
        connection.execute("""
            create table intervals as
            with segments as (
                select
                    turbine_model, wind_speed_ms as from_ms, power_kw as from_kw,
                    lead(wind_speed_ms) over curve as to_ms, lead(power_kw) over curve as to_kw
                from power_curves
                window curve as (partition by turbine_model order by wind_speed_ms)
            )
            select
                weather.*, generation.* exclude (asset_id, timestamp),
                case
                    when assets.technology = 'solar' then least(
                        assets.rated_power_kw,
                        assets.dc_capacity_kw * greatest(weather.poa_irradiance_wm2, 0) / 1000.0
                        * (1 - assets.system_loss_pct / 100.0)
                        * (1 + assets.temperature_coefficient_pct_per_c / 100.0 * (weather.module_temperature_c - 25))
                    )
                    else from_kw + (to_kw - from_kw) * (weather.wind_speed_ms - from_ms) / (to_ms - from_ms)
                end as expected_power_kw
            from weather
            inner join generation using (asset_id, timestamp)
            inner join assets using (asset_id)
            asof left join segments
                on assets.turbine_model = segments.turbine_model and weather.wind_speed_ms >= segments.from_ms
        """)
        connection.execute("""
            create table daily as
            select
                asset_id, cast(timestamp as date) as day, count(active_power_kw) as observed,
                sum(active_power_kw) / 12 as energy_kwh, sum(expected_power_kw) / 12 as expected_kwh,
                avg(wind_speed_ms) as wind_speed_ms, sum(poa_irradiance_wm2) / 12000 as insolation_kwh_m2
            from intervals
            group by all
        """)
    path.unlink()


def models_at_once(settings: Settings) -> None:
    """(b) The compiled SQL of all models over the whole history in one piece, straight in DuckDB, without tests."""
    path = settings.warehouse_path.with_name("models.duckdb")
    bound = settings.model_copy(update={"warehouse": path})
    invoke_dbt(bound, ["compile"])
    manifest = json.loads((target_dir(bound) / "manifest.json").read_text("utf-8"))
    with connect(path) as connection:
        connection.execute(f"set memory_limit = '{settings.duckdb_memory_limit}'")
        connection.execute("set preserve_insertion_order = false")
        for node in _in_order(manifest["nodes"]):
            _make(connection, node, target_dir(bound))


def _make(connection: duckdb.DuckDBPyConnection, node: dict[str, Any], artefacts: Path) -> None:
    connection.execute(f'create schema if not exists "{node["schema"]}"')
    name = f'"{node["schema"]}"."{node["alias"]}"'
    compiled = artefacts / "compiled" / node["package_name"] / node["original_file_path"]
    if node["resource_type"] == "seed":
        source = Path(node["root_path"]) / node["original_file_path"]
        connection.execute(f"create table {name} as from read_csv('{source}')")
    elif node["language"] == "python":
        from renewable.time_zones import utc_offsets

        zones = connection.execute("select distinct timezone from seeds.assets").fetchall()
        connection.register("offsets", utc_offsets([zone for (zone,) in zones]))
        connection.execute(f"create table {name} as from offsets")
    else:
        kind = "view" if node["config"]["materialized"] == "view" else "table"
        connection.execute(f"create {kind} {name} as {compiled.read_text('utf-8')}")


def _in_order(nodes: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Seeds and models, each after those it reads."""
    made: set[str] = set()

    def after(unique_id: str) -> Iterator[dict[str, Any]]:
        node = nodes.get(unique_id)
        if node is None or unique_id in made or node["resource_type"] not in ("model", "seed"):
            return
        made.add(unique_id)
        for upstream in node["depends_on"].get("nodes", []):
            yield from after(upstream)
        yield node

    for unique_id in sorted(nodes):
        yield from after(unique_id)


def _full_build(settings: Settings) -> None:
    transform(settings, full=True)
