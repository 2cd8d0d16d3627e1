"""A kind of event: how often, how long, to whom. When it happens is events.py's."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Kind:
    """How often and how long. Probabilities are for one block; a start hour means local solar time."""

    name: str
    block_days: int
    typical: float
    harsh: float
    shortest_hours: float
    longest_hours: float
    start_hours: tuple[float, float] | None = None
    only: Literal["wind", "solar"] | None = None
    by_site: bool = False
