"""Options before and after a command, and the steps of a long one."""

import io

import pytest
from rich.console import Console

from renewable.cli.main import _with_options_first
from renewable.cli.steps import Steps

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["status", "--profile", "a.env", "--json"], ["--profile", "a.env", "status", "--json"]),
        (["--profile", "a.env", "status"], ["--profile", "a.env", "status"]),
        (["status", "--profile=a.env"], ["--profile=a.env", "status"]),
        (["import", "--", "--profile"], ["import", "--", "--profile"]),
        (["status", "--profile"], ["--profile", "status"]),
        ([], []),
    ],
)
def test_the_profile_may_stand_before_and_after_the_command(given: list[str], read: list[str]) -> None:
    assert _with_options_first(given) == read


def test_elsewhere_than_on_a_terminal_each_message_of_a_step_is_a_line_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def step(say: object) -> str:
        assert callable(say)
        say("half")
        say("whole")
        return "whole"

    with Steps(Console(file=io.StringIO())).shown() as do:
        assert do("load", step) == "whole"
    assert capsys.readouterr().err == "load: half\nload: whole\n"


def test_on_a_terminal_a_step_keeps_its_line() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, _environ={"TERM": "xterm"})
    with Steps(console).shown() as do:
        do("load", lambda say: (say("[half]"), "all of it")[1])
        do("build", lambda _: "built " * 40)
    last = screen.getvalue().replace("\r", "\n").splitlines()[-3:]
    assert any("load" in line and "all of it" in line for line in last)
    assert all(len(line) < 300 for line in last)
