"""The simulator as people start it: scripts by path, several processes, Ctrl-C."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from mock_data.fleet_maker import make_fleet, write_fleet
from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.integration
FLEET = make_fleet(2, 2, 8, interval_minutes=5)


@pytest.mark.parametrize("script", ["generate_weather.py", "generate_generation.py"])
def test_the_scripts_run_by_path_and_refuse_an_empty_range(script: str, tmp_path: Path) -> None:
    write_fleet(FLEET, tmp_path / "fleet")
    command = [sys.executable, REPO / "src" / "mock_data" / script, "--data-dir", tmp_path, "--seed", "3"]
    command += ["--fleet-dir", tmp_path / "fleet", "--start", "2025-01-01", "--end"]
    environment = {"RENEWABLE_WORLD": "plain", "PYTHONPATH": str(REPO / "src")}
    done = subprocess.run(
        [*command, "2025-01-03"], capture_output=True, text=True, env=environment, check=True
    )
    table = script.removeprefix("generate_").removesuffix(".py")
    assert f"{table} 1 to 2 January 2025, both included: " in done.stdout
    assert len(list((tmp_path / "raw" / table).glob("*.parquet"))) == 2
    wrong = subprocess.run([*command, "2024-12-31"], capture_output=True, text=True, env=environment)
    assert wrong.returncode == 2
    assert "the end is exclusive" in wrong.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_whole_files_only(jobs: int, tmp_path: Path) -> None:
    write_fleet(make_fleet(20, 20, 1, interval_minutes=5), tmp_path / "fleet")
    command = [sys.executable, REPO / "src" / "mock_data" / "generate_generation.py", "--data-dir", tmp_path]
    command += ["--fleet-dir", tmp_path / "fleet", "--start", "2025-01-01", "--end", "2027-01-01"]
    environment = {"RENEWABLE_WORLD": "plain", "PYTHONPATH": str(REPO / "src"), "POLARS_MAX_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--jobs", str(jobs)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # A shell hands SIGINT down as ignored to what it runs in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("truth/*.parquet"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "run again to go on" in said
    assert list(tmp_path.rglob("*.tmp")) == []
    files = list(tmp_path.rglob("*.parquet"))
    assert 5 <= len(files) < 2 * 730
    assert all(pl.read_parquet(path).height == 40 * 288 for path in files)
