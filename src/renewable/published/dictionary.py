"""Documentation of the tables for people: a data dictionary page and dbt's own pages in one file each."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from renewable.published.model_map import map_page
from renewable.settings import Settings
from renewable.transform.dbt_project import PROJECT_DIR, ensure_manifest, invoke_dbt, target_dir
from renewable.warehouse import exclusive

_PAGES = (
    ("Marts", "models/marts/_marts.yml"),
    ("Behind the marts", "models/intermediate/_intermediate.yml"),
    ("Interval by interval", "models/intermediate/intervals/_intervals.yml"),
)


def write_docs(settings: Settings, *, report: Callable[[str], None] | None = None) -> list[Path]:
    """Write data_dictionary.md, model_map.md and dbt.html (lineage, SQL, tests; one file) into `<data>/docs`.

    Raises PipelineError when dbt cannot document the project, WarehouseBusyError when the warehouse stays locked.
    """
    directory = settings.data_dir / "docs"
    directory.mkdir(parents=True, exist_ok=True)
    dictionary, pages = directory / "data_dictionary.md", directory / "dbt.html"
    drawing = directory / "model_map.md"
    dictionary.write_text(data_dictionary(PROJECT_DIR))
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(settings.warehouse_path, settings.lock_wait_s, report=report):
        invoke_dbt(settings, ["docs", "generate", "--static"])
    shutil.copyfile(target_dir(settings) / "static_index.html", pages)
    manifest = json.loads(ensure_manifest(settings).read_text("utf-8"))
    drawing.write_text(map_page(manifest), encoding="utf-8")
    return [dictionary, drawing, pages]


def data_dictionary(project: Path) -> str:
    """Markdown of every described table and column of the dbt project, from its YAML."""
    return "\n".join(_lines(project)) + "\n"


def _lines(project: Path) -> Iterator[str]:
    yield "# Data dictionary"
    for title, path in _PAGES:
        yield from ("", f"## {title}")
        for model in yaml.safe_load((project / path).read_text())["models"]:
            yield from _table(model)


def _table(model: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"### {model['name']}", "", " ".join(model["description"].split()))
    columns = model.get("columns", [])
    if columns:
        yield from ("", "| column | type | meaning |", "|---|---|---|")
    for column in columns:
        meaning = " ".join(column["description"].split()).replace("|", "\\|")
        yield f"| {column['name']} | {column.get('data_type', '')} | {meaning} |"
