"""dbt's unit tests: where they are written, and all of them run by one dbt call."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.places import DBT_PROJECT
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.transform.dbt_project import DbtError, invoke_dbt
from renewable.transform.models_version import UNIT_TESTS
from renewable.windows import Window

_REF = re.compile(r"^\s*ref\(\s*['\"](\w+)['\"]\s*\)\s*$")


@dataclass(frozen=True)
class UnitTest:
    """A unit test as written: model, name, file, and the seeds that it reads as they are: inputs without rows."""

    model: str
    name: str
    file: Path
    seeds: tuple[str, ...]

    @property
    def unique_id(self) -> str:
        return f"unit_test.renewable_dbt.{self.model}.{self.name}"

    def __str__(self) -> str:
        return f"{self.model}: {self.name.replace('_', ' ')}"


@dataclass(frozen=True)
class Verdict:
    """What dbt said of a unit test, and the statement it ran: inputs, the model's own body, expected rows."""

    status: str
    message: str
    sql: str


def unit_tests() -> list[UnitTest]:
    """All unit tests of the project in the order of files and lines."""
    found = []
    for path in sorted((DBT_PROJECT / "models").rglob(f"*{UNIT_TESTS}")):
        for test in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["unit_tests"]:
            seeds = [
                _REF.sub(r"\1", part["input"])
                for part in test["given"]
                if not {"rows", "fixture"} & part.keys()
            ]
            found.append(UnitTest(test["model"], test["name"], path, tuple(seeds)))
    return found


def build_models_once(settings: Settings, fleet: Fleet) -> None:
    """Build every model on a day of simulated data: dbt takes the types of a test's columns from the tables."""
    generate(fleet, Window.of_day(date(2025, 3, 1)), data_dir=settings.data_dir, seed=1)
    ingest(settings)
    transform(settings)


def verdicts(settings: Settings, models: Sequence[str] = ()) -> dict[str, Verdict]:
    """Run the unit tests of `models` (none: of all) by one dbt call; the verdicts by unique id.

    Raises DbtError where dbt cannot even begin, as with a fault in a file of tests.
    """
    statements: dict[str, str] = {}
    states: dict[str, str] = {}

    def listen(event: Any) -> None:
        if event.info.name == "SQLQuery" and "dbt_internal_unit_test_actual as (" in event.data.sql:
            statements[event.data.node_info.unique_id] = event.data.sql
        elif event.info.name == "NodeFinished":
            states[event.data.node_info.unique_id] = event.data.node_info.node_status

    messages: dict[str, str] = {}
    wanted = " ".join(f"{model},test_type:unit" for model in models) or "test_type:unit"
    try:
        invoke_dbt(settings, ["test", "--select", wanted], on_event=listen)
    except DbtError as error:
        if not error.results:
            raise
        messages = {found.unique_id: _readable(found.message) for found in error.results}
    return {
        name: Verdict(state, messages.get(name, ""), statements.get(name, ""))
        for name, state in states.items()
    }


def _readable(message: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", message)
