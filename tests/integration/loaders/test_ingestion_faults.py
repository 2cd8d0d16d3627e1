"""Faults of the machine around a load: several processes, a full disk, a read-only place, an older warehouse."""

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from loaders import dlt_package
from loaders.dlt_pipeline import ingest, replay
from loaders.load_log import read_load_log
from loaders.quarantine import list_quarantine, read_quarantine, show_quarantined
from mock_data.generate import generate
from renewable.atomic_write import write_parquet_atomic
from renewable.errors import PipelineError, WarehouseBusyError, WarehouseError
from renewable.fleet import Fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.windows import Window
from tests.integration.chaos import die, differences
from tests.integration.warehouse_tables import tables

pytestmark = pytest.mark.integration
_INGEST = "from renewable.cli.entry import main; main()"


def _raw(settings: Settings, table: str, day: date, part: str | None = None) -> Path:
    return RawFileName(table, day, part).path_under(settings.raw_dir)  # type: ignore[arg-type]


def _start(settings: Settings, *arguments: str, before: str = "") -> "subprocess.Popen[str]":
    environment = os.environ | {
        "RENEWABLE_DATA_DIR": str(settings.data_dir),
        "RENEWABLE_FLEET_DIR": str(settings.fleet_dir),
        "RENEWABLE_LOCK_WAIT_S": "300",
    }
    return subprocess.Popen(
        [sys.executable, "-c", before + _INGEST, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_three_loads_and_a_build_at_once_all_succeed(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    ingest(settings, Window.of_day(three_days.start))
    steps = [_start(settings, "transform"), *(_start(settings, "ingest") for _ in range(3))]
    said = [step.communicate(timeout=600) for step in steps]
    assert [step.returncode for step in steps] == [0, 0, 0, 0], said
    loaded = [out for out, _ in said[1:] if "files loaded" in out]
    assert len(loaded) == 1 and "4 of 6 files loaded" in loaded[0], "one takes the rest, two find nothing new"
    assert any("busy" in err and "waiting up to 300 s" in err for _, err in said)
    transform(settings)
    assert set(differences(settings, settings.data_dir.with_name("once"))) == {
        name for name in tables(settings.warehouse_path) if not name.startswith("raw.")
    }


def test_an_outside_reader_is_waited_for_and_named(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    ingest(settings, Window.of_day(three_days.start))
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True);"
            "print('open', flush=True); time.sleep(60)",
            str(settings.warehouse_path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert reader.stdout is not None and reader.stdout.readline() == "open\n"
        impatient = settings.model_copy(update={"lock_wait_s": 0.5})
        said: list[str] = []
        with pytest.raises(WarehouseBusyError, match=f"process {reader.pid}"):
            ingest(impatient, report=said.append)
        assert any("waiting up to" in line for line in said)
    finally:
        reader.kill()
        reader.communicate()
    assert ingest(settings).files_loaded == 4


def test_a_full_disk_stops_the_load_with_its_reason_and_the_next_run_completes_it(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    ingest(settings, Window.of_day(three_days.start))
    # No file may be written beyond its first bytes: what a full disk does, without filling one.
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536));"
    )
    step = _start(settings, "ingest", before=limit)
    _, err = step.communicate(timeout=60)
    assert step.returncode == 1 and "Traceback" not in err, err
    assert "File too large" in err and "renewable ingest` again" in err
    ingest(settings)
    assert differences(settings, settings.data_dir.with_name("once")) == []


def test_a_place_that_cannot_be_written_is_named(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    settings.published_dir.write_text("a file where a directory belongs")
    with pytest.raises(PipelineError, match=str(settings.published_dir)):
        ingest(settings)
    settings.published_dir.unlink()
    ingest(settings)
    assert read_load_log(settings).height == 6
    assert differences(settings, settings.data_dir.with_name("once")) == []


def test_a_restored_older_warehouse_catches_up(settings: Settings, fleet: Fleet, three_days: Window) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    ingest(settings, Window.of_day(three_days.start))
    older = settings.data_dir / "backup.duckdb"
    shutil.copyfile(settings.warehouse_path, older)
    _raw(settings, "weather", three_days.start).unlink()
    ingest(settings)
    shutil.copyfile(older, settings.warehouse_path)
    summary = ingest(settings)
    assert summary.files_removed == (f"weather/weather_{three_days.start}.parquet",)
    assert differences(settings, settings.data_dir.with_name("once")) == []


@pytest.mark.parametrize("restored", [True, False], ids=["older file", "no file"])
def test_a_write_ahead_log_of_another_state_does_not_stop_the_load(
    settings: Settings, fleet: Fleet, three_days: Window, restored: bool
) -> None:
    """A killed load leaves its write-ahead log; then somebody restores a backup, or deletes the database alone."""
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    ingest(settings, Window.of_day(three_days.start))
    older = settings.data_dir / "backup.duckdb"
    shutil.copyfile(settings.warehouse_path, older)
    ingest(settings, Window.of_day(three_days.days[1]))
    assert die(settings, "before the log is published")
    assert settings.warehouse_path.with_name("renewable.duckdb.wal").exists()
    shutil.copyfile(older, settings.warehouse_path) if restored else settings.warehouse_path.unlink()
    said: list[str] = []
    ingest(settings, report=said.append)
    assert any("write-ahead log" in line for line in said) == restored, (
        "DuckDB itself clears the log of no file"
    )
    assert differences(settings, settings.data_dir.with_name("once")) == []


def test_a_removed_file_takes_its_rows_along_and_makes_its_day_stale(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    ingest(settings)
    transform(settings)
    _raw(settings, "generation", three_days.days[1]).unlink()
    assert "1 files removed and their rows with them" in ingest(settings).sentence
    assert transform(settings).windows == (Window.of_day(three_days.days[1]),)
    assert tables(settings.warehouse_path)["raw.generation"].height == 2 * 4 * 288


def test_an_empty_raw_directory_does_not_empty_the_warehouse(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    ingest(settings)
    settings.raw_dir.rename(settings.data_dir / "unmounted")
    with pytest.raises(PipelineError, match="is the disk mounted"):
        ingest(settings)
    assert tables(settings.warehouse_path)["raw.weather"].height == 3 * 4 * 288


def test_what_the_registry_lacked_is_replayed_once_it_is_mended(
    settings: Settings, fleet: Fleet, three_days: Window, tmp_path: Path
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    forgetful = tmp_path / "registry"
    forgetful.mkdir()
    fleet.assets.filter(pl.col("asset_id") != "mesa-dorada-s-01").write_csv(forgetful / "assets.csv")
    fleet.power_curves.write_csv(forgetful / "power_curves.csv")
    ingest(settings.model_copy(update={"fleet_dir": forgetful}))
    listed = list_quarantine(settings.quarantine_dir)
    assert listed["rule"].unique().to_list() == ["unknown_asset"] and listed["count"].sum() == 6 * 288

    name = f"weather/weather_{three_days.start}.parquet"
    record, rows, values = show_quarantined(settings.quarantine_dir, name)
    assert (record, rows.height, values.height) == (None, 288, 0)
    assert rows.columns[:3] == ["file", "row_number", "rule"]
    summary = replay(settings, name)
    assert (summary.files_loaded, summary.rows_quarantined) == (1, 0)
    assert list_quarantine(settings.quarantine_dir)["count"].sum() == 5 * 288
    assert replay(settings).files_loaded == 5
    assert read_quarantine(settings.quarantine_dir).row_count == 0
    assert replay(settings).files_loaded == 0
    assert differences(settings, settings.data_dir.with_name("once")) == []


def test_an_extra_column_is_left_out_where_the_settings_allow_it(
    settings: Settings, fleet: Fleet, three_days: Window
) -> None:
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    path = _raw(settings, "weather", three_days.start)
    pl.read_parquet(path).with_columns(pl.lit(1.5).alias("spare")).write_parquet(path)
    assert "RENEWABLE_EXTRA_COLUMNS" in ingest(settings).files_refused[f"weather/{path.name}"]
    open_minded = settings.model_copy(update={"extra_columns": "other, spare"})
    summary = replay(open_minded)
    assert (summary.files_loaded, summary.rows_loaded) == (1, 4 * 288)
    assert read_quarantine(settings.quarantine_dir).files == {}
    assert differences(open_minded, settings.data_dir.with_name("once")) == []


def test_a_file_that_is_written_during_the_load_is_left_for_the_next_one(
    settings: Settings, fleet: Fleet, three_days: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer strikes between the gate and the commit, where only the last look before the commit can see it."""
    generate(fleet, three_days, data_dir=settings.data_dir, seed=4)
    path = _raw(settings, "weather", three_days.days[1])
    shorter = pl.read_parquet(path).head(100)
    last_look, struck = dlt_package._moved, []

    def just_after_a_write(*arguments: Any) -> list[str]:
        if not struck:
            struck.append(write_parquet_atomic(shorter, path))
        return last_look(*arguments)

    monkeypatch.setattr(dlt_package, "_moved", just_after_a_write)
    summary = ingest(settings)
    assert summary.files_in_motion == (f"weather/{path.name}",)
    assert summary.files_loaded == 5
    monkeypatch.undo()
    assert ingest(settings).files_loaded == 1
    assert differences(settings, settings.data_dir.with_name("once")) == []


def test_a_foreign_file_in_the_warehouses_place_is_named(settings: Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.write_text("this is no database, but it is long enough to look like one" * 100)
    with pytest.raises(WarehouseError, match=r"renewable\.duckdb is no DuckDB database"):
        ingest(settings)
