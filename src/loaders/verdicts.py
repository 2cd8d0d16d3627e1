"""Which verdicts of the gate still hold: each is remembered with the contract and the registry that gave it.

A file that was refused under another contract is judged again. So is a file of which a row names an asset whose
registry row is another one now. An accepted file stays accepted when the contract changes (`ingest --again` judges
it by the present one, and takes it although it lacks a column that the contract did not have then).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import duckdb
import polars as pl

from renewable.contract import TABLES, RawTable
from renewable.contract.version import (
    BASELINE,
    BASELINE_COLUMNS,
    Columns,
    contract_columns,
    contract_version,
)

CONTRACT_VERSIONS = "raw.contract_versions"
# A file that names more than this is judged again whenever any asset changes.
_MOST_CHARACTERS = 200_000


def named_assets(names: Iterable[str | None]) -> str | None:
    """The assets that a file's rows name, known or not, as one text; None: too many to keep."""
    text = json.dumps(sorted({name for name in names if name is not None}), ensure_ascii=False)
    return text if len(text) <= _MOST_CHARACTERS else None


class GateRegistry:
    """What the gate takes from the registry. `assets` by AssetSchema."""

    def __init__(self, assets: pl.DataFrame) -> None:
        # A grid without an offset is written as it was before there were any.
        grid = pl.format("{}|{}", "asset_id", "interval_minutes") + pl.when(
            pl.col("interval_offset_minutes").fill_null(0) != 0
        ).then(pl.format("+{}", "interval_offset_minutes")).otherwise(pl.lit(""))
        rows = assets.sort("asset_id").select("asset_id", grid.alias("grid"), "rated_power_kw").rows()
        self._known = {
            "weather": {name: grid for name, grid, _ in rows},
            "generation": {name: f"{grid}|{rated_kw!r}" for name, grid, rated_kw in rows},
        }
        self._versions: dict[tuple[str, str | None], str] = {}

    def version(self, table: str, named: str | None) -> str:
        """Fingerprint of the registry rows on which a verdict depends, for the text that `named_assets` made.

        Equal fingerprints mean the same verdict on the same file. Weather does not depend on the rated power.
        """
        key = (table, named)
        if key not in self._versions:
            known = self._known[table]
            rows = list(known.values()) if named is None else [known.get(n, "") for n in json.loads(named)]
            digest = hashlib.sha256("\n".join([str(named), *rows]).encode())
            self._versions[key] = digest.hexdigest()[:16]
        return self._versions[key]


@dataclass(frozen=True)
class Standing:
    """The present contract and registry, and what earlier contracts accepted.

    `first_versions` tells for an accepted content (table and hash) which contract accepted it first.
    """

    registry: GateRegistry
    contract: str = field(default_factory=contract_version)
    first_versions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    columns: Mapping[str, Columns] = field(default_factory=dict)

    @cached_property
    def columns_then(self) -> Mapping[RawTable, Mapping[str, frozenset[str]]]:
        """By table: contents that a contract with other columns accepted, and the columns it had, by hash."""
        now = contract_columns()
        found: dict[RawTable, dict[str, frozenset[str]]] = {table: {} for table in TABLES}
        for (name, sha256), version in self.first_versions.items():
            for table in TABLES:
                then = self.columns.get(version, {}).get(table, now[table])
                if name == table and then != now[table]:
                    found[table][sha256] = then
        return found

    def first_version(self, table: RawTable, sha256: str) -> str:
        """The contract to remember an accepted content by: the one whose columns it was accepted with."""
        return self.first_versions[table, sha256] if sha256 in self.columns_then[table] else self.contract

    def due(self, log: pl.DataFrame) -> dict[str, str]:
        """Files whose verdict does not hold any more, with the reason; `log` is the load log with named_assets."""
        found = dict[str, str]()
        columns = ("file", "table_name", "refusal", "contract_version", "registry_version", "named_assets")
        for file, table, refusal, contract, registry, named in log.select(columns).iter_rows():
            if refusal is not None:
                if (contract or BASELINE) != self.contract:
                    found[file] = f"contract {self.contract}"
            elif registry is not None and registry != (now := self.registry.version(table, named)):
                found[file] = f"registry {now}"
        return found


def read_standing(
    connection: duckdb.DuckDBPyConnection, registry: GateRegistry, log: pl.DataFrame
) -> Standing:
    """The standing of a warehouse; the present contract is recorded in it when it is new."""
    connection.execute(
        f"create table if not exists {CONTRACT_VERSIONS} (version varchar, table_name varchar, column_name varchar)"
    )
    version = contract_version()
    columns: dict[str, dict[str, frozenset[str]]] = {}
    rows = connection.execute(
        f"select version, table_name, list(column_name) from {CONTRACT_VERSIONS} group by all"
    ).fetchall()
    for known, table, names in [*rows, *((BASELINE, t, BASELINE_COLUMNS[t]) for t in BASELINE_COLUMNS)]:
        columns.setdefault(known, {})[table] = frozenset(names)
    if version not in columns:
        present = [(version, table, name) for table in TABLES for name in sorted(contract_columns()[table])]
        connection.executemany(f"insert into {CONTRACT_VERSIONS} values (?, ?, ?)", present)
        columns[version] = dict(contract_columns())
    accepted = log.filter(pl.col("refusal").is_null() & pl.col("table_name").is_not_null())
    first = pl.coalesce("first_contract_version", "contract_version", pl.lit(BASELINE))
    contents = accepted.select("table_name", "sha256", first)
    return Standing(registry, version, {(t, sha): v for t, sha, v in contents.iter_rows()}, columns)
