"""How a value looks on a page: rounded for the eye, whole for whoever sorts, reads or checks it; texts escaped."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

NOTHING = Markup('<span class="none" data-value="" title="not known">–</span>')


def number(value: float | int | None, decimals: int = 0, *, divisor: float = 1.0, unit: str = "") -> Markup:
    """`value` by `divisor` with thousands and unit; `data-value` keeps it as the mart has it."""
    if value is None:
        return NOTHING
    shown = f"{value / divisor:,.{decimals}f}".replace("-", "−")
    if not shown.strip("−0.,"):
        shown = shown.removeprefix("−")
    gap = "\N{NO-BREAK SPACE}" if unit else ""
    return Markup('<span class="num" data-value="{}">{}{}{}</span>').format(repr(value), shown, gap, unit)


def share(value: float | None, decimals: int = 1) -> Markup:
    """A ratio in per cent."""
    return number(value, decimals, divisor=0.01, unit="%")


def text(value: object) -> Markup:
    """Any text, escaped; underscores of our own names become blanks where the caller wants them to."""
    return NOTHING if value is None else escape(str(value))


def link(href: str, label: object) -> Markup:
    """A link to another page of the report."""
    return Markup('<a href="{}">{}</a>').format(href, label)


def moment(at: datetime | None) -> Markup:
    """A moment as UTC, to the minute."""
    if at is None:
        return NOTHING
    return Markup('<time data-value="{}" datetime="{}">{}</time>').format(
        epoch_ms(at), f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M}"
    )


def age(at: datetime | None) -> Markup:
    """A moment that the page's script turns into an age as of when it is viewed; without script it stays absolute."""
    if at is None:
        return NOTHING
    return Markup('<time class="age" data-age="{}" datetime="{}">{} UTC</time>').format(
        epoch_ms(at), f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M}"
    )


def epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def sparkline(values: Sequence[float | None], low: float, high: float, name: str) -> Markup:
    """A line of a few pixels between `low` and `high`; gaps where nothing is known."""
    width, height = 90.0, 22.0
    step = width / max(1, len(values) - 1)
    runs: list[list[str]] = [[]]
    for position, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        level = (min(max(value, low), high) - low) / (high - low)
        runs[-1].append(f"{position * step:.1f},{height - 1 - level * (height - 2):.1f}")
    # A day between two gaps is a stroke of its own, or it would not be seen.
    lines = [run if len(run) > 1 else [run[0], run[0]] for run in runs if run]
    drawn = Markup("").join(Markup('<polyline points="{}"/>').format(" ".join(run)) for run in lines)
    known = [value for value in values if value is not None]
    said = f"{name}: {100 * known[0]:.0f} % to {100 * known[-1]:.0f} %" if known else f"{name}: nothing known"
    return Markup(
        '<svg class="spark" role="img" aria-label="{0}" viewBox="0 0 {1:.0f} {2:.0f}" width="{1:.0f}"'
        ' height="{2:.0f}">{3}</svg>'
    ).format(said, width, height, drawn)


def script_json(value: Any) -> Markup:
    """JSON that may stand in a script tag: whatever texts it holds, none of them can close the tag."""
    said = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(
        said.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
