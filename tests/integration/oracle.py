"""The marts computed a second time, interval by interval in Python, from raw files and registry.

Written from the formulas (IEC 61400-12-1, IEC 61400-26-1, IEC 61724-1, PVWatts V5), not from the SQL: keep it that
way. What an interval is taken for (event, flags) is an input, `labels`; how good that is, the scorecard tells.
"""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median, stdev
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from renewable.contract import POWER_RATIO_RANGE, RawTable, column_technology, measurements
from renewable.contract.schemas import OPERATING_STATES
from renewable.fleet import Fleet

Row = dict[str, Any]
_POWER_CHANNELS = ("active_power_kw", "curtailment_limit_kw")
_RANGED = set(measurements("weather"))
R_DRY, R_VAPOUR = 287.05, 461.5
REFERENCE_DENSITY = 1.225
NOMINAL, REFERENCE = 0.96, 0.9637


# What people alone report, in the order in which it counts; the last stops an asset, the others are no fault of it.
TOLD = ("force_majeure", "grid_outage", "operator_order", "planned_maintenance")
STOPPED, EXCLUDED = ("downtime", "planned_maintenance"), TOLD[:3]
CATEGORIES = (
    "unmeasured",
    "downtime",
    "high_wind",
    "curtailment",
    "icing",
    "snow",
    "derating",
    "soiling",
    "underperformance",
    "residual",
)
GAP_MINUTES = {"high_wind": 60, "curtailment": 60, "icing": 180, "snow": 960, "derating": 960}
FLAGS = (
    "frozen",
    "interpolated",
    "spike",
    "out_of_range",
    "contradicted",
    "night_offset",
    "above_rated",
    "negative",
    "scale_change",
    "level_shift",
    "sensor_drift",
    "clock_shift",
    "clipping",
)
CHANNELS = {
    "active_power_kw": None,
    **{name: column_technology("weather", name) for name in measurements("weather")},
}
# The last: no rain washes.
CLEANING_RAIN_MM, SOILING_DAYS, HINDSIGHT_DAYS = (0.4, 0.7, 1.2, 2.0, 3.5, 6.0, math.inf), 73, 30
DAY = timedelta(days=1)


@dataclass
class Interval:
    """One interval of one asset as the marts should see it."""

    asset: Row
    stamp: datetime
    day: date
    row: Row
    label: Row
    normalised_ms: float | None
    expected_kw: float | None
    from_neighbours: bool = False
    reported: str | None = None
    set_aside: frozenset[str] = frozenset()

    @property
    def hours(self) -> float:
        return float(self.asset["interval_minutes"]) / 60

    @property
    def power_kw(self) -> float | None:
        return self.row.get("active_power_kw")

    @property
    def kind(self) -> str | None:
        return self.reported or self.label.get("event_kind")

    @property
    def is_free_by_report(self) -> bool:
        """Nothing that is reported holds the asset back."""
        limit, rated = self.row.get("curtailment_limit_kw"), self.asset["rated_power_kw"]
        if (
            self.reported
            or self.power_kw is None
            or self.row.get("operating_state") not in (None, "running", "standby")
        ):
            return False
        is_limited = limit is not None and limit < 0.99 * rated
        return not (is_limited and abs(self.power_kw - limit) <= max(0.03 * limit, 0.01 * rated))

    @property
    def is_free(self) -> bool:
        return self.kind is None and self.is_free_by_report

    @property
    def poa_wm2(self) -> float | None:
        poa = self.row.get("poa_irradiance_wm2")
        return None if poa is None else max(poa, 0.0)

    @property
    def counted_kwh(self) -> float | None:
        """What a counter tells over a gap that ends here."""
        return self.row.get("gap_energy_kwh")

    @property
    def gap_kwh(self) -> float | None:
        if self.power_kw is None and self.counted_kwh is not None:
            return (self.expected_kw or 0.0) * self.hours - self.counted_kwh
        if self.expected_kw is None:
            return None
        return (self.expected_kw - (self.power_kw or 0.0)) * self.hours

    def losses(self) -> dict[str, float]:
        """The gap by category; soiling and residual together as `unexplained`."""
        found = self._losses_of_interval()
        if self.power_kw is not None and self.counted_kwh is not None:
            found["unmeasured"] = found.get("unmeasured", 0.0) - self.counted_kwh
        return found

    def _losses_of_interval(self) -> dict[str, float]:
        gap = self.gap_kwh
        if gap is None:
            return {}
        if self.kind in ("unmeasured", "high_wind", *STOPPED, *EXCLUDED):
            return {self.kind: gap}
        found: dict[str, float] = {}
        limit = self.row.get("curtailment_limit_kw")
        if self.kind == "curtailment":
            assert self.expected_kw is not None
            if self.reported and limit is not None and limit >= self.expected_kw:
                limit = None
            part = gap if limit is None else min(gap, (self.expected_kw - limit) * self.hours)
            found["curtailment"] = part
            gap -= part
        cause = self.kind if self.kind in ("icing", "snow", "derating") else self.label.get("second_cause")
        found[cause or "unexplained"] = gap
        return found


@dataclass(frozen=True)
class Told:
    """What people know of an asset from `start` to `end`, UTC: a kind of event, or a channel (or *) that is wrong."""

    asset_id: str
    start: datetime
    end: datetime
    what: str
    note: str | None = None

    def holds(self, asset: Row, stamp: datetime) -> bool:
        middle = stamp + timedelta(minutes=asset["interval_minutes"]) / 2
        return self.asset_id == asset["asset_id"] and self.start <= middle < self.end


def expected_marts(
    raw_dir: Path,
    fleet: Fleet,
    labels: pl.DataFrame,
    events: Sequence[Told] = (),
    bad_readings: Sequence[Told] = (),
) -> dict[str, pl.DataFrame]:
    """All marts from raw files whose rows the gate accepts.

    A value outside its range counts as missing, as the gate sets it aside; its row stays. `labels` has asset_id,
    timestamp_utc, event_kind, <channel>_flag, is_contradicted (its own weather), and second_cause: what else
    acted under a limit.
    """
    intervals = _intervals(raw_dir, fleet, labels, events, bad_readings)
    soiling = _soiling(intervals, fleet)
    daily = _asset_daily(intervals, fleet, soiling)
    losses = _losses_daily(daily)
    marts = {
        "mart_asset_daily": [{k: v for k, v in row.items() if not k.startswith("_")} for row in daily],
        "mart_losses_daily": losses,
        "mart_fleet_daily": _fleet_daily(daily),
        "mart_asset_monthly": _monthly(daily),
        "mart_power_curve": _power_curve(intervals),
        "mart_data_quality_daily": _data_quality(intervals, daily),
        "mart_events": _events(intervals, daily, soiling, events),
    }
    return {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in marts.items()}


def _intervals(
    raw_dir: Path,
    fleet: Fleet,
    labels: pl.DataFrame,
    events: Sequence[Told],
    bad_readings: Sequence[Told],
) -> list[Interval]:
    joined: dict[tuple[str, datetime], Row] = {}
    states: dict[str, list[Row]] = defaultdict(list)
    for asset in fleet.rows.iter_rows(named=True):
        states[asset["asset_id"]].append(asset)
    most_kw = {name: max(state["rated_power_kw"] for state in of) for name, of in states.items()}
    tables: tuple[RawTable, ...] = ("weather", "generation")
    stamps: set[tuple[datetime, datetime]] = set()
    for table in tables:
        ranges = {n: (c.min, c.max) for n, c in measurements(table).items() if n in _RANGED}
        for path in sorted((raw_dir / table).glob("*.parquet")):
            for row in pl.read_parquet(path).iter_rows(named=True):
                name, stamp = row["asset_id"], row["timestamp"]
                joined.setdefault((name, stamp), {}).update(_accepted(row, ranges, most_kw[name]))
                stamps.add((stamp, stamp + timedelta(minutes=states[name][0]["interval_minutes"])))
    # From the midnight before the first reading on, as far as readings of anybody go.
    begin = min(stamp for stamp, _ in stamps).replace(hour=0, minute=0)
    last_stamp, end = max(stamp for stamp, _ in stamps), max(end for _, end in stamps)
    for name, (asset, *_) in states.items():
        step, stamp = timedelta(minutes=asset["interval_minutes"]), begin
        while stamp <= last_stamp and stamp + step <= end:
            joined.setdefault((name, stamp), {})
            stamp += step
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for model, speed, power in fleet.power_curves.iter_rows():
        curves[model].append((speed, power))
    label_of = {(row["asset_id"], row["timestamp_utc"]): row for row in labels.iter_rows(named=True)}
    found = []
    for (name, stamp), row in sorted(joined.items()):
        asset = _state(states[name], stamp)
        bad = {told.what for told in bad_readings if told.holds(asset, stamp)}
        wrong = frozenset(c for c, value in row.items() if value is not None and bad & {c, "*"})
        row.update(dict.fromkeys(wrong))
        each = _interval(asset, stamp, row, label_of.get((name, stamp), {}), curves)
        each.set_aside = wrong
        kinds = {told.what for told in events if told.holds(asset, stamp)}
        each.reported = next((kind for kind in (*TOLD, *CATEGORIES) if kind in kinds), None)
        found.append(each)
    found = [interval for interval in found if _has_day(interval.asset, interval.day)]
    _ask_neighbours(found)
    return found


def _state(states: list[Row], stamp: datetime) -> Row:
    """The row of the registry, of an asset's rows from old to new, that holds on the local day of an instant."""
    day = stamp.astimezone(ZoneInfo(states[0]["timezone"])).date()
    return [states[0], *(state for state in states[1:] if state["valid_from"] <= day)][-1]


def _has_day(asset: Row, day: date) -> bool:
    first = max(filter(None, (asset["commissioned_on"], asset["data_from"])))
    return bool(first <= day and (asset["decommissioned_on"] is None or day <= asset["decommissioned_on"]))


def _ask_neighbours(intervals: list[Interval]) -> None:
    beside: dict[tuple[str, str, datetime], list[float]] = defaultdict(list)
    for each in intervals:
        if each.expected_kw is not None:
            key = (each.asset["site_id"], each.asset["technology"], each.stamp)
            beside[key].append(each.expected_kw / each.asset["rated_power_kw"])
    for each in intervals:
        loads = beside.get((each.asset["site_id"], each.asset["technology"], each.stamp))
        if each.expected_kw is None and loads:
            each.expected_kw = math.fsum(loads) / len(loads) * each.asset["rated_power_kw"]
            each.from_neighbours = True
    _ask_power_beside(intervals)


def _ask_power_beside(intervals: list[Interval]) -> None:
    """Where a unit stands and no weather is known: what those give that produce, where half of them do."""
    units: dict[tuple[str, str], set[str]] = defaultdict(set)
    producing: dict[tuple[str, str, datetime], list[float]] = defaultdict(list)
    for each in intervals:
        site, technology, rated = (each.asset[key] for key in ("site_id", "technology", "rated_power_kw"))
        units[site, technology].add(each.asset["asset_id"])
        if each.power_kw is not None and each.power_kw > 0.02 * rated:
            producing[site, technology, each.stamp].append(each.power_kw / rated)
    for each in intervals:
        site, technology, rated = (each.asset[key] for key in ("site_id", "technology", "rated_power_kw"))
        stands = each.power_kw is not None and each.power_kw <= 0.0025 * rated
        loads = producing.get((site, technology, each.stamp), [])
        if (
            each.expected_kw is None
            and stands
            and loads
            and 2 * len(loads) >= len(units[site, technology]) - 1
        ):
            each.expected_kw = math.fsum(loads) / len(loads) * rated


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
    asset: Row, stamp: datetime, row: Row, label: Row, curves: dict[str, list[tuple[float, float]]]
) -> Interval:
    normalised = expected = None
    wind, poa = row.get("wind_speed_ms"), row.get("poa_irradiance_wm2")
    if asset["technology"] == "wind" and wind is not None:
        normalised = wind * (_density(asset, row) / REFERENCE_DENSITY) ** (1 / 3)
        if label.get("wind_speed_ms_flag") not in ("frozen", "spike"):
            expected = _on_curve(normalised, curves[asset["turbine_model"]])
    if asset["technology"] == "solar" and poa is None and row.get("ghi_wm2") is not None:
        poa = _in_plane(asset, stamp, max(row["ghi_wm2"], 0.0))
    if (
        asset["technology"] == "solar"
        and poa is not None
        and label.get("poa_irradiance_wm2_flag") != "frozen"
    ):
        is_frozen = label.get("module_temperature_c_flag") == "frozen"
        module = _module_temperature(row, poa, ignore=is_frozen)
        expected = None if module is None else _pvwatts(asset, poa, module)
    if label.get("is_contradicted"):
        expected = None
    local = stamp.astimezone(ZoneInfo(asset["timezone"]))
    return Interval(asset, stamp, local.date(), row, label, normalised, expected)


def _in_plane(asset: Row, stamp: datetime, ghi: float) -> float:
    """Irradiance in the plane of the modules (W/m²) from the horizontal one.

    Sun by Michalsky 1988 at the middle of the interval, beam by DISC (Maxwell 1987), plane by Hay and Davies 1980.
    """
    middle = stamp + timedelta(minutes=asset["interval_minutes"] / 2)
    days = (middle - datetime(2000, 1, 1, 12, tzinfo=UTC)) / DAY
    anomaly = math.radians(357.528 + 0.9856003 * days)
    mean = 280.46 + 0.9856474 * days
    longitude = math.radians(mean + 1.915 * math.sin(anomaly) + 0.02 * math.sin(2 * anomaly))
    tilt_of_earth = math.radians(23.439 - 4e-7 * days)
    to_sun = np.array(
        [
            math.cos(longitude),
            math.cos(tilt_of_earth) * math.sin(longitude),
            math.sin(tilt_of_earth) * math.sin(longitude),
        ]
    )
    hours = 6.697375 + 0.0657098242 * days + 24 * (days + 0.5)
    east_of_stars = math.radians(15 * hours + asset["longitude_deg"])
    latitude = math.radians(asset["latitude_deg"])
    out = np.array([math.cos(east_of_stars), math.sin(east_of_stars), 0.0])
    pole, east = np.array([0.0, 0.0, 1.0]), np.array([-out[1], out[0], 0.0])
    up = math.cos(latitude) * out + math.sin(latitude) * pole
    north = math.cos(latitude) * pole - math.sin(latitude) * out
    bearing, tilt = math.radians(asset["azimuth_deg"]), math.radians(asset["tilt_deg"])
    facing = math.sin(bearing) * east + math.cos(bearing) * north
    normal = math.cos(tilt) * up + math.sin(tilt) * facing
    if asset["mounting"] == "single_axis_tracker":
        across = math.cos(bearing) * east - math.sin(bearing) * north
        aim = math.atan2(float(to_sun @ across), float(to_sun @ normal))
        back = math.acos(min(1.0, abs(math.cos(aim)) / 0.4))
        turn = min(max(aim - math.copysign(back, aim), -math.radians(60)), math.radians(60))
        normal = math.cos(turn) * normal + math.sin(turn) * across
    sine, incidence = float(to_sun @ up), max(float(to_sun @ normal), 0.0)
    level = float(normal @ up)
    extra = 1361 / (1.00014 - 0.01671 * math.cos(anomaly) - 0.00014 * math.cos(2 * anomaly)) ** 2
    beam = _disc(ghi, sine, extra)
    diffuse, share = ghi - beam * sine, beam / extra
    sky = share * incidence / max(sine, 0.065) + (1 - share) * (1 + level) / 2
    return beam * incidence + diffuse * sky + 0.2 * ghi * (1 - level) / 2


def _disc(ghi: float, sine: float, extra: float) -> float:
    if sine < 0.065 or ghi <= 0:
        return 0.0
    k = min(1.0, ghi / (extra * sine))
    mass = min(12.0, 1 / (sine + 0.15 * (93.885 - math.degrees(math.acos(min(1.0, sine)))) ** -1.253))
    if k <= 0.6:
        a = 0.512 - 1.56 * k + 2.286 * k**2 - 2.222 * k**3
        b = 0.37 + 0.962 * k
        c = -0.28 + 0.932 * k - 2.048 * k**2
    else:
        a = -5.743 + 21.77 * k - 27.49 * k**2 + 11.56 * k**3
        b = 41.4 - 118.5 * k + 66.05 * k**2 + 31.9 * k**3
        c = -47.01 + 184.2 * k - 222.0 * k**2 + 73.81 * k**3
    clear = 0.866 - 0.122 * mass + 0.0121 * mass**2 - 0.000653 * mass**3 + 1.4e-5 * mass**4
    return max(0.0, min(ghi / sine, extra * (clear - a - b * math.exp(c * mass))))


def _module_temperature(row: Row, poa: float, ignore: bool = False) -> float | None:
    measured = row.get("module_temperature_c")
    if measured is not None and not ignore:
        return float(measured)
    air = row.get("air_temperature_c")
    if air is None:
        return None
    wind = row.get("wind_speed_ms")
    return float(air + max(poa, 0.0) / (25 + 6.84 * (1.0 if wind is None else wind)))


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


def _asset_daily(
    intervals: list[Interval], fleet: Fleet, soiling: dict[tuple[str, date], float | str]
) -> list[Row]:
    of_day: dict[tuple[str, date], list[Interval]] = defaultdict(list)
    for interval in intervals:
        of_day[interval.asset["asset_id"], interval.day].append(interval)
    return [_asset_day(rows[0].asset, day, rows, soiling) for (_, day), rows in sorted(of_day.items())]


def _asset_day(
    asset: Row, day: date, intervals: list[Interval], soiling: dict[tuple[str, date], float | str]
) -> Row:
    midnights = [_midnight(d, asset).timestamp() for d in (day, day + DAY)]
    hours = asset["interval_minutes"] / 60
    whole = round((midnights[1] - midnights[0]) / 3600 / hours)
    count = len(intervals)
    observed = [i for i in intervals if i.power_kw is not None]
    known = [i for i in intervals if i.expected_kw is not None]
    both = [i for i in observed if i.expected_kw is not None]
    energy = _sum(i.power_kw * i.hours for i in observed)
    counted = _sum(i.counted_kwh for i in intervals if i.counted_kwh is not None)
    compared = _sum(i.expected_kw * i.hours for i in both)
    compared_energy = _sum(i.power_kw * i.hours for i in both)
    expected = _sum(i.expected_kw * i.hours for i in known)
    winds = [i.row["wind_speed_ms"] for i in intervals if i.row.get("wind_speed_ms") is not None]
    is_solar = asset["technology"] == "solar"
    certain = [i for i in intervals if i.power_kw is not None or i.reported]
    able = [i for i in certain if not is_solar or (i.row.get("poa_irradiance_wm2") or 0.0) >= 50]
    able = [i for i in able if i.kind not in EXCLUDED]
    down = [i for i in able if i.kind in STOPPED]
    excluded_kwh = math.fsum(i.expected_kw * i.hours for i in known if i.kind in EXCLUDED)
    losses: dict[str, float] = defaultdict(float)
    for name in {name for i in intervals for name in i.losses()}:
        losses[name] = math.fsum(i.losses().get(name, 0.0) for i in intervals)
    dc = asset["dc_capacity_kw"] if is_solar else None
    stopped_kwh = math.fsum(losses[kind] for kind in STOPPED)
    asked_kwh = None if expected is None else expected - excluded_kwh
    lit = [i for i in observed if is_solar and i.poa_wm2 is not None]
    warm = [i for i in lit if i.row.get("module_temperature_c") is not None]
    gamma = (asset["temperature_coefficient_pct_per_c"] or 0) / 100
    lit_energy = _sum(i.power_kw * i.hours for i in lit)
    reference = _sum(dc * i.poa_wm2 / 1000 * i.hours for i in lit)
    warm_energy = _sum(i.power_kw * i.hours for i in warm)
    reference_stc = _sum(
        dc * i.poa_wm2 / 1000 * (1 + gamma * (i.row["module_temperature_c"] - 25)) * i.hours for i in warm
    )
    told = soiling.get((asset["asset_id"], day), "irradiance missing" if is_solar else None)
    ratio, reason = (None, told) if isinstance(told, str) else (told, None)
    soilable = math.fsum(
        i.expected_kw * i.hours
        for i in both
        if is_solar and i.is_free and i.expected_kw < 0.98 * asset["rated_power_kw"]  # type: ignore[operator]
    )
    dirt = None if reason else (1 - (ratio or 1.0)) * soilable
    return {
        "asset_id": asset["asset_id"],
        "date_local": day,
        "site_id": asset["site_id"],
        "technology": asset["technology"],
        "rated_power_kw": asset["rated_power_kw"],
        "dc_capacity_kw": dc,
        "is_partial": count != whole,
        "intervals_expected": count,
        "intervals_observed": len(observed),
        "intervals_without_expectation": len(intervals) - len(known),
        "intervals_expected_from_neighbours": sum(i.from_neighbours for i in intervals),
        "expected_hours": count * hours,
        "observed_hours": len(observed) * hours,
        "data_coverage_ratio": len(observed) / count,
        "energy_kwh": energy,
        "gap_energy_kwh": counted,
        "expected_energy_kwh": expected,
        "lost_energy_kwh": None if expected is None else expected - (energy or 0.0) - (counted or 0.0),
        "capacity_factor": energy / (len(observed) * hours) / asset["rated_power_kw"]
        if energy is not None
        else None,
        "specific_yield_kwh_per_kw": None if energy is None else energy / (dc or asset["rated_power_kw"]),
        "performance_ratio": _performance_ratio(lit_energy, reference, dc),
        "performance_ratio_stc": _performance_ratio(warm_energy, reference_stc, dc),
        "available_hours": (len(able) - len(down)) * hours,
        "unavailable_hours": len(down) * hours,
        "time_availability_ratio": 1 - len(down) / len(able) if able else None,
        "energy_availability_ratio": _energy_availability(stopped_kwh, asked_kwh, asset["rated_power_kw"]),
        "performance_index": _performance_index(compared_energy, compared, asset["rated_power_kw"]),
        "soiling_ratio": ratio,
        "soiling_reason": reason,
        "untold_kinds": _untold(is_solar, intervals),
        "mean_wind_speed_ms": math.fsum(winds) / len(winds) if winds else None,
        "insolation_kwh_m2": _sum(
            max(i.row["poa_irradiance_wm2"], 0.0) * i.hours / 1000
            for i in intervals
            if i.row.get("poa_irradiance_wm2") is not None
        ),
        "downtime_lost_kwh": losses["downtime"],
        "unavailable_lost_kwh": stopped_kwh,
        "excluded_expected_energy_kwh": excluded_kwh,
        "compared_energy_kwh": compared_energy,
        "compared_expected_energy_kwh": compared,
        "reference_yield_energy_kwh": lit_energy,
        "reference_yield_kwh": reference,
        "reference_yield_stc_energy_kwh": warm_energy,
        "reference_yield_stc_kwh": reference_stc,
        "_losses": {
            **{name: losses[name] for name in (*TOLD, *CATEGORIES[:7])},
            "soiling": dirt,
            # Nothing is said before three weeks of data.
            "underperformance": 0.0,
            "residual": losses["unexplained"] - (dirt or 0.0),
            "not_comparable": (compared_energy or 0.0) - (energy or 0.0),
        },
        "_unseen": {i.kind for i in intervals if i.power_kw is None},
    }


def _performance_ratio(energy: float | None, reference: float | None, dc: float | None) -> float | None:
    if energy is None or reference is None or dc is None or reference < 0.05 * dc:
        return None
    return energy / reference


def _performance_index(energy: float | None, expected: float | None, rated: float) -> float | None:
    if energy is None or expected is None or expected < 0.05 * rated:
        return None
    return energy / expected


def _energy_availability(downtime: float | None, expected: float | None, rated: float) -> float | None:
    if downtime is None or expected is None or expected < 0.05 * rated:
        return None
    return 1 - downtime / expected


def _losses_daily(daily: list[Row]) -> list[Row]:
    return [
        {
            "asset_id": row["asset_id"],
            "date_local": row["date_local"],
            "loss_category": name,
            "lost_kwh": lost,
            "is_estimated": name in ("unmeasured", "soiling", "underperformance") or name in row["_unseen"],
        }
        for row in daily
        for name, lost in row["_losses"].items()
        if lost is not None and (name in CATEGORIES or abs(lost) > 1e-9)
    ]


def _fleet_daily(daily: list[Row]) -> list[Row]:
    groups: dict[tuple[str, str, date], list[Row]] = defaultdict(list)
    for row in daily:
        for level, name in (("fleet", "fleet"), ("technology", row["technology"]), ("site", row["site_id"])):
            groups[level, name, row["date_local"]].append(row)
    return [
        {
            "group_level": level,
            "group_name": name,
            "date_local": day,
            "assets": len(rows),
            "is_partial": any(row["is_partial"] for row in rows),
            **_rolled_up(rows),
        }
        for (level, name, day), rows in sorted(groups.items())
    ]


def _monthly(daily: list[Row]) -> list[Row]:
    groups: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in daily:
        groups[row["asset_id"], row["date_local"].replace(day=1)].append(row)
    found = []
    for (name, month), rows in sorted(groups.items()):
        same = {key: rows[-1][key] for key in ("site_id", "technology", "rated_power_kw")}
        sums = _rolled_up(rows)
        found.append(
            {
                "asset_id": name,
                "month_local": month,
                **same,
                "days": len(rows),
                "partial_days": sum(row["is_partial"] for row in rows),
                **sums,
                "specific_yield_kwh_per_kw": _sum(
                    row["energy_kwh"] / (row["dc_capacity_kw"] or row["rated_power_kw"])
                    for row in rows
                    if row["energy_kwh"] is not None
                ),
                "insolation_kwh_m2": _sum_known(rows, "insolation_kwh_m2"),
            }
        )
    return found


def _rolled_up(rows: list[Row]) -> Row:
    def total(name: str) -> float | None:
        return _sum_known(rows, name)

    energy, expected = total("energy_kwh"), total("expected_energy_kwh")
    asked = None if expected is None else expected - (total("excluded_expected_energy_kwh") or 0.0)
    possible = math.fsum(r["observed_hours"] * r["rated_power_kw"] for r in rows)
    available, unavailable = total("available_hours") or 0.0, total("unavailable_hours") or 0.0
    compared, compared_expected = total("compared_energy_kwh"), total("compared_expected_energy_kwh")

    def power_of(name: str) -> float:
        """Rated power of the asset-days of which a figure is known."""
        return math.fsum(r["rated_power_kw"] for r in rows if r[name] is not None)

    def ratio(prefix: str) -> float | None:
        capacity = [r["dc_capacity_kw"] for r in rows if r[f"{prefix}_kwh"] is not None]
        return _performance_ratio(
            total(f"{prefix}_energy_kwh"), total(f"{prefix}_kwh"), math.fsum(capacity) if capacity else None
        )

    return {
        "intervals_expected": sum(r["intervals_expected"] for r in rows),
        "intervals_observed": sum(r["intervals_observed"] for r in rows),
        "expected_hours": total("expected_hours"),
        "observed_hours": total("observed_hours"),
        "data_coverage_ratio": (total("observed_hours") or 0.0) / (total("expected_hours") or math.nan),
        "energy_kwh": energy,
        "gap_energy_kwh": total("gap_energy_kwh"),
        "expected_energy_kwh": expected,
        "lost_energy_kwh": total("lost_energy_kwh"),
        "capacity_factor": energy / possible if energy is not None and possible else None,
        "performance_ratio": ratio("reference_yield"),
        "performance_ratio_stc": ratio("reference_yield_stc"),
        "time_availability_ratio": available / (available + unavailable) if available + unavailable else None,
        "energy_availability_ratio": _energy_availability(
            total("unavailable_lost_kwh"), asked, power_of("expected_energy_kwh")
        ),
        "performance_index": _performance_index(
            compared, compared_expected, power_of("compared_expected_energy_kwh")
        ),
    }


def _sum_known(rows: list[Row], name: str) -> float | None:
    return _sum(row[name] for row in rows if row[name] is not None)


def _midnight(day: date, asset: Row) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(asset["timezone"]))


def _soiling(intervals: list[Interval], fleet: Fleet) -> dict[tuple[str, date], float | str]:
    """Daily soiling ratio, or why there is none."""
    found: dict[tuple[str, date], float | str] = {}
    by_asset: dict[str, list[Interval]] = defaultdict(list)
    for each in intervals:
        if each.asset["technology"] == "solar":
            by_asset[each.asset["asset_id"]].append(each)
    for name, rows in by_asset.items():
        days: dict[date, list[Interval]] = defaultdict(list)
        for each in rows:
            if any(key in each.row for key in _RANGED):
                days[each.stamp.date()].append(each)
        for day, ratio in _soiling_of_asset(rows[0].asset, days).items():
            found[name, day] = ratio
    return found


def _soiling_of_asset(asset: Row, days: dict[date, list[Interval]]) -> dict[date, float | str]:
    noon = {d: _midnight(d, asset).replace(hour=12).astimezone(UTC) for d in days}
    rain: dict[date, tuple[float, datetime]] = {}
    ratio, is_lit = {}, {}
    for day, rows in days.items():
        is_lit[day] = any(i.row.get("poa_irradiance_wm2") is not None for i in rows)
        fell = [(i.stamp, i.row["precipitation_mm"]) for i in rows if i.row.get("precipitation_mm")]
        amount = math.fsum(mm for _, mm in fell)
        if amount > 0:
            middle = math.fsum(mm * (at.hour * 60 + at.minute) for at, mm in fell) / amount
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            rain[day] = amount, start + timedelta(minutes=math.floor(middle + 0.5))
        ratios = [r for i in rows if (r := _clear_ratio(i.asset, i)) is not None]
        if len(ratios) * rows[0].hours >= 1 and 0.3 <= median(ratios) <= 1.7:
            ratio[day] = median(ratios)
    held, recovered = _sudden_changes(ratio)
    found: dict[date, float | str] = {}
    for day in days:
        near = [
            d for d in ratio if day - SOILING_DAYS * DAY < d <= day + HINDSIGHT_DAYS * DAY and d not in held
        ]
        if not is_lit[day]:
            found[day] = "irradiance missing"
        elif not near:
            found[day] = "no clear day"
        else:
            washes = [
                [at for amount, at in rain.values() if amount >= least]
                + [noon[d] - timedelta(hours=12) for d in recovered]
                for least in CLEANING_RAIN_MM
            ]
            found[day] = _soiling_of_day(day, near, ratio, noon, washes)
    return found


def _sudden_changes(ratio: dict[date, float]) -> tuple[set[date], set[date]]:
    """Days that a sudden fall holds down, and days on which dirt went at once."""
    held: set[date] = set()
    recovered: set[date] = set()
    changes: dict[date, float] = {}
    fall: tuple[date, float] | None = None
    days = sorted(ratio)
    for number, day in enumerate(days):
        before = [ratio[d] for d in reversed(days[max(number - 3, 0) : number]) if d > day - 10 * DAY]
        if before:
            changes[day] = abs(ratio[day] - before[0])
            usual = median(c for d, c in changes.items() if d > day - 10 * DAY)
            step = max(0.025, 6 * usual)
            middle = median(before) if len(before) == 3 else before[0]
            missed = (day - days[number - 1]) / DAY - 1
            if min(before[0], middle) - ratio[day] > step + 0.004 * missed:
                fall = day, middle - step
            elif ratio[day] - max(before[0], middle) > step:
                fall = None
                if days[number - 1] not in held:
                    recovered.add(day)
        if fall and fall[0] > day - 25 * DAY and ratio[day] < fall[1]:
            held.add(day)
    return held, recovered


def _soiling_of_day(
    day: date,
    near: list[date],
    ratio: dict[date, float],
    noon: dict[date, datetime],
    washes: list[list[datetime]],
) -> float | str:
    """Fits for each amount of rain by least squares with what is known beforehand as further rows, and their mean."""
    scatter, priors = 0.005, [(0.0, 0.05), (0.001, 0.0015), (0.02, 0.05)]

    def line(seen: date, times: list[datetime]) -> list[float]:
        known = [w for w in times if noon[day] - SOILING_DAYS * DAY <= w <= noon[seen]]
        if known:
            return [1.0, -((noon[seen] - max(known)) / DAY), 0.0]
        return [1.0, -((seen - min(near)) / DAY), -1.0]

    fits = []
    for times in washes:
        rows = [line(d, times) for d in near]
        right = [round((ratio[d] - 1) * 1e6) / 1e6 for d in near]
        for n, (mean, spread) in enumerate(priors):
            rows.append([scatter / spread if n == column else 0.0 for column in range(3)])
            right.append(mean * scatter / spread)
        design, told = np.array(rows), np.array(right)
        best = np.linalg.lstsq(design, told, rcond=None)[0]
        today = -np.array([0.0, *line(day, times)[1:]])
        normal = design.T @ design
        misfit = float(np.sum((told - design @ best) ** 2))
        level = 1 + best[0]
        variance = float(today @ np.linalg.inv(normal) @ today) / level**2
        loss = max(float(today @ best) / level, 0.0)
        is_washed = any(row[2] == 0 for row in rows[: len(near)])
        fits.append((misfit, float(np.linalg.slogdet(normal)[1]), loss, variance, is_washed))
    least = min(misfit for misfit, *_ in fits)
    noise = (5 * scatter**2 + least) / (5 + len(near))
    logs = np.array([-(misfit - least) / (4 * noise) - 0.5 * log for misfit, log, *_ in fits])
    weights = np.exp(logs - logs.max()) / np.sum(np.exp(logs - logs.max()))
    losses, variances = np.array([f[2] for f in fits]), np.array([f[3] for f in fits])
    loss = float(weights @ losses)
    error = math.sqrt(max(float(weights @ (losses**2 + 2 * noise * variances)) - loss**2, 0.0))
    if float(weights @ np.array([f[4] for f in fits], dtype=float)) < 0.5:
        return "no wash seen"
    return max(0.5, 1 - loss) if error <= max(0.005, 0.35 * loss) else "lost in scatter"


def _clear_ratio(asset: Row, interval: Interval) -> float | None:
    row, rated = interval.row, asset["rated_power_kw"]
    power, poa = row.get("active_power_kw"), row.get("poa_irradiance_wm2")
    if power is None or poa is None or poa < 300 or power <= 0.01 * rated:
        return None
    if not interval.is_free_by_report:
        return None
    module = _module_temperature(row, poa)
    if module is None:
        return None
    expected = _pvwatts(asset, poa, module)
    return power / expected if 0.1 * rated <= expected <= 0.9 * rated else None


def _data_quality(intervals: list[Interval], daily: list[Row]) -> list[Row]:
    of_day: dict[tuple[str, date], list[Interval]] = defaultdict(list)
    for interval in intervals:
        of_day[interval.asset["asset_id"], interval.day].append(interval)
    found = []
    for row in daily:
        rows = of_day[row["asset_id"], row["date_local"]]
        for channel, only in CHANNELS.items():
            if only not in (None, row["technology"]):
                continue
            present = [i for i in rows if i.row.get(channel) is not None]
            set_aside = sum(channel in i.set_aside for i in rows)
            flagged = Counter(i.label.get(f"{channel}_flag") for i in rows)
            longest = run = 0
            for each in rows:
                run = run + 1 if each.row.get(channel) is None else 0
                longest = max(longest, run)
            found.append(
                {
                    "asset_id": row["asset_id"],
                    "date_local": row["date_local"],
                    "channel": channel,
                    "readings_expected": row["intervals_expected"],
                    "readings_present": len(present),
                    "readings_missing": row["intervals_expected"]
                    - len(present)
                    - set_aside
                    - flagged["out_of_range"],
                    "readings_set_aside": set_aside,
                    **{f"readings_{flag}": flagged[flag] for flag in FLAGS},
                    # What sensors and clocks are off by, sites of three and weeks tell; here are neither.
                    "change": None,
                    "change_limit": None,
                    "longest_gap_hours": longest * rows[0].hours,
                }
            )
    return found


def _events(
    intervals: list[Interval],
    daily: list[Row],
    soiling: dict[tuple[str, date], float | str],
    events: Sequence[Told],
) -> list[Row]:
    parts: dict[tuple[str, str, bool], list[tuple[datetime, datetime, float | None, bool]]] = defaultdict(
        list
    )
    for each in intervals:
        if each.kind:
            end = each.stamp + timedelta(hours=each.hours)
            lost = each.losses().get(each.kind)
            key = (each.asset["asset_id"], each.kind, each.reported is not None)
            parts[key].append((each.stamp, end, lost, each.power_kw is None))
    assets = {i.asset["asset_id"]: i.asset for i in intervals}
    for row in daily:
        ratio = soiling.get((row["asset_id"], row["date_local"]))
        if isinstance(ratio, float) and ratio < 0.99:
            start, end = (
                _midnight(d, assets[row["asset_id"]]).astimezone(UTC)
                for d in (row["date_local"], row["date_local"] + DAY)
            )
            parts[row["asset_id"], "soiling", False].append((start, end, row["_losses"]["soiling"], True))
    found = []
    for (name, kind, is_told), listed in sorted(parts.items()):
        gap = timedelta(minutes=0 if is_told else GAP_MINUTES.get(kind, 0))
        joined: list[list[tuple[datetime, datetime, float | None, bool]]] = []
        for part in sorted(listed, key=lambda p: p[0]):
            if joined and part[0] <= joined[-1][-1][1] + gap:
                joined[-1].append(part)
            else:
                joined.append([part])
        for event in joined:
            start, end = event[0][0], event[-1][1]
            notes = {
                told.note
                for told in events
                if (told.asset_id, told.what) == (name, kind) and told.start < end and told.end > start
            }
            found.append(
                {
                    "event_id": f"{name} {kind} {start:%Y-%m-%dT%H:%MZ}",
                    "asset_id": name,
                    "kind": kind,
                    "start_utc": start,
                    "end_utc": end,
                    "duration_hours": (end - start) / timedelta(hours=1),
                    "lost_kwh": _sum(lost for _, _, lost, _ in event if lost is not None),
                    "is_estimated": kind in ("unmeasured", "soiling") or any(unseen for *_, unseen in event),
                    "source": "reported" if is_told else "detected",
                    "note": "; ".join(sorted(filter(None, notes))) or None if is_told else None,
                }
            )
    return found


def _untold(is_solar: bool, intervals: list[Interval]) -> str | None:
    """What the channels of a day cannot tell."""
    asked = ("air_temperature_c", "precipitation_mm") if is_solar else ("air_temperature_c",)
    is_blind = any(all(i.row.get(channel) is None for i in intervals) for channel in asked)
    return ("snow" if is_solar else "icing") if is_blind else None


def _power_curve(intervals: list[Interval]) -> list[Row]:
    bins: dict[tuple[str, date, float], list[Interval]] = defaultdict(list)
    for interval in intervals:
        if interval.normalised_ms is None or interval.power_kw is None:
            continue
        is_doubtful = interval.label.get("wind_speed_ms_flag") is not None or interval.label.get(
            "active_power_kw_flag"
        ) in ("frozen", "interpolated")
        if interval.is_free and not is_doubtful:
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
