"""The web server and the daemon over one code server, as processes that end together."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import psutil
import yaml
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.workspace.load_target import ModuleTarget
from dagster_shared.ipc import get_ipc_shutdown_pipe, send_ipc_shutdown_message

from dagster_project.runs import LOCATION
from renewable.errors import RenewableError

_LOOK_EVERY_S = 0.2
# Ctrl-C leaves two seconds for all.
_END_WITHIN_S = 0.6


def serve(port: int, said: str) -> None:
    """Start both, print `said`, and wait. Raises RenewableError when one of them ends by itself."""
    web = ["dagster_project.webserver", "--host", "127.0.0.1", "--port", str(port)]
    with _workspace() as workspace, _services([web, ["dagster._daemon", "run"]], workspace) as started:
        print(said, flush=True)
        while all(service.poll() is None for service in started):
            time.sleep(_LOOK_EVERY_S)
        raise RenewableError("web server or daemon ended by itself; the lines above say why")


@contextmanager
def _workspace() -> Iterator[Path]:
    """A workspace file that names one code server for web server and daemon."""
    target = ModuleTarget("dagster_project.definitions", None, str(Path(__file__).parents[1]), LOCATION)
    with (
        dg.DagsterInstance.get() as instance,
        ProxyServerManager(instance, target) as servers,
        TemporaryDirectory() as directory,
    ):
        file = Path(directory) / "workspace.yaml"
        file.write_text(yaml.safe_dump({"load_from": list(servers.get_code_server_specs())}))
        yield file


@contextmanager
def _services(commands: Sequence[Sequence[str]], workspace: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that are all asked to end, and then made to."""
    started, lines = list[subprocess.Popen[bytes]](), list[int]()
    try:
        for command in commands:
            reads, writes = get_ipc_shutdown_pipe()
            lines.append(writes)
            asked = [*command, "--workspace", str(workspace), "--shutdown-pipe", str(reads)]
            started.append(subprocess.Popen([sys.executable, "-m", *asked], pass_fds=[reads]))
            os.close(reads)
        yield started
    finally:
        for process, writes in zip(started, lines, strict=False):
            if process.poll() is None:
                send_ipc_shutdown_message(writes)
        deadline = time.monotonic() + _END_WITHIN_S
        for process in started:
            try:
                process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def end_children() -> None:
    """End what this process started; runs are children of the code server and go on."""
    for child in psutil.Process().children():
        child.kill()
