"""Events in batches: the same databases as Dagster writes one by one."""

import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from dagster_project.event_storage import BatchedSqliteEventLogStorage
from dagster_project.home import prepare_home
from renewable.settings import Settings

pytestmark = pytest.mark.integration

DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-02-01")
RANGE = {
    "dagster/asset_partition_range_start": "2025-01-02",
    "dagster/asset_partition_range_end": "2025-01-06",
}


@dg.multi_asset(
    specs=[dg.AssetSpec("readings"), dg.AssetSpec("events", tags={"kind": "rare"})],
    check_specs=[dg.AssetCheckSpec("is_there", asset="readings")],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def tables(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]
    for key in ("readings", "events"):
        for day in context.partition_keys:
            context.add_asset_metadata({"rows": len(day)}, dg.AssetKey(key), day)
        yield dg.MaterializeResult(key)
    yield dg.AssetCheckResult(asset_key="readings", check_name="is_there", passed=True)
    context.log_event(dg.AssetObservation("readings", partition="2025-01-03"))


def _job() -> dg.JobDefinition:
    jobs = [dg.define_asset_job("all_tables", [tables])]
    return dg.Definitions([tables], jobs=jobs).resolve_job_def("all_tables")


def _events_of_a_run() -> list[dg.EventLogEntry]:
    with dg.DagsterInstance.ephemeral() as instance:
        ran = _job().execute_in_process(instance=instance, tags=RANGE)
        return list(instance.all_logs(ran.run_id))


def _rows(folder: Path) -> dict[tuple[str, str], list[tuple[object, ...]]]:
    found: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    for path in folder.glob("*.db"):
        with sqlite3.connect(path) as shard:
            for (table,) in shard.execute("select name from sqlite_master where type = 'table'").fetchall():
                columns = [name for _, name, *_ in shard.execute(f"pragma table_info({table})")]
                # When a row was written is no matter of what it says.
                said = [
                    f'"{name}"' for name in columns if name not in ("create_timestamp", "migration_completed")
                ]
                found[path.stem, table] = shard.execute(f"select {', '.join(said)} from {table}").fetchall()
    return found


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_batches_of_any_size_leave_what_single_events_leave(tmp_path: Path, size: int) -> None:
    events = _events_of_a_run()
    one_by_one = SqliteEventLogStorage(str(tmp_path / "single"))
    batched = BatchedSqliteEventLogStorage(str(tmp_path / "batched"))
    with dg.instance_for_test() as instance:
        for storage in (one_by_one, batched):
            storage.register_instance(instance)
        for event in events:
            one_by_one.store_event(event)
        for at in range(0, len(events), size):
            batched.store_event_batch(events[at : at + size])
    single = _rows(tmp_path / "single")
    assert len(single["index", "event_logs"]) > 20 and single["index", "asset_event_tags"]
    assert _rows(tmp_path / "batched") == single


def test_the_instance_of_a_fleet_keeps_events_in_batches_and_where_it_kept_them(settings: Settings) -> None:
    home = prepare_home(settings)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, BatchedSqliteEventLogStorage)
        assert Path(storage.path_for_shard("index")) == home / "history" / "runs" / "index.db"
        ran = _job().execute_in_process(instance=instance, tags=RANGE)
        assert len(instance.get_materialized_partitions(dg.AssetKey("events"))) == 5 and ran.success


def test_more_runs_than_stay_open_keep_their_events_and_a_wiped_storage_begins_anew(tmp_path: Path) -> None:
    storage = BatchedSqliteEventLogStorage(str(tmp_path / "runs"))
    runs = [f"run-{number}" for number in range(20)]
    with dg.instance_for_test() as instance:
        storage.register_instance(instance)
        for _ in range(2):
            for number, run in enumerate([*runs, *reversed(runs)]):
                storage.store_event(_said(run, str(number)))
            for number, run in enumerate(runs):
                said = [
                    record.event_log_entry.user_message for record in storage.get_records_for_run(run).records
                ]
                assert said == [str(number), str(39 - number)]
            storage.wipe()
            assert not storage.get_records_for_run(runs[0]).records
    storage.dispose()


def _said(run: str, message: str) -> dg.EventLogEntry:
    return dg.EventLogEntry(
        error_info=None,
        level=10,
        user_message=message,
        run_id=run,
        timestamp=1.0,
        step_key=None,
        job_name="job",
    )
