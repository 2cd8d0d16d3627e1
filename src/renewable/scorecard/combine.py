"""Scores of worlds out of blocks: counts and hours are summed over seeds and step lengths, then divided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from renewable.scorecard.confidence import rate_interval, resampled_ratio, share_interval, wilson
from renewable.scorecard.goals import WORLD_GOALS, Goals, is_met
from renewable.scorecard.judge import ENERGIES, EVENTS, HOURS, Judged
from renewable.scorecard.lines import Line

_DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class Measured:
    """A measure with its interval of 95 %; None where nothing tells it."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Verdict:
    """A goal and whether it is met; `is_met` None: nothing to measure."""

    measure: str
    bound: float
    is_met: bool | None


@dataclass(frozen=True)
class LineScore:
    """A kind in a world: sums by HOURS, EVENTS and ENERGIES, measures by name, verdicts on its goals.

    `is_keyed` is false where the world has the kind and its answer key does not say when.
    """

    world: str
    kind: str
    is_keyed: bool
    sums: Mapping[str, float]
    measures: Mapping[str, Measured]
    verdicts: tuple[Verdict, ...]

    @property
    def missed(self) -> tuple[str, ...]:
        """Measures whose goals are missed."""
        return tuple(verdict.measure for verdict in self.verdicts if verdict.is_met is False)

    def as_dict(self) -> dict[str, Any]:
        """The score for programs."""
        return {
            "world": self.world,
            "kind": self.kind,
            "is_keyed": self.is_keyed,
            **self.sums,
            "measures": {
                name: {"value": found.value, "low": found.low, "high": found.high}
                for name, found in self.measures.items()
            },
            "goals": [
                {"measure": verdict.measure, "bound": verdict.bound, "met": verdict.is_met}
                for verdict in self.verdicts
            ],
        }


def line_scores(world: str, judged: Judged, lines: Sequence[Line]) -> tuple[LineScore, ...]:
    """A score a line of all that was judged in one world."""
    return tuple(_line_score(world, judged, line) for line in lines)


def _line_score(world: str, judged: Judged, line: Line) -> LineScore:
    own = judged.blocks.filter(pl.col("kind") == line.kind)
    is_keyed = world != "plain" or line.is_in_plain
    sums = {name: float(own[name].sum()) for name in (*HOURS, *EVENTS, *ENERGIES)}
    measures: dict[str, Measured] = {}
    if is_keyed:
        measures = dict(_measures(own, sums, line, judged.exposure))
        if line.kind == "soiling":
            measures |= _soiling(judged.dirt)
    return LineScore(
        world, line.kind, is_keyed, sums, measures, verdicts(WORLD_GOALS[world], line.kind, measures)
    )


def verdicts(goals: Goals, kind: str, measures: Mapping[str, Measured]) -> tuple[Verdict, ...]:
    """The goals of a kind beside what was reached."""
    return tuple(
        Verdict(
            measure, bound, is_met(measure, bound, measures[measure].value) if measure in measures else None
        )
        for (measure, of_kind), bound in goals.items()
        if of_kind == kind
    )


def _measures(
    own: pl.DataFrame, sums: Mapping[str, float], line: Line, exposure: pl.DataFrame
) -> list[tuple[str, Measured]]:
    found: list[tuple[str, Measured | None]] = [("recall", _time(own, "true_found_h", "true_h"))]
    if line.is_judged:
        found.append(("precision", _time(own, "found_true_h", "found_h")))
        found.append(("event_precision", _events(sums["found_events_true"], sums["found_events"])))
        found.append(("false_events", _false_events(sums, line, exposure)))
    found.append(("event_recall", _events(sums["true_events_found"], sums["true_events"])))
    if line.published is not None:
        found.append(("span_recall", _time(own, "true_span_h", "true_h")))
        if line.is_judged:
            found.append(("span_precision", _time(own, "span_true_h", "span_h")))
    if line.has_energy and sums["true_kwh"] > 0.0:
        error = sums["found_kwh"] / sums["true_kwh"] - 1.0
        drawn = resampled_ratio(own["found_kwh"], own["true_kwh"])
        found.append(
            ("energy", Measured(error, *((drawn[0] - 1.0, drawn[1] - 1.0) if drawn else (None, None))))
        )
    return [(name, measured) for name, measured in found if measured is not None]


def _time(own: pl.DataFrame, part: str, whole: str) -> Measured | None:
    return _ratio(own[part], own[whole], share_interval)


def _ratio(
    part: pl.Series, whole: pl.Series, bounds: Callable[[pl.Series, pl.Series], tuple[float, float] | None]
) -> Measured | None:
    total = float(whole.sum())
    if total <= 0.0:
        return None
    return Measured(float(part.sum()) / total, *(bounds(part, whole) or (None, None)))


def _events(part: float, whole: float) -> Measured | None:
    return Measured(part / whole, *(wilson(part, whole) or (None, None))) if whole else None


def _false_events(sums: Mapping[str, float], line: Line, exposure: pl.DataFrame) -> Measured | None:
    fitting = exposure if line.only is None else exposure.filter(pl.col("technology") == line.only)
    years = float(fitting["asset_days"].sum()) / _DAYS_A_YEAR
    if years <= 0.0:
        return None
    false = sums["found_events"] - sums["found_events_true"]
    return Measured(false / years, *(bound / years for bound in rate_interval(false)))


def _soiling(dirt: pl.DataFrame) -> dict[str, Measured]:
    told = {
        "unknown": _ratio(dirt["unknown_days"], dirt["dirty_days"], share_interval),
        "ratio": _ratio(dirt["error_sum"], dirt["known_days"], resampled_ratio),
    }
    return {name: measured for name, measured in told.items() if measured is not None}
