"""Dagster's events in SQLite, a batch of them in one transaction.

A run over a year writes some 50,000 events of days. Dagster opens and commits two databases for each.
"""

import os
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as db
from dagster import DagsterEventType, EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable

# Without it Dagster never hands over a batch. Every process that opens the instance imports this module.
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "500")

_OF_ASSETS = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_OBSERVATION,
}


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """The same tables, rows and order as Dagster's own storage writes event by event."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "BatchedSqliteEventLogStorage":
        return cls(inst_data=inst_data, **config_value)

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


def _inserted(index: db.Connection, row: dict[str, Any]) -> int:
    key = index.execute(SqlEventLogStorageTable.insert(), row).inserted_primary_key
    assert key is not None
    return int(key[0])


def _is_of_asset(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in _OF_ASSETS
