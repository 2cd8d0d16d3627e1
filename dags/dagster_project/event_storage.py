"""Dagster's events in SQLite, a batch of them in one transaction.

A run over a year writes some 25,000 events of days. Dagster opens, commits and closes two databases for each.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import sqlalchemy as db
from dagster import DagsterEventType, EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy.pool import QueuePool

# Without it Dagster never hands over a batch. Every process that opens the instance imports this module.
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "500")

_OF_ASSETS = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_OBSERVATION,
}

_OPEN_SHARDS = 8


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """The same tables, rows and order as Dagster's own storage writes event by event."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        # Those that were used last, in order.
        self._engines: dict[str, db.Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "BatchedSqliteEventLogStorage":
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> db.Engine:
        """The engine of a shard. Some stay open, for SQLite waits for the disk when the last connection closes."""
        engine = self._engines.pop(shard, None) or _opened(self.conn_string_for_shard(shard))
        self._engines[shard] = engine
        if len(self._engines) > _OPEN_SHARDS:
            self._engines.pop(next(iter(self._engines))).dispose()
        return engine

    def _close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def dispose(self) -> None:
        self._close()
        super().dispose()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Events of assets, run by run, in one transaction; others one by one."""
        for (run_id, of_assets), group in groupby(events, lambda event: (event.run_id, _is_of_asset(event))):
            if of_assets:
                self._store_asset_events(run_id, list(group))
            else:
                super().store_event_batch(list(group))

    def _store_asset_events(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(run_id) as shard:
            shard.execute(SqlEventLogStorageTable.insert(), rows)
        with self.index_transaction() as index:
            ids = [_inserted(index, row) for row in rows]
            self._store_asset_event_tags(index, events, ids)
            # The table of assets keeps the last event of each.
            last = {row["asset_key"]: (event, id_) for row, event, id_ in zip(rows, events, ids, strict=True)}
            for event, id_ in last.values():
                self._store_asset_event(index, event, id_)


def _opened(address: str) -> db.Engine:
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )
    # The log is written ahead: after a power cut the last events may be missing, and none is broken. A process that
    # is killed loses nothing.
    db.event.listen(
        engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal")
    )
    return engine


def _inserted(index: db.Connection, row: dict[str, Any]) -> int:
    key = index.execute(SqlEventLogStorageTable.insert(), row).inserted_primary_key
    assert key is not None
    return int(key[0])


def _is_of_asset(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in _OF_ASSETS
