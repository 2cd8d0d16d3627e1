"""What the Dockerfile and the compose file say, done without a container engine: each step in a temporary directory.

The image's places are folders of that directory. What only an engine can do is left out: users, a root that nobody may
write, PostgreSQL's container.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from renewable.places import CHECKOUT as REPO
from tests.integration.services import free_port

pytestmark = pytest.mark.integration
# Instructions that say something to an engine alone.
FOR_ENGINES = {"FROM", "ARG", "USER", "EXPOSE", "STOPSIGNAL", "CMD"}
PLACES = ("build", "opt", "data", "fleet")
SEEDS = REPO / "dbt" / "renewable_dbt" / "seeds"
HEALTHY_WITHIN_S = 180


@dataclass
class Image:
    """A folder for the image's root, and the environment that its processes get."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        """`text` with the image's places under `root`."""
        return re.sub(rf"(?<![\w.-])/({'|'.join(PLACES)})(?=[/\s:]|$)", rf"{self.root}/\1", text)

    def run(
        self, command: str | list[str], cwd: Path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-ec", command] if isinstance(command, str) else command,
            cwd=cwd,
            env=self._inherited() | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=900,
        )

    def start(self, command: list[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.root / "data",
                env=self._inherited() | self.environment | environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _inherited(self) -> dict[str, str]:
        left_out = ("RENEWABLE_", "DAGSTER_", "VIRTUAL_ENV", "PYTHON")
        return {k: v for k, v in os.environ.items() if not k.startswith(left_out)}


def steps() -> Iterator[tuple[str, str]]:
    """Instructions of the Dockerfile with their text on one line."""
    text = (REPO / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        if line.strip():
            instruction, _, rest = line.partition(" ")
            yield instruction, rest.strip()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image's folders after all steps; skipped where no package can be had."""
    image = Image(tmp_path_factory.mktemp("image"))
    for place in (*PLACES, "data/dagster"):
        (image.root / place).mkdir()
    base = image.root / "base"
    tools = f"{base / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    image.environment["PATH"] = tools
    for instruction, text in steps():
        if instruction == "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", image.here(text)):
                image.environment[name] = value.replace("$PATH", tools)
        elif instruction == "COPY":
            _copy(text, image.root / "build")
        elif instruction == "RUN" and "useradd" not in text:
            # Packages of the base image's Python have a place of their own. A cache spares the download.
            of_this_machine = {"PIP_TARGET": str(base), "UV_NO_CACHE": "0", "UV_COMPILE_BYTECODE": "0"}
            done = image.run(image.here(text), image.root / "build", **of_this_machine)
            if done.returncode and re.search("dns error|Failed to fetch|Connection", done.stderr):
                pytest.skip("the package index cannot be reached")
            assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        else:
            assert instruction in FOR_ENGINES | {"WORKDIR", "RUN"}, instruction
    return image


def test_the_image_has_what_the_lock_file_pins_and_nothing_of_developers(image: Image) -> None:
    frozen = image.run(
        ["uv", "pip", "freeze", "--python", f"{image.root}/opt/renewable/bin/python"], image.root
    )
    lock = (REPO / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([\w.-]+==[\w.+-]+)", lock, re.MULTILINE))
    ours, others = [
        {line for line in frozen.stdout.splitlines() if (" @ " in line) is own} for own in (True, False)
    ]
    assert len(ours) == 1 and len(others) > 100
    assert others <= pinned
    names = {line.partition("==")[0] for line in others}
    assert "dagster-postgres" in names and not names & {"pytest", "mypy", "ruff", "uv", "playwright"}


def test_its_services_become_healthy_and_end_when_they_are_asked(image: Image, tmp_path: Path) -> None:
    compose = yaml.safe_load((REPO / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    services = {
        name: service for name, service in compose["services"].items() if service["image"] == "renewable"
    }
    assert services.keys() == {"webserver", "daemon"}
    for name in ("assets.csv", "power_curves.csv"):
        shutil.copy(SEEDS / name, image.root / "fleet")
    (image.root / "fleet" / "profile.env").write_text("RENEWABLE_DATA_DIR=data\nRENEWABLE_FLEET_DIR=.\n")
    before, port, started = _files(image.root / "opt"), free_port(), dict[str, subprocess.Popen[bytes]]()

    def on_port(command: list[str]) -> list[str]:
        return [re.sub(r"\b3000\b", str(port), image.here(part)) for part in command]

    try:
        for name, service in services.items():
            command = on_port(service["command"])
            started[name] = image.start(command, tmp_path / name, **_environment(service, image))
        for name, service in services.items():
            check = on_port(service["healthcheck"]["test"])
            assert check.pop(0) == "CMD"
            ends = time.monotonic() + HEALTHY_WITHIN_S
            while image.run(check, image.root, **_environment(service, image)).returncode:
                said = (tmp_path / name).read_text()
                assert time.monotonic() < ends and started[name].poll() is None, (
                    f"{name} is not healthy\n{said}"
                )
        for name, service in services.items():
            started[name].send_signal(signal.Signals[service["stop_signal"]])
        for name, service in services.items():
            assert service["stop_grace_period"] == "60s"
            assert started[name].wait(60) in (0, -signal.Signals[service["stop_signal"]])
            check = on_port(service["healthcheck"]["test"])[1:]
            if name == "webserver":
                assert image.run(check, image.root, **_environment(service, image)).returncode
    finally:
        for process in started.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    # Its root is read-only: all that is written lies in volumes.
    assert _files(image.root / "opt") == before
    assert (image.root / "data" / "dagster" / "dagster.yaml").is_file()


def _copy(text: str, build: Path) -> None:
    *sources, target = text.split()
    if sources[0].startswith("--from="):
        # From one stage to the next; here both are the same folders.
        assert sources[1] == target
        return
    ignored = (REPO / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source in sources:
        assert f"!{source}" in ignored, f"{source} does not reach the build: .dockerignore leaves it out"
        if (REPO / source).is_dir():
            names = [line.rpartition("/")[2] for line in ignored if "/" in line]
            shutil.copytree(REPO / source, build / target, ignore=shutil.ignore_patterns(*names))
        else:
            shutil.copy(REPO / source, build / target)


def _environment(service: Mapping[str, Any], image: Image) -> dict[str, str]:
    """Of a service, with SQLite where compose has a database."""
    told = {name: image.here(value) for name, value in service["environment"].items()}
    return told | {"RENEWABLE_POSTGRES_URL": "", "RENEWABLE_UI_HOSTS": "", "HOME": f"{image.root}/data"}


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}
