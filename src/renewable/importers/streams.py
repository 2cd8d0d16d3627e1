"""Streams of converted rows: what their columns are called, and what tells one stream from another.

A row has asset_id, timestamp, `name` (what the source calls it), the shifts of clock changes, and channels.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from renewable.contract import TABLES, RawTable

OF_ONE = ("asset_id", "name")
KEY_AND_NAME = ("asset_id", "timestamp", "name")
SHIFTS = ("first_shift_us", "second_shift_us")
# The row's stamp stands around a clock change.
SHIFTED = (pl.col(SHIFTS[0]) != 0) | (pl.col(SHIFTS[1]) != 0)
# Begins the name of a counter's column, before that of its target.
READING = "reading_"
# Kinds of streams; the others are called after the target of a counter. Days taken over are rows of the contract.
ROWS, EVENTS, TAKEN_OVER = "rows", "events", "contract"


@dataclass(frozen=True, order=True)
class Stream:
    """Rows of one part of a mapping and one table; `kind` is `rows`, or what `table_rows` calls it."""

    part: int
    table: RawTable
    kind: str

    def __str__(self) -> str:
        return f"{self.part}.{self.table}.{self.kind}"

    @classmethod
    def parsed(cls, text: str) -> "Stream":
        part, table, kind = text.split(".", 2)
        return cls(int(part), next(known for known in TABLES if known == table), kind)


def day_of(us: int) -> date:
    """The UTC day of a stamp in microseconds since 1970."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).date()


def is_shifted(rows: pl.DataFrame) -> bool:
    """Whether the stamp of any row stands around a clock change."""
    return any(edge not in (0, None) for name in SHIFTS for edge in (rows[name].min(), rows[name].max()))
