"""Laws of the chain from raw files to published marts, on temporary directories and a temporary DuckDB."""

import os
import random
import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from loaders.load_log import read_load_log
from mock_data.generate import generate
from renewable.atomic_write import write_parquet_atomic
from renewable.errors import PipelineError, WarehouseBusyError
from renewable.fleet import Fleet
from renewable.operations.backup import back_up, restore
from renewable.operations.pending_work import find_work
from renewable.operations.status import read_status
from renewable.published.publish import publish
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.warehouse import connect, exclusive
from renewable.windows import ONE_DAY, Window
from tests.integration.warehouse_tables import assert_same_tables, tables

pytestmark = pytest.mark.integration
FIVE_DAYS = Window(date(2025, 3, 28), date(2025, 4, 2))


def _settings_beside(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"data_dir": settings.data_dir.with_name(name)})


def _generate(settings: Settings, fleet: Fleet, window: Window, seed: int = 4) -> None:
    generate(fleet, window, data_dir=settings.data_dir, seed=seed)


def _raw(settings: Settings, table: str, day: date, part: str | None = None) -> Path:
    return RawFileName(table, day, part).path_under(settings.raw_dir)  # type: ignore[arg-type]


def _run(settings: Settings) -> None:
    ingest(settings)
    transform(settings)
    publish(settings)


def test_a_backfill_equals_day_by_day_in_any_order(settings: Settings, fleet: Fleet) -> None:
    _generate(settings, fleet, FIVE_DAYS)
    ingest(settings)
    transform(settings)

    daily = _settings_beside(settings, "daily")
    shuffled = FIVE_DAYS.days
    random.Random(3).shuffle(shuffled)
    for day in shuffled:
        _generate(daily, fleet, Window.of_day(day))
        assert ingest(daily, Window.of_day(day)).days == (day,)
        transform(daily, Window.of_day(day))
    assert_same_tables(settings.warehouse_path, daily.warehouse_path)


def test_loading_and_building_twice_changes_nothing(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    _generate(settings, fleet, three_days)
    first = ingest(settings)
    transform(settings)
    publish(settings)
    before, files = tables(settings.warehouse_path), _bytes(settings.published_dir)

    second = ingest(settings)
    assert first.rows_loaded == 3 * 2 * 4 * 288
    assert (second.rows_loaded, second.files_loaded) == (0, 0) and "nothing new" in second.sentence
    assert transform(settings).windows == ()
    publish(settings)
    assert _bytes(settings.published_dir) == files
    published = {name: pl.read_parquet(content) for name, content in files.items()}
    transform(settings, three_days)
    publish(settings)
    after = tables(settings.warehouse_path)
    assert all(frame.equals(after[name]) for name, frame in before.items())
    for name, content in _bytes(settings.published_dir).items():
        assert (
            pl.read_parquet(content)
            .drop("build_id", strict=False)
            .equals(published[name].drop("build_id", strict=False))
        ), name


def test_a_corrected_file_replaces_its_day_and_only_its_day_becomes_stale(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    _generate(settings, fleet, three_days)
    ingest(settings)
    transform(settings)
    day = three_days.days[1]
    path = _raw(settings, "generation", day)
    corrected = pl.read_parquet(path).filter(pl.col("timestamp").dt.hour() < 20)
    corrected = corrected.with_columns(pl.col("active_power_kw") * 0.5)
    write_parquet_atomic(corrected, path)
    ingest(settings)
    assert transform(settings).windows == (Window.of_day(day),)

    once = _settings_beside(settings, "once")
    for file in settings.raw_dir.rglob("*.parquet"):
        write_parquet_atomic(pl.read_parquet(file), once.raw_dir / file.relative_to(settings.raw_dir))
    ingest(once)
    transform(once)
    ours, theirs = tables(settings.warehouse_path), tables(once.warehouse_path)
    for name in (
        "raw.generation",
        "raw.weather",
        "intermediate.int_interval_performance",
        "marts.mart_asset_daily",
    ):
        assert ours[name].equals(theirs[name]), name


def test_a_day_whose_rows_all_vanished_is_empty(settings: Settings, fleet: Fleet, three_days: Window) -> None:
    _generate(settings, fleet, three_days)
    ingest(settings)
    transform(settings)
    day = three_days.days[0]
    path = _raw(settings, "generation", day)
    write_parquet_atomic(pl.read_parquet(path).clear(), path)
    ingest(settings)
    transform(settings)
    with connect(settings.warehouse_path) as connection:
        left = connection.sql(
            f"select count(*) from raw.generation where timestamp::date = '{day}'"
        ).fetchall()
        energy = connection.sql(
            "select count(active_power_kw) from intermediate.int_interval_performance"
            f" where timestamp_utc::date = '{day}'"
        ).fetchall()
    assert (left, energy) == ([(0,)], [(0,)])


def test_parts_of_a_day_load_as_the_whole(settings: Settings, fleet: Fleet, three_days: Window) -> None:
    _generate(settings, fleet, three_days)
    whole = _settings_beside(settings, "whole")
    _generate(whole, fleet, three_days)
    ingest(whole)
    day = three_days.days[0]
    path = _raw(settings, "weather", day)
    frame = pl.read_parquet(path)
    path.unlink()
    first, second = frame.filter(pl.col("asset_id") < "m"), frame.filter(pl.col("asset_id") >= "m")
    write_parquet_atomic(first, _raw(settings, "weather", day, "a-l"))
    ingest(settings)
    write_parquet_atomic(second, _raw(settings, "weather", day, "m-z"))
    ingest(settings)
    assert tables(settings.warehouse_path)["raw.weather"].equals(tables(whole.warehouse_path)["raw.weather"])


def test_a_broken_file_is_set_aside_while_the_rest_lands_and_lands_once_mended(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    _generate(settings, fleet, three_days)
    path = _raw(settings, "weather", three_days.days[1])
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    (settings.raw_dir / "notes.txt").write_text("not a raw file")
    summary = ingest(settings)
    assert summary.files_loaded == 5
    assert set(summary.files_refused) == {f"weather/{path.name}", "notes.txt"}
    record = settings.quarantine_dir / "files" / "weather" / f"{path.name}.reason.json"
    assert "cannot be read as Parquet" in record.read_text()
    assert ingest(settings).files_refused == {}, "a refused file is not read again until it changes"

    path.write_bytes(good)
    assert ingest(settings).files_loaded == 1
    assert not record.exists()
    loaded = pl.concat(
        pl.read_parquet(file) for file in sorted((settings.raw_dir / "weather").glob("*.parquet"))
    )
    assert tables(settings.warehouse_path)["raw.weather"].equals(loaded.sort(loaded.columns))


def test_the_load_log_accounts_for_every_row(settings: Settings, fleet: Fleet, three_days: Window) -> None:
    _generate(settings, fleet, three_days)
    path = _raw(settings, "generation", three_days.days[0])
    frame = pl.read_parquet(path)
    conflict = frame[3:4].with_columns(pl.col("active_power_kw") + 5)
    write_parquet_atomic(pl.concat([frame, frame[:10], conflict]), path)
    ingest(settings)
    log = read_load_log(settings)
    total = log.select(pl.col("^rows_.*$").sum()).row(0, named=True)
    assert total["rows_in"] == total["rows_loaded"] + total["rows_collapsed"] + total["rows_quarantined"]
    assert (total["rows_collapsed"], total["rows_quarantined"]) == (10, 2)
    found = tables(settings.warehouse_path)
    assert total["rows_loaded"] == found["raw.generation"].height + found["raw.weather"].height
    rows = pl.read_parquet(settings.quarantine_dir / "rows" / f"generation_{three_days.start}.parquet")
    assert rows["rule"].to_list() == ["conflicting_key"] * 2
    assert rows["row_number"].to_list() == [4, frame.height + 11]


def test_a_lost_working_directory_and_a_lost_warehouse_do_not_matter(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    _generate(settings, fleet, three_days)
    ingest(settings)
    (settings.work_dir / "dlt-left-by-a-killed-run").mkdir()
    (settings.work_dir / "dlt-left-by-a-killed-run" / "package").write_text("pending")
    assert ingest(settings).rows_loaded == 0
    assert not list(settings.work_dir.glob("dlt-*"))
    before = tables(settings.warehouse_path)
    settings.warehouse_path.unlink()
    assert read_status(settings).pending
    assert ingest(settings).files_loaded == 6
    after = tables(settings.warehouse_path)
    assert after.keys() == before.keys() and all(frame.equals(after[name]) for name, frame in before.items())


def test_a_busy_warehouse_is_waited_for_and_then_its_holder_named(settings: Settings) -> None:
    said: list[str] = []
    with (
        exclusive(settings.warehouse_path, 1),
        pytest.raises(WarehouseBusyError, match=f"process {os.getpid()}"),
        exclusive(settings.warehouse_path, 0.3, report=said.append),
    ):
        pytest.fail("two holders at once")
    assert "waiting up to" in said[0]


def test_status_tells_what_is_pending_loaded_and_stale(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    _generate(settings, fleet, three_days)
    assert len(read_status(settings).pending) == 6
    ingest(settings)
    status = read_status(settings)
    assert (status.pending, status.files_loaded, len(status.stale_days)) == ((), 6, 3)
    transform(settings)
    publish(settings)
    status = read_status(settings)
    assert status.stale_days == () and set(status.published) == {
        "mart_asset_daily",
        "mart_asset_monthly",
        "mart_data_quality_daily",
        "mart_events",
        "mart_fleet_daily",
        "mart_losses_daily",
        "mart_power_curve",
    }
    assert {result.technology: result.assets for result in status.results} == {"wind": 2, "solar": 2}
    assert status.last_day == three_days.end - timedelta(days=1)


def _bytes(directory: Path) -> dict[str, bytes]:
    current = (directory / "current").resolve()
    files = {
        path.relative_to(current): path.read_bytes() for path in current.rglob("*.parquet") if path.is_file()
    }
    return {re.sub("build_id=[^/]+/", "", str(name)): content for name, content in files.items()}


def test_a_copy_of_the_warehouse_put_back_is_the_warehouse_and_later_files_load_again(
    settings: Settings, fleet: Fleet, three_days: Window, tmp_path: Path
) -> None:
    before, copy = Window(three_days.start, three_days.end - ONE_DAY), tmp_path / "elsewhere" / "copy.duckdb"
    _generate(settings, fleet, before)
    _run(settings)
    kept = tables(settings.warehouse_path)
    assert back_up(settings, copy) == copy.stat().st_size
    _generate(settings, fleet, three_days)
    corrected = _raw(settings, "weather", three_days.start)
    pl.read_parquet(corrected)[:100].write_parquet(corrected)
    _run(settings)
    latest = tables(settings.warehouse_path)

    assert restore(settings, copy) == 4
    assert settings.warehouse_path.with_name(f"{settings.warehouse_path.name}.before-restore").exists()
    put_back = tables(settings.warehouse_path)
    assert all(frame.equals(put_back[name]) for name, frame in kept.items())
    marts = pl.read_parquet(settings.published_dir / "mart_asset_daily.parquet")
    assert marts.height == kept["marts.mart_asset_daily"].height, "readers see what was put back"
    assert len(find_work(settings, 0.0).states) == 2, "the corrected and the third day are pending"
    _run(settings)
    again = tables(settings.warehouse_path)
    assert all(frame.equals(again[name]) for name, frame in latest.items())


def test_what_is_no_copy_is_refused_before_anything_is_touched(
    settings: Settings, fleet: Fleet, three_days: Window, tmp_path: Path
) -> None:
    _generate(settings, fleet, Window.of_day(three_days.start))
    ingest(settings)
    present = settings.warehouse_path.read_bytes()
    other = tmp_path / "other.duckdb"
    other.write_bytes(present[:1000])
    with pytest.raises(PipelineError, match="is no copy of a warehouse"):
        restore(settings, other)
    with pytest.raises(PipelineError, match="is no copy of a warehouse"):
        restore(settings, tmp_path / "nothing")
    assert settings.warehouse_path.read_bytes() == present
