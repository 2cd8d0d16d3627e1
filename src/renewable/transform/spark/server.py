"""The Spark Connect server: whether it answers, and which files its tables are made of."""

import socket
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from renewable.atomic_write import write_text_atomic
from renewable.errors import PipelineError

_PORT = 15002
_LOOK_S = 5.0
# A server may be busy for a while, but its port is open.
_UNANSWERED_LOOKS = 3
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class ClusterTable:
    """Columns of a table with Spark's types, and the addresses of its files."""

    columns: Mapping[str, str]
    files: tuple[str, ...]


class ServerGoneError(PipelineError):
    """The server does not answer."""


def while_it_answers(remote: str, work: Callable[[], _Result]) -> _Result:
    """The result of `work`, which talks to the server `remote` (sc://host:port).

    The client of a server that died waits for ever, so the work is done in a thread that is left behind then.
    Raises ServerGoneError, and what `work` raises.
    """
    if not _answers(remote):
        raise ServerGoneError(
            f"no Spark Connect server answers at {_place(remote)} (RENEWABLE_SPARK_REMOTE): start it, or name another"
        )
    outcome: list[tuple[_Result | None, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    unanswered = 0
    while not outcome:
        thread.join(_LOOK_S)
        unanswered = 0 if outcome or _answers(remote) else unanswered + 1
        if unanswered >= _UNANSWERED_LOOKS:
            raise ServerGoneError(
                f"the Spark Connect server at {_place(remote)} went away during the build: start it and run"
                " `renewable transform` again, which builds the same days"
            )
    result, error = outcome[0]
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def own_session(remote: str, note: Path) -> str:
    """The address of a new session of ours. The caller holds the warehouse, so that no other build of ours is at work.

    What the session that `note` names left running is stopped first: a client that was killed leaves its statement to
    the server, and that could write over what the next build writes.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    def stop_former() -> None:
        if note.exists():
            former = SparkSession.builder.remote(_with_session(remote, note.read_text("utf-8"))).create()
            try:
                former.interruptAll()
                former.stop()
            except PySparkException as error:
                if "SESSION_CLOSED" not in str(error):
                    raise

    while_it_answers(remote, stop_former)
    session_id = str(uuid.uuid4())
    write_text_atomic(session_id, note)
    return _with_session(remote, session_id)


def _with_session(remote: str, session_id: str) -> str:
    address = remote if "/;" in remote else f"{remote.rstrip('/')}/"
    return f"{address};session_id={session_id}"


def cluster_tables(remote: str, schema: str, names: Collection[str]) -> dict[str, ClusterTable]:
    """What the server knows of these tables."""
    from pyspark.sql import SparkSession

    def ask() -> dict[str, ClusterTable]:
        session = SparkSession.builder.remote(remote).getOrCreate()
        tables = {name: session.table(f"{schema}.{name}") for name in names}
        return {
            name: ClusterTable(dict(table.dtypes), tuple(table.inputFiles()))
            for name, table in tables.items()
        }

    return while_it_answers(remote, ask)


def _answers(remote: str) -> bool:
    try:
        with socket.create_connection(_address(remote), timeout=_LOOK_S):
            return True
    except OSError:
        return False


def _address(remote: str) -> tuple[str, int]:
    parts = urlsplit(remote)
    return parts.hostname or "", parts.port or _PORT


def _place(remote: str) -> str:
    """Where the server is, without the token that the address may hold."""
    host, port = _address(remote)
    return f"sc://{host}:{port}"
