"""Fingerprints of the dbt project: what decides about figures, and what decides about tests."""

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

# Unit tests of a model lie beside it in a file of their own: no figure and no data test depends on them.
UNIT_TESTS = ".unit.yml"
_PROJECT_KEYS = ("vars", "models", "seeds")
_OWNERS = ("owner", "+group")
_MODEL_KEYS = ("name", "config", "constraints")
_COLUMN_KEYS = ("name", "data_type", "constraints")


def models_version(project_dir: Path, engine: str = "duckdb") -> str:
    """Fingerprint of models, macros, the project's own seeds and variables: the same for every window and fleet.

    Descriptions and tests are left out, as no figure depends on them. Tables of two engines never count as one build.
    """
    version = _models_version(project_dir, _states(project_dir))
    return version if engine == "duckdb" else f"{version}+{engine}"


def engine_of(version: str) -> str:
    """The engine that a version of models names."""
    return version.partition("+")[2] or "duckdb"


def tests_version(project_dir: Path) -> str:
    """Fingerprint of all that a data test is made of."""
    return _digest([*_texts(project_dir / "tests", "*.sql"), *_properties(project_dir)])


@lru_cache(maxsize=4)
def _models_version(project_dir: Path, _: tuple[tuple[str, int, int], ...]) -> str:
    parts = [
        *_texts(project_dir / "models", "*.sql"),
        *_texts(project_dir / "models", "*.py"),
        *_texts(project_dir / "macros", "*.sql"),
    ]
    parts += _texts(project_dir / "vocabulary", "*.csv")
    # A file that only says who reads the models, or answers for them, has none.
    figures = ((name, _figures(text)) for name, text in _properties(project_dir))
    parts += [(name, json.dumps(found)) for name, found in figures if found]
    project = _loaded((project_dir / "dbt_project.yml").read_text("utf-8"))
    told = {key: _without_owners(project.get(key)) for key in _PROJECT_KEYS}
    parts.append(("dbt_project.yml", json.dumps(told)))
    return _digest(parts)


def _without_owners(node: Any) -> Any:
    """The configuration without who answers for what, and `+meta` where nothing else is in it."""
    if not isinstance(node, dict):
        return node
    left = {key: _without_owners(value) for key, value in node.items() if key not in _OWNERS}
    return {key: value for key, value in left.items() if key != "+meta" or value}


def _properties(project_dir: Path) -> list[tuple[str, str]]:
    files = [*_texts(project_dir / "models", "*.yml"), *_texts(project_dir / "vocabulary", "*.yml")]
    return [(name, text) for name, text in files if not name.endswith(UNIT_TESTS)]


def _figures(text: str) -> list[dict[str, Any]]:
    """Of a file of properties: its models' and seeds' configuration, columns' types, and the columns of sources."""
    found = []
    properties = _loaded(text)
    for node in [*(properties.get("models") or []), *(properties.get("seeds") or [])]:
        listed = [
            {key: column[key] for key in _COLUMN_KEYS if key in column}
            for column in node.get("columns") or []
        ]
        # One that has nothing but its name is only described.
        columns = [column for column in listed if len(column) > 1]
        found.append({key: node[key] for key in _MODEL_KEYS if key in node} | {"columns": columns})
    for source in properties.get("sources") or []:
        # Models take their lists of channels from these.
        for table in source["tables"]:
            columns = [{key: column.get(key) for key in ("name", "meta")} for column in table["columns"]]
            found.append({"name": table["name"], "columns": columns})
    return found


def _loaded(text: str) -> dict[str, Any]:
    # The loader in C is ten times as fast.
    found: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader) or {}
    return found


def _states(project_dir: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time and size of each file that figures may depend on."""
    files = [project_dir / "dbt_project.yml"]
    files += [
        path
        for folder in ("models", "macros", "vocabulary")
        for path in (project_dir / folder).rglob("*.*")
        if not path.name.endswith(UNIT_TESTS)
    ]
    stats = [(str(path), path.stat()) for path in sorted(files)]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _texts(directory: Path, pattern: str) -> list[tuple[str, str]]:
    return [
        (path.relative_to(directory).as_posix(), path.read_text("utf-8"))
        for path in sorted(directory.rglob(pattern))
    ]


def _digest(parts: Iterable[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for name, text in parts:
        digest.update(json.dumps([name, text]).encode())
    return digest.hexdigest()[:16]
