"""dbt with the target `spark`, as a child that is ended in time: a lost server keeps its client waiting."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from renewable.places import DBT_PROJECT
from renewable.transform.dbt_project import window_environment
from renewable.transform.spark import spark_environment
from renewable.windows import Window

_LATEST_S = 1800.0
_NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


class Dbt:
    """A dbt child process against one server; `landing` holds what tests.spark.landing wrote."""

    def __init__(self, remote: str, landing: Path, work: Path) -> None:
        self._landing = landing
        self._work = work
        self._environment = spark_environment(remote, str(landing / "registry"), threads=3)

    def register_raw_tables(self) -> None:
        """Make the raw tables, and the days that they have now, known to the server."""
        self.run("run-operation", "register_raw_tables", "--args", f"{{folder: {self._landing}}}")

    def build_all(self) -> str:
        """Build all models for all days, and run the data tests; dbt's output."""
        return self.run("build", *_NO_UNIT_TESTS)

    def build_window(self, window: Window, rebuild_end: date) -> str:
        """Build what a change of `window` reaches, without data tests: the marts are compared whole."""
        no_tests = ("--exclude-resource-type", "test")
        return self.run(
            "build", *_NO_UNIT_TESTS, *no_tests, environment=window_environment(window, rebuild_end)
        )

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """dbt's output; AssertionError with its end where it failed or took longer than half an hour."""
        child = self.start(*arguments, environment=environment)
        return self.finish(child)

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """The same without waiting; `finish` it."""
        values = {
            **os.environ,
            **self._environment,
            **(environment or {}),
            "DBT_PROFILES_DIR": str(DBT_PROJECT),
            "DBT_PROJECT_DIR": str(DBT_PROJECT),
            "DBT_TARGET_PATH": str(self._work / "target"),
            "DBT_LOG_PATH": str(self._work / "logs"),
            "PYTHONWARNINGS": "ignore",
        }
        command = [
            str(Path(sys.executable).with_name("dbt")),
            *arguments,
            "--target",
            "spark",
            "--no-use-colors",
        ]
        return subprocess.Popen(
            command,
            env=values,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, child: "subprocess.Popen[str]") -> str:
        try:
            said, _ = child.communicate(timeout=_LATEST_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise AssertionError(f"dbt took longer than {_LATEST_S:.0f} s") from None
        assert child.returncode == 0, said[-6000:]
        return said
