"""The map of the models in ARCHITECTURE.md is that of the present models."""

import json

import pytest

from renewable.published.model_map import PAGE, RENEW, model_map, with_map
from renewable.settings import Settings
from renewable.transform.dbt_project import ensure_manifest

pytestmark = pytest.mark.integration


def test_the_map_in_the_architecture_is_that_of_the_models(settings: Settings) -> None:
    drawing = model_map(json.loads(ensure_manifest(settings).read_text("utf-8")))
    page = PAGE.read_text("utf-8")
    assert page == with_map(page, drawing), f"the map in {PAGE.name} is out of date: `{RENEW}` draws it anew"
