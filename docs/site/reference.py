"""Tables of the reference pages, made from the code, the contract and the dbt project when the site is built.

Each function returns Markdown. They read the project's own files and write nothing.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import typer
import yaml
from typer.core import TyperArgument, TyperGroup, TyperOption

from renewable.cli.main import app
from renewable.contract import (
    OPERATING_STATES,
    TABLES,
    column_since,
    column_technology,
    column_unit,
    measurements,
    polars_schema,
)
from renewable.contract.schemas import POWER_RATIO_RANGE, SCHEMAS
from renewable.importers.mapping import Mapping as MappingFile
from renewable.published.dictionary import data_dictionary
from renewable.settings import PREFIX, Settings
from renewable.vocabulary import event_kinds

_PARTS = {
    "Mapping": "a mapping",
    "Source": "`source`",
    "Timestamp": "`timestamp`",
    "Asset": "`asset`",
    "Channel": "a channel of `weather` or `generation`",
    "Counter": "`counter` in a channel",
    "Quality": "`quality` in a channel",
    "EventLog": "`events`",
}
_CELL = re.compile(r"(?<!\\)\|")
_TEST_COMMENT = re.compile(r"((?:^-- .*\n)+)|^\{#-?(.*?)-?#\}", re.MULTILINE | re.DOTALL)


def tables(repo: Path) -> dict[str, str]:
    """Every generated table by the name that pages give it; `repo` is the checkout."""
    dbt = repo / "dbt" / "renewable_dbt"
    dictionary = _sections(data_dictionary(dbt))
    return {
        "settings": settings_table(),
        "commands": commands(),
        "mapping keys": mapping_keys(),
        "raw files": raw_file_tables(),
        "kpis": kpi_glossary(
            (repo / "docs" / "KPI.md").read_text("utf-8"),
            yaml.safe_load((dbt / "models" / "marts" / "_marts.yml").read_text("utf-8"))["models"],
            _texts(repo / "src" / "renewable" / "report", "*.py"),
        ),
        "losses": losses(),
        "marts": dictionary["Marts"],
        "models": dictionary["Behind the marts"] + dictionary["Intervals"],
        "dbt checks": dbt_checks(
            _texts(dbt / "tests", "*.sql"),
            _texts(dbt / "models", "_*.yml"),
            _texts(dbt / "models", "*.unit.yml"),
        ),
    }


def settings_table() -> str:
    """Name, default, allowed values and meaning of each setting."""
    rows = [
        [f"`{PREFIX}{name.upper()}`", _default(name), _allowed(name), _sentence(field.description or "")]
        for name, field in Settings.model_fields.items()
    ]
    return _table(["setting", "default", "values", "meaning"], rows)


def commands() -> str:
    """Each command of `renewable` with its arguments and options, in the order of its help."""
    return "\n".join(_command_lines("renewable", typer.main.get_command(app)))


def mapping_keys() -> str:
    """Each key of a mapping file, by the part of the mapping that it stands in."""
    schema = MappingFile.model_json_schema()
    lines: list[str] = []
    for name, definition in sorted(schema["$defs"].items(), key=lambda part: [*_PARTS].index(part[0])):
        rows = [
            [f"`{key}`", _json_type(about), _json_default(about), _sentence(about.get("description", ""))]
            for key, about in definition["properties"].items()
        ]
        lines += ["", f"## {_PARTS[name][:1].upper()}{_PARTS[name][1:]}", ""]
        lines.append(_table(["key", "values", "default", "meaning"], rows))
    return "\n".join(lines)


def raw_file_tables() -> str:
    """The columns of each raw table with type, unit and range."""
    lines = []
    for table in TABLES:
        types = polars_schema(table)
        rows = [
            [f"`{name}`", str(types[name]), "", "", "all", "1", _sentence(column.description or "")]
            for name, column in SCHEMAS[table].columns().items()
            if name not in measurements(table)
        ]
        rows += [
            [
                f"`{name}`",
                str(types[name]),
                column_unit(table, name),
                _range(name, column),
                column_technology(table, name) or "all",
                str(column_since(table, name)),
                _sentence(column.description or ""),
            ]
            for name, column in measurements(table).items()
        ]
        header = ["column", "type", "unit", "range", "assets", "since contract", "meaning"]
        lines += ["", f"### {table}", "", _table(header, rows)]
    low, high = POWER_RATIO_RANGE
    return "\n".join(
        [
            *lines,
            "",
            f"Powers must lie between {low:g} and {high:g} times the asset's rated power.",
            f"`operating_state` is one of: {', '.join(f'`{state}`' for state in OPERATING_STATES)}.",
        ]
    )


def kpi_glossary(page: str, marts: list[dict[str, Any]], report: Mapping[str, str]) -> str:
    """The formulas of docs/KPI.md with the tables that hold each figure, and whether the fleet report shows it."""
    holding = {
        name: [m["name"] for m in marts if any(c["name"] == name for c in m.get("columns", []))]
        for name in {c["name"] for m in marts for c in m.get("columns", [])}
    }
    shown = "\n".join(report.values())
    rows = []
    for heading in ("## Energy and capacity", "## Ratios"):
        section = page.partition(heading)[2].partition("\n## ")[0]
        for name, *cells in _cells(section):
            in_report = "yes" if re.search(rf"\b{name}\b", shown) else ""
            rows.append([f"`{name}`", *cells, ", ".join(f"`{each}`" for each in holding[name]), in_report])
    return _table(["figure", "unit", "formula", "standard", "tables", "in the report"], rows)


def losses() -> str:
    """Each kind of event and line of the losses, with what it means."""
    rows = [
        [f"`{k.kind}`", str(k.priority), k.availability, k.found_by, _sentence(k.description)]
        for k in event_kinds()
    ]
    return _table(["kind", "priority", "counts as", "found by", "meaning"], rows)


def dbt_checks(tests: Mapping[str, str], models: Mapping[str, str], unit_tests: Mapping[str, str]) -> str:
    """The data tests that have a file of their own, and how many others there are."""
    rows = []
    for name, text in tests.items():
        comment = _TEST_COMMENT.search(text)
        words = (
            ""
            if comment is None
            else " ".join((comment[1] or comment[2]).replace("\n-- ", " ").removeprefix("-- ").split())
        )
        rows.append([f"`{name.removesuffix('.sql')}`", words])
    keys = sum(text.count("- is_key:") for text in models.values())
    laws = sum(len(yaml.safe_load(text).get("unit_tests", [])) for text in unit_tests.values())
    return "\n".join(
        [
            _table(["test", "law"], rows),
            "",
            f"Beside these, {keys} tables are tested for their key: it is never null and never twice. {laws} unit tests"
            " hold the rules of the models; they run without data.",
        ]
    )


def _command_lines(name: str, command: Any) -> Iterator[str]:
    if name != "renewable":
        yield from ("", f"## {name}", "")
        yield _escaped(" ".join((command.help or "").split()))
    arguments = [each for each in command.params if isinstance(each, TyperArgument)]
    options = [each for each in command.params if isinstance(each, TyperOption)]
    usage = [*(_argument(each) for each in arguments), *(["[OPTIONS]"] if options else [])]
    if not isinstance(command, TyperGroup) or command.params:
        yield from ("", "```", " ".join([name, *usage]), "```")
    rows = [[f"`{_argument(each)}`", _sentence(getattr(each, "help", "") or "")] for each in arguments] + [
        [f"`{', '.join([*each.opts, *each.secondary_opts])}`", _sentence(_option_help(each))]
        for each in options
        if each.name not in ("install_completion", "show_completion")
    ]
    if rows:
        yield from ("", _table(["argument or option", "meaning"], rows))
    if isinstance(command, TyperGroup):
        for short, below in command.commands.items():
            yield from _command_lines(f"{name} {short}", below)


def _argument(argument: TyperArgument) -> str:
    shown = (argument.metavar or (argument.name or "").upper()).strip("[]")
    shown += " …" if argument.nargs == -1 else ""
    return shown if argument.required else f"[{shown}]"


def _option_help(option: TyperOption) -> str:
    help_ = option.help or ""
    plain = isinstance(option.default, (int, float, str)) and not isinstance(option.default, bool)
    return f"{help_} Default: {option.default}." if plain and "Default" not in help_ else help_


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    if name == "fleet_dir":
        return "the demo fleet"
    if default in (None, ""):
        return ""
    return f"`{default:%H:%M}`" if name == "daily_at" else f"`{default}`"


def _allowed(name: str) -> str:
    field = Settings.model_fields[name]
    bounds = {
        key: getattr(rule, key)
        for rule in field.metadata
        for key in ("ge", "gt", "le", "lt", "pattern")
        if getattr(rule, key, None) is not None
    }
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    limits = [f"{words[key]} {value:g}" for key, value in bounds.items() if key in words and name != "seed"]
    kind = _kind(field.annotation)
    return ", ".join([kind, *limits]) if kind else ", ".join(limits)


def _kind(annotation: object) -> str:
    if get_origin(annotation) in (Union, UnionType):
        return _kind(next(each for each in get_args(annotation) if each is not type(None)))
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{each}`" for each in get_args(annotation))
    names = {"Path": "path", "int": "whole number", "float": "number", "str": "text", "date": "YYYY-MM-DD"}
    return names.get(getattr(annotation, "__name__", ""), "HH:MM")


def _json_type(about: Mapping[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(
            f"`{each}`" if str(each).isalnum() or "_" in str(each) else f'`"{each}"`'
            for each in about["enum"]
        )
    if "const" in about:
        return f"`{about['const']}`"
    if "$ref" in about:
        return f"keys of {_PARTS[about['$ref'].rsplit('/', 1)[1]]}, below"
    if "anyOf" in about:
        kinds = [_json_type(each) for each in about["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if about.get("type") == "array":
        return f"list of {_json_type(about.get('items', {'type': 'value'}))}"
    if about.get("type") == "object":
        return "names and values"
    kind = str(about.get("type", "value"))
    return {"string": "text", "integer": "whole number", "boolean": "true, false"}.get(kind, kind)


def _json_default(about: Mapping[str, Any]) -> str:
    default = about.get("default")
    return (
        "" if default in (None, [], {}, "") else f"`{str(default).lower() if default is False else default}`"
    )


def _range(name: str, column: Any) -> str:
    if name.endswith("_kw"):
        return "see below"
    low, high = getattr(column, "min", None), getattr(column, "max", None)
    return "" if low is None else f"{low:g} to {high:g}"


def _sections(page: str) -> dict[str, str]:
    """What stands under each heading of the second level."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _cells(section: str) -> Iterator[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in _CELL.split(line.strip().strip("|"))]


def _texts(folder: Path, pattern: str) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.rglob(pattern))}


def _sentence(text: str) -> str:
    # A value that is explained keeps its case: "ended: a last line …".
    is_value = text.partition(" ")[0].endswith(":")
    return _escaped(text if is_value else f"{text[:1].upper()}{text[1:]}")


def _escaped(text: str) -> str:
    """Angle brackets would be read as HTML."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(c.split()).replace("|", "\\|") for c in row) + " |" for row in lines
    )
