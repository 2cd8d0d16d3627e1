"""What a run tells of a model, and which parts a selection takes along."""

import pytest

from dagster_project.dbt_parts import TOLD_BY_RUN, parts_behind, told
from renewable.errors import PipelineError

pytestmark = pytest.mark.unit


def _node(name: str, *above: str, word: str | None = None) -> dict[str, object]:
    return {
        "name": name,
        "original_file_path": f"models/{name}.sql",
        "config": {"meta": {"told": word} if word else {}},
        "depends_on": {"nodes": list(above)},
    }


def test_a_selection_takes_along_the_parts_behind_it_up_to_the_next_whole_model() -> None:
    nodes = {
        "far": _node("far", word=TOLD_BY_RUN),
        "whole": _node("whole", "far"),
        "source_of_part": _node("source_of_part", "raw.weather", word=TOLD_BY_RUN),
        "part": _node("part", "whole", "source_of_part", word=TOLD_BY_RUN),
        "view": _node("view", "part", "whole"),
    }
    assert parts_behind({"nodes": nodes}, ["view"]) == ["part", "source_of_part"]
    assert set(parts_behind({"nodes": nodes}, ["whole", "view"])) == {"part", "source_of_part", "far"}


def test_another_word_than_day_or_run_is_refused_with_the_model() -> None:
    with pytest.raises(PipelineError, match=r"models/one.sql: meta.told of one is 'by week'"):
        told(_node("one", word="by week"))
