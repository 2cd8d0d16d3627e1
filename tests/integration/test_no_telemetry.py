"""No command calls anybody: a proxy that every library would use counts who comes."""

import os
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.settings import REPO, Settings
from renewable.windows import Window

pytestmark = pytest.mark.integration
# All commands in one process, for starting one costs more than running it.
_COMMANDS = """
import sys
from cli.main import app
for command in ("ingest", "transform", "publish", "status", "quarantine list"):
    app(command.split(), standalone_mode=False)
    print("done", command, file=sys.stderr)
"""


def test_no_command_opens_a_connection(settings: Settings, fleet: Fleet) -> None:
    generate(fleet, Window.of_day(date(2025, 3, 29)), data_dir=settings.data_dir, seed=4)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.2)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        proxies = {f"{kind}_proxy": address for kind in ("http", "https", "all")}
        environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
        # What a person set elsewhere, or did not, makes no difference.
        environment |= proxies | {name.upper(): value for name, value in proxies.items()}
        environment |= {
            "RUNTIME__DLTHUB_TELEMETRY": "true",
            "RENEWABLE_DATA_DIR": str(settings.data_dir),
            "RENEWABLE_FLEET_DIR": str(settings.fleet_dir),
        }
        step = subprocess.run(
            [sys.executable, "-c", _COMMANDS], env=environment, capture_output=True, text=True, check=False
        )
        assert step.returncode == 0 and "done quarantine list" in step.stderr, step.stderr
        with pytest.raises(TimeoutError):
            caller, _ = proxy.accept()
            pytest.fail(f"somebody called: {caller.recv(300)!r}")


@pytest.mark.unit
def test_dlt_is_imported_only_where_its_telemetry_is_off() -> None:
    importers = {
        path.relative_to(REPO / "src").parts[0]
        for path in [*(REPO / "src").rglob("*.py"), *(REPO / "dags").rglob("*.py")]
        if any(
            line.strip().startswith(("import dlt", "from dlt"))
            for line in Path(path).read_text().splitlines()
        )
    }
    assert importers == {"loaders"}
