"""The marts computed a second time, interval by interval in Python, from raw files and registry.

Written from the formulas (IEC 61400-12-1, IEC 61724-1, PVWatts V5), not from the SQL: keep it that way.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import stdev
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from renewable.contract import POWER_RATIO_RANGE, RawTable, measurements
from renewable.contract.schemas import OPERATING_STATES
from renewable.fleet import Fleet

Row = dict[str, Any]
_POWER_CHANNELS = ("active_power_kw", "curtailment_limit_kw")
_RANGED = set(measurements("weather"))
R_DRY, R_VAPOUR = 287.05, 461.5
REFERENCE_DENSITY = 1.225
NOMINAL, REFERENCE = 0.96, 0.9637


@dataclass(frozen=True)
class Interval:
    """One interval of one asset as the marts should see it."""

    asset: Row
    day: date
    power_kw: float | None
    state: str | None
    wind_ms: float | None
    normalised_ms: float | None
    poa_wm2: float | None
    expected_kw: float | None

    @property
    def hours(self) -> float:
        return float(self.asset["interval_minutes"]) / 60


def expected_marts(raw_dir: Path, fleet: Fleet) -> dict[str, pl.DataFrame]:
    """mart_asset_daily, mart_fleet_daily and mart_power_curve from raw files whose rows the gate accepts.

    A value outside its range counts as missing, as the gate sets it aside; its row stays.
    """
    intervals = _intervals(raw_dir, fleet)
    daily = _asset_daily(intervals, fleet)
    return {
        "mart_asset_daily": pl.DataFrame(daily, infer_schema_length=None),
        "mart_fleet_daily": pl.DataFrame(_fleet_daily(daily), infer_schema_length=None),
        "mart_power_curve": pl.DataFrame(_power_curve(intervals), infer_schema_length=None),
    }


def _intervals(raw_dir: Path, fleet: Fleet) -> list[Interval]:
    joined: dict[tuple[str, datetime], Row] = defaultdict(dict)
    assets = {asset["asset_id"]: asset for asset in fleet.assets.iter_rows(named=True)}
    tables: tuple[RawTable, ...] = ("weather", "generation")
    for table in tables:
        ranges = {n: (c.min, c.max) for n, c in measurements(table).items() if n in _RANGED}
        for path in sorted((raw_dir / table).glob("*.parquet")):
            for row in pl.read_parquet(path).iter_rows(named=True):
                kept = _accepted(row, ranges, assets[row["asset_id"]]["rated_power_kw"])
                joined[row["asset_id"], row["timestamp"]].update(kept)
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for model, speed, power in fleet.power_curves.iter_rows():
        curves[model].append((speed, power))
    return [_interval(assets[name], stamp, row, curves) for (name, stamp), row in sorted(joined.items())]


def _accepted(row: Row, ranges: dict[str, tuple[float, float]], rated_kw: float) -> Row:
    """The row with None for each value that the gate would set aside."""
    limits = {
        name: (low * rated_kw, high * rated_kw)
        for name in _POWER_CHANNELS
        for low, high in [POWER_RATIO_RANGE]
    }
    limits |= ranges
    kept = {
        name: None
        if name in limits and value is not None and not limits[name][0] <= value <= limits[name][1]
        else value
        for name, value in row.items()
    }
    if "operating_state" in kept and kept["operating_state"] not in OPERATING_STATES:
        kept["operating_state"] = None
    return kept


def _interval(
    asset: Row, stamp: datetime, row: Row, curves: dict[str, list[tuple[float, float]]]
) -> Interval:
    normalised = expected = None
    wind, poa = row.get("wind_speed_ms"), row.get("poa_irradiance_wm2")
    if asset["technology"] == "wind" and wind is not None:
        normalised = wind * (_density(asset, row) / REFERENCE_DENSITY) ** (1 / 3)
        expected = _on_curve(normalised, curves[asset["turbine_model"]])
    if asset["technology"] == "solar" and poa is not None and row.get("module_temperature_c") is not None:
        expected = _pvwatts(asset, poa, row["module_temperature_c"])
    local = stamp.astimezone(ZoneInfo(asset["timezone"]))
    power, state = row.get("active_power_kw"), row.get("operating_state")
    return Interval(asset, local.date(), power, state, wind, normalised, poa, expected)


def _density(asset: Row, row: Row) -> float:
    def measured(name: str, otherwise: float) -> float:
        return otherwise if row.get(name) is None else float(row[name])

    elevation = asset["elevation_m"]
    kelvin = measured("air_temperature_c", 15 - 0.0065 * elevation) + 273.15
    pascal = 100 * measured("air_pressure_hpa", 1013.25 * (1 - 2.25577e-5 * elevation) ** 5.25588)
    humidity = measured("relative_humidity_pct", 50.0) / 100
    vapour = humidity * 0.0000205 * math.exp(0.0631846 * kelvin) * (1 / R_DRY - 1 / R_VAPOUR)
    return (pascal / R_DRY - vapour) / kelvin


def _on_curve(speed: float, curve: list[tuple[float, float]]) -> float:
    if speed < curve[0][0] or speed > curve[-1][0]:
        return 0.0
    above = bisect_right([v for v, _ in curve], speed)
    if above == len(curve):
        return curve[-1][1]
    (v0, p0), (v1, p1) = curve[above - 1], curve[above]
    return p0 + (p1 - p0) * (speed - v0) / (v1 - v0)


def _pvwatts(asset: Row, poa: float, module_c: float) -> float:
    warm = 1 + asset["temperature_coefficient_pct_per_c"] / 100 * (module_c - 25)
    dc = asset["dc_capacity_kw"] * max(poa, 0.0) / 1000 * warm * (1 - asset["system_loss_pct"] / 100)
    if dc <= 0:
        return 0.0
    load = dc / (asset["rated_power_kw"] / NOMINAL)
    efficiency = NOMINAL / REFERENCE * (-0.0162 * load - 0.0059 / load + 0.9858)
    return min(max(dc * efficiency, 0.0), float(asset["rated_power_kw"]))


def _asset_daily(intervals: list[Interval], fleet: Fleet) -> list[Row]:
    of_day: dict[tuple[str, date], list[Interval]] = defaultdict(list)
    zone_days: dict[str, set[date]] = defaultdict(set)
    for interval in intervals:
        of_day[interval.asset["asset_id"], interval.day].append(interval)
        zone_days[interval.asset["timezone"]].add(interval.day)
    return [
        _asset_day(asset, day, of_day[asset["asset_id"], day])
        for asset in fleet.assets.iter_rows(named=True)
        for day in sorted(zone_days[asset["timezone"]])
        if day >= asset["commissioned_on"]
    ]


def _asset_day(asset: Row, day: date, intervals: list[Interval]) -> Row:
    zone = ZoneInfo(asset["timezone"])
    midnights = [
        datetime(d.year, d.month, d.day, tzinfo=zone).timestamp() for d in (day, day + timedelta(days=1))
    ]
    hours = asset["interval_minutes"] / 60
    count = round((midnights[1] - midnights[0]) / 3600 / hours)
    observed = [i for i in intervals if i.power_kw is not None]
    known = [i for i in intervals if i.expected_kw is not None]
    both = [i for i in observed if i.expected_kw is not None]
    energy = _sum(i.power_kw * i.hours for i in observed)
    compared = _sum(i.expected_kw * i.hours for i in both)
    winds = [i.wind_ms for i in intervals if i.wind_ms is not None]
    return {
        "asset_id": asset["asset_id"],
        "date_local": day,
        "site_id": asset["site_id"],
        "technology": asset["technology"],
        "rated_power_kw": asset["rated_power_kw"],
        "intervals_expected": count,
        "intervals_observed": len(observed),
        "expected_hours": count * hours,
        "observed_hours": len(observed) * hours,
        "data_coverage_ratio": len(observed) / count,
        "energy_kwh": energy,
        "expected_energy_kwh": _sum(i.expected_kw * i.hours for i in known),
        "capacity_factor": energy / (len(observed) * hours) / asset["rated_power_kw"]
        if energy is not None
        else None,
        "performance_index": _sum(i.power_kw * i.hours for i in both) / compared if compared else None,
        "mean_wind_speed_ms": math.fsum(winds) / len(winds) if winds else None,
        "insolation_kwh_m2": _sum(
            max(i.poa_wm2, 0.0) * i.hours / 1000 for i in intervals if i.poa_wm2 is not None
        ),
    }


def _fleet_daily(daily: list[Row]) -> list[Row]:
    groups: dict[tuple[str, str, date], list[Row]] = defaultdict(list)
    for row in daily:
        for level, name in (("fleet", "fleet"), ("technology", row["technology"]), ("site", row["site_id"])):
            groups[level, name, row["date_local"]].append(row)
    found = []
    for (level, name, day), rows in sorted(groups.items()):
        energy = _sum(r["energy_kwh"] for r in rows if r["energy_kwh"] is not None)
        possible = math.fsum(r["observed_hours"] * r["rated_power_kw"] for r in rows)
        expected = [r["expected_energy_kwh"] for r in rows if r["expected_energy_kwh"] is not None]
        found.append(
            {
                "group_level": level,
                "group_name": name,
                "date_local": day,
                "assets": len(rows),
                "intervals_expected": sum(r["intervals_expected"] for r in rows),
                "intervals_observed": sum(r["intervals_observed"] for r in rows),
                "data_coverage_ratio": math.fsum(r["observed_hours"] for r in rows)
                / math.fsum(r["expected_hours"] for r in rows),
                "energy_kwh": energy,
                "expected_energy_kwh": _sum(expected),
                "capacity_factor": energy / possible if energy is not None and possible else None,
            }
        )
    return found


def _power_curve(intervals: list[Interval]) -> list[Row]:
    bins: dict[tuple[str, date, float], list[Interval]] = defaultdict(list)
    for interval in intervals:
        if interval.normalised_ms is None or interval.power_kw is None:
            continue
        if interval.state in (None, "running", "standby"):
            centre = math.floor(interval.normalised_ms * 2 + 0.5) / 2
            bins[interval.asset["asset_id"], interval.day.replace(day=1), centre].append(interval)
    return [
        {
            "asset_id": name,
            "month_local": month,
            "wind_speed_bin_ms": centre,
            "intervals": len(rows),
            "is_complete": len(rows) * rows[0].asset["interval_minutes"] >= 30,
            "mean_wind_speed_ms": _mean(i.normalised_ms for i in rows),
            "mean_power_kw": _mean(i.power_kw for i in rows),
            "std_power_kw": stdev([float(i.power_kw or 0) for i in rows]) if len(rows) > 1 else None,
            "reference_power_kw": _mean(i.expected_kw for i in rows),
        }
        for (name, month, centre), rows in sorted(bins.items())
    ]


def _sum(values: Iterable[Any]) -> float | None:
    listed = list(values)
    return math.fsum(listed) if listed else None


def _mean(values: Iterable[Any]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)
