"""Whether day and month of stamps may be the other way round: m/d/Y read as d/m/Y while no day is above 12."""

from collections.abc import Collection
from datetime import date
from typing import Literal

_MOST_OF_YEAR = 12
_FEWEST = 3
# Of the days from the first to the last this share at least has data, where data run on.
_RUNNING_RATIO = 0.5


def other_order(days: Collection[date]) -> Literal["better", "as well", "not"]:
    """How well days fit that are read with day and month exchanged; `days` are those of the stamps' own clock.

    `better`: read as they are the days lie scattered over months, and exchanged they run on; `as well`: nothing tells
    which it is, and people have to; `not`: exchanged they are no days, or scattered while now they run on.
    """
    known = set(days)
    if any(day.day > _MOST_OF_YEAR for day in known):
        return "not"
    exchanged = {date(day.year, day.day, day.month) for day in known}
    if exchanged == known:
        return "not"
    runs, runs_exchanged = _run_on(known), _run_on(exchanged)
    if runs == runs_exchanged or len(known) < _FEWEST:
        return "as well"
    return "better" if runs_exchanged else "not"


def _run_on(days: set[date]) -> bool:
    return len(days) >= _RUNNING_RATIO * ((max(days) - min(days)).days + 1)
