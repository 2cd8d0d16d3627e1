"""What the project calls things: kinds of events and lines of the books, rules for doubtful readings, thresholds.

They are written once, in the seeds of the dbt project (vocabulary/*.csv). Channels are the contract's.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

from renewable.errors import RenewableError
from renewable.places import DBT_PROJECT

VOCABULARY_DIR = DBT_PROJECT / "vocabulary"
# Okabe and Ito: told apart by colour-blind readers, on light and on dark ground. Indigo, wine and sand are Tol's. The
# greys are for what is no event.
PALETTE: Mapping[str, str] = {
    "blue": "#0072b2",
    "orange": "#e69f00",
    "green": "#009e73",
    "red": "#d55e00",
    "sky": "#56b4e9",
    "pink": "#cc79a7",
    "yellow": "#f0e442",
    "indigo": "#332288",
    "wine": "#882255",
    "sand": "#ddcc77",
    "teal": "#44aa99",
    "olive": "#999933",
    "grey": "#999999",
    "slate": "#5f6b7a",
    "silver": "#c4c4c4",
}
# The kind of intervals in which nobody saw the power.
UNMEASURED = "unmeasured"
POWER = "active_power_kw"

SeenIn = Literal["interval", "day", "rest"]
FoundBy = Literal["data", "people", "both"]
Availability = Literal["available", "unavailable", "excluded", "unknown"]
Row = TypeVar("Row")


@dataclass(frozen=True)
class EventKind:
    """A row of event_kinds.csv, whose columns vocabulary/_vocabulary.yml describes."""

    kind: str
    priority: int
    gap_minutes: int
    is_estimated: bool
    seen_in: SeenIn
    found_by: FoundBy
    availability: Availability
    label: str
    colour: str
    description: str

    @property
    def hex_colour(self) -> str:
        """The colour as #rrggbb."""
        return PALETTE[self.colour]


@dataclass(frozen=True)
class ReadingRule:
    """A row of reading_rules.csv, whose columns vocabulary/_vocabulary.yml describes."""

    channel: str
    rule: str
    readings: int | None
    minutes: int | None
    step: float | None
    honest_channel: str | None
    honest_up_to: float | None
    honest_if_null: bool | None
    is_usual: bool


@dataclass(frozen=True)
class Threshold:
    """A row of thresholds.csv, whose columns vocabulary/_vocabulary.yml describes."""

    threshold: str
    unit: str
    wind: float | None
    solar: float | None
    least: float
    most: float
    is_learnt: bool
    description: str

    def default(self, technology: str) -> float | None:
        """What holds where a fleet sets nothing; None: assets of this technology have no such threshold."""
        defaults: Mapping[str, float | None] = {"wind": self.wind, "solar": self.solar}
        return defaults[technology]


def event_kinds(*seen_in: SeenIn) -> tuple[EventKind, ...]:
    """Kinds in the order of their priority; with arguments only those that are seen there.

    Raises RenewableError, naming file and row, when a cell cannot be read.
    """
    return tuple(kind for kind in _event_kinds(VOCABULARY_DIR) if not seen_in or kind.seen_in in seen_in)


def detected_kinds() -> tuple[EventKind, ...]:
    """Kinds of intervals that are found in the data, in the order of their priority."""
    return tuple(kind for kind in event_kinds("interval") if kind.found_by != "people")


def reported_kinds() -> tuple[EventKind, ...]:
    """Kinds that people may report in events.csv, in the order of their priority."""
    return tuple(kind for kind in event_kinds() if kind.found_by != "data")


def reading_rules() -> tuple[ReadingRule, ...]:
    """Rules in the order of the file. Raises RenewableError, naming file and row, when a cell cannot be read."""
    return _reading_rules(VOCABULARY_DIR)


def thresholds() -> tuple[Threshold, ...]:
    """Thresholds in the order of the file. Raises RenewableError, naming file and row, when a cell cannot be read."""
    return _thresholds(VOCABULARY_DIR)


def rule_names(*, usual: bool) -> tuple[str, ...]:
    """Names of the rules whose readings are usual (consumption, the night's offset), or of those that raise doubt."""
    return tuple(dict.fromkeys(rule.rule for rule in reading_rules() if rule.is_usual == usual))


def channels_under(rule: str) -> tuple[str, ...]:
    """Channels that can break a rule. That a power meter is frozen is seen by the plateaus, not by a reading rule."""
    named = tuple(each.channel for each in reading_rules() if each.rule == rule)
    return (*named, POWER) if rule == "frozen" else named


def rules_of(channel: str) -> tuple[str, ...]:
    """What can be doubtful about a channel, apart from a missing reading."""
    named = tuple(each.rule for each in reading_rules() if each.channel == channel)
    return ("frozen", *named) if channel == POWER else named


@cache
def _event_kinds(directory: Path) -> tuple[EventKind, ...]:
    kinds = _rows(directory / "event_kinds.csv", _event_kind)
    return tuple(sorted(kinds, key=lambda kind: kind.priority))


@cache
def _reading_rules(directory: Path) -> tuple[ReadingRule, ...]:
    return tuple(_rows(directory / "reading_rules.csv", _reading_rule))


@cache
def _thresholds(directory: Path) -> tuple[Threshold, ...]:
    return tuple(_rows(directory / "thresholds.csv", _threshold))


def _event_kind(cells: Mapping[str, str]) -> EventKind:
    if cells["colour"] not in PALETTE:
        raise ValueError(f"colour {cells['colour']!r} is none of {', '.join(PALETTE)}")
    return EventKind(
        kind=cells["kind"],
        priority=int(cells["priority"]),
        gap_minutes=int(cells["gap_minutes"]),
        is_estimated=_boolean(cells["is_estimated"]),
        seen_in=cast(SeenIn, _one_of(get_args(SeenIn), "seen_in", cells)),
        found_by=cast(FoundBy, _one_of(get_args(FoundBy), "found_by", cells)),
        availability=cast(Availability, _one_of(get_args(Availability), "availability", cells)),
        label=cells["label"],
        colour=cells["colour"],
        description=cells["description"],
    )


def _reading_rule(cells: Mapping[str, str]) -> ReadingRule:
    def known(name: str, read: Callable[[str], Row]) -> Row | None:
        return read(cells[name]) if cells[name] else None

    return ReadingRule(
        channel=cells["channel"],
        rule=cells["rule"],
        readings=known("readings", int),
        minutes=known("minutes", int),
        step=known("step", float),
        honest_channel=known("honest_channel", str),
        honest_up_to=known("honest_up_to", float),
        honest_if_null=known("honest_if_null", _boolean),
        is_usual=_boolean(cells["is_usual"]),
    )


def _threshold(cells: Mapping[str, str]) -> Threshold:
    found = Threshold(
        threshold=cells["threshold"],
        unit=cells["unit"],
        wind=float(cells["wind"]) if cells["wind"] else None,
        solar=float(cells["solar"]) if cells["solar"] else None,
        least=float(cells["least"]),
        most=float(cells["most"]),
        is_learnt=_boolean(cells["is_learnt"]),
        description=cells["description"],
    )
    for default in (found.wind, found.solar):
        if default is not None and not found.least <= default <= found.most:
            raise ValueError(f"{default:g} lies outside of {found.least:g} to {found.most:g}")
    return found


def _one_of(known: Sequence[str], column: str, cells: Mapping[str, str]) -> str:
    if cells[column] not in known:
        raise ValueError(f"{column} {cells[column]!r} is none of {', '.join(known)}")
    return cells[column]


def _boolean(cell: str) -> bool:
    if cell not in ("true", "false"):
        raise ValueError(f"{cell!r} is neither true nor false")
    return cell == "true"


def _rows(path: Path, read: Callable[[Mapping[str, str]], Row]) -> list[Row]:
    found = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, cells in enumerate(csv.DictReader(file, strict=True), start=2):
                try:
                    found.append(read(cells))
                except (KeyError, TypeError, ValueError) as error:
                    said = f"column {error} is missing" if isinstance(error, KeyError) else str(error)
                    raise RenewableError(f"{path}, row {number}: {said}. Mend the row") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RenewableError(f"{path}: cannot be read: {error}. It comes with the project") from error
    return found
