"""Files that other programs read: units, container files, the settings of editors and CI. What they name exists."""

import json
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from renewable.places import CHECKOUT as REPO
from renewable.settings import Settings

pytestmark = pytest.mark.unit
assert REPO is not None
DEPLOY = REPO / "deploy"
SERVICES = sorted(DEPLOY.glob("*.service"))
TIMERS = sorted(DEPLOY.glob("*.timer"))
MANUAL = (DEPLOY / "README.md").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
PROGRAMS = Path(sys.executable).parent


def unit(path: Path) -> ConfigParser:
    read = ConfigParser(interpolation=None)
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read(path, encoding="utf-8")
    return read


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_has_nothing_against_the_units(tmp_path: Path) -> None:
    for path in (*SERVICES, *TIMERS):
        # The template, for what names it, and one made of it.
        for name in (path.name, path.name.replace("@", "@demo")):
            shutil.copy(path, tmp_path / name)
    done = subprocess.run(
        ["systemd-analyze", "verify", *tmp_path.glob("*@demo.*")],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_service_starts_what_exists_as_its_own_user_and_no_more_than_it_needs(path: Path) -> None:
    service = unit(path)["Service"]
    kept = {name: service[name] for name in ("User", "NoNewPrivileges", "ProtectSystem", "PrivateTmp")}
    assert kept == {
        "User": "renewable",
        "NoNewPrivileges": "true",
        "ProtectSystem": "full",
        "PrivateTmp": "true",
    }
    assert service["UMask"] in ("0027", "0077")
    _check_command(service["ExecStart"])


def test_each_timer_has_its_service() -> None:
    assert TIMERS
    assert {path.stem for path in TIMERS} <= {path.stem for path in SERVICES}


def test_the_web_server_reaches_the_socket_of_the_daemon_that_ends_runs() -> None:
    assert (
        unit(DEPLOY / "renewable-webserver@.service")["Unit"]["JoinsNamespaceOf"]
        == "renewable-daemon@%i.service"
    )
    mounts = [COMPOSE["services"][name]["volumes"] for name in ("webserver", "daemon")]
    assert all("tmp:/tmp" in mounted for mounted in mounts)


def test_containers_are_reached_from_this_machine_alone_and_say_how_they_are() -> None:
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert {"restart", "stop_signal", "stop_grace_period"} <= service.keys(), name
        named = {mount.partition(":")[0] for mount in service["volumes"]}
        assert {mount for mount in named if not mount.startswith("${")} <= COMPOSE["volumes"].keys(), name
    assert {name for name, service in COMPOSE["services"].items() if "ports" in service} == {"webserver"}


def test_compose_sets_settings_that_exist_and_the_manual_names_what_it_asks_for() -> None:
    known = {f"RENEWABLE_{name.upper()}" for name in Settings.model_fields} | {"RENEWABLE_PROFILE"}
    for name in ("webserver", "daemon"):
        service = COMPOSE["services"][name]
        assert service["environment"].keys() <= known
        _check_command(" ".join(service["command"]))
        assert shutil.which(service["healthcheck"]["test"][1], path=str(PROGRAMS))
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    assert asked and all(name in MANUAL for name in asked)


def test_images_have_bare_names() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    images = [service["image"] for service in COMPOSE["services"].values()]
    assert len(bases) == 2
    for image in (*bases, *images, _dev_container()["image"]):
        assert re.fullmatch(r"[a-z]+(:[\w${}.-]+)?", image), image


def test_the_image_is_no_roots() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    last = dockerfile.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", last, re.MULTILINE) == ["renewable"]
    assert "--require-hashes" in dockerfile and "--constraints requirements.lock" in dockerfile


def test_the_manual_names_every_file_and_every_file_that_it_names_exists() -> None:
    there = {path.name for path in DEPLOY.iterdir()} - {"README.md"}
    assert {name for name in there if _in_manual(name) not in MANUAL} == set()
    named = set(re.findall(r"renewable-[a-z]+@demo(?:\.timer)?", MANUAL))
    units = {name.replace("@demo", "@") for name in named}
    assert {name if name.endswith(".timer") else f"{name}.service" for name in units} <= there


def test_hooks_before_a_commit_download_nothing_and_start_what_exists() -> None:
    hooks = yaml.safe_load((REPO / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    for hook in hooks["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        _check_command(hook["entry"])


def test_ci_and_dev_container_call_what_everybody_calls() -> None:
    workflow = yaml.safe_load((REPO / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    steps = [step.get("run", "") for step in workflow["jobs"]["check"]["steps"]]
    assert steps[-1] == ".ci/run" and os.access(REPO / ".ci" / "run", os.X_OK)
    targets = re.findall(r"^([a-z]+):", (REPO / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    make, target = _dev_container()["postCreateCommand"].split()
    assert make == "make" and target in targets


def _in_manual(name: str) -> str:
    """As people write it: a service without its ending."""
    return name.replace("@.service", "@demo").replace("@.timer", "@demo.timer")


def _dev_container() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        (REPO / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    )
    return read


def _check_command(command: str) -> None:
    """Its programs are in this environment, and its modules can be found."""
    programs = re.findall(r"\.venv/bin/([\w-]+)", command) + re.findall(r"exec ([a-z-]+)\b", command)
    assert programs, command
    missing = [name for name in programs if not (PROGRAMS / name).exists()]
    assert not missing, command
    modules = re.findall(r"-m ([\w.]+)", command)
    assert all(find_spec(module) for module in modules), command


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_run_puts_no_second_fleet_into_a_folder_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def commands() -> str:
        asked = ["make", "--dry-run", "--no-print-directory", "run"]
        return subprocess.run(asked, cwd=REPO, capture_output=True, text=True, check=True).stdout

    monkeypatch.delenv("RENEWABLE_DATA_DIR", raising=False)
    assert "la_haute_borne" in commands()
    monkeypatch.setenv("RENEWABLE_DATA_DIR", "/elsewhere")
    assert "la_haute_borne" not in commands() and "La Haute Borne is left out" in commands()
