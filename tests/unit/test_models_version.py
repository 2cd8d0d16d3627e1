"""Fingerprints of the dbt project: what they hold and what they leave out."""

import shutil
from pathlib import Path

import pytest

from renewable.places import DBT_PROJECT
from renewable.transform import models_version as versions

pytestmark = pytest.mark.unit


def test_unit_tests_of_a_model_change_no_fingerprint(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for folder in ("models", "macros", "tests"):
        shutil.copytree(DBT_PROJECT / folder, project / folder)
    shutil.copy(DBT_PROJECT / "dbt_project.yml", project)
    before = versions.models_version(project), versions.tests_version(project)
    for file in (project / "models").rglob("*.unit.yml"):
        file.unlink()
    (project / "models" / "marts" / "another.unit.yml").write_text(
        "unit_tests:\n  - { name: a, model: mart_events }\n"
    )
    assert (versions.models_version(project), versions.tests_version(project)) == before
    (project / "models" / "marts" / "another.yml").write_text(
        "models:\n  - { name: m, config: { tags: [a] } }\n"
    )
    assert versions.models_version(project) != before[0]
    assert versions.tests_version(project) != before[1]
