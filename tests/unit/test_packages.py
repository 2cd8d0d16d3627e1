"""The folders under src are what a wheel installs and what the linter watches."""

import re
import tomllib
from typing import Any

import pytest

from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.unit

PROJECT: dict[str, Any] = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
ROOTS = {"renewable": "src", "mock_data": "src", "loaders": "src", "dagster_project": "dags"}


def _folders(root: str) -> set[str]:
    """Every package under `src` or `dags`, dotted."""
    return {
        ".".join(path.parent.relative_to(REPO / root).parts)
        for path in (REPO / root).rglob("__init__.py")
        if "__pycache__" not in path.parts
    }


def test_a_wheel_installs_the_packages_that_are_there_and_no_general_names() -> None:
    listed = PROJECT["setuptools"]["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == _folders("src") | _folders("dags") | {"renewable_dbt"}
    assert {name.partition(".")[0] for name in listed} == set(ROOTS) | {"renewable_dbt"}


def test_every_folder_with_python_in_it_is_a_package() -> None:
    for root in ("src", "dags"):
        holding = {
            ".".join(path.parent.relative_to(REPO / root).parts)
            for path in (REPO / root).rglob("*.py")
            if "__pycache__" not in path.parts
        }
        assert holding == _folders(root)


def test_every_file_that_is_no_python_goes_into_the_wheel_too() -> None:
    carried = {
        path
        for package, patterns in PROJECT["setuptools"]["package-data"].items()
        for pattern in patterns
        for path in (REPO / (ROOTS | {"renewable_dbt": "dbt"})[package.partition(".")[0]])
        .joinpath(*package.split("."))
        .glob(pattern)
        if path.is_file()
    }
    there = {path for root in ("src", "dags", "dbt") for path in (REPO / root).rglob("*/*") if path.is_file()}
    made = {
        path
        for path in there
        if {"__pycache__", "target", "logs"} & {*path.parts}
        or any(".egg-info" in part for part in path.parts)
    }
    # Python of the dbt project is no package: dbt reads it.
    of_dbt = REPO / "dbt"
    assert {
        path for path in there - made if path.suffix not in (".py", ".md") or path.is_relative_to(of_dbt)
    } == carried


@pytest.mark.parametrize("kind", ["unit", "integration"])
def test_tests_lie_as_the_packages_do(kind: str) -> None:
    home = REPO / "tests" / kind
    folders = {".".join(path.parent.relative_to(home).parts) for path in home.rglob("test_*.py")} - {""}
    assert folders <= {*PROJECT["setuptools"]["packages"], "renewable_dbt"}
    assert all((path.parent / "__init__.py").exists() for path in home.rglob("test_*.py"))


def test_every_room_and_every_module_of_the_vocabulary_has_its_layer() -> None:
    contract = next(c for c in PROJECT["importlinter"]["contracts"] if c["type"] == "layers")
    placed = [name for layer in contract["layers"] for name in re.split(r"[|:\s]+", layer.strip())]
    home = REPO / "src" / "renewable"
    there = {f"renewable.{path.stem}" for path in home.glob("*.py") if path.stem != "__init__"}
    there |= {f"renewable.{path.parent.name}" for path in home.glob("*/__init__.py")}
    assert len(placed) == len(set(placed))
    assert set(placed) == there | (set(ROOTS) - {"renewable"})
