"""A Spark server that is not there, or goes away, is told in a sentence instead of being waited for."""

import socket
import threading
from collections.abc import Iterator

import pytest

from renewable.transform.spark import server
from renewable.transform.spark.server import ServerGoneError, while_it_answers

pytestmark = pytest.mark.unit


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def _remote(listening: socket.socket) -> str:
    return f"sc://127.0.0.1:{listening.getsockname()[1]}/;token=secret"


def test_a_server_that_answers_lets_the_work_be_done(listening: socket.socket) -> None:
    assert while_it_answers(_remote(listening), lambda: 41 + 1) == 42
    with pytest.raises(ZeroDivisionError):
        while_it_answers(_remote(listening), lambda: 1 // 0)


def test_no_server_is_told_before_anything_is_done(listening: socket.socket) -> None:
    remote = _remote(listening)
    listening.close()
    with pytest.raises(ServerGoneError, match="RENEWABLE_SPARK_REMOTE") as told:
        while_it_answers(remote, lambda: pytest.fail("it was begun"))
    assert "secret" not in str(told.value)


def test_a_server_that_goes_away_ends_the_wait(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_LOOK_S", 0.05)
    never = threading.Event()

    def work() -> None:
        listening.close()
        never.wait()

    try:
        with pytest.raises(ServerGoneError, match="builds the same days"):
            while_it_answers(_remote(listening), work)
        assert server.ends_at_once.is_set()
    finally:
        never.set()
        server.ends_at_once.clear()


@pytest.mark.parametrize(
    "remote", ["sc://host:15002", "sc://host:15002/", "sc://host:15002/;token=a", "sc://host/;use_ssl=true"]
)
def test_a_session_is_one_more_parameter_of_the_address(remote: str) -> None:
    address = server._with_session(remote, "an-id")
    assert address.startswith(remote) and address.endswith(";session_id=an-id")
    assert address.count("/;") == 1
