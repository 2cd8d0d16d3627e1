"""What the project sets out to reach, by world: (measure, kind) -> bound. The one place of these numbers.

precision and recall are of intervals, span_precision and span_recall of the hours of published events: at least the
bound. energy is the error of the lost energy, ratio the mean error of a plant's daily soiling ratio, unknown the share
of asset-days without a ratio of those on which dirt takes more than 1 %, false_events a number by asset-year: at most
the bound.
"""

from collections.abc import Iterator, Mapping

from renewable.scorecard.lines import CONTRADICTED, lines

Goals = Mapping[tuple[str, str], float]

# Measures whose size may be the bound at most; the others have to come up to it.
AT_MOST = ("energy", "ratio", "unknown", "false_events")
PLAIN: Goals = {
    ("precision", "downtime"): 0.95,
    ("recall", "downtime"): 0.95,
    ("precision", "curtailment"): 0.95,
    ("recall", "curtailment"): 0.95,
    ("precision", "icing"): 0.85,
    ("recall", "icing"): 0.85,
    ("energy", "downtime"): 0.05,
    ("energy", "curtailment"): 0.05,
    ("energy", "icing"): 0.15,
    ("energy", "soiling"): 0.15,
    ("ratio", "soiling"): 0.02,
}
_SHARES = ("precision", "recall", "span_precision", "span_recall")
_MOST_FALSE_EVENTS = 2.0


def is_met(measure: str, bound: float, reached: float) -> bool:
    """Whether a bound holds."""
    return abs(reached) <= bound if measure in AT_MOST else reached >= bound


def _field() -> Iterator[tuple[tuple[str, str], float]]:
    for kind in ("downtime", "curtailment"):
        yield from (((measure, kind), 0.90) for measure in _SHARES)
        yield ("energy", kind), 0.08
    yield from (((measure, "icing"), 0.75) for measure in _SHARES)
    yield ("energy", "soiling"), 0.25
    yield ("unknown", "soiling"), 0.25
    for kind in ("frozen_sensor", CONTRADICTED):
        yield from (((measure, kind), 0.80) for measure in ("precision", "recall"))
    for line in lines():
        if line.is_judged:
            yield ("false_events", line.kind), _MOST_FALSE_EVENTS


WORLD_GOALS: Mapping[str, Goals] = {"plain": PLAIN, "field": dict(_field()), "rough": {}}
