"""Options before and after a command, and the steps of a long one."""

import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest
from rich.console import Console

from renewable.cli.main import _with_options_first
from renewable.cli.steps import Steps, progress_of
from tests.conftest import Call

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


def test_debug_shows_where_an_error_comes_from_and_counts_after_the_command_too(call: Call) -> None:
    code, _, told = call("publish")
    assert code == 1 and "Traceback" not in told
    for arguments in (("publish", "--debug"), ("--debug", "publish")):
        code, _, told = call(*arguments)
        assert code == 1 and "Traceback" in told and told.splitlines()[-1].startswith("error: ")


def test_a_test_alert_says_which_address_took_it_and_shows_none(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, told = call("alert-test")
    assert code == 2 and "RENEWABLE_ALERT_URLS" in told
    arrived: list[bytes] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"json://user:s3cret@127.0.0.1:{server.server_port}"
        monkeypatch.setenv("RENEWABLE_ALERT_URLS", there)
        code, out, told = call("alert-test")
        assert code == 0 and "address 1 of 1" in out and len(arrived) == 1
        monkeypatch.setenv("RENEWABLE_ALERT_URLS", f"nowhere://s3cret {there} json://127.0.0.1:9/s3cret")
        code, out, told = call("alert-test")
        server.shutdown()
    assert code == 1 and len(arrived) == 2, "one that fails stops no other"
    assert "address 2 of 3" in out and "address 1 of 3" in told and "address 3 of 3" in told
    assert "s3cret" not in out + told


def test_a_step_shows_how_far_it_is_on_a_terminal_and_keeps_lines_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = StringIO()
    with progress_of("models", Console(file=screen, force_terminal=True, width=80)) as say:
        assert say.progress is not None
        say.progress("7 of 9 models")
        say("a line worth keeping")
    assert "7 of 9 models" in screen.getvalue() and "a line worth keeping" in screen.getvalue()
    with progress_of("models", Console(file=StringIO())) as say:
        assert say.progress is None, "a log is not filled with it"
        say("a line worth keeping")
    assert capsys.readouterr().err == "a line worth keeping\n"
