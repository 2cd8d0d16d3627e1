"""A dlt destination that replaces days: deletes, inserts and settles a table in one transaction.

dlt's own merge copies every row into a staging table first and commits before anything can be checked; its append
keeps what was there. Here a table's `model` job (a SELECT over the accepted files) replaces the rows of its scope,
and the caller settles the books before the commit: either all of it counts, or nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dlt
import duckdb
from dlt.common.destination import PreparedTableSchema
from dlt.common.destination.client import LoadJob
from dlt.common.destination.exceptions import DestinationTerminalException
from dlt.common.schema import Schema
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.job_client_impl import ModelLoadJob


@dataclass(frozen=True)
class Replacement:
    """What a table's job deletes before it inserts, and what is done before the commit.

    `settle` gets the connection and the load id; what it raises rolls the transaction back.
    """

    scope_sql: str
    settle: Callable[[duckdb.DuckDBPyConnection, str], None]


class ReplaceDaysJob(ModelLoadJob):
    """Runs a model's INSERT between the DELETE of its scope and the settling, all in one transaction."""

    def __init__(
        self, file_path: str, replacement: Replacement, load_id: str, failures: list[Exception]
    ) -> None:
        super().__init__(file_path)
        self._replacement = replacement
        self._load = load_id
        self._failures = failures

    def run(self) -> None:
        client = self._job_client.sql_client
        target = client.make_qualified_table_name(self.load_table_name)
        try:
            with client.begin_transaction():
                client.execute_sql(f"DELETE FROM {target} WHERE {self._replacement.scope_sql}")
                super().run()
                self._replacement.settle(client.native_connection, self._load)
        except Exception as error:
            # Kept as it is: dlt passes on only the text of its traceback. Terminal: again it would fail again.
            self._failures.append(error)
            raise DestinationTerminalException(str(error)) from error


class ReplaceDaysClient(DuckDbClient):
    """DuckDB's client with ReplaceDaysJob for the tables that have a replacement."""

    replacements: dict[str, Replacement]
    failures: list[Exception]

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        replacement = self.replacements.get(table["name"] or "")
        if replacement is not None and ModelLoadJob.is_model_job(file_path):
            return ReplaceDaysJob(file_path, replacement, load_id, self.failures)
        return super().create_load_job(table, file_path, load_id, restore)


class ReplaceDaysDuckDb(dlt.destinations.duckdb):
    """dlt's DuckDB destination on an open connection.

    `replacements` by table name hold for the next load; `failures` is what its jobs raised.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(connection, supports_transactions=True)
        self.replacements: dict[str, Replacement] = {}
        self.failures: list[Exception] = []

    @property
    def destination_type(self) -> str:
        """What stands in dlt's state: its own commands make a destination by this name, and need DuckDB alone."""
        return "dlt.destinations.duckdb"

    @property
    def client_class(self) -> type[ReplaceDaysClient]:
        return ReplaceDaysClient

    def client(self, schema: Schema, initial_config: Any = None) -> Any:
        client: Any = super().client(schema, initial_config)
        client.replacements, client.failures = self.replacements, self.failures
        return client
