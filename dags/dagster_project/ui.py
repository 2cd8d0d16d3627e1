"""`make ui`: web server and daemon over one code server, until Ctrl-C; code can be loaded again from the UI.

`dg dev` does the same with a web server that anybody's page can command.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import yaml
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.workspace.load_target import ModuleTarget
from dagster_shared.ipc import get_ipc_shutdown_pipe, send_ipc_shutdown_message

from dagster_project.failures import reported
from dagster_project.home import prepare_home
from dagster_project.interrupts import end_like_ctrl_c
from renewable.errors import RenewableError
from renewable.settings import Settings, load_settings

# Switches of schedule and sensors are kept under this name, which `dg` gives the folder's code, too.
LOCATION = "dags"
_LOOK_EVERY_S = 0.5
_END_WITHIN_S = 60


def main() -> None:
    parser = argparse.ArgumentParser(description="The Dagster UI and its daemon, on this machine only.")
    parser.add_argument("--port", type=int, default=3000)
    options = parser.parse_args()
    end_like_ctrl_c()
    known: list[Settings] = []
    # Ctrl-C is the way to end it.
    with reported(known), suppress(KeyboardInterrupt):
        known.append(settings := load_settings())
        os.environ |= {"DAGSTER_HOME": str(prepare_home(settings)), "DAGSTER_IS_DEV_CLI": "1"}
        with _workspace() as workspace, ExitStack() as services:
            web = ["dagster_project.webserver", "--host", "127.0.0.1", "--port", str(options.port)]
            started = [
                services.enter_context(_service([*command, "--workspace", str(workspace)]))
                for command in (web, ["dagster._daemon", "run"])
            ]
            print(
                f"Dagster UI of {settings.data_dir}: http://127.0.0.1:{options.port}, Ctrl-C ends it",
                flush=True,
            )
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
def _service(arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is asked to end, and then made to."""
    reads, writes = get_ipc_shutdown_pipe()
    command = [sys.executable, "-m", *arguments, "--shutdown-pipe", str(reads)]
    process = subprocess.Popen(command, pass_fds=[reads])
    os.close(reads)
    try:
        yield process
    finally:
        if process.poll() is None:
            send_ipc_shutdown_message(writes)
        try:
            process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
