"""What the dbt project says of its marts: which there are, and how each is published."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

MARTS_SCHEMA = "marts"
MARTS_PROPERTIES = "models/marts/_marts.yml"


def mart_names(project_dir: Path) -> list[str]:
    """The marts by name."""
    return sorted(path.stem for path in (project_dir / "models" / MARTS_SCHEMA).glob("*.sql"))


def month_columns(project_dir: Path) -> dict[str, str]:
    """The marts that are published as a file a month, each with the column of days or instants that says which."""
    meta = {model["name"]: model.get("config", {}).get("meta", {}) for model in mart_properties(project_dir)}
    return {name: found["file_a_month_of"] for name, found in meta.items() if "file_a_month_of" in found}


def mart_properties(project_dir: Path) -> list[dict[str, Any]]:
    """What _marts.yml says of each mart; read again only when the file has changed."""
    path = project_dir / MARTS_PROPERTIES
    return _models(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _models(path: Path, _: int) -> list[dict[str, Any]]:
    models: list[dict[str, Any]] = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["models"]
    return models
