"""What a load writes into the load log: each file with its counts, and by which contract and registry it was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import duckdb
import polars as pl

from loaders.adoption import adopted
from loaders.gate import FileCounts, Inspected
from loaders.judging import JudgedDay
from loaders.load_log import FULL_SCHEMA, remember_registry, replace_in_load_log, warehouse_log
from loaders.quarantine import clear_refused_file, quarantined_units, store_refused_file
from loaders.verdicts import GateRegistry, Standing, named_assets
from renewable.fleet import Fleet
from renewable.settings import Settings

_NOTHING = FileCounts(0, 0, 0, 0, 0)


def log_with_registry(
    settings: Settings, connection: duckdb.DuckDBPyConnection, fleet: Fleet, registry: GateRegistry
) -> pl.DataFrame:
    """The load log (FULL_SCHEMA); files of older versions get the registry rows that they were judged by."""
    log = warehouse_log(connection)
    accepted = log.filter(pl.col("refusal").is_null())
    if accepted["registry_version"].null_count() == 0:
        return log
    set_aside = quarantined_units(settings.quarantine_dir)
    remember_registry(connection, adopted(connection, log, fleet, registry, set_aside))
    return warehouse_log(connection)


def load_log_rows(
    days: Sequence[JudgedDay], standing: Standing, load_id: str, duration_s: float, now: datetime
) -> pl.DataFrame:
    """The rows of the load log (FULL_SCHEMA) for all files of `days`."""
    rows = [
        {"file": name, "table_name": judged.unit.table, "day": judged.unit.day}
        | asdict(file.fingerprint)
        | asdict(judged.counts.get(name, _NOTHING))
        | {
            "refusal": judged.refusals.get(name),
            "load_id": load_id,
            "duration_s": duration_s,
            "loaded_at": now,
        }
        | _given_by(standing, judged, name, file.fingerprint.sha256)
        for judged in days
        for name, file in judged.files.items()
    ]
    return pl.DataFrame(rows, schema=FULL_SCHEMA)


def _given_by(standing: Standing, judged: JudgedDay, name: str, sha256: str) -> dict[str, str | None]:
    """By which contract and registry rows a verdict was given."""
    table, named = judged.unit.table, judged.assets.get(name, named_assets(()))
    return {
        "contract_version": standing.contract,
        "first_contract_version": None if name in judged.refusals else standing.first_version(table, sha256),
        "registry_version": standing.registry.version(table, named),
        "named_assets": named,
    }


def log_misnamed(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    misnamed: Mapping[str, Inspected],
    forgotten: Sequence[str],
    contract: str,
    now: datetime,
) -> None:
    """Set aside the misnamed files and log them; those in `forgotten`, which are gone, leave both."""
    for name, file in misnamed.items():
        store_refused_file(settings, name, file.refusal or "", file.fingerprint)
    for name in forgotten:
        clear_refused_file(settings.quarantine_dir, name)
    rows = [
        {
            "file": name,
            **asdict(file.fingerprint),
            **asdict(_NOTHING),
            "refusal": file.refusal,
            "loaded_at": now,
            "contract_version": contract,
        }
        for name, file in misnamed.items()
    ]
    if rows or forgotten:
        connection.execute("begin")
        replace_in_load_log(connection, pl.DataFrame(rows, schema=FULL_SCHEMA), [], forgotten)
        connection.execute("commit")
