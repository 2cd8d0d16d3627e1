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
    # Of a model with many parts they cost more than they spare while rows are few.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.optimizer.dynamicPartitionPruning.enabled": "false",
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
    """A running cluster: `remote` is what SPARK_REMOTE names; a worker's folder holds the logs of its executors."""

    home: Path
    folder: Path
    started: list[Process] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)
    master: str = ""
    remote: str = ""
    server: Process = field(init=False)

    def start_worker(self) -> Process:
        """One more worker, with one core."""
        number = len(self.workers)
        places = ["--webui-port", str(free_port()), "--work-dir", str(self.folder / f"worker-{number}.work")]
        size = ["--host", _LOOPBACK, "--cores", "1", "--memory", "1200m"]
        program = "org.apache.spark.deploy.worker.Worker"
        worker = self._java(f"worker-{number}", [program, *size, *places, self.master])
        self.workers.append(worker)
        worker.wait_for("Successfully registered with master")
        return worker

    def tasks_run(self, worker: Process) -> int:
        """How many tasks the executors of this worker have begun."""
        logs = (self.folder / f"{worker.name}.work").glob("app-*/*/stderr")
        return sum(log.read_text(errors="replace").count("Running task ") for log in logs)

    def start_master(self) -> None:
        port = free_port()
        places = ["--port", str(port), "--webui-port", str(free_port())]
        master = self._java("master", ["org.apache.spark.deploy.master.Master", "--host", _LOOPBACK, *places])
        master.wait_for("I have been elected leader")
        self.master = f"spark://{_LOOPBACK}:{port}"

    def start_server(self) -> None:
        """The Connect server, which keeps its catalogue in memory."""
        port = free_port()
        settings = _SETTINGS | {
            "spark.connect.grpc.binding.address": _LOOPBACK,
            "spark.connect.grpc.binding.port": str(port),
            "spark.sql.warehouse.dir": str(self.folder / "tables"),
            "spark.local.dir": str(self.folder / "local"),
        }
        command = [
            str(self.home / "bin" / "spark-submit"),
            "--master",
            self.master,
            "--driver-memory",
            "1500m",
        ]
        conf = [f"--conf={name}={value}" for name, value in settings.items()]
        server = self._start("connect", [*command, "--class", _SERVER, *conf, "spark-internal"], "1500m")
        server.wait_for("Spark Connect server started")
        self.remote, self.server = f"sc://{_LOOPBACK}:{port}", server

    def _java(self, name: str, arguments: list[str]) -> Process:
        return self._start(name, [str(self.home / "bin" / "spark-class"), *arguments])

    def _start(self, name: str, command: list[str], memory: str = "256m") -> Process:
        """Start a child in a process group of its own, which holds what it starts itself."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as file:
            child = subprocess.Popen(
                command,
                stdout=file,
                stderr=file,
                start_new_session=True,
                cwd=self.folder,
                env=_environment(self.home, memory),
            )
        process = Process(name, child, log)
        self.started.append(process)
        return process


@contextmanager
def running_cluster(home: Path, folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start master, workers and Connect server of the Spark in `home`; logs and tables lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(home, folder)
    try:
        cluster.start_master()
        for _ in range(workers):
            cluster.start_worker()
        cluster.start_server()
        yield cluster
    finally:
        for process in reversed(cluster.started):
            process.stop()


def _environment(home: Path, memory: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    return kept | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": _LOOPBACK,
        # Of the server, too: it is started as a daemon.
        "SPARK_DAEMON_MEMORY": memory,
        "SPARK_NO_DAEMONIZE": "1",
    }
