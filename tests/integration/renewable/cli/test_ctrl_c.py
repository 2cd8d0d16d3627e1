"""Ctrl-C at any moment: one line, code 130, and the next run goes on as if nothing had been."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from renewable.ctrl_c import INTERRUPTED_LINE
from renewable.settings import Settings
from tests.integration.warehouse_tables import assert_same_tables

pytestmark = pytest.mark.integration

RENEWABLE = [str(Path(sys.executable).with_name("renewable"))]
DAYS = ["--start", "2025-01-01", "--days", "3"]
# No step is done as soon as that.
FIRST_MOMENT_S = 0.05
# A library may hold the signal back; without the watch these would go on for a minute.
SWALLOWING = """
import signal, sys, time
from renewable.ctrl_c import interruptible
with interruptible(lambda: print("last words", file=sys.stderr)):
    signal.signal(signal.SIGINT, lambda *_: None)
    print("ready", flush=True)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        time.sleep(0.1)
"""

IN_EXEC = """
from renewable.ctrl_c import interruptible
with interruptible():
    exec("import time; print('ready', flush=True); time.sleep(60)")
"""


def _environment(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "RENEWABLE_DATA_DIR": str(settings.data_dir),
        "RENEWABLE_FLEET_DIR": str(settings.fleet_dir),
    }


def _wait_until_it_listens(process: subprocess.Popen[str]) -> None:
    """Return once the command's first line has run: before it, the signal meets only the interpreter that starts."""
    descriptors = Path(f"/proc/{process.pid}/fd")
    while descriptors.parent.parent.exists() and process.poll() is None:
        try:
            # The watch has a pair of sockets; the process was started with none.
            if any(str(one.readlink()).startswith("socket:") for one in descriptors.iterdir()):
                return
        except OSError:  # one was closed, or the process ended, while we looked
            pass
        time.sleep(0.02)


def _interrupted(command: list[str], settings: Settings, after_s: float) -> tuple[int, str, float]:
    """Exit code, standard error, and seconds from the signal to the end; `after_s` counts from the first line on."""
    process = subprocess.Popen(
        command,
        env=_environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=settings.data_dir.parent,
    )
    _wait_until_it_listens(process)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    since = time.monotonic()
    _, told = process.communicate(timeout=60)
    return process.returncode, told, time.monotonic() - since


def _run(command: list[str], settings: Settings) -> None:
    done = subprocess.run(
        command,
        env=_environment(settings),
        capture_output=True,
        text=True,
        check=False,
        cwd=settings.data_dir.parent,
    )
    assert done.returncode == 0, done.stderr


def test_a_library_that_keeps_the_signal_does_not_keep_the_process(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SWALLOWING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130 and told.splitlines() == ["last words", INTERRUPTED_LINE]


def test_an_interrupt_inside_of_exec_ends_with_the_code_too(tmp_path: Path) -> None:
    # As a module: what Python is told as text or as a file ends in another way.
    (tmp_path / "in_exec.py").write_text(IN_EXEC)
    process = subprocess.Popen(
        [sys.executable, "-m", "in_exec"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told.splitlines()) == (130, [INTERRUPTED_LINE])


def test_steps_that_are_interrupted_anywhere_leave_what_the_next_run_goes_on_from(
    settings: Settings, tmp_path: Path
) -> None:
    steps = (["generate", *DAYS], ["ingest"], ["transform"], ["publish"], ["report"])
    for step in steps:
        for after_s in (FIRST_MOMENT_S, 0.4, 1.5, 4.0):
            code, told, took_s = _interrupted([*RENEWABLE, *step], settings, after_s)
            assert "Traceback" not in told
            # One that was done already is done, and may have had nothing to say.
            last_line = told.splitlines()[-1:]
            is_done = code == 0 and after_s > FIRST_MOMENT_S
            assert is_done or (code, last_line) == (130, [INTERRUPTED_LINE]), (step, after_s, told)
            # The law is two seconds; a machine that does much else gets more.
            assert took_s < 20, (step, after_s)
        _run([*RENEWABLE, *step], settings)
    other = settings.model_copy(update={"data_dir": settings.data_dir.with_name("other")})
    for step in steps[:3]:
        _run([*RENEWABLE, *step], other)
    assert_same_tables(settings.warehouse_path, other.warehouse_path)


def test_a_run_of_dagsters_job_that_is_interrupted_is_over_and_the_next_one_goes_on(
    settings: Settings,
) -> None:
    command = [sys.executable, "-m", "dagster_project.headless", *DAYS]
    for after_s in (FIRST_MOMENT_S, 0.5, 3.0, 9.0):
        code, told, _ = _interrupted(command, settings, after_s)
        is_done = code == 0 and after_s > 3
        assert (is_done or code == 130) and "Traceback" not in told, (code, told)
    _run(command, settings)
    _run([*RENEWABLE, "status"], settings)
