"""Fingerprints of the dbt project: what they hold and what they leave out."""

import shutil
from pathlib import Path

import pytest
import yaml

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


def test_who_answers_for_models_what_reads_them_and_what_is_said_of_macros_change_no_fingerprint(
    tmp_path: Path,
) -> None:
    project = tmp_path / "project"
    for folder in ("models", "macros", "tests"):
        shutil.copytree(DBT_PROJECT / folder, project / folder)
    shutil.copy(DBT_PROJECT / "dbt_project.yml", project)
    before = versions.models_version(project)
    settings = yaml.safe_load((project / "dbt_project.yml").read_text("utf-8"))
    models = settings["models"]["renewable_dbt"]
    assert models.pop("+meta")["owner"] and models["marts"].pop("+group")
    models["staging"]["+meta"] = {"owner": "somebody else"}
    (project / "dbt_project.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    for file in ("models/_groups.yml", "models/_exposures.yml", "macros/_macros.yml"):
        (project / file).unlink()
    assert versions.models_version(project) == before
    models["staging"]["+meta"]["told"] = "by run"
    (project / "dbt_project.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    assert versions.models_version(project) != before


def test_a_column_counts_by_its_type_and_not_by_its_description(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(DBT_PROJECT / "models", project / "models")
    shutil.copy(DBT_PROJECT / "dbt_project.yml", project)
    before = versions.models_version(project)
    file = project / "models" / "staging" / "_staging.yml"
    properties = yaml.safe_load(file.read_text("utf-8"))
    properties["models"][0]["columns"].append({"name": "another", "description": "a column that is told"})
    file.write_text(yaml.safe_dump(properties), encoding="utf-8")
    assert versions.models_version(project) == before
    properties["models"][0]["columns"][-1]["data_type"] = "text"
    file.write_text(yaml.safe_dump(properties), encoding="utf-8")
    assert versions.models_version(project) != before


def test_tables_of_two_engines_are_never_of_one_version() -> None:
    assert versions.models_version(DBT_PROJECT) == versions.models_version(DBT_PROJECT, "duckdb")
    assert versions.models_version(DBT_PROJECT) != versions.models_version(DBT_PROJECT, "spark")
