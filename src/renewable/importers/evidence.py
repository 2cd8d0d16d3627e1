"""What the suspicions of a preview are drawn from: rows of the tables, stamps of the files, lines of the mapping."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from renewable.contract import RawTable
from renewable.importers.mapping import Mapping, line_of

STAMPS_SCHEMA = pl.Schema(
    {
        "part": pl.Int64(),
        "asset_id": pl.String(),
        "name": pl.String(),
        "timestamp": pl.Datetime("us", "UTC"),
    }
)


@dataclass(frozen=True)
class Evidence:
    """`tables` are rows of the contract, `stamps` those of the files as the mapping's clock reads them.

    `stamps` is of STAMPS_SCHEMA: `part` is a place in the mapping's parts, `name` what the file calls the asset.
    `assets` is the registry (AssetSchema).
    """

    mapping: Mapping
    mapping_path: Path
    tables: dict[RawTable, pl.LazyFrame]
    stamps: pl.DataFrame
    assets: pl.DataFrame
    now: datetime

    def line(self, setting: str, part: int = 0) -> str:
        """Where a setting of a part stands in the mapping file, or would have to."""
        steps = list(_places(self.mapping))[part]
        tree = yaml.compose(self.mapping_path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        number = line_of(tree, [*steps, *setting.split(".")])
        name = ".".join([*(str(step) for step in steps), setting])
        return f"{name}, line {number} of {self.mapping_path.name}"

    def part_of(self, table: RawTable, *names: str) -> int:
        """The first part of the mapping that has one of the channels of a table."""
        found = (n for n, part in enumerate(self.mapping.parts) if set(names) & set(part.channels(table)))
        return next(found, 0)

    def channel_line(self, table: RawTable, name: str, setting: str = "unit") -> str:
        """Where a setting of a channel stands."""
        return self.line(f"{table}.{name}.{setting}", self.part_of(table, name))


def _places(part: Mapping, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of each of the mapping's parts in the file, in their order."""
    yield steps
    for number, other in enumerate(part.also):
        yield from _places(other, (*steps, "also", number))
