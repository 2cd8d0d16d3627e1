"""Suspicions of a preview that the sun tells: light or power at night, and clear days that run early or late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import radians, sin
from typing import Any

import polars as pl

from renewable.contract import RawTable
from renewable.importers.clear_sky import Plane, clear_sky_wm2, sin_elevation
from renewable.importers.evidence import Evidence
from renewable.vocabulary import reading_rules

# What is measured while the sun is this far below the horizon is none of the sun's.
_NIGHT = sin(radians(-6.0))
# Power above these shares of rated power is no standby and no noise, and is that of the day.
_DARK_RATIO, _BRIGHT_RATIO = 0.02, 0.1
# The last months are asked, some days of each that follow one another: days of the sun lie across those of UTC.
_MONTHS, _DAYS_A_MONTH = 13, 11
# Shorter intervals tell no more: of those that lie within one of so many minutes the first is taken.
_STEP_MINUTES = 15
_COARSE = tuple(range(-14 * 60, 14 * 60 + 1, 60))
_FINE = tuple(range(-60, 61, 10))
# A month's clearest days, one of so many, tell its clock, where they fit the sun so well, and that much better than
# as they are stamped. A few days alone have to fit better.
_CLEAR_OF, _FIT, _FIT_OF_FEW, _FEW, _GAIN = 4, 0.98, 0.985, 3, 0.003
_FILLED_RATIO = 0.8
# What two days or one say about less than this is not believed: they may have been odd.
_TOLD_OF_FEW_MINUTES = 90
# A cold morning, a late inverter or a hill move power by less than this.
_TOLD_MINUTES: dict[RawTable, int] = {"weather": 25, "generation": 40}


@dataclass(frozen=True)
class _Light:
    """What of an asset follows the sun, in what table; `value` is its column of `rows` beside `timestamp`."""

    table: RawTable
    channel: str
    rows: pl.DataFrame
    plane: Plane
    dark: float
    bright: float


def suspicious_sun(seen: Evidence) -> Iterator[str]:
    """For each solar asset its irradiance and its power against the sun over its place."""
    solar = seen.assets.filter(pl.col("technology") == "solar")
    sampled = {table: _sampled(seen, table, solar["asset_id"]) for table in seen.tables}
    for asset in solar.iter_rows(named=True):
        for light in _lights(sampled, asset):
            yield from _night(seen, asset, light)
            yield from _clock(seen, asset, light)


def _lights(sampled: dict[RawTable, dict[str, pl.DataFrame]], asset: dict[str, Any]) -> Iterator[_Light]:
    flat = Plane(asset["latitude_deg"], asset["longitude_deg"])
    tilted = Plane(
        flat.latitude_deg,
        flat.longitude_deg,
        asset["tilt_deg"] or 0.0,
        180.0 if asset["azimuth_deg"] is None else asset["azimuth_deg"],
        asset["mounting"] == "single_axis_tracker",
    )
    dark_wm2, rated_kw, minutes = _darkness_wm2(), asset["rated_power_kw"], asset["interval_minutes"]
    for channel, plane, dark, bright in (
        ("poa_irradiance_wm2", tilted, dark_wm2, 4 * dark_wm2),
        ("ghi_wm2", flat, dark_wm2, 4 * dark_wm2),
        ("active_power_kw", tilted, _DARK_RATIO * rated_kw, _BRIGHT_RATIO * rated_kw),
    ):
        table: RawTable = "generation" if channel == "active_power_kw" else "weather"
        own = sampled.get(table, {}).get(asset["asset_id"])
        if own is None:
            continue
        rows = own.select("timestamp", value=channel).drop_nulls()
        if minutes < _STEP_MINUTES:
            rows = rows.filter(pl.col("timestamp").dt.minute() % _STEP_MINUTES < minutes)
        if rows.height:
            middle = rows.with_columns(pl.col("timestamp") + timedelta(minutes=minutes / 2))
            yield _Light(table, channel, middle, plane, dark, bright)


def _sampled(seen: Evidence, table: RawTable, solar: pl.Series) -> dict[str, pl.DataFrame]:
    """By asset the rows of some days of each month, those of keys that come twice left out."""
    channels = ["active_power_kw"] if table == "generation" else ["poa_irradiance_wm2", "ghi_wm2"]
    frame, day = seen.tables[table], pl.col("timestamp").dt.date()
    days = frame.select(day=day).unique().drop_nulls().sort("day").collect()
    months = days["day"].dt.truncate("1mo").unique().sort().tail(_MONTHS)
    place = pl.int_range(pl.len()).over(pl.col("day").dt.truncate("1mo"))
    first = (pl.len().over(pl.col("day").dt.truncate("1mo")).cast(pl.Int64) - _DAYS_A_MONTH).clip(0) // 2
    some = days.filter(
        pl.col("day").dt.truncate("1mo").is_in(months.implode()),
        place.is_between(first, first + _DAYS_A_MONTH - 1),
    )
    rows = (
        frame.filter(day.is_in(some["day"].implode()), pl.col("asset_id").is_in(solar.implode()))
        .select("asset_id", "timestamp", *channels)
        .unique(["asset_id", "timestamp"], keep="none")
        .sort("asset_id", "timestamp")
        .collect()
    )
    return {str(name): own for (name,), own in rows.partition_by("asset_id", as_dict=True).items()}


def _darkness_wm2() -> float:
    """Up to this irradiance it is dark, as the rule for frozen pyranometers says."""
    rules = [
        rule for rule in reading_rules() if rule.channel == "poa_irradiance_wm2" and rule.rule == "frozen"
    ]
    return next(rule.honest_up_to for rule in rules if rule.honest_up_to is not None)


def _day(stamp: pl.Expr, plane: Plane) -> pl.Expr:
    return (stamp + pl.duration(minutes=round(4 * plane.longitude_deg))).dt.date()


def _night(seen: Evidence, asset: dict[str, Any], light: _Light) -> Iterator[str]:
    sine = sin_elevation(pl.col("timestamp"), light.plane)
    night = light.rows.filter((sine < _NIGHT) & (pl.col("value") > light.dark))
    bright = light.rows.filter(pl.col("value") > light.bright).height
    if night.height <= 0.01 * max(1, bright):
        return
    what = f"{light.dark:g} W/m²" if light.table == "weather" else f"{light.dark:g} kW"
    part, first = seen.part_of(light.table, light.channel), night.sort("timestamp")["timestamp"][0]
    yield (
        f"{asset['asset_id']}: {night.height} intervals of {light.channel} with more than {what} while the sun is down,"
        f" first {first:%Y-%m-%d %H:%M} UTC: a wrong time zone? See"
        f" {seen.line('timestamp.zone', part)}"
    )


def _clock(seen: Evidence, asset: dict[str, Any], light: _Light) -> Iterator[str]:
    """Months whose clear days run early or late; those that disagree show a hidden summer time."""
    least = max(_TOLD_MINUTES[light.table], round(0.6 * asset["interval_minutes"]))
    lags = {
        month: lag if abs(lag) >= least else 0
        for month, lag in months_lags(light.rows, light.plane, light.bright)
    }
    if not any(lags.values()):
        return
    part = seen.part_of(light.table, light.channel)
    zone, label = (seen.line(f"timestamp.{name}", part) for name in ("zone", "label"))
    told = f"{asset['asset_id']}: {light.channel} of clear days"
    shifted = [lag for lag in lags.values() if lag]
    if len(shifted) == len(lags) and max(shifted) - min(shifted) < least:
        yield (
            f"{told} fits the sun best {_late(sorted(shifted)[len(shifted) // 2])} its stamps: a wrong time zone"
            f" ({zone}), ends of intervals read as starts ({label}), or wrong tilt_deg and azimuth_deg of the registry?"
        )
        return
    listing = "; ".join(
        f"{_late(lag) if lag else 'on time with'} its stamps in {_listed([m for m, of in lags.items() if of == lag])}"
        for lag in sorted(set(lags.values()))
    )
    yield f"{told} fits the sun best {listing}: a summer time that is not in {zone}, or one too many?"


def months_lags(rows: pl.DataFrame, plane: Plane, bright: float) -> Iterator[tuple[date, int]]:
    """By month the minutes by which `value` comes later than the sun; months without clear days are left out.

    `rows` have timestamp (UTC, the middle of an interval) and value; days without one above `bright` do not count.
    """
    coarse = _fits(rows, plane, bright, _COARSE)
    for month in coarse["month"].unique().sort():
        best = _best(coarse.filter(pl.col("month") == month))
        of_month = rows.filter(
            pl.col("timestamp").dt.date().is_between(month - timedelta(days=1), month + timedelta(days=32))
        )
        fine = _fits(of_month, plane, bright, [best["lag"] + step for step in _FINE])
        found = _best(fine.filter(pl.col("month") == month))
        as_stamped = coarse.filter((pl.col("month") == month) & (pl.col("lag") == 0))["fit"]
        enough = _FIT_OF_FEW if found["days"] < _FEW else _FIT
        if found["fit"] < enough:
            continue
        gain = found["fit"] - (as_stamped[0] if as_stamped.len() else 0.0)
        is_much = found["days"] >= _FEW or abs(found["lag"]) >= _TOLD_OF_FEW_MINUTES
        yield month, found["lag"] if gain >= _GAIN and is_much else 0


def _best(fits: pl.DataFrame) -> dict[str, Any]:
    """The lag that fits best; of equal ones the smallest."""
    ranked = fits.with_columns(pl.col("fit").round(6)).sort(
        "fit", pl.col("lag").abs(), descending=[True, False]
    )
    return ranked.row(0, named=True)


def _fits(rows: pl.DataFrame, plane: Plane, bright: float, lags: Sequence[int]) -> pl.DataFrame:
    """By month and lag: the mean correlation of its clearest days with a clear sky, and of how many days it is."""
    true = pl.col("timestamp") - pl.duration(minutes=pl.col("lag"))
    moved = rows.join(pl.DataFrame({"lag": lags}, schema={"lag": pl.Int64()}), how="cross").with_columns(
        true=true
    )
    lit = moved.with_columns(day=_day(pl.col("true"), plane), sky=clear_sky_wm2(pl.col("true"), plane))
    value = pl.col("value")
    of_day = (
        lit.filter((pl.col("sky") > 0) | (value > 0.2 * bright))
        .group_by("lag", "day")
        .agg(
            fit=pl.corr("sky", "value"),
            rows=(pl.col("sky") > 0).sum(),
            peak=value.max(),
        )
    )
    step = rows.sort("timestamp")["timestamp"].diff().dt.total_minutes().median()
    days = of_day.filter((pl.col("peak") > bright) & pl.col("fit").is_finite() & (pl.col("rows") >= 5))
    days = days.join(_daylight(days["day"].unique(), plane), on="day")
    days = days.filter(pl.col("rows") * step >= _FILLED_RATIO * pl.col("minutes"))
    return (
        days.with_columns(month=pl.col("day").dt.truncate("1mo"))
        .group_by("month", "lag")
        .agg(
            pl.col("fit").top_k((pl.len() / _CLEAR_OF).ceil().cast(pl.UInt32)).mean(),
            days=pl.len(),
        )
    )


def _daylight(days: pl.Series, plane: Plane) -> pl.DataFrame:
    """For how many minutes the sun is up on each day of the sun: day, minutes."""
    midnight = pl.col("day").cast(pl.Datetime("us", "UTC")) - pl.duration(
        minutes=round(4 * plane.longitude_deg)
    )
    steps = pl.DataFrame({"step": range(0, 1440, 10)}, schema={"step": pl.Int64()})
    grid = pl.DataFrame({"day": days}).join(steps, how="cross")
    up = grid.filter(sin_elevation(midnight + pl.duration(minutes="step"), plane) > 0)
    return up.group_by("day").agg(minutes=pl.len() * 10)


def _late(lag: int) -> str:
    return f"{abs(lag)} minutes {'later' if lag > 0 else 'earlier'} than"


def _listed(months: Sequence[date]) -> str:
    return ", ".join(f"{month:%Y-%m}" for month in months[:6]) + (
        f" and {len(months) - 6} more months" if len(months) > 6 else ""
    )
