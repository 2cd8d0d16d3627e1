"""The map of the models in ARCHITECTURE.md, drawn from dbt's manifest.

Pure but for `main`, which draws it anew: `python -m renewable.published.model_map`.
"""

import json
from collections.abc import Mapping
from typing import Any

from renewable.atomic_write import write_text_atomic
from renewable.errors import PipelineError
from renewable.places import paths_start
from renewable.settings import load_settings
from renewable.transform.dbt_project import ensure_manifest

PAGE = paths_start() / "ARCHITECTURE.md"
BEGIN, END = "<!-- map of the models: begin -->", "<!-- map of the models: end -->"
RENEW = "python -m renewable.published.model_map"
# Folders of the project and what their models are a row of, from left to right.
_LAYERS = {
    "raw": "raw tables",
    "registry": "calendar",
    "staging": "staging",
    "intervals": "intervals and hours",
    "intermediate": "days",
    "marts": "marts, published",
}

_Refs = Mapping[str, set[str]]


def model_map(manifest: Mapping[str, Any]) -> str:
    """A Mermaid flow chart: models by layer, with an arrow from each to what reads it.

    Models that come of no raw table (registry, vocabulary) are left out, and arrows that follow from others. A view
    has round corners. Raises PipelineError for a model in a folder that has no layer.
    """
    refs = _reduced(_refs(manifest))
    lines = ["flowchart LR"]
    for layer, title in _LAYERS.items():
        members = sorted(name for name in refs if _layer(manifest, name) == layer)
        if members:
            lines += [
                f'  subgraph {layer}["{title}"]',
                *(f"    {_box(manifest, n)}" for n in members),
                "  end",
            ]
    lines += [
        f"  {' & '.join(sorted(map(_short, above)))} --> {_short(name)}"
        for name, above in sorted(refs.items())
        if above
    ]
    return "\n".join(lines)


def with_map(page: str, drawing: str) -> str:
    """`page` with the drawing between its two marks. Raises PipelineError where a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise PipelineError(f"the page has no place for the map: put the lines {BEGIN} and {END} into it")
    return f"{before}{BEGIN}\n{_fenced(drawing)}\n{END}{after}"


def map_page(manifest: Mapping[str, Any]) -> str:
    """The map as a page of its own, Markdown."""
    return f"# Map of the models\n\n{_fenced(model_map(manifest))}\n"


def _fenced(drawing: str) -> str:
    return f"```mermaid\n{drawing}\n```"


def _refs(manifest: Mapping[str, Any]) -> dict[str, set[str]]:
    """What each model that comes of a raw table reads of such models and of raw tables; and the raw tables."""
    models = {
        unique_id: node["depends_on"]["nodes"]
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    drawn = {above for read in models.values() for above in read if above in manifest["sources"]}
    while more := {name for name, read in models.items() if name not in drawn and drawn & {*read}}:
        drawn |= more
    return {name: drawn & {*models.get(name, ())} for name in drawn}


def _reduced(refs: _Refs) -> dict[str, set[str]]:
    """Without arrows that follow from others."""
    behind: dict[str, set[str]] = {}

    def all_behind(name: str) -> set[str]:
        if name not in behind:
            behind[name] = {far for above in refs[name] for far in {above, *all_behind(above)}}
        return behind[name]

    return {
        name: {one for one in above if not any(one in all_behind(other) for other in above)}
        for name, above in refs.items()
    }


def _layer(manifest: Mapping[str, Any], unique_id: str) -> str:
    if unique_id in manifest["sources"]:
        return "raw"
    node = manifest["nodes"][unique_id]
    folder = str(node["fqn"][-2])
    if folder not in _LAYERS:
        raise PipelineError(
            f"{node['original_file_path']}: folder {folder} has no layer in the map of the models; name it in"
            " src/renewable/published/model_map.py"
        )
    return folder


def _box(manifest: Mapping[str, Any], unique_id: str) -> str:
    name = _short(unique_id)
    if unique_id in manifest["sources"]:
        return f"{name}[(raw.{manifest['sources'][unique_id]['name']})]"
    is_view = manifest["nodes"][unique_id]["config"]["materialized"] == "view"
    return f"{name}({name})" if is_view else f"{name}[{name}]"


def _short(unique_id: str) -> str:
    kind, *_, name = unique_id.split(".")
    return f"raw_{name}" if kind == "source" else name


def main() -> None:
    """Draw the map anew into ARCHITECTURE.md."""
    manifest = json.loads(ensure_manifest(load_settings()).read_text("utf-8"))
    write_text_atomic(with_map(PAGE.read_text("utf-8"), model_map(manifest)), PAGE)
    print(f"map of the models in {PAGE}")


if __name__ == "__main__":
    main()
