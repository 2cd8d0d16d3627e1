"""What a person meets first in the pages: runs, days, reasons, and what was built without Dagster."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from dagster_project.build_sensor import BUILDS, days_after
from dagster_project.checks import ROWS_CHECK
from dagster_project.daily_run import run_daily_job
from dagster_project.definitions import build_definitions
from dagster_project.file_sensor import RAW_FILE_SENSOR
from dagster_project.keys import SCORECARD, loaded_key, published_key
from dagster_project.partitions import first_partition
from dagster_project.runs import LOCATION, reason_of, window_of_tags
from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.errors import PipelineError
from renewable.fleet import Fleet
from renewable.operations.pending_work import nothing_new
from renewable.published.publish import publish
from renewable.raw_files import RawFileName
from renewable.report.build import write_report
from renewable.settings import Settings
from renewable.transform.books import read_copies
from renewable.transform.build import transform
from renewable.windows import Window

pytestmark = pytest.mark.integration
DAYS = Window(date(2025, 3, 1), date(2025, 3, 3))
NOW_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _tick(
    definitions: dg.Definitions, sensor: str, instance: dg.DagsterInstance, cursor: str | None = None
) -> dg.SensorResult:
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, definitions=definitions, sensor_name=sensor
    ) as context:
        found = definitions.resolve_sensor_def(sensor).evaluate_tick(context)
    return dg.SensorResult(
        run_requests=list(found.run_requests or []),
        skip_reason=found.skip_message,
        asset_events=list(found.asset_events),
        cursor=found.cursor,
    )


def test_partitions_begin_with_the_data_and_with_a_setting_where_it_says_so(
    settings: Settings, fleet: Fleet
) -> None:
    today = date(2025, 6, 1)
    assert first_partition(settings, today) == date(2025, 5, 1)
    assert first_partition(settings, today, date(2025, 2, 1)) == date(2025, 2, 1), "a run asks for it"
    generate(fleet, DAYS, data_dir=settings.data_dir, seed=1)
    assert first_partition(settings, today) == DAYS.start
    assert first_partition(settings, today, date(2025, 5, 1)) == DAYS.start
    ingest(settings)
    for path in (settings.raw_dir / "weather").iterdir():
        path.unlink()
    for path in (settings.raw_dir / "generation").iterdir():
        path.unlink()
    assert first_partition(settings, today) == DAYS.start, "the load log knows of files that are gone"
    RawFileName("weather", date(1970, 1, 1)).path_under(settings.raw_dir).write_bytes(b"")
    assert first_partition(settings, today) == date(2000, 1, 1), "a clock without a battery"
    said = settings.model_copy(update={"first_day": date(2024, 7, 1)})
    assert first_partition(said, today) == date(2024, 7, 1)


def test_a_file_older_than_all_partitions_is_loaded_and_the_sensor_says_what_to_reload(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    settings = settings.model_copy(update={"input": "files"})
    generate(fleet, DAYS, data_dir=settings.data_dir, seed=1)
    ingest(settings)
    transform(settings)
    publish(settings)
    before = build_definitions(settings)
    older = Window.of_day(date(2025, 2, 3))
    generate(fleet, older, data_dir=settings.data_dir, seed=1)
    tick = _tick(before, RAW_FILE_SENSOR, instance)
    (request,) = tick.run_requests or []
    assert window_of_tags(request.tags) == older and request.partition_key is None
    # The run's process reads the definitions anew.
    job = build_definitions(settings).resolve_job_def("load_files")
    assert job.execute_in_process(instance=instance, tags=request.tags).success
    assert str(older.start) in instance.get_materialized_partitions(published_key("mart_asset_daily"))
    assert not _tick(before, RAW_FILE_SENSOR, instance).run_requests


def test_a_run_shows_on_the_first_page_and_a_second_one_would_change_nothing(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert not nothing_new(settings, DAYS, NOW_S)
    assert run_daily_job(settings, DAYS, instance).success
    (run,) = instance.get_runs()
    origin = run.remote_job_origin
    assert origin is not None and origin.location_name == LOCATION, (
        "the pages leave out runs of no definitions"
    )
    assert origin.repository_origin.repository_name == build_definitions(settings).get_repository_def().name
    assert nothing_new(settings, DAYS, NOW_S)
    assert not nothing_new(settings, Window(DAYS.start, DAYS.end + timedelta(days=1)), NOW_S), "a day more"
    path = RawFileName("generation", DAYS.start).path_under(settings.raw_dir)
    whole = path.read_bytes()
    pl.read_parquet(path)[:-1].write_parquet(path)
    assert not nothing_new(settings, DAYS, NOW_S), "a corrected file"
    path.write_bytes(whole)
    settings.report_page.unlink()
    assert not nothing_new(settings, DAYS, NOW_S), "a report that is gone"


def test_a_step_that_fails_begins_with_our_sentence_and_the_next_step(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    settings = settings.model_copy(update={"input": "files"})
    definitions = build_definitions(settings, begins_at_most=DAYS.start)
    only = definitions.resolve_job_def("load_files").get_subset(
        asset_selection={published_key("mart_asset_daily")}
    )
    outcome = only.execute_in_process(instance=instance, partition_key=str(DAYS.start), raise_on_error=False)
    (failed,) = outcome.get_step_failure_events()
    data = failed.step_failure_data.user_failure_data
    assert data is not None and data.description is not None
    assert "run `renewable ingest` first" in data.description
    assert data.metadata["error"].value == PipelineError.__name__
    assert reason_of(failed.step_failure_data) == data.description


def test_what_the_gate_set_aside_is_on_the_run_and_a_day_without_rows_warns(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    settings = settings.model_copy(update={"input": "files"})
    generate(fleet, DAYS, data_dir=settings.data_dir, seed=1)
    first, second = (RawFileName("generation", day).path_under(settings.raw_dir) for day in DAYS.days)
    rows = pl.read_parquet(first)
    rows.with_columns(
        asset_id=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("nobody")).otherwise("asset_id")
    ).write_parquet(first)
    second.write_bytes(b"no parquet")
    assert run_daily_job(settings, DAYS, instance).success
    (run,) = instance.get_runs()
    assert run.tags["renewable/rows_set_aside"] == "3"
    assert run.tags["renewable/files_set_aside"] == "1"
    verdicts = {
        table: instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(loaded_key(table), ROWS_CHECK), limit=1
        )[0].event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
        for table in ("weather", "generation")
    }
    assert verdicts["weather"].passed
    assert not verdicts["generation"].passed
    assert verdicts["generation"].severity is dg.AssetCheckSeverity.WARN
    assert str(DAYS.days[1]) in (verdicts["generation"].description or "")


def test_what_was_built_without_dagster_is_shown_once_and_no_run_is_invented(
    settings: Settings, instance: dg.DagsterInstance, fleet: Fleet
) -> None:
    settings = settings.model_copy(update={"input": "files"})
    definitions = build_definitions(settings, begins_at_most=DAYS.start)
    assert "nothing is built" in str(_tick(definitions, BUILDS, instance).skip_reason)
    generate(fleet, DAYS, data_dir=settings.data_dir, seed=1)
    ingest(settings)
    transform(settings)
    assert "not published" in str(_tick(definitions, BUILDS, instance).skip_reason)
    publish(settings)
    write_report(settings, now=datetime(2025, 3, 4, tzinfo=UTC))
    tick = _tick(definitions, BUILDS, instance)
    keys = definitions.resolve_asset_graph().materializable_asset_keys - {SCORECARD}
    told = [event for event in tick.asset_events if isinstance(event, dg.AssetMaterialization)]
    assert {(event.asset_key, event.partition) for event in told} == {
        (key, str(day)) for key in keys for day in DAYS.days
    }
    assert len(told) == len(keys) * len(DAYS.days)
    again = _tick(definitions, BUILDS, instance, tick.cursor)
    assert not again.asset_events and again.skip_reason
    assert not instance.get_runs()

    later = Window.of_day(DAYS.end)
    generate(fleet, later, data_dir=settings.data_dir, seed=1)
    assert run_daily_job(settings, later, instance).success
    own = _tick(definitions, BUILDS, instance, tick.cursor)
    assert not own.asset_events, "what a run of Dagster built, the pages know"
    assert not days_after(read_copies(settings), own.cursor or "")
