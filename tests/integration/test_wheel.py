"""The wheel holds all that the commands need: built, installed in an empty environment, used outside of a checkout."""

import os
import shutil
import signal
import site
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.integration
UV = Path(sys.executable).with_name("uv")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "target", "logs", "*.egg-info")
START_WITHIN_S, END_WITHIN_S = 240, 90


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel; what it depends on comes from this one."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    for folder in ("src", "dags", "dbt"):
        shutil.copytree(REPO / folder, source / folder, ignore=LEFT_OUT)
    for name in ("pyproject.toml", "README.md", "LICENSE", "THIRD_PARTY_NOTICES.md"):
        shutil.copy(REPO / name, source)
    python = ["--python", sys.executable]
    offline = ["--offline", "--no-cache"]
    build = [
        "build",
        "--wheel",
        "--no-build-isolation",
        *offline,
        *python,
        "-o",
        str(place / "dist"),
        str(source),
    ]
    run([UV, *build], place, {"VIRTUAL_ENV": sys.prefix})
    run([UV, "venv", *offline, *python, str(place / "venv")], place)
    programs = place / "venv" / "bin"
    (wheel,) = (place / "dist").glob("*.whl")
    install = ["pip", "install", *offline, "--no-deps", "--python", str(programs / "python"), str(wheel)]
    run([UV, *install], place)
    # A path file adds what other packages there are, and not this checkout's own entry.
    packages = next((place / "venv" / "lib").glob("python*/site-packages"))
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return programs


def run(
    command: list[object], cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("RENEWABLE_", "DAGSTER_", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=inherited | (environment or {}),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_fleet_of_ones_own_runs_and_opens_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    renewable = installed / "renewable"
    told = run([installed / "python", "-c", "import renewable.places as p; print(p.CHECKOUT)"], tmp_path)
    assert told.stdout.strip() == "None"
    assert run([renewable, "--version"], tmp_path).stdout.startswith("renewable ")
    made = run([renewable, "init", "own", "--technology", "solar"], tmp_path)
    assert {line.rpartition("/")[2] for line in made.stdout.splitlines()} == {"profile.env", "assets.csv"}
    assets = tmp_path / "own" / "assets.csv"
    assets.write_text(assets.read_text().replace("# ", ""))
    profile = tmp_path / "own" / "profile.env"
    profile.write_text(profile.read_text().replace("RENEWABLE_INPUT=files", "RENEWABLE_INPUT=simulator"))
    done = run([renewable, "run", "--days", "2", "--profile", profile], tmp_path)
    assert "solar" in done.stdout
    assert (tmp_path / "own" / "data" / "report" / "index.html").exists()
    again = run([renewable, "run", "--days", "2", "--profile", profile], tmp_path)
    assert "nothing new" in again.stderr and "nothing stale" in again.stderr
    # Nothing is written beside the folder of the fleet.
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
    opens(renewable, profile, tmp_path)


def opens(renewable: Path, profile: Path, cwd: Path) -> None:
    """`renewable ui` answers, and Ctrl-C ends it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("RENEWABLE_", "DAGSTER_"))}
    command = [renewable, "ui", "--port", str(port), "--profile", profile]
    with (cwd / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            list(map(str, command)), cwd=cwd, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            assert answers(f"http://127.0.0.1:{port}/", process), (cwd / "ui.log").read_text()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(END_WITHIN_S)


def answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    ends = time.monotonic() + START_WITHIN_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as page:
                return b"Dagster" in page.read()
        except OSError:
            time.sleep(0.5)
    return False
