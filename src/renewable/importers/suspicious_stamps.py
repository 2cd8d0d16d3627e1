"""Suspicions of a preview about stamps: their grid, their interval, clock changes, the order of day and month."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from renewable.contract import KEY
from renewable.importers.clock import spring_gaps
from renewable.importers.evidence import Evidence
from renewable.importers.order_of_days import other_order
from renewable.importers.timestamp import NUMBERS, Timestamp

_HOUR = timedelta(hours=1)
# Clocks of machines may go that much before ours.
_AHEAD = timedelta(hours=1)
# Of the rows of an ordinary day this share makes a day that counts: labels at the end reach into another.
_DAY_RATIO = 0.25
# So many months have a day of one number, when day and month are exchanged.
_MONTHS = 3
# Of the steps from stamp to stamp this share has one length, where there is an interval.
_STEADY_RATIO = 0.6


def suspicious_stamps(seen: Evidence) -> Iterator[str]:
    """All that stamps alone can tell."""
    yield from _off_the_grid(seen)
    yield from _interval(seen)
    yield from _order(seen)
    yield from _future(seen)
    yield from _clock_changes(seen)


def _off_the_grid(seen: Evidence) -> Iterator[str]:
    registry = seen.assets.lazy().select("asset_id", "interval_minutes", "interval_offset_minutes")
    for table, frame in seen.tables.items():
        offset_us = pl.col("interval_offset_minutes").fill_null(0) * 60_000_000
        past_us = (pl.col("timestamp").to_physical() - offset_us) % (pl.col("interval_minutes") * 60_000_000)
        offs = (
            frame.join(registry, on="asset_id")
            .filter(past_us != 0)
            .group_by((past_us / 60_000_000).alias("minutes"))
            .len()
            .sort("len", "minutes", descending=[True, False])
            .collect()
        )
        if offs.height:
            common = offs["minutes"][0]
            yield (
                f"{table}: {offs['len'].sum()} stamps lie off the interval grid, mostly by {common:g} minutes; they"
                " would end in quarantine. Are interval_minutes and interval_offset_minutes of the registry right?"
                " Hours of a zone of half an hour start at half past. Of a late logger see"
                f" {seen.line('timestamp.snap_minutes')}"
            )


def _interval(seen: Evidence) -> Iterator[str]:
    """The interval that is stated, or that of the registry, against the most common step from stamp to stamp."""
    minutes = dict(seen.assets.select("asset_id", "interval_minutes").iter_rows())
    for number, part in enumerate(seen.mapping.parts):
        if part.timestamp.holds_minutes is not None or part.events is not None:
            continue
        stamps = seen.stamps.filter(pl.col("part") == number).unique(["asset_id", "name", "timestamp"])
        steps = (
            stamps.sort("asset_id", "name", "timestamp")
            .with_columns(step=pl.col("timestamp").diff().over("asset_id", "name").dt.total_seconds())
            .drop_nulls("step")
        )
        if steps.height < 10:
            continue
        common = steps["step"].value_counts(sort=True).row(0)
        if common[1] < _STEADY_RATIO * steps.height:
            continue
        stated = part.timestamp.interval_seconds
        if stated is not None and stated != common[0]:
            yield (
                f"stamps follow one another every {_length(common[0])}, and the mapping states {_length(stated)}:"
                f" is {seen.line('timestamp.interval_minutes', number)} right?"
            )
        elif stated is None:
            registered = {minutes[name] * 60 for name in steps["asset_id"].unique() if name in minutes}
            if registered and common[0] not in registered:
                yield (
                    f"stamps follow one another every {_length(common[0])}, and the registry's interval_minutes says"
                    f" {' or '.join(_length(each) for each in sorted(registered))}: state"
                    f" {seen.line('timestamp.interval_minutes', number)}, or mend the registry"
                )


def _length(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} s"


def _order(seen: Evidence) -> Iterator[str]:
    """Whether day and month are the other way round."""
    for number, part in enumerate(seen.mapping.parts):
        if _first_field(part.timestamp) is None:
            continue
        days = _days(seen.stamps.filter(pl.col("part") == number), part.timestamp)
        found = other_order(days) if days else "not"
        line = seen.line("timestamp.format", number)
        numbers = sorted({day.day for day in days})
        if found == "better":
            yield (
                f"days and months seem to be exchanged: {len(days)} days of numbers up to {max(numbers)} lie scattered"
                f" over {len({(d.year, d.month) for d in days})} months, and read the other way round they run on"
                f" ({_runs(days)}). Exchange %d and %m in {line}, or was the file changed by a spreadsheet?"
            )
        elif found == "not" and len(numbers) == 1 and len({(d.year, d.month) for d in days}) >= _MONTHS:
            yield (
                f"all days are the {numbers[0]}. of {len(days)} months: is a part of the stamps read as another?"
                f" See {line}"
            )


def open_order(seen: Evidence) -> Iterator[str]:
    """A question for each part whose stamps do not tell whether day or month comes first."""
    for number, part in enumerate(seen.mapping.parts):
        days = _days(seen.stamps.filter(pl.col("part") == number), part.timestamp)
        if _first_field(part.timestamp) != "day or month" or not days or other_order(days) != "as well":
            continue
        exchanged = {date(day.year, day.day, day.month) for day in days}
        if max(exchanged) <= (seen.now + _AHEAD).date():
            yield (
                f"does day or month come first? The stamps are read as {_listed(days)}, and would be"
                f" {_listed(exchanged)} the other way round. Make sure of %d and %m in"
                f" {seen.line('timestamp.format', number)}"
            )


def _first_field(stamp: Timestamp) -> str | None:
    """Which of year, month and day comes first in a format that has month and day as numbers."""
    if stamp.format in NUMBERS or not stamp.format:
        return None
    # %-d and %e are days, too.
    text = stamp.format.replace("%-", "%").replace("%e", "%d")
    at = {token: text.find(token) for token in ("%Y", "%y", "%m", "%d") if token in text}
    if not {"%d", "%m"} <= {*at}:
        return None
    return "year" if min(at, key=lambda token: at[token]) in ("%Y", "%y") else "day or month"


def _days(stamps: pl.DataFrame, stamp: Timestamp) -> set[date]:
    """The days that stamps have by their own clock; those with few rows beside the others do not count."""
    offset = stamp.zone or "UTC"
    local = pl.col("timestamp")
    if offset[0] in "+-":
        sign = -1 if offset[0] == "-" else 1
        minutes = sign * (int(offset[1:3]) * 60 + int(offset[4:6]))
        local = local + pl.duration(minutes=minutes)
    else:
        local = local.dt.convert_time_zone(offset)
    rows = stamps.group_by(day=local.dt.date()).len()
    most = rows.filter(pl.col("len") >= _DAY_RATIO * pl.col("len").max())
    return set(most["day"])


def _runs(days: set[date]) -> str:
    exchanged = sorted(date(day.year, day.day, day.month) for day in days)
    return f"{exchanged[0]} to {exchanged[-1]}"


def _listed(days: set[date]) -> str:
    some = sorted(days)
    return ", ".join(str(day) for day in some[:3]) + (
        f" and {len(some) - 3} more days" if len(some) > 3 else ""
    )


def _future(seen: Evidence) -> Iterator[str]:
    late = seen.stamps.filter(pl.col("timestamp") > seen.now + _AHEAD)
    for part, rows, last in (
        late.group_by("part").agg(pl.len(), pl.col("timestamp").max()).sort("part").iter_rows()
    ):
        yield (
            f"{rows} stamps lie in the future, up to {last:%Y-%m-%d %H:%M} UTC: are they a forecast, or is"
            f" {seen.line('timestamp.format', part)} or {seen.line('timestamp.zone', part)} wrong?"
        )


def _clock_changes(seen: Evidence) -> Iterator[str]:
    assets = seen.assets
    for table, frame in seen.tables.items():
        keys = frame.select(KEY)
        span = keys.select(a=pl.col("timestamp").min(), b=pl.col("timestamp").max()).collect().row(0)
        if span[0] is None:
            continue
        doubles = keys.group_by(KEY).len().filter(pl.col("len") > 1).collect()
        for zone in assets["timezone"].unique().sort():
            of_zone = assets.filter(pl.col("timezone") == zone)
            for year in range(span[0].year, span[1].year + 1):
                for wall, length in spring_gaps(zone, year):
                    at = (wall - (wall.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta())).replace(
                        tzinfo=UTC
                    )
                    yield from _around_change(table, keys, doubles, of_zone, zone, at, wall, length)
        if doubles.height:
            yield f"{table}: {doubles.height} keys come more than once; where their values differ none is used"


def _around_change(
    table: str,
    keys: pl.LazyFrame,
    doubles: pl.DataFrame,
    assets: pl.DataFrame,
    zone: str,
    at: datetime,
    wall: datetime,
    length: timedelta,
) -> Iterator[str]:
    """Doubles near the spring change, and whether an hour of the same length is missing near the autumn one."""
    near = doubles.filter(pl.col("timestamp").is_between(at - 2 * _HOUR, at + 4 * _HOUR))
    near = near.filter(pl.col("asset_id").is_in(assets["asset_id"].implode()))
    if near.is_empty():
        return
    year_end = datetime(at.year, 12, 31, tzinfo=UTC)
    hour, autumn = at + timedelta(days=90), None
    while hour < year_end and autumn is None:
        before, after = (t.astimezone(ZoneInfo(zone)).utcoffset() for t in (hour, hour + _HOUR))
        autumn = hour + _HOUR if before and after is not None and after < before else None
        hour += _HOUR
    gap = ""
    if autumn is not None:
        around = keys.filter(pl.col("timestamp").is_between(autumn - 3 * _HOUR, autumn + 3 * _HOUR)).collect()
        steps = around.sort(KEY).select(pl.col("timestamp").diff().over("asset_id").max()).item()
        if steps is not None and steps > length:
            gap = f", and {autumn:%Y-%m-%d} has a gap of {steps}"
    yield (
        f"{table}: {near.height} stamps come twice in the hours after the spring change of {zone}"
        f" ({wall:%Y-%m-%d}){gap}: the stamps know no summer time and were given that of this zone. State"
        f" timestamp.offset: ignored with the zone that the clock follows, and timestamp.spring_pairs: {zone}"
    )
