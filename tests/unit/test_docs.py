"""What README and the guides say of files, commands, settings, messages and figures is there."""

import ast
import copy
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from docs.site.hooks import on_config
from docs.site.pages import (
    FROM_ELSEWHERE,
    filled,
    links,
    prose_lines,
    relinked,
    repository_path,
    without_drawings,
)
from docs.site.reference import tables
from mkdocs.config.defaults import MkDocsConfig
from typer.core import TyperGroup

from renewable.cli.main import app
from renewable.importers.preset import presets
from renewable.importers.source_settings import Source
from renewable.places import CHECKOUT
from renewable.settings import PROFILE, Settings

pytestmark = pytest.mark.unit
assert CHECKOUT is not None
REPO = CHECKOUT
PAGES = sorted(
    {*(REPO / "docs").rglob("*.md"), *(REPO / name for name in FROM_ELSEWHERE.values()), *REPO.glob("*.md")}
)
NAMES = [path.relative_to(REPO).as_posix() for path in PAGES]
# They tell what was: paths, commands and settings of former versions.
HISTORY = ("DECISIONS.md", "CHANGELOG.md")
PRESENT = [name for name in NAMES if name not in HISTORY]
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\.venv/bin/)?(renewable|make|python -m)(?= |$)")
# Words that stand for a number, a day or a command where one is explained.
INSTEAD = {"N": "3", "D": "2025-01-01", "COMMAND": "run"}


def text_of(name: str) -> str:
    return (REPO / name).read_text("utf-8")


def commands_of(text: str) -> Iterator[str]:
    """Commands in fenced blocks, without the words beside them, and in inline code."""
    quoted = [line for _, line in prose_lines(text)]
    # In a sentence a command may be named without its arguments.
    inline = [
        f"{code} --help" if re.fullmatch(r"renewable( [a-z-]+)+", code) else code
        for line in quoted
        for code in CODE.findall(line)
    ]
    fenced = [
        re.split(r" {2,}| #", line)[0]
        for language, block in FENCE.findall(text)
        if language in ("", "sh", "bash")
        for line in block.splitlines()
    ]
    for line in [*inline, *fenced]:
        for part in re.split(r"&&|\||;|>", line):
            command = re.sub(r"^(runuser .*? -- |\w+=\S+ )+", "", part.strip())
            if COMMAND.match(command) and "…" not in command:
                yield command.removeprefix(".venv/bin/")


def fault_of_arguments(arguments: list[str]) -> str | None:
    """What typer says against arguments of `renewable`; nothing is done."""
    # --profile may stand anywhere; the command line moves it to the front.
    if "--profile" in arguments:
        at = arguments.index("--profile")
        arguments = arguments[:at] + arguments[at + 2 :]
    command, left = typer.main.get_command(app), arguments
    while isinstance(command, TyperGroup) and left and not left[0].startswith("-"):
        if left[0] not in command.commands:
            return f"there is no command {left[0]}"
        command, left = command.commands[left[0]], left[1:]
    try:
        command.make_context("renewable", left)
    except typer.Exit:
        return None
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())
    return None


def fault_of(command: str) -> str | None:
    """What is wrong with a command that a page quotes."""
    words = [INSTEAD.get(word, word) for word in shlex.split(command)]
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
        named = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        return next(
            (f"make has no {word}" for word in named if word not in targets and "/" not in word), None
        )
    if words[0] == "python":
        path = words[2].replace(".", "/")
        places = [
            REPO / folder / f"{path}{end}"
            for folder in ("src", "dags", ".")
            for end in (".py", "/__main__.py")
        ]
        known = words[2] in ("http.server",) or any(place.is_file() for place in places)
        return None if known else f"there is no module {words[2]}"
    return fault_of_arguments(words[1:])


def test_the_readme_is_short_and_its_first_screen_holds_what_people_look_for() -> None:
    lines = text_of("README.md").splitlines()
    assert len(lines) <= 150
    screen = "\n".join(lines[:50])
    for wanted in (
        "![",
        "\nmake run\n",
        "\nmake test\n",
        "renewable init",
        "docs/tutorial/your-own-fleet.md",
    ):
        assert wanted in screen, f"the first screen has no {wanted!r}"


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file(name: str) -> None:
    lost = [
        f"{name}, line {line}: {target}"
        for line, target in links(text_of(name))
        if not (REPO / repository_path(target, name)).exists()
    ]
    assert lost == []


@pytest.mark.parametrize("name", PRESENT)
def test_every_path_that_is_named_is_there(name: str) -> None:
    folders = ("src", "dags", "dbt", "docs", "examples", "tests", "deploy", "benchmarks", ".ci")
    named = {
        code
        for _, line in prose_lines(text_of(name))
        for code in CODE.findall(line)
        if code.partition("/")[0] in folders and "/" in code and not re.search(r"[*<{ …]", code)
    }
    assert [path for path in sorted(named) if not (REPO / path).exists()] == []


@pytest.mark.parametrize("name", PRESENT)
def test_every_command_that_is_quoted_can_be_called(name: str) -> None:
    faults = {command: fault for command in commands_of(text_of(name)) if (fault := fault_of(command))}
    assert faults == {}


@pytest.mark.parametrize(
    ("command", "is_sound"),
    [
        ("renewable run --profile a.env --days 3", True),
        ("renewable run --dayz 3", False),
        ("renewable explain WTG-01", False),
        ("renewable frobnicate", False),
        ("renewable quarantine show", False),
        ("make test", True),
        ("make coffee", False),
        ("python -m benchmarks.real_turbines", True),
        ("python -m benchmarks.nothing", False),
    ],
)
def test_a_command_that_cannot_be_called_is_noticed(command: str, is_sound: bool) -> None:
    assert (fault_of(command) is None) == is_sound


@pytest.mark.parametrize("name", PRESENT)
def test_every_setting_that_is_named_exists(name: str) -> None:
    known = {f"RENEWABLE_{each}".upper() for each in Settings.model_fields} | {PROFILE}
    named = set(re.findall(r"RENEWABLE_[A-Z_]*[A-Z]", text_of(name)))
    assert named <= known, named - known


def test_messages_of_the_troubleshooting_page_are_said_by_the_program() -> None:
    quoted = re.findall(r"^> (`+)(.+?) ?\1$", text_of("docs/how-to/troubleshooting.md"), re.MULTILINE)
    assert len(quoted) >= 10
    unsaid = [
        message for _, message in quoted if not any(_says(text, message) for text in _texts_of_source())
    ]
    assert unsaid == []


def test_a_message_that_nobody_says_is_noticed() -> None:
    assert not any(_says(text, "the warehouse is on fire: …") for text in _texts_of_source())
    assert any(_says(text, "…: there is no file …") for text in _texts_of_source())


def test_figures_that_are_quoted_come_from_the_code() -> None:
    readme, imports = text_of("README.md"), text_of("docs/how-to/imports.md")
    assert "some 30 systems" in readme and 30 <= len(presets()) < 60
    assert (
        f"more than {Source.model_fields['unreadable_rows_ratio'].default:.0%}".replace("%", " %") in imports
    )
    fleet = text_of("dbt/renewable_dbt/seeds/assets.csv")
    demo = f"{fleet.count(',wind,')} wind and {fleet.count(',solar,')} solar assets, the"
    days = re.search(r"headless --days (\d+)", text_of("Makefile"))
    assert days and f"{demo} {days[1]} days up to yesterday" in " ".join(readme.split())
    kills = re.search(r"--kills \$\(or \$\(KILLS\),(\d+)\)", text_of("Makefile"))
    assert kills and f"tries that {kills[1]} times" in text_of("docs/how-to/raw-files.md")
    tolerance = text_of("dbt/renewable_dbt/tests/losses_add_up.sql")
    assert (
        "1e-6" in tolerance and "1e-6 kWh" in readme and "1e-6 kWh" in text_of("docs/explanation/results.md")
    )


def test_recall_and_precision_on_real_turbines_are_the_same_wherever_they_stand() -> None:
    said = [
        re.findall(r"recall \.(\d+),? and\s+precision \.(\d+)", text_of(name))
        for name in ("README.md", "docs/scorecard.md")
    ]
    assert all(said) and len({pair for found in said for pair in found}) == 1


def test_a_decision_that_another_one_supersedes_says_so() -> None:
    entries = dict(
        re.findall(r"^## (\d+)\. (.*?)(?=^## |\Z)", text_of("DECISIONS.md"), re.MULTILINE | re.DOTALL)
    )
    assert [*entries] == [str(number) for number in range(1, len(entries) + 1)]
    claims = [
        (later, earlier)
        for later, text in entries.items()
        for earlier in re.findall(r"\bsupersedes (?:[a-z ]*?)(\d+)", " ".join(text.split()))
    ]
    assert len(claims) >= 6
    unmarked = [
        (later, earlier)
        for later, earlier in claims
        if not re.search(rf"^\*.*[Ss]uperseded[^*]* by [^*]*\b{later}\b.*\*$", entries[earlier], re.MULTILINE)
    ]
    assert unmarked == []


@cache
def _made() -> dict[str, str]:
    return tables(REPO)


def test_each_generated_table_has_rows_and_a_place() -> None:
    asked = {
        name
        for page in NAMES
        for name in re.findall(r"^<!-- generated: (.+?) -->$", text_of(page), re.MULTILINE)
    }
    assert asked == {*_made()}
    for name, table in _made().items():
        assert table.count("\n|") >= 3, name


def test_the_reference_knows_every_setting_command_and_channel() -> None:
    made = _made()
    assert all(f"| `RENEWABLE_{name.upper()}` |" in made["settings"] for name in Settings.model_fields)
    assert "## renewable fleet fit-curve" in made["commands"] and "`--fold-before`" in made["commands"]
    assert "| `wind_speed_ms` | Float64 | m/s | 0 to 75 |" in made["raw files"]
    assert "| `unreadable_rows_ratio` | number | `0.05` |" in made["mapping keys"]
    rows = [line.split(" | ") for line in made["mapping keys"].splitlines() if line.startswith("| `")]
    assert len(rows) > 70 and [row[0] for row in rows if row[3].strip(" |") == ""] == []
    laws = [line.split(" | ")[1] for line in made["dbt checks"].splitlines() if line.startswith("| `")]
    assert len(laws) >= 9 and all(len(law) > 30 for law in laws)
    assert "Processes that share the days. Default: 1." in made["commands"]
    assert "`mart_asset_daily`, `mart_asset_monthly`, `mart_fleet_daily` | yes |" in made["kpis"]


def test_a_link_leads_to_the_page_that_shows_the_file() -> None:
    pages = ["index.md", "KPI.md", "how-to/fleet.md", "explanation/architecture.md", "how-to/deploy.md"]
    text = "[a](docs/KPI.md#b) [c](deploy/) [d](https://d) ![e](docs/images/e.png) [Make](Makefile) `[f](g)`"
    assert relinked(text, "index.md", pages) == (
        "[a](KPI.md#b) [c](how-to/deploy.md) [d](https://d) ![e](images/e.png) Make (`Makefile`) `[f](g)`\n"
    )
    assert relinked("[h](../../ARCHITECTURE.md)\n```\n[i](j)\n```", "how-to/fleet.md", pages) == (
        "[h](../explanation/architecture.md)\n```\n[i](j)\n```\n"
    )


def test_guides_for_readers_are_found_in_their_folder(tmp_path: Path) -> None:
    nav = [{"How to": [{"Read": "read.md"}, "readers", {"Deploy": "deploy.md"}]}]
    config = MkDocsConfig()
    config.load_dict({"docs_dir": str(tmp_path), "nav": copy.deepcopy(nav)})
    assert on_config(config).nav == [{"How to": [{"Read": "read.md"}, {"Deploy": "deploy.md"}]}]
    (tmp_path / "readers").mkdir()
    for name in ("superset.md", "README.md", "grafana.md"):
        (tmp_path / "readers" / name).touch()
    config.load_dict({"nav": nav})
    found = ["readers/README.md", "readers/grafana.md", "readers/superset.md"]
    assert on_config(config).nav == [{"How to": [{"Read": "read.md"}, *found, {"Deploy": "deploy.md"}]}]


def test_a_page_is_filled_and_its_flow_chart_becomes_a_table() -> None:
    assert filled("a\n<!-- generated: t -->\nb", {"t": "| x |"}) == "a\n| x |\nb"
    with pytest.raises(KeyError):
        filled("<!-- generated: nothing -->", {})
    chart = "```mermaid\nflowchart LR\n  a & b --> c\n```"
    assert without_drawings(chart) == "| model | reads |\n|---|---|\n| c | a, b |"


@cache
def _texts_of_source() -> tuple[str, ...]:
    """Every text in the sources, with … for what is put into it."""
    found = []
    for folder in ("src", "dags"):
        for path in (REPO / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    found.append(
                        "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values)
                    )
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return tuple(found)


def _says(text: str, message: str) -> bool:
    """Whether the fixed parts of a message stand in a text in their order, apart where the message has …."""
    if "`" not in message and len(message.replace("…", "").split()) == 1:
        return message in re.split(r"\W+", text)
    parts = [part for part in message.split("…") if part]
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True
