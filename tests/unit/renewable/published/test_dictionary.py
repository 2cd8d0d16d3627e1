"""The data dictionary is made of what dbt knows."""

import pytest
import yaml

from renewable.places import DBT_PROJECT
from renewable.published.dictionary import data_dictionary

pytestmark = pytest.mark.unit


def test_every_mart_and_every_column_with_its_unit_is_in_the_dictionary() -> None:
    page = data_dictionary(DBT_PROJECT)
    marts = yaml.safe_load((DBT_PROJECT / "models/marts/_marts.yml").read_text())["models"]
    assert {model["name"] for model in marts} == {
        path.stem for path in (DBT_PROJECT / "models/marts").glob("*.sql")
    }
    for model in marts:
        assert f"### {model['name']}" in page
        for column in model["columns"]:
            assert f"| {column['name']} | {column['data_type']} |" in page
            assert len(column["description"]) > 10
