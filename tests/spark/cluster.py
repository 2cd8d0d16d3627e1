"""A Spark cluster on the loopback: master, two workers, Connect server. What it starts it stops, by process id."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.services import free_port

_LOOPBACK = "127.0.0.1"
_STARTED_WITHIN_S = 120.0
_STOPPED_WITHIN_S = 20.0
# Short lives: a compiler that optimises little is done sooner, and so is a query that is not compiled at all.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.log.level": "INFO",
    "spark.driver.host": _LOOPBACK,
    "spark.driver.bindAddress": _LOOPBACK,
    "spark.executor.memory": "1g",
    "spark.executor.cores": "1",
    "spark.cores.max": "2",
    "spark.executor.extraJavaOptions": _JAVA_OPTIONS,
    "spark.driver.extraJavaOptions": _JAVA_OPTIONS,
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    # A task that died with its worker is tried again at once.
    "spark.network.timeout": "60s",
    "spark.executor.heartbeatInterval": "5s",
}


@dataclass
class Process:
    """A process of the cluster and the file of its log."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def wait_for(self, pattern: str, within_s: float = _STARTED_WITHIN_S) -> str:
        """The first line of the log that has `pattern`; RuntimeError where none comes in time."""
        give_up = time.monotonic() + within_s
        while time.monotonic() < give_up:
            found = re.search(f"^.*(?:{pattern}).*$", self.text, re.MULTILINE)
            if found:
                return found.group(0)
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.text[-3000:]}")
            time.sleep(0.2)
        raise RuntimeError(f"{self.name} did not say {pattern!r} within {within_s} s:\n{self.text[-3000:]}")

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """End it as a machine that goes off would, with the executor that it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_STOPPED_WITHIN_S)

    def stop(self) -> None:
        """End it, and its children; no error where it has ended."""
        for with_signal in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, with_signal)
                self.process.wait(_STOPPED_WITHIN_S)
            except (ProcessLookupError, PermissionError):
                return
            except subprocess.TimeoutExpired:
                continue


@dataclass
class Cluster:
    """A running cluster: `remote` is what SPARK_REMOTE names, `tables` the folder of its tables."""

    remote: str
    tables: Path
    server: Process
    workers: list[Process] = field(default_factory=list)


@contextmanager
def running_cluster(home: Path, folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start master, workers and Connect server of the Spark in `home`; logs and tables lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    started: list[Process] = []
    try:
        port = free_port()
        master = _java(
            home,
            folder,
            started,
            "master",
            [
                "org.apache.spark.deploy.master.Master",
                "--host",
                _LOOPBACK,
                "--port",
                str(port),
                "--webui-port",
                str(free_port()),
            ],
        )
        master.wait_for("I have been elected leader")
        found = []
        for number in range(workers):
            found.append(
                _java(
                    home,
                    folder,
                    started,
                    f"worker-{number}",
                    [
                        "org.apache.spark.deploy.worker.Worker",
                        "--host",
                        _LOOPBACK,
                        "--cores",
                        "1",
                        "--memory",
                        "1200m",
                        "--webui-port",
                        str(free_port()),
                        "--work-dir",
                        str(folder / f"work-{number}"),
                        f"spark://{_LOOPBACK}:{port}",
                    ],
                )
            )
        for worker in found:
            worker.wait_for("Successfully registered with master")
        connect_port = free_port()
        settings = _SETTINGS | {
            "spark.connect.grpc.binding.address": _LOOPBACK,
            "spark.connect.grpc.binding.port": str(connect_port),
            "spark.sql.warehouse.dir": str(folder / "tables"),
            "spark.local.dir": str(folder / "local"),
        }
        server = _start(
            folder,
            started,
            "connect",
            [
                str(home / "bin" / "spark-submit"),
                "--master",
                f"spark://{_LOOPBACK}:{port}",
                "--driver-memory",
                "1500m",
                "--class",
                _SERVER,
                *(f"--conf={name}={value}" for name, value in settings.items()),
                "spark-internal",
            ],
            home,
            "1500m",
        )
        server.wait_for("Spark Connect server started")
        yield Cluster(f"sc://{_LOOPBACK}:{connect_port}", folder / "tables", server, found)
    finally:
        for process in reversed(started):
            process.stop()


def _java(home: Path, folder: Path, started: list[Process], name: str, arguments: list[str]) -> Process:
    return _start(folder, started, name, [str(home / "bin" / "spark-class"), *arguments], home)


def _start(
    folder: Path, started: list[Process], name: str, command: list[str], home: Path, memory: str = "256m"
) -> Process:
    """Start a child in a process group of its own, which holds what it starts itself."""
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        child = subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            start_new_session=True,
            cwd=folder,
            env=_environment(home, memory),
        )
    process = Process(name, child, log)
    started.append(process)
    return process


def _environment(home: Path, memory: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    return kept | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": _LOOPBACK,
        # Of the server, too: it is started as a daemon.
        "SPARK_DAEMON_MEMORY": memory,
        "SPARK_NO_DAEMONIZE": "1",
    }
