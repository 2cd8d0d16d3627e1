"""The orchestration on a real ephemeral instance: lineage, runs, schedule and sensor."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from analysis.publish import publish
from dagster_project.automation import BATCH_TAG, MAX_ATTEMPTS, days_of_runs, range_tags
from dagster_project.definitions import build_definitions
from dagster_project.headless import run_daily_job
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.windows import Window
from tests.integration.warehouse_tables import assert_same_tables, tables
from transform.build import transform
from transform.dbt_project import ensure_manifest

pytestmark = pytest.mark.integration


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def test_every_dbt_source_is_an_asset_that_something_produces(settings: Settings) -> None:
    manifest = json.loads(ensure_manifest(settings).read_text())
    produced = build_definitions(settings).resolve_asset_graph().materializable_asset_keys
    sources = {dg.AssetKey([s["source_name"], s["name"]]) for s in manifest["sources"].values()}
    assert sources and sources <= produced


def test_lineage_is_unbroken_from_raw_files_to_every_published_mart(settings: Settings) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    roots = {key for key in graph.get_all_asset_keys() if not graph.get(key).parent_keys}
    # The registry's seeds have no upstream: people write them.
    assert {key.path[0] for key in roots} == {"raw_files", "seeds"}
    for key in graph.get_all_asset_keys():
        if key.path[0] == "published":
            above = graph.get_ancestor_asset_keys(key)
            assert {dg.AssetKey(["raw_files", table]) for table in ("weather", "generation")} <= above


def test_dbt_tests_are_checks_of_existing_assets(settings: Settings) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    checks = graph.asset_check_keys
    assert len(checks) >= 15
    assert {check.asset_key for check in checks} <= set(graph.materializable_asset_keys)


def test_definitions_run_in_process_and_one_warehouse_step_at_a_time(settings: Settings) -> None:
    definitions = build_definitions(settings)
    assert definitions.executor is dg.in_process_executor
    pools = {a.op.name: a.op.pool for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition)}
    assert pools == {
        "raw_files": None,
        "warehouse_tables": "duckdb",
        "dbt_models": "duckdb",
        "published_marts": "duckdb",
        "scorecard": "duckdb",
    }
    of_files = build_definitions(settings.model_copy(update={"input": "files"}))
    assert "scorecard" not in {a.op.name for a in of_files.assets or [] if isinstance(a, dg.AssetsDefinition)}


def test_one_run_over_a_range_equals_a_run_a_day(
    settings: Settings, instance: dg.DagsterInstance, three_days: Window
) -> None:
    outcome = run_daily_job(settings, three_days, instance)
    assert outcome.success
    checks = outcome.get_asset_check_evaluations()
    assert len(checks) >= 15 and all(check.passed for check in checks)
    assert pl.read_parquet(settings.published_dir / "mart_asset_daily.parquet").height > 0
    raw = dg.AssetKey(["raw", "weather"])
    assert instance.get_materialized_partitions(raw) == {day.isoformat() for day in three_days.days}

    checks_alone = (
        build_definitions(settings)
        .resolve_implicit_global_asset_job_def()
        .get_subset(asset_selection=set(), asset_check_selection={check.asset_check_key for check in checks})
    )
    again = checks_alone.execute_in_process(instance=instance)
    assert again.success and len(again.get_asset_check_evaluations()) == len(checks)

    single = settings.model_copy(update={"data_dir": settings.data_dir.with_name("single")})
    job = build_definitions(single).resolve_job_def("daily")
    for day in reversed(three_days.days):
        assert job.execute_in_process(instance=instance, partition_key=day.isoformat()).success
    assert_same_tables(settings.warehouse_path, single.warehouse_path)


def test_a_failed_dbt_test_fails_the_run_and_publishes_nothing(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet, three_days: Window
) -> None:
    from renewable.warehouse import connect

    generate(fleet, three_days, data_dir=settings.data_dir, seed=1)
    ingest(settings)
    with connect(settings.warehouse_path) as connection:
        connection.execute("insert into raw.weather from raw.weather limit 1")
    outcome = run_daily_job(settings, three_days, instance)
    assert not outcome.success
    assert [event.step_key for event in outcome.get_step_failure_events()] == ["dbt_models"]
    assert not (settings.published_dir / "mart_asset_daily.parquet").exists()
    assert any(not check.passed for check in outcome.get_asset_check_evaluations())


def test_the_schedule_asks_for_yesterday(settings: Settings, instance: dg.DagsterInstance) -> None:
    definitions = build_definitions(settings)
    schedule = definitions.resolve_schedule_def("daily_schedule")
    at = datetime(2025, 6, 2, 1, 30, tzinfo=UTC)
    with dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, repository_def=definitions.get_repository_def()
    ) as context:
        tick = schedule.evaluate_tick(context)
    assert [request.partition_key for request in tick.run_requests or []] == ["2025-06-01"]


def test_the_sensor_asks_for_exactly_the_new_days(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    assert _tick(settings, instance).skip_message == "nothing new among 0 raw files"
    week = Window(date(2025, 5, 1), date(2025, 5, 4))
    generate(fleet, week, data_dir=settings.data_dir, seed=1)
    ingest(settings)
    (request,) = _tick(settings, instance).run_requests or []
    assert days_of_runs([request.tags]) == set(week.days), (
        "loaded but not built: a run may have died in between"
    )
    transform(settings)
    publish(settings)
    assert not _tick(settings, instance).run_requests, "files that a run loaded and built start nothing"

    late, range_of_two = Window.of_day(date(2025, 4, 2)), Window(date(2025, 5, 10), date(2025, 5, 12))
    for window in (late, range_of_two):
        generate(fleet, window, data_dir=settings.data_dir, seed=1)
    corrected = RawFileName("weather", week.start).path_under(settings.raw_dir)
    pl.read_parquet(corrected)[:50].write_parquet(corrected)
    requests = _tick(settings, instance).run_requests or []
    assert days_of_runs(request.tags for request in requests) == {*late.days, *range_of_two.days, week.start}
    assert len(requests) == 3
    assert sorted(_tick(settings, instance).run_requests or []) == sorted(requests), (
        "the same files, the same keys"
    )


def test_the_sensor_waits_for_a_run_on_the_same_day_and_gives_up_after_a_few(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    day = Window.of_day(date(2025, 5, 1))
    generate(fleet, day, data_dir=settings.data_dir, seed=1)
    job = build_definitions(settings).resolve_job_def("load_files")
    (request,) = _tick(settings, instance).run_requests or []
    tags = {**request.tags, "dagster/partition": "2025-05-01"}
    instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    assert "a run is working" in str(_tick(settings, instance).skip_message)

    (run,) = instance.get_runs()
    instance.report_run_failed(run)
    (again,) = _tick(settings, instance).run_requests or []
    assert again.run_key != request.run_key and again.tags[BATCH_TAG] == request.tags[BATCH_TAG]
    for _ in range(MAX_ATTEMPTS - 1):
        instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.FAILURE)
    said = str(_tick(settings, instance).skip_message)
    assert f"gave up after {MAX_ATTEMPTS} attempts" in said and "weather_2025-05-01.parquet" in said

    path = RawFileName("weather", day.start).path_under(settings.raw_dir)
    pl.read_parquet(path)[:10].write_parquet(path)
    assert len(_tick(settings, instance).run_requests or []) == 1, "a new state of the files is tried anew"


def test_what_the_sensor_asks_for_loads_the_dropped_files(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    window = Window(date(2025, 5, 1), date(2025, 5, 3))
    generate(fleet, window, data_dir=settings.data_dir, seed=1)
    (request,) = _tick(settings, instance).run_requests or []
    job = build_definitions(settings).resolve_job_def("load_files")
    assert job.execute_in_process(instance=instance, tags=request.tags).success
    assert not _tick(settings, instance).run_requests
    assert tables(settings.warehouse_path)["raw.weather"].height == 2 * 4 * 288


def test_days_of_runs_reads_single_partitions_and_ranges() -> None:
    window = Window(date(2025, 1, 1), date(2025, 1, 4))
    tags = [range_tags(window), {"dagster/partition": "2025-02-01"}, {"other": "tag"}]
    assert days_of_runs(tags) == {*window.days, date(2025, 2, 1)}
    assert window.end - timedelta(days=1) in days_of_runs(tags)


def _tick(settings: Settings, instance: dg.DagsterInstance) -> Any:
    definitions = build_definitions(settings)
    sensor = definitions.resolve_sensor_def("raw_file_sensor")
    repository = definitions.get_repository_def()
    with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
        return sensor.evaluate_tick(context)
