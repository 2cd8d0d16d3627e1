"""The Spark Connect server: whether it answers, and which files its tables are made of."""

import socket
import threading
import uuid
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from renewable.atomic_write import write_text_atomic
from renewable.ctrl_c import ends_at_once
from renewable.errors import PipelineError

_PORT = 15002
_LOOK_S = 5.0
# A server may be busy for a while, but its port is open.
_UNANSWERED_LOOKS = 3
_RETRIES, _LONGEST_PAUSE_MS = 8, 3000
_Result = TypeVar("_Result")
# The session of this process; dbt finds it by pyspark's default.
_open: list[Any] = []


@dataclass(frozen=True)
class ClusterTable:
    """Columns of a table with Spark's types, and the addresses of its files."""

    columns: Mapping[str, str]
    files: tuple[str, ...]


class ServerGoneError(PipelineError):
    """The server does not answer."""


def while_it_answers(remote: str, work: Callable[[], _Result]) -> _Result:
    """The result of `work`, which talks to the server `remote` (sc://host:port).

    A client may wait very long for a server that died. So the work is done in a thread, which is left behind then.
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
            while _open:
                # Else it would ask the server again when the process ends.
                _open.pop().client.close()
            ends_at_once.set()
            raise ServerGoneError(
                f"the Spark Connect server at {_place(remote)} went away during the build: start it and run"
                " `renewable transform` again, which builds the same days"
            )
    result, error = outcome[0]
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def own_session(remote: str, note: Path) -> str:
    """The address of a new session of ours, which dbt and the functions below use then.

    What the session that `note` names left running is stopped first: a client that was killed leaves its statement to
    the server, and that could write over what the next build writes. The caller holds the warehouse, so that no other
    build of ours is at work.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client.retries import DefaultPolicy

    address = _with_session(remote, str(uuid.uuid4()))
    # dbt-spark asks each session for what only a server can choose.
    warnings.filterwarnings("ignore", message=r"Failed to set spark\.sql\.catalogImplementation")

    def begin() -> None:
        while _open:
            _open.pop().stop()
        if note.exists():
            former = SparkSession.builder.remote(_with_session(remote, note.read_text("utf-8"))).create()
            try:
                former.interruptAll()
            except PySparkException as error:
                if "SESSION_CLOSED" not in str(error):
                    raise
            finally:
                former.stop()
        session = SparkSession.builder.remote(address).create()
        # By default a client waits ten minutes for a server that is gone, and again when the process ends.
        session.client.set_retry_policies(
            [DefaultPolicy(max_retries=_RETRIES, max_backoff=_LONGEST_PAUSE_MS)]
        )
        _open.append(session)

    while_it_answers(remote, begin)
    write_text_atomic(address.rpartition("=")[2], note)
    return address


def _with_session(remote: str, session_id: str) -> str:
    address = remote if "/;" in remote else f"{remote.rstrip('/')}/"
    return f"{address};session_id={session_id}"


def location_of(remote: str, table: str) -> Path | None:
    """The folder that `table` lies in; None where the server knows no such table."""

    def ask() -> Path | None:
        session = _open[-1]
        if not session.catalog.tableExists(table):
            return None
        told = dict(
            session.sql(f"describe table extended {table}").select("col_name", "data_type").toLocalIterator()
        )
        return Path(unquote(urlsplit(told["Location"]).path))

    return while_it_answers(remote, ask)


def table_names(remote: str, schema: str) -> set[str]:
    """The tables that the server knows in `schema`; none where it knows no such schema."""

    def ask() -> set[str]:
        catalog = _open[-1].catalog
        return (
            {table.name for table in catalog.listTables(schema)} if catalog.databaseExists(schema) else set()
        )

    return while_it_answers(remote, ask)


def cluster_tables(remote: str, schema: str, names: Collection[str]) -> dict[str, ClusterTable]:
    """What the server knows of these tables."""

    def ask() -> dict[str, ClusterTable]:
        tables = {name: _open[-1].table(f"{schema}.{name}") for name in names}
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
