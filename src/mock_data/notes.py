"""What happened beside the numbers: which asset, of which kind, in which channel, when.

Spans of a day, from which conditions.py makes rows of the answer key.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Codes = np.ndarray[Any, np.dtype[np.int8]]


@dataclass(frozen=True)
class Note:
    """One kind on one asset and channel (None: all, or none) on a day; `value` has the meaning of the kind."""

    kind: str
    channel: str | None
    row: int
    mask: Mask
    value: float | None


@dataclass(frozen=True)
class Notes:
    """Notes of a day for assets and intervals of `shape`."""

    shape: tuple[int, int]
    found: list[Note] = field(default_factory=list)

    def add(
        self, kind: str, channel: str | None, row: int, when: "Mask | slice", value: float | None = None
    ) -> None:
        """Note a kind where `when` says so; nothing where it is nowhere true."""
        mask = np.zeros(self.shape[1], dtype=np.bool_)
        mask[when] = True
        if mask.any():
            self.found.append(Note(kind, channel, row, mask, value))


@dataclass(frozen=True)
class Marks:
    """What falsifies readings, an interval each: `fault` is one more than the place in `faults`, 0 for none;
    `channel` the place in `channels`, -1 for all. A later mark hides an earlier one; notes keep both."""

    faults: tuple[str, ...]
    channels: tuple[str, ...]
    fault: Codes
    channel: Codes
    notes: Notes

    @classmethod
    def of_day(cls, shape: tuple[int, int], faults: tuple[str, ...], channels: tuple[str, ...]) -> "Marks":
        """Marks of a day without any."""
        fault, channel = np.zeros(shape, dtype=np.int8), np.full(shape, -1, dtype=np.int8)
        return cls(faults, channels, fault, channel, Notes(shape))

    def set(
        self, kind: str, row: int, when: "Mask | slice", channel: str | None, value: float | None = None
    ) -> None:
        """Mark a fault of one channel, None for all of them, where `when` says so."""
        self.fault[row, when] = self.faults.index(kind) + 1
        self.channel[row, when] = -1 if channel is None else self.channels.index(channel)
        self.notes.add(kind, channel, row, when, value)
