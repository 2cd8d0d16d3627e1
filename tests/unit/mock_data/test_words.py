"""The simulator's two command lines say the same."""

import pytest
import typer

from mock_data import words
from mock_data.events import PROFILES
from mock_data.script import command_line
from mock_data.worlds import WORLDS
from renewable.cli import main as cli
from renewable.settings import Settings

pytestmark = pytest.mark.unit


def test_both_command_lines_say_the_same_of_an_option(settings: Settings) -> None:
    generate = typer.main.get_group(cli.app).commands["generate"]
    first = {name: option.help for option in generate.params for name in option.opts}  # type: ignore[attr-defined]
    second = {
        name: action.help
        for action in command_line("weather", settings)._actions
        for name in action.option_strings
    }
    shared = [name for name in first if name in second and name != "--help"]
    assert set(shared) == {
        *("--start", "--end", "--days", "--seed", "--events", "--world", "--scale", "--overwrite", "--jobs")
    }
    assert {name: _without_default(first[name]) for name in shared} == {
        name: _without_default(second[name]) for name in shared
    }


def test_the_words_name_every_profile_of_events() -> None:
    assert all(profile in words.EVENTS for profile in PROFILES)


def test_the_words_name_every_world() -> None:
    assert all(world in words.WORLD for world in WORLDS)


def _without_default(text: str | None) -> str:
    return (text or "").partition(" Default: ")[0]
