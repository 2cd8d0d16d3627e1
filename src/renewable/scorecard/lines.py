"""The lines of the scorecard of worlds: what in the answer key is compared with what of the marts.

Each kind of the key has a line, also one that nothing looks for.
"""

from dataclasses import dataclass
from typing import Literal

from mock_data.sensors import ALL_SENSOR_FAULTS
from renewable.vocabulary import UNMEASURED, channels_under, detected_kinds, event_kinds, rule_names

Grain = Literal["interval", "day", "reading"]
Technology = Literal["wind", "solar"]

CONTRADICTED = "contradicted_sensor"
# A reading that is off by less than this share is contradicted by nothing that anybody measures.
_LEAST_SHARE = 0.2
# What of the key counts as a share that is taken off a reading.
_TAKES_A_SHARE = ("iced_anemometer", "low_anemometer", "shaded_pyranometer")
_OTHERS_SAY_SO = (*_TAKES_A_SHARE, "dead_sensor")
_CLIPPING = "clipping"
# A step, a factor, or a slow way to either: which of them it is, the data seldom tell.
_CHANGES = ("level_shift", "scale_change", "sensor_drift")
_ONLY: dict[str, Technology] = {
    "icing": "wind",
    "high_wind": "wind",
    "snow": "solar",
    "soiling": "solar",
    _CLIPPING: "solar",
    "iced_anemometer": "wind",
    "low_anemometer": "wind",
    "shaded_pyranometer": "solar",
    "dead_sensor": "solar",
}
# What happens in the world `plain` too, whose key has no spans to write it into.
_UNWRITTEN = ("high_wind", _CLIPPING)
_HOUR = 60
# A fault of a pyranometer that lasts for days is one event.
_NIGHT = 16 * _HOUR


@dataclass(frozen=True)
class Line:
    """What is compared under one name.

    `true` are kinds of the key that ought to be found; `excused` those beside which a find is not false. `flags` mark
    readings that count as found, `seen_by` those that count as noticed; `published` is the kind of mart_events.
    `gap_minutes` joins intervals to events. `least_share` leaves out true readings that are hardly wrong, `in_power`
    those of times in which the asset could give nothing. Lines with `is_judged` have a precision. Where not
    `is_in_plain`, the world `plain` has it and its key does not say when.
    """

    kind: str
    grain: Grain
    true: tuple[str, ...]
    excused: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    seen_by: tuple[str, ...] = ()
    published: str | None = None
    channels: tuple[str, ...] | None = None
    gap_minutes: int = _HOUR
    least_share: float = 0.0
    in_power: bool = False
    is_judged: bool = True
    has_energy: bool = False
    is_in_plain: bool = True

    @property
    def only(self) -> Technology | None:
        """The technology that can have it, None: both."""
        return _ONLY.get(self.kind)


def lines() -> tuple[Line, ...]:
    """Losses in their order of priority, then sensors, then each fault of the key by itself."""
    losses = [
        Line(
            kind.kind,
            "interval" if kind.seen_in == "interval" else "day",
            (kind.kind,),
            published=kind.kind,
            gap_minutes=kind.gap_minutes,
            has_energy=True,
            is_in_plain=kind.kind not in _UNWRITTEN,
        )
        for kind in event_kinds()
        if (kind in detected_kinds() and kind.kind != UNMEASURED) or kind.seen_in == "day"
    ]
    sensors = [
        Line("communication_gap", "interval", ("communication_gap", "link_loss"), published=UNMEASURED),
        Line(
            "frozen_sensor",
            "reading",
            ("frozen_sensor", "dead_sensor"),
            flags=("frozen",),
            seen_by=("contradicted",),
        ),
        Line(
            CONTRADICTED,
            "reading",
            _OTHERS_SAY_SO,
            excused=ALL_SENSOR_FAULTS,
            flags=("contradicted",),
            seen_by=("contradicted", "frozen"),
            channels=channels_under("contradicted"),
            least_share=_LEAST_SHARE,
            in_power=True,
        ),
    ]
    named = {line.kind for line in (*losses, *sensors)}
    return (
        *losses,
        *sensors,
        *(_by_itself(kind) for kind in (*ALL_SENSOR_FAULTS, _CLIPPING) if kind not in named),
    )


def _by_itself(kind: str) -> Line:
    """A kind of the key as it is noticed by any rule; precision only where a rule or an event has its name."""
    if kind == "link_loss":
        return Line(kind, "interval", (kind,), published=UNMEASURED, is_judged=False)
    has_rule = kind in rule_names(usual=False) or kind in rule_names(usual=True)
    own = (kind,) if has_rule else ()
    published = kind if any(kind == each.kind for each in event_kinds()) else None
    alike = _CHANGES if kind in _CHANGES else ()
    others = ("contradicted", "frozen") if kind in _OTHERS_SAY_SO else alike
    return Line(
        kind,
        "reading",
        (kind,),
        excused=alike,
        flags=own,
        seen_by=(*own, *others),
        published=published,
        gap_minutes=_NIGHT,
        least_share=_LEAST_SHARE if kind in _TAKES_A_SHARE else 0.0,
        in_power=kind in _OTHERS_SAY_SO,
        is_judged=bool(own or published),
        is_in_plain=kind not in _UNWRITTEN,
    )
