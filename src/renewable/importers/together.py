"""Several rows to one: sources of an asset, short intervals to longer ones, readings of a counter, tables side by side.

Frames here have the key, `name` (the source's own name of what the row is about) and channels of one raw table.
What is incomplete becomes null and is counted, never a smaller number.
"""

import math
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from types import MappingProxyType

import polars as pl

from renewable.contract import KEY, RawTable, column_unit, polars_schema
from renewable.importers.mapping import Mapping
from renewable.importers.notes import Notes
from renewable.importers.repeated_hour import SHIFTED, in_order_of_values
from renewable.importers.units import conversion

KEY_AND_NAME = ("asset_id", "timestamp", "name")
SHIFTS = ("first_shift_us", "second_shift_us")
READING = "reading_"
_DIRECTIONS = ("wind_direction_deg",)
_AMOUNTS = ("precipitation_mm",)
# Told at the end of a gap alone: other intervals have none, and lack nothing.
_TOLD_ONCE = ("gap_energy_kwh",)
_WORDS = ("operating_state",)
_POWERS = ("active_power_kw", "curtailment_limit_kw")

# Rows of one part and table: the part's number in the mapping, and `rows` or the target of a counter.
Streams = dict[tuple[int, str], pl.DataFrame]
_NONE: MappingType[str, int] = MappingProxyType({})


def assembled(
    table: RawTable,
    streams: Streams,
    mapping: Mapping,
    intervals: MappingType[str, int],
    notes: Notes,
    *,
    phases: MappingType[str, int] = _NONE,
) -> pl.DataFrame:
    """One frame of the contract, ordered by key, from the rows of all sources.

    `intervals` are the minutes of each asset's interval; `phases` say of some by how many minutes its grid begins late.
    The rows are whole days of UTC. What the rows of a day mean may depend on those around it (readings of
    counters, clock changes): give these too, and `notes` the window that is wanted.
    """
    beside = []
    for number, part in enumerate(mapping.parts):
        frames = []
        for (of, kind), rows in streams.items():
            if of != number:
                continue
            # Both tables have the same stamps; they are counted once.
            frame = move_pairs(rows, notes if table == mapping.all_tables[0] else Notes())
            if kind != "rows":
                channel = part.channels(table)[kind]
                minutes = part.timestamp.interval_minutes or 0
                frame = counted(frame, minutes, notes)
                change = conversion(column_unit(table, kind), channel.unit or "", minutes)
                frame = frame.with_columns(change.apply(pl.col(kind)) * channel.sign)
            frames.append(frame)
        if frames:
            together = combined(side_by_side(frames, KEY_AND_NAME), part, notes)
            own = part.timestamp.interval_minutes
            beside.append(resampled(together, own, intervals, notes, phases))
    joined = side_by_side(appended(beside, notes))
    return (
        notes.inside(joined)
        .select(
            (pl.col(name) if name in joined.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in polars_schema(table).items()
        )
        .sort(KEY, maintain_order=True)
    )


def move_pairs(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Stamps around clock changes where the mapping's rule puts them; drops the columns that say so."""
    if not frame.select(SHIFTED.any()).item():
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


def counted(frame: pl.DataFrame, minutes: int, notes: Notes) -> pl.DataFrame:
    """Readings of counters to what was added in each interval, in the reading's unit.

    A row's `timestamp` is the start of the interval that its reading closes. The first reading of all tells nothing.
    After a gap, or where the counter fell, the interval has null: what was added meanwhile belongs to no single
    interval.
    """
    (reading,) = (name for name in frame.columns if name.startswith(READING))
    target = reading.removeprefix(READING)
    rows = frame.drop_nulls(reading).unique(maintain_order=True).sort(KEY_AND_NAME, maintain_order=True)
    of_one, step = ("asset_id", "name"), pl.duration(minutes=minutes)
    rows = rows.with_columns(
        passed=pl.col("timestamp").diff().over(of_one), added=pl.col(reading).diff().over(of_one)
    ).filter(pl.col("passed").is_not_null())
    fell = (pl.col("added") < 0) & (pl.col("passed") == step)
    notes.add_rows("counter readings after a gap (their energy is set aside)", rows, pl.col("passed") > step)
    notes.add_rows("counter readings below the one before (set aside)", rows, fell)
    good = (pl.col("passed") == step) & (pl.col("added") >= 0)
    return rows.select(*KEY_AND_NAME, pl.when(good).then("added").alias(target))


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
    minutes: int | None,
    intervals: MappingType[str, int],
    notes: Notes,
    phases: MappingType[str, int] = _NONE,
) -> pl.DataFrame:
    """Rows of `minutes` to the asset's own interval: means, sums of amounts, vector means; null unless complete."""
    if minutes is None or not any(interval > minutes for interval in intervals.values()):
        return frame
    own = pl.col("asset_id").replace_strict(intervals, default=minutes, return_dtype=pl.Int64)
    frame = frame.with_columns(own_minutes=own)
    longer = (pl.col("own_minutes") > minutes) & (pl.col("own_minutes") % minutes == 0)
    stays, short = frame.filter(~longer), frame.filter(longer)
    if short.is_empty():
        return frame.drop("own_minutes")
    us = pl.col("timestamp").to_physical()
    phase = pl.col("asset_id").replace_strict(dict(phases), default=0, return_dtype=pl.Int64)
    since = (us - phase * 60_000_000) % (pl.col("own_minutes") * 60_000_000)
    start = (us - since).cast(frame.schema["timestamp"])
    short = short.with_columns(
        rows_needed=pl.col("own_minutes") // minutes, at=pl.col("timestamp"), timestamp=start
    )
    needed = pl.col("rows_needed").first()
    whole = (pl.len() == needed) & (pl.col("at").n_unique() == needed)
    channels = short.drop("own_minutes", "rows_needed", "at")
    longer_rows = _aggregated(channels, short, KEY, whole, needed, "mean", notes)
    return pl.concat([stays.drop("own_minutes"), longer_rows.select(stays.drop("own_minutes").columns)])


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
) -> pl.DataFrame:
    names = [name for name in channels.columns if name not in by]
    partly = [
        ((pl.col(n).count() > 0) & ~(whole & (pl.col(n).count() == needed))).alias(f"partly_{n}")
        for n in names
    ]
    values = [_value(name, whole & (pl.col(name).count() == needed), power_rule) for name in names]
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
