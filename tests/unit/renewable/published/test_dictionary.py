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


def test_a_description_that_several_models_share_is_written_out_in_each_and_no_column_stands_there_twice() -> (
    None
):
    page = data_dictionary(DBT_PROJECT)
    assert "{{" not in page and "{%" not in page
    for section in page.split("\n### ")[1:]:
        name, *rows = section.partition("\n## ")[0].splitlines()
        columns = [row.split(" | ")[0] for row in rows if row.startswith("| ")]
        assert len(columns) == len(set(columns)), name
    assert page.count("| asset_id |  | Asset as named in the registry. |") > 40
