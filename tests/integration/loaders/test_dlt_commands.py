"""dlt's own commands show the last load, although no load depends on what they read."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from loaders.dlt_package import PIPELINE
from loaders.dlt_pipeline import ingest
from renewable.errors import PipelineError
from renewable.settings import Settings
from tests.integration.loaders.test_odd_files import deliver, rows_of

pytestmark = pytest.mark.integration
DAY = date(2025, 1, 1)
DLT = Path(sys.executable).with_name("dlt")


def said(settings: Settings, command: str, elsewhere: Path) -> str:
    """What `dlt pipeline … COMMAND` prints in a fresh shell, as deploy/README.md writes it."""
    elsewhere.mkdir(exist_ok=True)
    fresh = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [DLT, "pipeline", "--pipelines-dir", settings.work_dir / "dlt", PIPELINE, command],
        cwd=elsewhere,
        env=fresh | {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(elsewhere)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dlts_commands_show_the_last_load_while_somebody_writes_into_the_warehouse(
    settings: Settings, tmp_path: Path
) -> None:
    deliver(settings, "weather", DAY)
    ingest(settings)
    with duckdb.connect(settings.warehouse_path) as writing:
        writing.execute("begin; create table raw.at_work (x int)")
        ((load_id,),) = writing.execute("select load_id from raw._dlt_loads").fetchall()
        told = {
            command: said(settings, command, tmp_path / "elsewhere")
            for command in ("info", "trace", "load-package", "schema", "failed-jobs")
        }
        writing.execute("commit")
    assert "dataset_name: raw" in told["info"] and "weather with 1 table" in told["info"]
    assert "COMPLETED" in told["trace"] and str(settings.warehouse_path) in told["trace"]
    assert f"load id {load_id}" in told["load-package"] and "LOADED" in told["load-package"]
    assert "active_power_kw" in told["schema"]
    assert "No failed jobs found" in told["failed-jobs"]
    # No database of another name comes into being where the command is called.
    assert not list((tmp_path / "elsewhere").rglob("*.duckdb"))


def test_a_load_reads_nothing_of_the_last_ones_directory_and_puts_its_own_in_its_place(
    settings: Settings, tmp_path: Path
) -> None:
    deliver(settings, "weather", DAY)
    ingest(settings)
    pipeline = settings.work_dir / "dlt" / PIPELINE
    (pipeline / "state.json").write_text("no JSON")
    (pipeline / "load" / "normalized" / "1.5").mkdir()
    deliver(settings, "weather", DAY + timedelta(days=1))
    assert ingest(settings).files_loaded == 1
    assert "dataset_name: raw" in said(settings, "info", tmp_path / "elsewhere")
    assert not list(settings.work_dir.glob("dlt-*"))


def test_a_load_that_failed_is_shown_with_its_cause(settings: Settings, tmp_path: Path) -> None:
    deliver(settings, "weather", DAY)
    ingest(settings)
    with duckdb.connect(settings.warehouse_path) as warehouse:
        warehouse.execute("alter table raw.weather alter ghi_wm2 type tinyint")
    deliver(settings, "weather", DAY, rows_of("weather", DAY, ghi_wm2=500.0))
    with pytest.raises(PipelineError):
        ingest(settings)
    told = said(settings, "trace", tmp_path / "elsewhere")
    assert "FAILED" in told and "500" in told, told
