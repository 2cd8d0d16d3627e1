"""A map is drawn of what dbt knows of the models."""

from typing import Any

import pytest

from renewable.errors import PipelineError
from renewable.published.model_map import BEGIN, END, map_page, model_map, with_map

pytestmark = pytest.mark.unit


def _model(folder: str, name: str, *above: str, materialized: str = "view") -> tuple[str, dict[str, Any]]:
    return f"model.p.{name}", {
        "resource_type": "model",
        "name": name,
        "fqn": ["p", folder, name],
        "original_file_path": f"models/{folder}/{name}.sql",
        "config": {"materialized": materialized},
        "depends_on": {"nodes": list(above)},
    }


def _manifest(*models: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"nodes": dict(models), "sources": {"source.p.raw.weather": {"name": "weather"}}}


def test_models_stand_in_their_layer_and_arrows_that_follow_from_others_are_left_out() -> None:
    drawn = model_map(
        _manifest(
            _model(
                "marts", "mart_days", "model.p.int_hours", "model.p.stg_weather", materialized="incremental"
            ),
            _model("intervals", "int_hours", "model.p.stg_weather", "model.p.assets"),
            _model("staging", "stg_weather", "source.p.raw.weather"),
            _model("registry", "assets"),
        )
    )
    assert drawn.splitlines() == [
        "flowchart LR",
        '  subgraph raw["raw tables"]',
        "    raw_weather[(raw.weather)]",
        "  end",
        '  subgraph staging["staging"]',
        "    stg_weather(stg_weather)",
        "  end",
        '  subgraph intervals["intervals and hours"]',
        "    int_hours(int_hours)",
        "  end",
        '  subgraph marts["marts, published"]',
        "    mart_days[mart_days]",
        "  end",
        "  stg_weather --> int_hours",
        "  int_hours --> mart_days",
        "  raw_weather --> stg_weather",
    ]


def test_a_model_in_a_new_folder_asks_for_its_layer() -> None:
    odd = _manifest(_model("forecasts", "fc_hours", "source.p.raw.weather"))
    with pytest.raises(PipelineError, match=r"forecasts/fc_hours.sql: folder forecasts has no layer"):
        map_page(odd)


def test_the_map_takes_the_place_of_the_former_one_and_of_nothing_else() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    renewed = with_map(page, "flowchart LR")
    assert renewed == f"before\n{BEGIN}\n```mermaid\nflowchart LR\n```\n{END}\nafter\n"
    assert with_map(renewed, "flowchart LR") == renewed
    with pytest.raises(PipelineError, match="no place for the map"):
        with_map("no marks", "flowchart LR")
