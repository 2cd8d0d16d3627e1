"""dbt's unit tests of the KPI maths, run on models that were built once so that dbt knows their columns."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.settings import Settings
from renewable.transform.build import transform
from renewable.transform.dbt_project import PROJECT_DIR, invoke_dbt
from renewable.windows import Window

pytestmark = pytest.mark.integration


def test_the_kpi_maths_hold_in_every_unit_test_of_dbt(settings: Settings, fleet: Fleet) -> None:
    generate(fleet, Window.of_day(date(2025, 3, 1)), data_dir=settings.data_dir, seed=1)
    ingest(settings)
    transform(settings)
    invoke_dbt(settings, ["test", "--select", "test_type:unit"])


def test_there_are_thirty_unit_tests_and_more_whose_names_are_sentences() -> None:
    files: list[Path] = sorted(PROJECT_DIR.rglob("_unit_tests.yml"))
    names = [test["name"] for path in files for test in yaml.safe_load(path.read_text())["unit_tests"]]
    assert len(names) == len(set(names)) >= 30
    assert [name for name in names if name.count("_") < 3] == []
