"""Documentation of the tables for people: a data dictionary page and dbt's own pages in one file each."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from renewable.contract import (
    TABLES,
    RawTable,
    column_since,
    column_technology,
    column_unit,
    measurements,
    polars_schema,
)
from renewable.contract.version import generation
from renewable.places import DBT_PROJECT
from renewable.published.model_map import map_page
from renewable.settings import Settings
from renewable.transform.dbt_project import ensure_manifest, invoke_dbt, target_dir
from renewable.vocabulary import POWER, event_kinds, rules_of
from renewable.warehouse import exclusive

_PAGES = (
    ("Marts", "models/marts/_marts.yml"),
    ("Behind the marts", "models/intermediate/_intermediate.yml"),
    ("Intervals", "models/intermediate/intervals/_intervals.yml"),
)

# They have columns for each channel, which follow the contract.
_WITH_CHANNELS = ("int_reading_flags", "int_interval_performance")

# What dbt calls a doc block, and how a description names one.
_BLOCK = re.compile(r"\{% docs (\w+) %\}(.*?)\{% enddocs %\}", re.DOTALL)
_NAMED = re.compile(r"\{\{ doc\('(\w+)'\) \}\}")


def flagged_channels() -> list[str]:
    """Channels whose readings are judged: power and all weather."""
    return [POWER, *measurements("weather")]


def write_docs(settings: Settings, *, report: Callable[[str], None] | None = None) -> list[Path]:
    """Write data_dictionary.md, model_map.md and dbt.html (lineage, SQL, tests; one file) into `<data>/docs`.

    Raises PipelineError when dbt cannot document the project, WarehouseBusyError when the warehouse stays locked.
    """
    directory = settings.data_dir / "docs"
    directory.mkdir(parents=True, exist_ok=True)
    dictionary, pages = directory / "data_dictionary.md", directory / "dbt.html"
    drawing = directory / "model_map.md"
    dictionary.write_text(data_dictionary(DBT_PROJECT))
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(settings.warehouse_path, settings.lock_wait_s, report=report):
        invoke_dbt(settings, ["docs", "generate", "--static"])
    shutil.copyfile(target_dir(settings) / "static_index.html", pages)
    manifest = json.loads(ensure_manifest(settings).read_text("utf-8"))
    drawing.write_text(map_page(manifest), encoding="utf-8")
    return [dictionary, drawing, pages]


def data_dictionary(project: Path) -> str:
    """Markdown of every described table and column of the dbt project, of the contract and of the vocabulary."""
    return "\n".join(_lines(project)) + "\n"


def _lines(project: Path) -> Iterator[str]:
    yield "# Data dictionary"
    blocks = _blocks(project)
    for title, path in _PAGES:
        yield from ("", f"## {title}")
        for model in yaml.safe_load((project / path).read_text())["models"]:
            yield from _table(model, blocks)
    yield from _channels()
    yield from _words()


def _blocks(project: Path) -> dict[str, str]:
    """The doc blocks of the models by name."""
    files = sorted((project / "models").rglob("*.md"))
    return {name: text.strip() for file in files for name, text in _BLOCK.findall(file.read_text("utf-8"))}


def _table(model: dict[str, Any], blocks: Mapping[str, str]) -> Iterator[str]:
    yield from ("", f"### {model['name']}", "", " ".join(model["description"].split()))
    # Types and rules of each channel are known here, so these rows say more than the model's own.
    of_channels = {column["name"]: column for column in _columns_of_channels(model["name"])}
    columns = [column for column in model.get("columns", []) if column["name"] not in of_channels]
    columns += of_channels.values()
    if columns:
        yield from ("", "| column | type | meaning |", "|---|---|---|")
    for column in columns:
        description = _NAMED.sub(lambda named: blocks[named[1]], column["description"])
        yield _row(column["name"], column.get("data_type", ""), description)


def _columns_of_channels(model: str) -> list[dict[str, str]]:
    """Columns that the models make for each channel and each kind."""
    if model not in _WITH_CHANNELS:
        return []
    readings = [
        {"name": name, "data_type": _type(table, name), "description": _meaning(table, name)}
        for table in TABLES
        for name in measurements(table)
    ]
    flags = [
        {
            "name": f"{channel}_flag",
            "data_type": "varchar",
            "description": f"What is doubtful about {channel}:"
            f" {', '.join(('set_aside', 'missing', *rules_of(channel)))}; null when nothing is.",
        }
        for channel in flagged_channels()
    ]
    losses = [
        {"name": f"{kind.kind}_kwh", "data_type": "double", "description": f"Gap of {kind.label}, kWh."}
        for kind in event_kinds("interval")
        if model == "int_interval_performance"
    ]
    return readings + flags + losses


def _channels() -> Iterator[str]:
    yield from ("", f"## Channels of the raw files, contract version {generation()}", "")
    yield from (
        "| table | channel | unit | range | of | since version | meaning |",
        "|---|---|---|---|---|---|---|",
    )
    for table in TABLES:
        for name, column in measurements(table).items():
            low, high = getattr(column, "min", None), getattr(column, "max", None)
            bounds = "" if low is None else f"{low} to {high}"
            of = column_technology(table, name) or "all"
            since = str(column_since(table, name))
            yield _row(table, name, column_unit(table, name), bounds, of, since, column.description or "")


def _words() -> Iterator[str]:
    yield from ("", "## Kinds of events and lines of the books, by priority", "")
    yield from (
        "| kind | seen in | found by | availability | parts of one event up to, min | estimated | meaning |",
        "|---|---|---|---|---|---|---|",
    )
    for kind in event_kinds():
        estimated = "yes" if kind.is_estimated else "no"
        counts = (kind.seen_in, kind.found_by, kind.availability, str(kind.gap_minutes))
        yield _row(kind.kind, *counts, estimated, kind.description)


def _meaning(table: RawTable, name: str) -> str:
    unit = column_unit(table, name)
    description = measurements(table)[name].description or name
    return f"{description[:1].upper()}{description[1:]}{', ' + unit if unit else ''}."


def _type(table: RawTable, name: str) -> str:
    return "varchar" if polars_schema(table)[name] == pl.String else "double"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
