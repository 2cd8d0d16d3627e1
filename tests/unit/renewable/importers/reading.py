"""Deliveries to rows of the contract as an import makes them, without its ledger and files."""

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from renewable.contract import RawTable
from renewable.importers.mapping import load_mapping
from renewable.importers.notes import Notes
from renewable.importers.rows import table_rows
from renewable.importers.source import part_batches, source_paths
from renewable.importers.together import assembled


def read(place: Path, content: dict[str, Any]) -> tuple[dict[RawTable, pl.DataFrame], dict[str, int]]:
    """The rows by table, ordered by key, and the notes, of the files that a mapping in the folder `place` names."""
    (place / "mapping.yaml").write_text(yaml.safe_dump(content))
    mapping = load_mapping(place / "mapping.yaml")
    counts: Counter[str] = Counter()
    found: dict[RawTable, dict[tuple[int, str], list[pl.DataFrame]]] = {t: {} for t in mapping.all_tables}
    for number, part in enumerate(mapping.parts):
        for path in source_paths(part, place / "mapping.yaml"):
            for batch in part_batches(path, part):
                for (table, kind), rows in table_rows(batch, part, Notes(counts)).items():
                    found[table].setdefault((number, kind), []).append(rows)
    tables = {
        table: assembled(
            table, {key: pl.concat(frames) for key, frames in streams.items()}, mapping, {}, Notes(counts)
        )
        for table, streams in found.items()
    }
    return tables, {what: count for what, count in counts.items() if count}
