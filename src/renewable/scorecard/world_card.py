"""The scorecard of worlds as a table and as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from renewable.scorecard.combine import LineScore, Measured

HEADERS = (
    "kind",
    "world",
    "true events",
    "precision",
    "recall",
    "event precision",
    "event recall",
    "span precision",
    "span recall",
    "energy error",
    "false events per asset-year",
    "goals",
)
NOTE = (
    "In brackets: 95 % intervals, from the number of events. Precision and recall count intervals; for kinds of whole"
    " days they count days. Span precision and span recall count the hours of published events, with the nights and"
    " lulls inside them."
)
_NOTHING = "–"
_SHARES = ("precision", "recall", "event_precision", "event_recall", "span_precision", "span_recall")
_SHORT = {
    "energy": "energy",
    "unknown": "days without a ratio",
    "ratio": "daily ratio",
    "false_events": "false events",
}


def run_seed(seed: int, step_minutes: int) -> int:
    """The seed of a run: step lengths have fleets and weather of their own, so that no event counts twice."""
    return 10_000 * seed + step_minutes


@dataclass(frozen=True)
class WorldPlan:
    """What is simulated: each world with each seed and step length, a fleet of `wind` turbines and `solar` plants."""

    worlds: tuple[str, ...]
    seeds: tuple[int, ...]
    steps_minutes: tuple[int, ...]
    wind: int
    solar: int
    first_day: date
    days: int
    events: str

    @property
    def runs(self) -> tuple[tuple[str, int, int], ...]:
        """World, seed and step length in minutes of each run."""
        return tuple(
            (world, seed, step) for world in self.worlds for seed in self.seeds for step in self.steps_minutes
        )

    @property
    def sentence(self) -> str:
        """What the figures rest on, for people."""
        steps = ", ".join(map(str, self.steps_minutes))
        seeds = ", ".join(map(str, self.seeds))
        return (
            f"{self.wind} turbines and {self.solar} plants, {self.days} days from {self.first_day}, events"
            f" {self.events}; summed over seeds {seeds} and steps of {steps} minutes"
        )


@dataclass(frozen=True)
class WorldCard:
    """Scores of all worlds, kind by kind; `by_step` has those of each world and step length alone."""

    plan: WorldPlan
    scores: tuple[LineScore, ...]
    by_step: tuple[tuple[int, LineScore], ...]

    def as_dict(self) -> dict[str, Any]:
        """The card for programs."""
        return {
            "worlds": self.plan.worlds,
            "seeds": self.plan.seeds,
            "steps_minutes": self.plan.steps_minutes,
            "wind": self.plan.wind,
            "solar": self.plan.solar,
            "first_day": str(self.plan.first_day),
            "days": self.plan.days,
            "events": self.plan.events,
            "runs": [
                {"world": world, "seed": seed, "step_minutes": step, "seed_of_run": run_seed(seed, step)}
                for world, seed, step in self.plan.runs
            ],
            "scores": [score.as_dict() for score in self.scores],
            "by_step": [{"step_minutes": step, **score.as_dict()} for step, score in self.by_step],
        }


def table_rows(scores: Sequence[LineScore]) -> list[tuple[str, ...]]:
    """Cells by HEADERS, the worlds of a kind below each other; shares and errors with their interval of 95 %.

    Worlds in which nothing of a kind happened and nothing was found share a row.
    """
    rows = []
    for kind in dict.fromkeys(score.kind for score in scores):
        of_kind = [score for score in scores if score.kind == kind]
        rows += [_row(score, score.world) for score in of_kind if not _is_empty(score)]
        empty = [score for score in of_kind if _is_empty(score)]
        if empty:
            rows.append(_row(empty[0], ", ".join(score.world for score in empty), is_empty=True))
    return rows


def _is_empty(score: LineScore) -> bool:
    return score.is_keyed and not any(score.sums.values()) and not set(score.measures) - {"false_events"}


def _row(score: LineScore, worlds: str, *, is_empty: bool = False) -> tuple[str, ...]:
    events, found = score.sums["true_events"], score.sums["found_events"]
    head = (
        score.kind.replace("_", " "),
        worlds,
        f"{events:.0f}" if score.is_keyed else f"not in the key; {found:.0f} found",
    )
    if is_empty:
        return (*head, *[_NOTHING] * (len(HEADERS) - len(head)))
    return (
        *head,
        *(_cell(score, name, _share) for name in _SHARES),
        _cell(score, "energy", _error),
        _cell(score, "false_events", _number),
        _goals(score),
    )


def _cell(score: LineScore, name: str, told: Callable[[float], str]) -> str:
    found: Measured | None = score.measures.get(name)
    if found is None:
        return _NOTHING
    if found.low is None or found.high is None:
        return told(found.value)
    return f"{told(found.value)} ({told(found.low)} to {told(found.high)})"


def _goals(score: LineScore) -> str:
    """Verdict in words, with what no column shows."""
    beside = [
        f"{_SHORT[name]} {told(score.measures[name].value)}"
        for name, told in (("unknown", _share), ("ratio", _small))
        if name in score.measures
    ]
    if not any(verdict.is_met is not None for verdict in score.verdicts):
        return "; ".join([_NOTHING, *beside])
    missed = ", ".join(_SHORT.get(name, name.replace("_", " ")) for name in score.missed)
    return "; ".join([f"missed: {missed}" if missed else "met", *beside])


def _share(value: float) -> str:
    return f"{value:.2f}".replace("0.", ".", 1) if value < 0.995 else "1"


def _small(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)


def _error(value: float) -> str:
    return f"{round(100 * value):+d} %"


def _number(value: float) -> str:
    return f"{value:.1f}"
