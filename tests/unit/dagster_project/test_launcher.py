"""Whether the process of a run is still there."""

import os
import subprocess
import sys
import time

import pytest

from dagster_project.launcher import is_alive

pytestmark = pytest.mark.unit


def test_a_process_is_alive_until_it_ends_and_its_number_is_not_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_alive(process.pid, time.time() + 1)
        assert not is_alive(process.pid, time.time() - 3600), "another process with the same number"
        process.kill()
        process.wait()
    assert not is_alive(process.pid, time.time() + 1)
    assert is_alive(os.getpid(), time.time())
