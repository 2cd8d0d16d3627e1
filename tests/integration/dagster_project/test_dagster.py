"""The orchestration on a real ephemeral instance: lineage, runs, schedule and sensor."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml
from filelock import FileLock

from dagster_project.daily_run import run_daily_job
from dagster_project.definitions import build_definitions
from dagster_project.executor import patient_executor
from dagster_project.file_sensor import RAW_FILE_SENSOR
from dagster_project.home import instance_yaml, prepare_home
from dagster_project.keys import ALL_RAW_FILES, SCORECARD, loaded_key, published_key, table_key
from dagster_project.launcher import LocalRunLauncher
from dagster_project.runs import BATCH_TAG, FAILURE_REASON_TAG, MAX_FAILURES, days_of_runs
from dagster_project.schedule import look_at_night
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.errors import PipelineError
from renewable.fleet import Fleet
from renewable.operations.status import read_status
from renewable.places import DBT_PROJECT
from renewable.published.publish import publish
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.transform.dbt_project import ensure_manifest
from renewable.transform.marts import mart_names
from renewable.warehouse import connect
from renewable.windows import Window
from tests.conftest import SMALL_FLEET
from tests.integration.warehouse_tables import assert_same_tables, tables

pytestmark = pytest.mark.integration


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def test_every_dbt_source_is_an_asset_that_something_produces(settings: Settings) -> None:
    manifest = json.loads(ensure_manifest(settings).read_text())
    produced = build_definitions(settings).resolve_asset_graph().materializable_asset_keys
    sources = {table_key(s["source_name"], s["name"]) for s in manifest["sources"].values()}
    assert sources and sources <= produced


def test_lineage_is_unbroken_from_raw_files_to_every_published_mart(settings: Settings) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    roots = {key for key in graph.get_all_asset_keys() if not graph.get(key).parent_keys}
    # Registry and vocabulary have no upstream: people write them.
    assert {key.path[0] for key in roots} == {"raw_files", "staging"}
    for key in graph.get_all_asset_keys():
        if key.path[0] == "published":
            above = graph.get_ancestor_asset_keys(key)
            assert set(ALL_RAW_FILES) <= above


def test_dbt_tests_are_checks_of_existing_assets(settings: Settings) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    checks = graph.asset_check_keys
    assert len(checks) >= 15
    assert {check.asset_key for check in checks} <= graph.get_all_asset_keys()
    daily = build_definitions(settings).resolve_job_def("daily")
    assert daily.asset_layer.asset_graph.asset_check_keys == checks, "those of parts among them"


def test_a_piece_of_the_interval_tables_tells_no_days_and_what_is_partitioned_is_known(
    settings: Settings,
) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    by_day = {
        key.to_user_string() for key in graph.materializable_asset_keys if graph.get(key).is_partitioned
    }
    assert len(by_day) == len(graph.materializable_asset_keys)
    reached, waiting = (
        set(),
        [key for key in graph.materializable_asset_keys if not graph.get(key).parent_keys],
    )
    while waiting:
        reached.add(key := waiting.pop())
        waiting += graph.get(key).child_keys & graph.materializable_asset_keys - reached
    assert reached == graph.materializable_asset_keys, (
        "a backfill goes from asset to asset that it runs, in one run"
    )
    pieces = {path.stem for path in (DBT_PROJECT / "models/intermediate/intervals").glob("*.sql")}
    assert {graph.get(dg.AssetKey(["intermediate", piece])).group_name for piece in pieces} == {
        "intermediate"
    }
    # Each costs two events a day: a new one wants a reason.
    assert by_day == {
        *(f"raw_files/{table}_files" for table in ("weather", "generation")),
        *(f"warehouse/{table}" for table in ("weather", "generation", "load_log", "values_set_aside")),
        *(f"staging/{table}" for table in ("assets", "power_curves", "utc_offsets")),
        *(f"staging/stg_{name}" for name in ("assets", "generation", "power_curve_segments", "weather")),
        *(
            f"intermediate/int_{name}"
            for name in (
                "asset_daily",
                "event_days",
                "interval_performance",
                "reference_daily",
                "soiling_daily",
            )
        ),
        *(
            name
            for mart in mart_names(DBT_PROJECT)
            if mart[:5] == "mart_"
            for name in (f"marts/{mart}", f"published/{mart.removeprefix('mart_')}_files")
        ),
        "published/report",
        "quality/scorecard",
    }


def test_definitions_run_in_process_and_one_warehouse_step_at_a_time(settings: Settings) -> None:
    definitions = build_definitions(settings)
    assert definitions.executor is patient_executor
    pools = {a.op.name: a.op.pool for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition)}
    assert pools == {
        "raw_files": None,
        "warehouse_tables": "duckdb",
        "dbt_models": "duckdb",
        "published_marts": "duckdb",
        "scorecard": "duckdb",
        # published files only
        "report": None,
    }
    of_files = build_definitions(settings.model_copy(update={"input": "files"}))
    assert "scorecard" not in {a.op.name for a in of_files.assets or [] if isinstance(a, dg.AssetsDefinition)}


def test_one_run_over_a_range_equals_a_run_a_day(
    settings: Settings, instance: dg.DagsterInstance, three_days: Window
) -> None:
    outcome = run_daily_job(settings, three_days, instance)
    assert outcome.success
    checks = outcome.get_asset_check_evaluations()
    errors = [check for check in checks if check.severity is dg.AssetCheckSeverity.ERROR]
    assert len(errors) >= 15 and all(check.passed for check in errors)
    assert pl.read_parquet(settings.published_dir / "mart_asset_daily.parquet").height > 0
    raw = loaded_key("weather")
    assert instance.get_materialized_partitions(raw) == {day.isoformat() for day in three_days.days}

    checks_alone = (
        build_definitions(settings)
        .resolve_implicit_global_asset_job_def()
        .get_subset(asset_selection=set(), asset_check_selection={check.asset_check_key for check in checks})
    )
    again = checks_alone.execute_in_process(instance=instance)
    assert again.success and len(again.get_asset_check_evaluations()) == len(checks)

    single = settings.model_copy(update={"data_dir": settings.data_dir.with_name("single")})
    job = build_definitions(single, begins_at_most=three_days.start).resolve_job_def("daily")
    for day in reversed(three_days.days):
        assert job.execute_in_process(instance=instance, partition_key=day.isoformat()).success
    assert_same_tables(settings.warehouse_path, single.warehouse_path)


def test_a_failed_dbt_test_stops_the_run_or_warns_of_the_assets_that_it_names(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=1)
    ingest(settings)
    with connect(settings.warehouse_path) as connection:
        connection.execute("update raw.load_log set rows_in = rows_in + 1")
    outcome = run_daily_job(settings, three_days, instance)
    assert not outcome.success
    assert [event.step_key for event in outcome.get_step_failure_events()] == ["dbt_models"]
    assert not (settings.published_dir / "mart_asset_daily.parquet").exists()
    assert not instance.get_materialized_partitions(dg.AssetKey(["marts", "mart_events"])), "it is undone"

    with connect(settings.warehouse_path) as connection:
        connection.execute("update raw.load_log set rows_in = rows_in - 1")
        connection.execute("insert into raw.weather from (from raw.weather order by all limit 1)")
        ((twice,),) = connection.execute("select min(asset_id) from raw.weather").fetchall()
    outcome = run_daily_job(settings, three_days, instance)
    assert outcome.success
    failed = [check for check in outcome.get_asset_check_evaluations() if not check.passed]
    assert failed and any(twice in (check.description or "") for check in failed)
    daily = pl.read_parquet(settings.published_dir / "mart_asset_daily.parquet")
    assert set(daily["asset_id"]) == set(fleet.asset_ids) - {twice}


def test_a_selection_of_models_marks_no_day_as_built(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=1)
    ingest(settings)
    transform(settings)
    publish(settings)
    whole = build_definitions(settings).resolve_job_def("daily")
    for mart in ("mart_asset_daily", "mart_fleet_daily"):
        one = whole.get_subset(asset_selection={dg.AssetKey(["marts", mart])})
        assert one.execute_in_process(instance=instance, partition_key=str(three_days.start)).success
        assert read_status(settings).stale == (), "where nothing is stale a selection changes nothing"
    path = RawFileName("generation", three_days.start).path_under(settings.raw_dir)
    pl.read_parquet(path).with_columns(pl.col("active_power_kw") * 0.5).write_parquet(path)
    ingest(settings)
    for mart in ("mart_fleet_daily", "mart_asset_daily"):
        one = whole.get_subset(asset_selection={dg.AssetKey(["marts", mart])})
        assert one.execute_in_process(instance=instance, partition_key=str(three_days.start)).success
        assert {stale.why for stale in read_status(settings).stale} == {"files", "half built"}
        with pytest.raises(PipelineError, match="half built"):
            publish(settings)
    intervals = whole.get_subset(asset_selection={dg.AssetKey(["intermediate", "int_interval_performance"])})
    # A test says that its days know nothing of it yet.
    intervals.execute_in_process(instance=instance, partition_key=str(three_days.start), raise_on_error=False)
    power = f"select sum(active_power_kw) from {{}} where {{}}::date = '{three_days.start}'"
    with connect(settings.warehouse_path) as connection:
        loaded, in_part = (
            connection.execute(power.format(table, time)).fetchall()
            for table, time in (
                ("raw.generation", '"timestamp"'),
                ("intermediate.int_expected_power", "timestamp_utc"),
            )
        )
    assert in_part == [(pytest.approx(loaded[0][0]),)], "what is made of parts is built with them"


def test_the_schedule_asks_the_books_of_the_load_and_not_dagsters(
    settings: Settings, fleet: Fleet, tmp_path: Path
) -> None:
    instance = dg.DagsterInstance.local_temp(str(tmp_path))
    settings = settings.model_copy(update={"daily_at": time(4, 15), "input": "files", "catch_up_days": 10})
    definitions = build_definitions(settings)
    schedule = definitions.resolve_schedule_def("daily_schedule")
    assert schedule.cron_schedule == "15 4 * * *"

    def asked_on(day: date, of: dg.Definitions = definitions) -> list[dg.RunRequest]:
        at = datetime(day.year, day.month, day.day, 4, 15, tzinfo=UTC)
        with dg.build_schedule_context(
            instance=instance, scheduled_execution_time=at, repository_def=of.get_repository_def()
        ) as context:
            evaluated = of.resolve_schedule_def("daily_schedule").evaluate_tick(context)
        return list(evaluated.run_requests or [])

    (first,) = asked_on(date(2025, 6, 10))
    assert days_of_runs([first.tags]) == {date(2025, 6, 9)}
    key = published_key("mart_asset_daily")
    for done in ("05-31", *(f"06-0{day}" for day in range(1, 10))):
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=f"2025-{done}"))
    for day in (date(2025, 6, 7), date(2024, 1, 3), date(2024, 1, 9), date(2099, 1, 1)):
        generate(fleet, Window.of_day(day), data_dir=settings.data_dir, seed=1)
    near, *older = asked_on(date(2025, 6, 10))
    assert days_of_runs([near.tags]) == {date(2025, 6, day) for day in (7, 8, 9)}, "late after a green run"
    assert near.asset_selection is None
    assert [days_of_runs([run.tags]) for run in older] == [{date(2024, 1, 3)}, {date(2024, 1, 9)}]
    assert len({run.run_key for run in (near, *older)}) == 3
    simulated = build_definitions(settings.model_copy(update={"input": "simulator"}))
    near, *older = asked_on(date(2025, 6, 10), simulated)
    assert len(days_of_runs([near.tags])) == 10, "days that the simulator missed since it began"
    assert len(older) == 2, "what it never made is not made up for outside the reach"
    mapped = look_at_night(date(2025, 6, 9), instance, settings.model_copy(update={"input": "mapping"}))
    assert mapped.window.start == date(2025, 6, 7), "an export may have nothing of the days that were run"
    for run in older:
        assert run.asset_selection and all(key.path[0] != "raw_files" for key in run.asset_selection)
        assert set(run.asset_check_keys or ()) == simulated.resolve_asset_graph().asset_check_keys


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
    RawFileName("generation", week.days[-1]).path_under(settings.raw_dir).unlink()
    requests = _tick(settings, instance).run_requests or []
    assert [days_of_runs([request.tags]) for request in requests] == [
        set(late.days),
        {week.start},
        {week.days[-1]},
        set(range_of_two.days),
    ]
    assert _tick(settings, instance).run_requests == requests, "the same files, the same keys"


def test_the_sensor_waits_for_a_run_on_the_same_days_and_for_its_end(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    patient = settings.model_copy(update={"retry_wait_s": 3600.0})
    generate(fleet, Window.of_day(date(2025, 5, 1)), data_dir=settings.data_dir, seed=1)
    (request,) = _tick(patient, instance).run_requests or []
    run = _run(patient, instance, request, dg.DagsterRunStatus.STARTED)
    assert "a run is working on 1 pending day(s)" in str(_tick(patient, instance).skip_message)
    _fail_in_a_step(instance, run)
    assert "next attempt after a failed run is due at" in str(_tick(patient, instance).skip_message)

    # New data meanwhile neither wait for the failed batch nor have it tried again.
    generate(fleet, Window.of_day(date(2025, 5, 2)), data_dir=settings.data_dir, seed=1)
    (other,) = _tick(patient, instance).run_requests or []
    assert days_of_runs([other.tags]) == {date(2025, 5, 2)}


def test_the_sensor_gives_up_after_a_few_failures_and_names_the_files(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    settings = settings.model_copy(update={"retry_wait_s": 0.0})
    day = Window.of_day(date(2025, 5, 1))
    generate(fleet, day, data_dir=settings.data_dir, seed=1)
    keys = []
    for _ in range(MAX_FAILURES):
        (request,) = _tick(settings, instance).run_requests or []
        keys.append(request.run_key)
        # A killed run is no verdict on the files: it does not count as a failure.
        killed = _run(settings, instance, request, dg.DagsterRunStatus.STARTED)
        instance.report_run_failed(killed)
        (request,) = _tick(settings, instance).run_requests or []
        keys.append(request.run_key)
        _fail_in_a_step(instance, _run(settings, instance, request, dg.DagsterRunStatus.STARTED))
    assert len(set(keys)) == len(keys)
    with pytest.raises(
        Exception, match=r"gave up on 2 file\(s\) after 3 failed runs.*weather_2025-05-01.parquet"
    ):
        _tick(settings, instance)

    path = RawFileName("weather", day.start).path_under(settings.raw_dir)
    pl.read_parquet(path)[:10].write_parquet(path)
    (request,) = _tick(settings, instance).run_requests or []
    assert request.run_key not in keys, "a new state of the files is tried anew"


def test_a_file_that_still_grows_is_left_until_it_has_its_end(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    # A look may take long where other tests run beside it.
    settings = settings.model_copy(update={"settle_s": 600.0})
    day = Window.of_day(date(2025, 5, 1))
    generate(fleet, day, data_dir=settings.data_dir, seed=1)
    path = RawFileName("weather", day.start).path_under(settings.raw_dir)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "still being written: weather/weather_2025-05-01.parquet" in str(
        _tick(settings, instance).skip_message
    )
    hasty = settings.model_copy(update={"settle_s": 0.0})
    assert _tick(hasty, instance).run_requests, (
        "one that stays as it is goes to the gate, which says what is wrong"
    )
    path.write_bytes(whole)
    assert len(_tick(settings, instance).run_requests or []) == 1


def test_a_file_of_the_future_is_named_and_the_others_load(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    days = [date(2099, 1, 1), date(2025, 5, 1)]
    for day in days:
        generate(fleet, Window.of_day(day), data_dir=settings.data_dir, seed=1)
    (request,) = _tick(settings, instance).run_requests or []
    assert request.partition_key == "2025-05-01"
    for path in settings.raw_dir.rglob("*_2025-05-01.parquet"):
        path.unlink()
    assert "1 pending day(s) lie in the future, which has no partition: 2099-01-01" in str(
        _tick(settings, instance).skip_message
    )
    assert ingest(settings).files_loaded == 2, "by hand it loads"


def test_a_cancelled_run_is_not_started_again_until_its_files_change(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    settings = settings.model_copy(update={"retry_wait_s": 0.0})
    day = Window.of_day(date(2025, 5, 1))
    generate(fleet, day, data_dir=settings.data_dir, seed=1)
    (request,) = _tick(settings, instance).run_requests or []
    instance.report_run_canceled(_run(settings, instance, request, dg.DagsterRunStatus.STARTED))
    assert "a person cancelled the run of 2 file(s)" in str(_tick(settings, instance).skip_message)
    ingest(settings)
    assert "a person cancelled the run" in str(_tick(settings, instance).skip_message), (
        "cancelled after the load and before the build"
    )
    path = RawFileName("weather", day.start).path_under(settings.raw_dir)
    pl.read_parquet(path)[:10].write_parquet(path)
    (again,) = _tick(settings, instance).run_requests or []
    assert again.run_key != request.run_key


def test_a_warehouse_that_another_program_holds_is_not_the_files_fault(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    settings = settings.model_copy(update={"retry_wait_s": 0.0, "lock_wait_s": 0.0})
    generate(fleet, Window.of_day(date(2025, 5, 1)), data_dir=settings.data_dir, seed=1)
    job = build_definitions(settings).resolve_job_def("load_files")
    keys = set()
    with FileLock(f"{settings.warehouse_path}.lock"):
        for _ in range(MAX_FAILURES + 1):
            (request,) = _tick(settings, instance).run_requests or []
            keys.add(request.run_key)
            tags = dict(request.tags) | {"dagster/partition": str(request.partition_key)}
            outcome = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
            assert not outcome.success
    assert len(keys) == MAX_FAILURES + 1
    assert _tick(settings, instance).run_requests, "never given up for that"


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


def test_two_processes_may_prepare_dagsters_home_at_once(settings: Settings) -> None:
    environment = os.environ | {"RENEWABLE_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "dagster_project.home"]
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait() for process in started] == [0, 0]
    with dg.DagsterInstance.from_config(str(settings.data_dir / "dagster")) as made:
        assert isinstance(made.run_launcher, LocalRunLauncher)
        assert made.get_runs() == []


def test_each_partition_of_a_range_tells_its_own_counts(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet, three_days: Window
) -> None:
    first, second, third = three_days.days
    generate(fleet, three_days, data_dir=settings.data_dir, seed=1)
    shorter = RawFileName("weather", second).path_under(settings.raw_dir)
    pl.concat([pl.read_parquet(shorter)[:99], pl.read_parquet(shorter)[:1]]).write_parquet(shorter)
    RawFileName("weather", third).path_under(settings.raw_dir).unlink()
    ran = run_daily_job(settings.model_copy(update={"input": "files"}), three_days, instance)
    assert ran.success

    def told(*key: str) -> dict[str, dict[str, Any]]:
        records = instance.fetch_materializations(dg.AssetKey(key), limit=100).records
        found = {}
        for record in records:
            made = record.asset_materialization
            assert made is not None and made.partition is not None
            found[made.partition] = {name: entry.value for name, entry in made.metadata.items()}
        return found

    rows = "dagster/partition_row_count"
    raw = told("warehouse", "weather")
    assert {day: facts[rows] for day, facts in raw.items()} == {
        str(first): 4 * 288,
        str(second): 99,
        str(third): 0,
    }
    assert {day: facts["rows_collapsed"] for day, facts in raw.items()} == {
        str(first): 0,
        str(second): 1,
        str(third): 0,
    }
    for table in ("raw.weather", "raw.generation"):
        warehouse = tables(settings.warehouse_path)[table]
        by_day = warehouse.group_by(pl.col("timestamp").dt.date().cast(pl.String)).len().rows()
        counted = {
            day: facts[rows] for day, facts in told("warehouse", table.split(".")[1]).items() if facts[rows]
        }
        assert counted == dict(by_day)
    daily = pl.read_parquet(settings.published_dir / "mart_asset_daily.parquet")
    of_day = daily.group_by(pl.col("date_local").cast(pl.String)).len()
    marts = told("marts", "mart_asset_daily")
    assert {day: facts[rows] for day, facts in marts.items()} == dict(
        of_day.filter(pl.col("date_local").is_in([str(day) for day in three_days.days])).rows()
    )
    lineage = marts[str(third)]["dagster/column_lineage"].deps_by_column
    assert (
        dg.TableColumnDep(dg.AssetKey(["intermediate", "int_asset_daily"]), "energy_kwh")
        in lineage["energy_kwh"]
    )
    assert "data:image/png;base64," in told("published", "fleet_daily_files")[str(third)]["picture"]

    graph = build_definitions(settings).resolve_asset_graph()
    made = Counter(
        event.asset_key
        for event in instance.all_logs(ran.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        if event.dagster_event
        for event in [event.dagster_event]
    )
    assert made == {
        key: len(three_days.days) if graph.get(key).is_partitioned else 1
        for key in graph.get_all_asset_keys()
        if key != SCORECARD
    }, "a part tells once a run, whatever its days"
    (piece,) = instance.fetch_materializations(
        dg.AssetKey(["intermediate", "int_expected_power"]), limit=2
    ).records
    facts = piece.asset_materialization
    assert facts is not None and facts.partition is None
    assert facts.metadata["rows_of_window"].value == 4 * 288 * len(three_days.days)
    assert "expected_power_kw" in facts.metadata["dagster/column_lineage"].value.deps_by_column
    table = instance.fetch_materializations(published_key("irradiance_power"), limit=2).records
    assert [r.asset_materialization.metadata["path"].value for r in table if r.asset_materialization] == [
        str(settings.published_dir / "irradiance_power.parquet")
    ]


def test_checks_warn_of_what_is_set_aside_and_what_is_missing(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    window = Window(date(2025, 5, 1), date(2025, 5, 10))
    generate(fleet, window, data_dir=settings.data_dir, seed=1)
    for day in window.days:
        path = RawFileName("generation", day).path_under(settings.raw_dir)
        rows = pl.read_parquet(path)
        mute = pl.col("asset_id") == SMALL_FLEET[0]
        rows.with_columns(
            active_power_kw=pl.when(mute).then(None).otherwise(pl.col("active_power_kw")),
            asset_id=pl.when(pl.int_range(pl.len()) == 0)
            .then(pl.lit("nobody"))
            .otherwise(pl.col("asset_id")),
        ).write_parquet(path)
    outcome = run_daily_job(settings.model_copy(update={"input": "files"}), window, instance)
    assert outcome.success, "a warning stops nothing"
    found = {check.check_name: check for check in outcome.get_asset_check_evaluations()}
    quarantine, coverage = found["quarantine"], found["coverage"]
    assert not quarantine.passed and quarantine.severity is dg.AssetCheckSeverity.WARN
    assert quarantine.metadata["rows_set_aside"].value == len(window.days)
    assert "quarantine replay" in str(quarantine.metadata["next_step"].value)
    assert "generation_2025-05-01.parquet" in str(quarantine.metadata["sample"].value)
    assert not coverage.passed and "1 of 4 assets below 80%" in str(coverage.description)
    assert SMALL_FLEET[0] in str(coverage.metadata["sample"].value)


def _tick(settings: Settings, instance: dg.DagsterInstance) -> Any:
    definitions = build_definitions(settings)
    sensor = definitions.resolve_sensor_def(RAW_FILE_SENSOR)
    repository = definitions.get_repository_def()
    with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
        return sensor.evaluate_tick(context)


def _run(
    settings: Settings, instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus
) -> dg.DagsterRun:
    """A run as the daemon makes it of a request."""
    tags = dict(request.tags)
    if request.partition_key:
        tags["dagster/partition"] = request.partition_key
    job = build_definitions(settings).resolve_job_def("load_files")
    return instance.create_run_for_job(job, tags=tags, status=status)


def _fail_in_a_step(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.add_run_tags(run.run_id, {FAILURE_REASON_TAG: "STEP_FAILURE"})
    instance.report_run_failed(run)
    assert BATCH_TAG in run.tags


def test_postgresql_is_named_in_a_file_that_only_its_owner_reads(settings: Settings) -> None:
    url = 'postgresql://renewable:se"cret@127.0.0.1:1/dagster'
    with_postgres = settings.model_copy(update={"postgres_url": url})
    storage = yaml.safe_load(instance_yaml(with_postgres))["storage"]["postgres"]["postgres_url"]
    assert storage == 'postgresql+psycopg2://renewable:se"cret@127.0.0.1:1/dagster'
    assert "storage" not in yaml.safe_load(instance_yaml(settings))
    home = prepare_home(settings)
    assert (home / "dagster.yaml").stat().st_mode & 0o077 == 0
