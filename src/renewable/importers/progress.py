"""How far a long import is, and how long the rest of its step will take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_EVERY_S = 5.0


@dataclass
class Progress:
    """Says every few seconds how much of a step is done; a short one is never spoken of.

    `doing` is the step as people read it. What is left is told from the pace so far.
    """

    doing: str
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _said: float = field(init=False)
    _done: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._began = self._said = self.clock()

    def at(self, done: float) -> None:
        """`done` is the share of the step; one that was larger before counts."""
        now, self._done = self.clock(), min(1.0, max(done, self._done))
        if now - self._said < _EVERY_S or not 0 < self._done < 1:
            return
        self._said = now
        left_s = (now - self._began) * (1 - self._done) / self._done
        self.say(f"{self.doing}: {self._done:.0%} done, about {told(left_s)} left")


def told(seconds: float) -> str:
    """A time as people say it: 40 s, 12 min, 2 h 5 min."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
