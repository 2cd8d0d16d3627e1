"""Which clock the stamps of an unknown file show, and how long its interval is."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from math import ceil
from zoneinfo import ZoneInfo

import polars as pl

from renewable.importers.draft_lines import Line, Todo, asked
from renewable.importers.draft_stamps import Stamps

WHICH_END = "which end of its interval does a stamp name?"
_REGULAR_RATIO, _LONG_LINE = 0.8, 500
_LONGEST_HELD = 720
# Whose summer time is asked for first where nothing is known of the assets.
_USUAL_ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
)


def clock_lines(
    stamps: Stamps, zones: Sequence[str], lines_above: Sequence[str], names: Sequence[str], repeats: bool
) -> list[Line]:
    """Which clock it is: asked for, as no file tells it surely. `repeats`: an asset has equal stamps."""
    above = " ".join(line for line in lines_above if len(line) < _LONG_LINE)
    if any(isinstance(line, str) and "epoch" in line for line in stamps.lines):
        return []
    if stamps.has_offset:
        return []
    choices = ["zone: UTC"]
    for zone in local_zones(zones):
        choices.append(f"zone: {zone}    # with its summer time, if it has any")
        choices += [
            f'zone: "{offset}"    # its clock of winter all the year' for offset in _winter_offsets(zone)
        ]
    said = re.search(
        r"(?:time ?zone|utc|gmt|cest|\bcet\b)[^|;]{0,30}", f"{above} {' '.join(names)}", re.IGNORECASE
    )
    hint = f" The file says {said[0].strip()!r}." if said else ""
    lines: list[Line] = [asked(f"which clock do the stamps show?{hint}", choices)]
    if repeats:
        lines.append(
            "ambiguous_hour: in_order    # equal stamps of an asset: the order of rows tells which is first"
        )
    return lines


def local_zones(zones: Sequence[str]) -> list[str]:
    """Zones to ask for: those of the registry other than UTC, else usual ones."""
    return [zone for zone in zones if zone != "UTC"] or list(_USUAL_ZONES)


def _winter_offsets(zone: str) -> list[str]:
    shifts = [datetime(2024, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7)]
    least = min(shift.total_seconds() for shift in shifts if shift is not None)
    hours, minutes = divmod(int(abs(least)) // 60, 60)
    return [f"{'-' if least < 0 else '+'}{hours:02d}:{minutes:02d}"]


def interval_lines(stamps: Stamps, keys: pl.Series | None) -> list[Line]:
    """Length of the interval as most steps have it, and which end of it a stamp names."""
    return [*interval_step(stamps, keys), label_line(stamps)]


def label_line(stamps: Stamps) -> Line:
    """Which end of its interval a stamp names."""
    return "label: start" if stamps.names_start else asked(WHICH_END, ["label: start", "label: end"])


def interval_step(stamps: Stamps, keys: pl.Series | None) -> list[Line]:
    """Length of the interval as most steps have it; no line where the format of the stamps tells it."""
    if stamps.interval_is_known:
        return []
    key = keys if keys is not None else pl.Series("key", [""]).new_from_index(0, stamps.clock.len())
    frame = pl.DataFrame([stamps.clock.alias("clock"), key.cast(pl.String).alias("key")]).drop_nulls("clock")
    steps = (
        frame.unique()
        .sort("key", "clock")
        .select(pl.col("clock").diff().over("key").dt.total_seconds())
        .to_series()
    ).drop_nulls()
    steps = steps.filter(steps > 0)
    if not steps.len():
        choices = [f"interval_minutes: {minutes}" for minutes in (10, 15, 60, 30, 5, 1)]
        why = "The file is too short to tell." if stamps.clock.count() else "No stamp could be read yet."
        return [Todo(f"how long is the interval? {why}", tuple(choices))]
    step, times = Counter(steps.to_list()).most_common(1)[0]
    if times >= _REGULAR_RATIO * steps.len():
        told = f"{step // 60}" if step % 60 == 0 else f"{step} s"
        return [f"interval_minutes: {told}"]
    median = float(steps.median() or 0)  # type: ignore[arg-type]
    minutes = max(1, round(median / 60))
    long = ceil(float(steps.quantile(0.95) or 0) / 60)
    held_minutes = [min(each, _LONGEST_HELD) for each in (2 * minutes + 1, long, 3 * minutes, 60)]
    return [
        Todo(
            f"rows come at no fixed interval, {median / 60:.3g} minutes apart as a rule."
            " How long does a value hold at most until the next row?",
            tuple(f"holds_minutes: {held}" for held in sorted(dict.fromkeys(held_minutes))),
        ),
    ]
