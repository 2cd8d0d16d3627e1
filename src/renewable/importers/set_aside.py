"""Cells and rows of one source file that cannot be read: counted over all its batches, refused where they are many."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from renewable.errors import MappingError

Kind = Literal["cells", "rows"]
# Distinct texts: named in the notes of one file, listed when the file is refused, and kept in memory.
_NOTED, _LISTED, _KEPT = 20, 20, 10_000
_LONGEST_SHOWN = 100
_OTHERS = "other texts"


@dataclass
class _Found:
    seen: int = 0
    count: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    first_rows: dict[str, int] = field(default_factory=dict)
    noted: set[str] = field(default_factory=set)


@dataclass
class SetAside:
    """What of the file `name` could not be read. One object lives as long as the file is read.

    `limits` are the largest shares, 0 to 1: of the filled cells of a column, and of the rows.
    """

    name: str = ""
    limits: dict[Kind, float] = field(default_factory=lambda: {"cells": 0.05, "rows": 0.05})
    rows_seen: int = 0
    rows_taken: int = 0
    _found: dict[tuple[Kind, str, str, str], _Found] = field(default_factory=dict)
    _told: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        kind: Kind,
        column: str,
        fault: str,
        next_step: str,
        seen: int,
        texts: pl.Series,
        rows: list[int],
    ) -> None:
        """Count what cannot be read in a batch: its `texts`, and their `rows` in the file.

        `seen` is the number of cells of the column that the batch has filled; of rows it is not needed.
        """
        found = self._found.setdefault((kind, column, fault, next_step), _Found())
        found.seen += seen
        if texts.is_empty():
            return
        found.count += texts.len()
        self.rows_taken += texts.len() if kind == "rows" else 0
        shown = texts.cast(pl.String).fill_null("").str.slice(0, _LONGEST_SHOWN).alias("text")
        counted = (
            pl.DataFrame([shown, pl.Series("row", rows)])
            .group_by("text", maintain_order=True)
            .agg(pl.len(), pl.col("row").first())
        )
        for text, count, row in counted.iter_rows():
            known = text in found.texts or len(found.texts) < _KEPT
            found.texts[text if known else _OTHERS] += count
            found.first_rows.setdefault(text if known else _OTHERS, row)
            if len(found.noted) < _NOTED:
                found.noted.add(text)
            label = repr(text) if text in found.noted else _OTHERS
            self._told[f"{kind} {label} of column {column} set aside ({fault})"] += count

    def note(self, what: str, count: int = 1) -> None:
        """Say something else of the file once."""
        self._told[what] += count

    def told(self) -> Counter[str]:
        """Sentences, each with how many cells or rows it is true of since the last call; for the notes."""
        told, self._told = self._told, Counter()
        return told

    def settle(self) -> None:
        """Raise MappingError, with the most common texts, where more was set aside than the limits allow."""
        faults = []
        for (kind, column, fault, next_step), found in self._found.items():
            seen = found.seen if kind == "cells" else self.rows_seen
            count = found.count if kind == "cells" else self.rows_taken
            if not found.count or count <= self.limits[kind] * seen:
                continue
            texts = ", ".join(
                f"{text!r}{'' if number == 1 else f' {number} times, first'} in row {found.first_rows[text]}"
                for text, number in found.texts.most_common(_LISTED)
            )
            more = f" and {len(found.texts) - _LISTED} further texts" if len(found.texts) > _LISTED else ""
            faults.append(
                f"{self.name}, column {column}: {found.count} of {seen} {'filled cells' if kind == 'cells' else 'rows'}"
                f" {fault}, more than source.unreadable_{kind}_ratio: {self.limits[kind]:g} allows:"
                f" {texts}{more}. {next_step}"
            )
        if faults:
            raise MappingError("\n".join(faults))
