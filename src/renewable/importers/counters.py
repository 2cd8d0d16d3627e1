"""From readings of an energy counter to energy: what flowed between two readings, and which readings are not believed.

A frame of readings has asset_id, name, `at` (instant of the reading, UTC) and `reading_kwh`. A reading is judged by
those within a day around it, so that a day's energy does not depend on which day is asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from renewable.errors import MappingError
from renewable.importers.channel import Counter
from renewable.importers.grid import begin_of_day, by_zone, exact_sum, over_grid
from renewable.importers.notes import Notes
from renewable.importers.streams import OF_ONE

# Energy told of an interval whose power is not known; `gaps` moves it to the end of the gap.
TOLD = "told_kwh"
SPANS_SCHEMA = pl.Schema(
    {
        "asset_id": pl.String(),
        "name": pl.String(),
        "from_utc": pl.Datetime("us", "UTC"),
        "to_utc": pl.Datetime("us", "UTC"),
        "length_us": pl.Int64(),
        "added_kwh": pl.Float64(),
        "is_fine": pl.Boolean(),
    }
)
# A reading that a later one takes back does so within this time.
REACH = timedelta(days=1)
_REACH_US = REACH // timedelta(microseconds=1)
# A device's clock may run ahead of local midnight, by summer time and more: a fall this soon before it is the reset.
_EARLY = timedelta(hours=2)
# The share of a fall that one step before it (or after it) has to make up, for the two to belong together.
_SAME_STEP_RATIO = 0.9
# Of the rated power: more is no production.
_PLAUSIBLE_RATIO = 1.5


def counter_power(
    readings: pl.DataFrame,
    counter: Counter,
    fine_us: int,
    seconds: Mapping[str, int],
    notes: Notes,
    *,
    zones: Mapping[str, str],
    rated_kw: Mapping[str, float],
    phases: Mapping[str, int],
) -> pl.DataFrame:
    """asset_id, timestamp, name, `power_kw` of whole intervals, TOLD: energy that is known of the other ones.

    Between readings at most `fine_us` apart the energy flowed evenly, as far as anybody knows. An interval has a power
    when such spans cover it, or when both its borders were read. The sum of all energies is that of the counter.
    """
    spans = counter_spans(readings, counter, fine_us, notes, zones=zones, rated_kw=rated_kw)
    pieces = over_grid(spans, seconds, phases, notes.window)
    inside = pl.col("overlap_us") == pl.col("length_us")
    known_us = pl.when(pl.col("is_fine") | inside).then(pl.col("overlap_us")).otherwise(0)
    share_kwh = pl.col("added_kwh") * (pl.col("overlap_us") / pl.col("length_us"))
    told = pieces.group_by("asset_id", "timestamp", "name", maintain_order=True).agg(
        energy_kwh=exact_sum(share_kwh), known_us=known_us.sum(), grid_us=pl.col("grid_us").first()
    )
    whole = pl.col("known_us") == pl.col("grid_us")
    hours = pl.col("grid_us") / 3_600_000_000
    return told.select(
        "asset_id",
        "timestamp",
        "name",
        pl.when(whole).then(pl.col("energy_kwh") / hours).alias("power_kw"),
        pl.when(~whole).then("energy_kwh").alias(TOLD),
    )


def counter_spans(
    readings: pl.DataFrame,
    counter: Counter,
    fine_us: int,
    notes: Notes,
    *,
    zones: Mapping[str, str],
    rated_kw: Mapping[str, float],
) -> pl.DataFrame:
    """SPANS_SCHEMA: spans between believed readings, with the energy that flowed, where it is known."""
    if readings.is_empty():
        return pl.DataFrame(schema=SPANS_SCHEMA)
    daily = counter.resets == "daily"
    sound = _with_local_days(_of_one_voice(readings, notes), zones).sort(*OF_ONE, "at")
    believed = _believed(sound, daily, notes)
    before = {name: pl.col(name).shift(1).over(OF_ONE) for name in ("at", "reading_kwh", "day", "skipped")}
    steps = believed.with_columns(
        from_utc=before["at"],
        to_utc=pl.col("at"),
        read_before=before["reading_kwh"],
        day_before=before["day"],
        stood=pl.col("reading_kwh").shift(1).over(OF_ONE) == pl.col("reading_kwh").shift(2).over(OF_ONE),
        timestamp=pl.col("at") - pl.duration(microseconds=1),
    )
    if daily:
        steps = steps.with_columns(_since_midnight())
    steps = steps.drop_nulls("from_utc").with_columns(
        length_us=(pl.col("to_utc") - pl.col("from_utc")).dt.total_microseconds(),
        rise_kwh=pl.col("reading_kwh") - pl.col("read_before"),
    )
    spans = _daily_spans(steps, fine_us, notes) if daily else _lifetime_spans(steps, fine_us, counter, notes)
    limit_kw = _limit_kw(spans, counter, rated_kw)
    too_much = (pl.col("added_kwh") > limit_kw * (pl.col("length_us") / 3_600_000_000)).fill_null(False)
    notes.add_rows("steps of a counter above the largest plausible power, set aside", spans, too_much)
    return spans.filter(~too_much).select(SPANS_SCHEMA.names())


def _of_one_voice(readings: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Each instant once; readings that contradict each other at one are left out."""
    once = readings.drop_nulls("reading_kwh").unique(maintain_order=True)
    alone = pl.len().over(*OF_ONE, "at") == 1
    stamped = once.with_columns(timestamp=pl.col("at") - pl.duration(microseconds=1))
    notes.add_rows("counter readings that contradict another at the same time, left out", stamped, ~alone)
    return once.filter(alone)


def _with_local_days(readings: pl.DataFrame, zones: Mapping[str, str]) -> pl.DataFrame:
    """Adds local days: `day` of the time before a reading, `reset_day` whose reset a fall there is, `part_of_day`.

    `midnight` is the instant at which `day` begins. A reading is taken back within one `part_of_day`: a fall over
    midnight, and one late in the evening, is a reset.
    """
    just_before = pl.col("at") - pl.duration(microseconds=1)
    found = []
    for zone, rows in by_zone(readings, zones):
        day = just_before.dt.convert_time_zone(zone).dt.date()
        local = pl.col("at").dt.convert_time_zone(zone)
        reset_day = (pl.col("at") + _EARLY).dt.convert_time_zone(zone).dt.date()
        found.append(
            rows.with_columns(
                day=day,
                reset_day=reset_day,
                part_of_day=local.dt.date().to_physical().cast(pl.Int64) + reset_day.to_physical(),
                midnight=begin_of_day(day, zone),
            )
        )
    return pl.concat(found)


def _believed(readings: pl.DataFrame, daily: bool, notes: Notes) -> pl.DataFrame:
    """The readings without those that a later one takes back; `skipped` is how many were left out before one."""
    fell = (pl.col("reading_kwh").diff() < 0).over(OF_ONE).fill_null(False).any().over(OF_ONE)
    kept = []
    for of_one in readings.with_columns(fell=fell).partition_by("fell"):
        if not of_one["fell"].item(0):
            kept.append(of_one.with_columns(skipped=pl.lit(0, pl.Int64)))
            continue
        for one in of_one.partition_by(OF_ONE, maintain_order=True):
            at = one["at"].to_physical().to_list()
            days = one["part_of_day"].to_list() if daily else [0] * len(at)
            out = taken_back(at, one["reading_kwh"].to_list(), days, daily=daily)
            marked = one.with_columns(
                out=pl.Series([place in out for place in range(len(at))], dtype=pl.Boolean),
                timestamp=pl.col("at") - pl.duration(microseconds=1),
            )
            notes.add_rows("counter readings that a later one takes back, left out", marked, pl.col("out"))
            numbers = pl.col("out").cast(pl.Int64).cum_sum()
            rest = marked.with_columns(numbers=numbers).filter(~pl.col("out"))
            kept.append(
                rest.with_columns(skipped=pl.col("numbers").diff().fill_null(pl.col("numbers"))).drop(
                    "out", "numbers", "timestamp"
                )
            )
    columns = [*readings.columns, "skipped"]
    return pl.concat([frame.select(columns) for frame in kept]).sort(*OF_ONE, "at")


def taken_back(
    at_us: Sequence[int], readings: Sequence[float], days: Sequence[int], *, daily: bool
) -> set[int]:
    """Places of readings that a later one takes back: a rise that the next fall undoes, a dip that the next rise does.

    Both within a day, and of a counter that resets daily on one day of it; there one step has to make up the rise, so
    that a day's production before an early reset is none.
    """
    out: set[int] = set()
    for fall in range(1, len(readings)):
        low, high = readings[fall], readings[fall - 1]
        if low >= high or fall - 1 in out:
            continue
        before = fall - 1
        while (
            before >= 0 and (readings[before] > low or before in out) and _is_near(before, fall, at_us, days)
        ):
            before -= 1
        if before >= 0 and readings[before] <= low and days[before] == days[fall]:
            jump = readings[before + 1] - readings[before]
            if not daily or jump >= _SAME_STEP_RATIO * (high - low):
                out.update(range(before + 1, fall))
                continue
        back = fall + 1
        while back < len(readings) and readings[back] < high and _is_near(fall, back, at_us, days):
            back += 1
        if back < len(readings) and readings[back] >= high and _is_near(fall, back, at_us, days):
            is_one_step = readings[back] - readings[back - 1] >= _SAME_STEP_RATIO * (high - low)
            if is_one_step and days[fall - 1] == days[fall]:
                out.update(range(fall, back))
    return out


def _is_near(first: int, second: int, at_us: Sequence[int], days: Sequence[int]) -> bool:
    return at_us[second] - at_us[first] <= _REACH_US and days[first] == days[second]


def _lifetime_spans(steps: pl.DataFrame, fine_us: int, counter: Counter, notes: Notes) -> pl.DataFrame:
    rolled = pl.lit(False)
    added = pl.col("rise_kwh")
    if counter.rolls_over_at is not None:
        over = pl.col("rise_kwh") + counter.rolls_over_at
        # More than half of all readings in one step is a counter that was set back.
        rolled = (pl.col("rise_kwh") < 0) & (over < counter.rolls_over_at / 2)
        added = pl.when(rolled).then(over).otherwise(added)
    fell = (pl.col("rise_kwh") < 0) & ~rolled
    notes.add_rows("counter readings below the one before (set aside)", steps, fell)
    return steps.with_columns(added_kwh=added, is_fine=_is_fine(fine_us)).filter(~fell)


def _since_midnight() -> list[pl.Expr]:
    """The very first reading of a daily counter counts from midnight, where it is sure that the counter runs.

    It is where the reading is 0 or a later one of the day is higher; at midnight, and late in the evening, it may have
    reset already.
    """
    reading, first = pl.col("reading_kwh"), pl.col("from_utc").is_null()
    runs = (reading == 0) | (reading < reading.max().over(*OF_ONE, "day"))
    counts = first & runs & (pl.col("reset_day") == pl.col("day"))
    return [
        pl.when(counts).then("midnight").otherwise("from_utc").alias("from_utc"),
        pl.when(counts).then(0.0).otherwise("read_before").alias("read_before"),
        pl.when(counts).then("day").otherwise("day_before").alias("day_before"),
        counts.alias("is_first"),
    ]


def _daily_spans(steps: pl.DataFrame, fine_us: int, notes: Notes) -> pl.DataFrame:
    """A fall is a reset; over midnight there was one, unless a fall of that day shows another hour for it."""
    fell = pl.col("rise_kwh") < 0
    resets = steps.filter(fell).select(*OF_ONE, day="reset_day", seen=pl.lit(True)).unique()
    steps = steps.join(resets, on=[*OF_ONE, "day"], how="left", maintain_order="left")
    # A counter that falls later on the day of its first reading showed the day before.
    steps = steps.filter(~(pl.col("is_first") & pl.col("seen").is_not_null()))
    new_day = pl.col("day_before") != pl.col("day")
    # A device that shows yesterday's total until it wakes up has not reset yet.
    reset = fell | (new_day & pl.col("seen").is_null() & (pl.col("rise_kwh") > 0))
    # Readings on both sides of midnight: the counter then began at 0 there.
    since_midnight = (
        reset & new_day & (pl.col("midnight") > pl.col("from_utc")) & (pl.col("length_us") > fine_us)
    )
    start = pl.when(since_midnight).then("midnight").otherwise("from_utc")
    # What the counter held between the reading before and its reset is lost, but for one that stood still.
    is_certain = (
        ~reset
        | since_midnight
        | pl.col("stood").fill_null(False)
        | (pl.col("from_utc") == pl.col("midnight"))
    )
    lost = reset & ~is_certain & (pl.col("length_us") <= fine_us)
    notes.add_rows(
        "intervals of a daily counter's reset, left empty as the energy before the reset is not known",
        steps,
        lost,
    )
    return (
        steps.filter(~lost)
        .with_columns(from_utc=start, added_kwh=pl.when(reset).then("reading_kwh").otherwise("rise_kwh"))
        .with_columns(length_us=(pl.col("to_utc") - pl.col("from_utc")).dt.total_microseconds())
        .with_columns(is_fine=_is_fine(fine_us))
    )


def _is_fine(fine_us: int) -> pl.Expr:
    # Readings that were taken back stood there: nothing came meanwhile where the counter is where it was.
    return (pl.col("length_us") <= fine_us) | ((pl.col("skipped") > 0) & (pl.col("rise_kwh") == 0))


def _limit_kw(spans: pl.DataFrame, counter: Counter, rated_kw: Mapping[str, float]) -> pl.Expr:
    if counter.largest_power_kw is None:
        return pl.lit(None, pl.Float64)
    if counter.largest_power_kw != "rated":
        return pl.lit(float(counter.largest_power_kw))
    unknown = sorted(set(spans["asset_id"].unique()) - set(rated_kw))
    if unknown:
        raise MappingError(
            f"counter.largest_power_kw: rated: the registry has no rated power of {', '.join(unknown[:3])}."
            " Add these to assets.csv, or write a number of kW"
        )
    rated = pl.col("asset_id").replace_strict(dict(rated_kw), default=None, return_dtype=pl.Float64)
    return rated * _PLAUSIBLE_RATIO
