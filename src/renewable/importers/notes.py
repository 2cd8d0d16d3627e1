"""What an import has to say beside its rows: how many were set aside, moved or left empty, and why."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from renewable.windows import Window


@dataclass
class Notes:
    """Sentences without their number -> how many rows or intervals they are true of.

    With a `window` only rows whose timestamp lies inside are counted: rows around it are read for what they tell of it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    window: Window | None = None

    def add(self, what: str, number: int) -> None:
        self.counts[what] += number

    def add_rows(self, what: str, frame: pl.DataFrame, where: pl.Expr) -> None:
        """Count the rows of `frame`, which has `timestamp`, where a condition holds."""
        self.counts[what] += self.inside(frame).filter(where).height

    def inside(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of the window."""
        if self.window is None:
            return frame
        start, end, at = self.window.start_utc, self.window.end_utc, frame["timestamp"]
        first, last = at.min(), at.max()
        if isinstance(first, datetime) and isinstance(last, datetime) and start <= first <= last < end:
            return frame if not at.null_count() else frame.drop_nulls("timestamp")
        return frame.filter(pl.col("timestamp").is_between(start, end, closed="left"))
