"""Several rows to one: sources of an asset, short intervals to longer ones, readings of a counter, tables side by side.

Frames here have the key, `name` (the source's own name of what the row is about) and channels of one raw table.
What is incomplete becomes null and is counted, never a smaller number.
"""

import math
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import polars as pl

from renewable.contract import KEY, RawTable, polars_schema
from renewable.errors import MappingError
from renewable.importers.counter_streams import counted_power, told_power
from renewable.importers.counters import TOLD
from renewable.importers.event_states import with_event_states
from renewable.importers.gaps import gap_energy_at_ends
from renewable.importers.irregular import time_weighted
from renewable.importers.mapping import Mapping
from renewable.importers.notes import Notes
from renewable.importers.repeated_hour import in_order_of_values
from renewable.importers.streams import EVENTS, KEY_AND_NAME, ROWS, SHIFTS, is_shifted

_DIRECTIONS = ("wind_direction_deg",)
_AMOUNTS = ("precipitation_mm",)
# Told at the end of a gap alone: other intervals have none, and lack nothing.
_TOLD_ONCE = ("gap_energy_kwh",)
_WORDS = ("operating_state",)
_POWERS = ("active_power_kw", "curtailment_limit_kw")

# Rows of one part and table: the part's number in the mapping, and `rows`, `events` or the target of a counter.
Streams = dict[tuple[int, str], pl.DataFrame]
_NONE: MappingType[str, Any] = MappingProxyType({})


def assembled(
    table: RawTable,
    streams: Streams,
    mapping: Mapping,
    intervals: MappingType[str, int],
    notes: Notes,
    *,
    zones: MappingType[str, str] = _NONE,
    rated_kw: MappingType[str, float] = _NONE,
    phases: MappingType[str, int] = _NONE,
) -> pl.DataFrame:
    """One frame of the contract, ordered by key, from the rows of all sources.

    The rows are whole days of UTC. What the rows of a day mean may depend on those around it (readings of counters,
    events, clock changes): give these too (see `around`), and `notes` the window that is wanted. By asset: `intervals`
    in minutes, `zones` whose midnight is that of daily counters and of shares of gaps (else the source's), `rated_kw`,
    and `phases`, the minutes by which its grid of intervals begins late.
    """
    beside, logs = [], []
    seconds: dict[str, int] = {}
    own_zones: dict[str, str] = {}
    for number, part in enumerate(mapping.parts):
        frames = []
        for (of, kind), rows in streams.items():
            if of != number:
                continue
            # Both tables have the same stamps; they are counted once.
            frame = move_pairs(rows, notes if table == mapping.all_tables[0] else Notes())
            names = frame["asset_id"].drop_nulls().unique().to_list()
            if kind == EVENTS:
                logs.append((part, frame))
                continue
            grid = _grid(part, names, intervals)
            seconds |= {name: length for name, length in grid.items() if name not in seconds}
            own_zones |= {name: zones.get(name) or _zone_of(part) for name in names if name not in own_zones}
            channel = None if kind == ROWS else part.channels(table)[kind]
            if channel is None:
                frames.append(_on_grid(frame, part, grid, phases, notes))
            elif channel.resetting is None:
                frames.append(counted_power(frame, kind, table, channel, part, notes))
            else:
                beside.append(
                    told_power(
                        frame, kind, part, grid, notes, zones=own_zones, rated_kw=rated_kw, phases=phases
                    )
                )
        if frames:
            together = combined(side_by_side(frames, KEY_AND_NAME), part, notes)
            stamp = part.timestamp
            beside.append(
                resampled(together, stamp.interval_seconds, intervals, notes, phases, stamp.enough_ratio)
            )
    if not beside:
        return pl.DataFrame(schema=polars_schema(table))
    joined = notes.inside(side_by_side(appended(beside, notes)))
    if TOLD in joined.columns:
        joined = gap_energy_at_ends(joined, seconds, own_zones, notes)
    for part, events in logs:
        if part.events is not None:
            lengths = _lengths(joined, seconds)
            joined = with_event_states(joined, events, part.events.priority, lengths, phases)
    return joined.select(
        (pl.col(name) if name in joined.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in polars_schema(table).items()
    ).sort(KEY, maintain_order=True)


def _grid(part: Mapping, assets: Sequence[str], intervals: MappingType[str, int]) -> dict[str, int]:
    """Seconds of the intervals to which an asset's rows of a source are brought; assets without one are left out."""
    source = part.timestamp.interval_seconds
    if source is None:
        return {name: intervals[name] * 60 for name in assets if name in intervals}
    own = {name: intervals.get(name, 0) * 60 for name in assets}
    return {name: own[name] if own[name] > 0 and own[name] % source == 0 else source for name in assets}


def _zone_of(part: Mapping) -> str:
    """The zone of a source's clock, where it is one by name."""
    zone = part.timestamp.zone
    return zone if zone is not None and zone[0] not in "+-" else "UTC"


def _lengths(joined: pl.DataFrame, seconds: MappingType[str, int]) -> MappingType[str, int]:
    missing = sorted(set(joined["asset_id"].drop_nulls().unique()) - set(seconds))
    if missing:
        raise MappingError(
            f"events of {', '.join(missing[:3])}: the length of its intervals is not known."
            " State timestamp.interval_minutes, or add the asset to assets.csv"
        )
    return seconds


def _on_grid(
    frame: pl.DataFrame,
    part: Mapping,
    grid: MappingType[str, int],
    phases: MappingType[str, int],
    notes: Notes,
) -> pl.DataFrame:
    stamp = part.timestamp
    if stamp.holds_minutes is None:
        return frame
    return time_weighted(
        frame,
        stamp.holds_minutes,
        stamp.label,
        stamp.enough_ratio,
        grid,
        phases,
        notes,
        words=_WORDS,
        directions=_DIRECTIONS,
    )


def move_pairs(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Stamps around clock changes where the mapping's rule puts them; drops the columns that say so."""
    if not is_shifted(frame):
        return frame.drop(SHIFTS)
    frame = in_order_of_values(frame, notes)
    count, number = pl.len().over(KEY_AND_NAME), pl.int_range(pl.len()).over(KEY_AND_NAME)
    moved_us = (
        pl.when((count == 2) & (number == 0))
        .then("first_shift_us")
        .when((count == 2) & (number == 1))
        .then("second_shift_us")
        .otherwise(0)
    )
    in_autumn = (pl.col("second_shift_us") > 0) | (pl.col("first_shift_us") > 0)
    frame = frame.with_columns(moved_us=moved_us, alone=(count == 1) & in_autumn)
    notes.add_rows(
        "stamps of a repeated hour given to the skipped or the second one", frame, pl.col("moved_us") != 0
    )
    notes.add_rows("stamps of a repeated hour that come once, read as the first", frame, pl.col("alone"))
    return frame.with_columns(pl.col("timestamp") + pl.duration(microseconds="moved_us")).drop(
        *SHIFTS, "moved_us", "alone"
    )


def combined(frame: pl.DataFrame, part: Mapping, notes: Notes) -> pl.DataFrame:
    """The rows of several sources of an asset as one: sum or mean, null unless all expected ones have a value."""
    if part.asset.combine is None:
        return frame.drop("name")
    names = part.asset.expected_names()
    expected = pl.col("asset_id").replace_strict(
        names, default=part.asset.expected or 1, return_dtype=pl.Int64
    )
    whole = (pl.len() == expected.first()) & (pl.col("name").n_unique() == expected.first())
    return _aggregated(frame.drop("name"), frame, KEY, whole, expected.first(), part.asset.combine, notes)


def resampled(
    frame: pl.DataFrame,
    seconds: int | None,
    intervals: MappingType[str, int],
    notes: Notes,
    phases: MappingType[str, int] = _NONE,
    enough_ratio: float = 1,
) -> pl.DataFrame:
    """Rows of `seconds` to the asset's own interval: means, sums of amounts, vector means.

    Null unless `enough_ratio` of the rows are there; an amount needs all.
    """
    if seconds is None or not any(interval * 60 > seconds for interval in intervals.values()):
        return frame
    own = pl.col("asset_id").replace_strict(intervals, default=0, return_dtype=pl.Int64) * 60
    phase_us = pl.col("asset_id").replace_strict(dict(phases), default=0, return_dtype=pl.Int64) * 60_000_000
    frame = frame.with_columns(own_seconds=own)
    longer = (pl.col("own_seconds") > seconds) & (pl.col("own_seconds") % seconds == 0)
    stays, short = frame.filter(~longer), frame.filter(longer)
    if short.is_empty():
        return frame.drop("own_seconds")
    us = pl.col("timestamp").to_physical()
    start = (us - (us - phase_us) % (pl.col("own_seconds") * 1_000_000)).cast(frame.schema["timestamp"])
    short = short.with_columns(
        rows_needed=pl.col("own_seconds") // seconds, at=pl.col("timestamp"), timestamp=start
    )
    needed = pl.col("rows_needed").first()
    whole = (pl.len() <= needed) & (pl.col("at").n_unique() == pl.len())
    channels = short.drop("own_seconds", "rows_needed", "at")
    enough = needed if enough_ratio == 1 else (needed * enough_ratio).ceil()
    longer_rows = _aggregated(channels, short, KEY, whole, needed, "mean", notes, enough)
    return pl.concat([stays.drop("own_seconds"), longer_rows.select(stays.drop("own_seconds").columns)])


def appended(frames: Sequence[pl.DataFrame], notes: Notes) -> list[pl.DataFrame]:
    """Sources with a channel in common one below the other.

    Rows of one key from several of them become one. What two of them say differently of a channel is null and counted;
    an empty cell contradicts nothing. Rows of one key within one source stay as they are.
    """
    groups: list[list[pl.DataFrame]] = []
    for frame in frames:
        own = set(frame.columns) - set(KEY)
        shared = [group for group in groups if any(own & set(other.columns) for other in group)]
        groups = [group for group in groups if group not in shared]
        groups.append([*(other for group in shared for other in group), frame])
    return [group[0] if len(group) == 1 else _merged(group, notes) for group in groups]


def _merged(frames: Sequence[pl.DataFrame], notes: Notes) -> pl.DataFrame:
    rows = pl.concat(
        (frame.with_columns(source=pl.lit(number)) for number, frame in enumerate(frames)), how="diagonal"
    )
    several = pl.col("source").n_unique().over(KEY) > 1
    alone = rows.filter(~several).drop("source")
    shared = rows.filter(several).drop("source")
    if shared.is_empty():
        return alone
    names = [name for name in alone.columns if name not in KEY]
    value = [pl.col(name).drop_nulls() for name in names]
    merged = shared.group_by(KEY, maintain_order=True).agg(
        *(
            pl.when(v.n_unique() == 1).then(v.first()).alias(name)
            for name, v in zip(names, value, strict=True)
        ),
        *((v.n_unique() > 1).alias(f"differs_{name}") for name, v in zip(names, value, strict=True)),
    )
    for name in names:
        notes.add_rows(
            f"values of {name} left empty, as two sources differ", merged, pl.col(f"differs_{name}")
        )
    return pl.concat([alone, merged.select(alone.columns)])


def side_by_side(frames: Sequence[pl.DataFrame], on: Sequence[str] = KEY) -> pl.DataFrame:
    """Channels of several frames joined by `on`; a key that comes several times pairs in the order of the rows."""
    if len(frames) == 1:
        return frames[0]
    first, *others = [frame.with_columns(number=pl.int_range(pl.len()).over(on)) for frame in frames]
    for other in others:
        first = first.join(other, on=[*on, "number"], how="full", coalesce=True, maintain_order="left_right")
    return first.drop("number")


def _aggregated(
    channels: pl.DataFrame,
    frame: pl.DataFrame,
    by: Sequence[str],
    whole: pl.Expr,
    needed: pl.Expr,
    power_rule: str,
    notes: Notes,
    enough: pl.Expr | None = None,
) -> pl.DataFrame:
    """`needed` rows make a group whole; `enough` of them suffice for a mean."""
    names = [name for name in channels.columns if name not in by]
    suffices = {
        name: whole & (pl.col(name).count() >= (needed if enough is None or name in _AMOUNTS else enough))
        for name in names
    }
    partly = [((pl.col(n).count() > 0) & ~suffices[n]).alias(f"partly_{n}") for n in names]
    values = [_value(name, suffices[name], power_rule) for name in names]
    found = frame.group_by(by, maintain_order=True).agg(*values, *partly)
    for name in names:
        # A limit is mostly absent; the states are a word each.
        if name not in (*_WORDS, *_TOLD_ONCE, "curtailment_limit_kw"):
            what = f"intervals of {name} left empty, as not all of their rows are there"
            notes.add_rows(what, found, pl.col(f"partly_{name}"))
    return found.select(*by, *names)


def _value(name: str, whole: pl.Expr, power_rule: str) -> pl.Expr:
    column = pl.col(name)
    if name in _WORDS:
        return pl.when(column.drop_nulls().n_unique() == 1).then(column.drop_nulls().first()).alias(name)
    if name in _DIRECTIONS:
        angle = column * math.pi / 180
        mean = pl.arctan2(angle.sin().mean(), angle.cos().mean()) * 180 / math.pi
        return pl.when(whole).then((mean + 360) % 360).alias(name)
    if name in _TOLD_ONCE:
        return pl.when(column.count() > 0).then(column.sum()).alias(name)
    if name in _AMOUNTS or (name in _POWERS and power_rule == "sum"):
        return pl.when(whole).then(column.sum()).alias(name)
    return pl.when(whole).then(column.mean()).alias(name)
