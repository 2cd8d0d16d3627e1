"""Dagster's daemon and UI as processes of their own, on a data directory that only one test has."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
import psutil

from dagster_project.home import prepare_home
from renewable.places import CHECKOUT as REPO
from renewable.settings import Settings

MODULE = "dagster_project.definitions"
_COMMANDS = {
    "daemon": [sys.executable, "-m", "dagster._daemon", "run", "-m", MODULE],
    "webserver": [sys.executable, "-m", "dagster_project.webserver", "-h", "127.0.0.1"],
    # both, as `make ui` starts them
    "ui": [sys.executable, "-m", "dagster_project.ui"],
}


class Services:
    """Starts, stops and kills the services of one instance; their output goes to files beside the data."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings, self.instance = settings, instance
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, service: str, *arguments: str) -> None:
        log = self.settings.data_dir.with_name(f"{service}.log").open("ab")
        with log:
            self._processes[service] = subprocess.Popen(
                _COMMANDS[service] + list(arguments),
                cwd=REPO / "dags",
                env=os.environ | environment(self.settings),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, service: str) -> None:
        """Ask it to end, as systemd does, and wait."""
        process = self._processes.pop(service)
        family = _family(process.pid)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            _kill(family)
            process.wait()

    def kill(self, service: str) -> None:
        """End it, its code servers and its runs without any chance to tidy up."""
        process = self._processes.pop(service)
        _kill(_family(process.pid))
        process.wait()

    def end(self) -> None:
        for service in list(self._processes):
            self.kill(service)

    def until(self, seconds: float, what: str, condition: Callable[[], object]) -> None:
        """Wait for `condition`; fail with the services' last words when it does not come."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{self._last_words()}"
            time.sleep(0.5)

    def _last_words(self) -> str:
        runs = [f"{run.job_name} {run.status} {run.tags}" for run in self.instance.get_runs()]
        logs = self.settings.data_dir.parent.glob("*.log")
        return "\n".join(runs + [f"{log}:\n{log.read_text()[-3000:]}" for log in logs])


@contextmanager
def services(settings: Settings) -> Iterator[Services]:
    """A fresh instance under `settings.data_dir`; whatever was started on it is gone afterwards."""
    with dg.DagsterInstance.from_config(str(prepare_home(settings))) as instance:
        started = Services(settings, instance)
        try:
            yield started
        finally:
            started.end()


def environment(settings: Settings) -> dict[str, str]:
    """What makes another process load `settings`: every field that is not at its default."""
    told = settings.model_dump(mode="json", exclude_defaults=True)
    return {f"RENEWABLE_{name.upper()}": str(value) for name, value in told.items()} | {
        "DAGSTER_HOME": str(settings.data_dir / "dagster"),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _kill(family: list[psutil.Process]) -> None:
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
