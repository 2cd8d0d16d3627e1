"""The fleet registry: assets, turbine power curves and what people report, read and validated from CSV files."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from renewable.errors import FleetError
from renewable.frame_schemas import dy
from renewable.registry_csv import Table, alike, csv_text, read_records, read_table, trimmed
from renewable.reported import Reported, read_reported, reported_files
from renewable.thresholds import THRESHOLDS_SCHEMA, effective, read_thresholds, threshold_files
from renewable.time_zones import utc_offsets

INTERVALS_MINUTES = (1, 5, 10, 15, 30, 60)
TECHNOLOGIES = ("wind", "solar")
MOUNTINGS = ("fixed", "single_axis_tracker")
WIND_COLUMNS = ("turbine_model", "hub_height_m", "rotor_diameter_m")
SOLAR_COLUMNS = (
    "dc_capacity_kw",
    "mounting",
    "tilt_deg",
    "azimuth_deg",
    "temperature_coefficient_pct_per_c",
    "system_loss_pct",
)

# A file may lack these. From and up to which local day an asset is looked at, since which day a row holds, and how long
# after the full hour intervals start (0 and nothing are the same).
OPTIONAL_COLUMNS = ("data_from", "decommissioned_on", "valid_from", "interval_offset_minutes")
# What may change in the life of an asset; all else makes it another one.
RATING_COLUMNS = ("rated_power_kw", "turbine_model", "dc_capacity_kw", "system_loss_pct")

# Names that Python's list holds and that mean another clock on another machine, or none.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
# More than any plant has: a unit or a decimal point is wrong, and sums in fixed point must not overflow.
_MAX_KW = 1e7


def _zones() -> list[str]:
    return sorted(available_timezones() - _NO_ZONES)


class AssetSchema(dy.Schema):
    """One row an asset, as it is from `valid_from` on. Columns of the other technology are empty."""

    asset_id = dy.String(primary_key=True, regex=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    asset_name = dy.String()
    site_id = dy.String()
    site_name = dy.String()
    technology = dy.String(check={"known": lambda c: c.is_in(TECHNOLOGIES)})
    latitude_deg = dy.Float64(min=-90, max=90)
    longitude_deg = dy.Float64(min=-180, max=180)
    elevation_m = dy.Float64(min=-430, max=6000)
    timezone = dy.String(check={"iana_name": lambda c: c.is_in(_zones())})
    interval_minutes = dy.Int64(is_in=INTERVALS_MINUTES)
    rated_power_kw = dy.Float64(min=0.001, max=_MAX_KW)
    commissioned_on = dy.Date()
    turbine_model = dy.String(nullable=True)
    hub_height_m = dy.Float64(nullable=True, min_exclusive=0, max=250)
    rotor_diameter_m = dy.Float64(nullable=True, min_exclusive=0, max=300)
    dc_capacity_kw = dy.Float64(nullable=True, min=0.001, max=_MAX_KW)
    mounting = dy.String(nullable=True, check={"known": lambda c: c.is_in(MOUNTINGS)})
    tilt_deg = dy.Float64(nullable=True, min=0, max=90)
    azimuth_deg = dy.Float64(nullable=True, min=0, max=360)
    temperature_coefficient_pct_per_c = dy.Float64(nullable=True, min=-1, max=0)
    system_loss_pct = dy.Float64(nullable=True, min=0, max=50)
    data_from = dy.Date(nullable=True)
    decommissioned_on = dy.Date(nullable=True)
    valid_from = dy.Date(nullable=True)
    interval_offset_minutes = dy.Int64(nullable=True, min=0)

    @dy.rule()
    def offset_below_interval(cls) -> pl.Expr:
        return pl.col("interval_offset_minutes").fill_null(0) < pl.col("interval_minutes")

    @dy.rule()
    def wind_columns_filled(cls) -> pl.Expr:
        filled = pl.all_horizontal(pl.col(c).is_not_null() for c in WIND_COLUMNS)
        return (pl.col("technology") != "wind") | filled

    @dy.rule()
    def solar_columns_filled(cls) -> pl.Expr:
        filled = pl.all_horizontal(pl.col(c).is_not_null() for c in SOLAR_COLUMNS)
        return (pl.col("technology") != "solar") | filled


class PowerCurveSchema(dy.Schema):
    """One row a turbine model and wind speed; power at the reference density 1.225 kg/m³."""

    turbine_model = dy.String(primary_key=True)
    wind_speed_ms = dy.Float64(primary_key=True, min=0, max=60)
    power_kw = dy.Float64(min=0, max=_MAX_KW)


# Columns that a rule over several columns is about.
_CONCERNED = {
    "wind_columns_filled": ["technology", *WIND_COLUMNS],
    "solar_columns_filled": ["technology", *SOLAR_COLUMNS],
    "offset_below_interval": ["interval_minutes", "interval_offset_minutes"],
}
# What may stand there, for rules that have no limit to name.
_WORDS = {
    "asset_id|regex": "letters, digits, '_', '.' and '-', at most 100, a letter or digit first",
    "technology|check__known": ", ".join(TECHNOLOGIES),
    "mounting|check__known": ", ".join(MOUNTINGS),
    "timezone|check__iana_name": "a name of the IANA database, such as Europe/Berlin",
    "interval_minutes|is_in": ", ".join(map(str, INTERVALS_MINUTES)),
}
# What an asset is called changes no figure.
_LABELS = ("asset_name", "site_name")
# From and up to which local day an asset has days.
_SPAN = ("commissioned_on", "data_from", "first_day", "decommissioned_on")


@dataclass(frozen=True)
class Fleet:
    """A validated registry: `assets` by AssetSchema, `power_curves` by PowerCurveSchema, both ordered by their keys.

    `assets` has the row of each asset that holds last; `earlier` the rows before them (AssetSchema), mostly none.
    `reported` is what people know of the assets (renewable.reported); no row of it names another asset. `thresholds` is
    what is set for each asset (THRESHOLDS_SCHEMA), mostly nothing.
    """

    assets: pl.DataFrame
    power_curves: pl.DataFrame
    earlier: pl.DataFrame = field(default_factory=lambda: AssetSchema.create_empty())
    reported: Reported = field(default_factory=Reported)
    thresholds: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=THRESHOLDS_SCHEMA))

    @cached_property
    def rows(self) -> pl.DataFrame:
        """All rows of the registry (AssetSchema), by asset_id and valid_from; the oldest of an asset comes first."""
        rows = pl.concat([self.assets.select(self.earlier.columns), self.earlier])
        return rows.sort("asset_id", "valid_from", nulls_last=False)

    @cached_property
    def assets_at_most(self) -> pl.DataFrame:
        """`assets` with the largest rated power that each ever had: what readings are measured against."""
        return _at_most(self.assets, self.earlier)

    def last_change(self, day: date) -> date | None:
        """The last local day up to `day` from which on a row holds; None: the first rows hold."""
        return max((since for since in self.rows["valid_from"].drop_nulls() if since <= day), default=None)

    def on(self, day: date) -> "Fleet":
        """The fleet as it was on a local day, without history."""
        past = pl.col("valid_from").fill_null(date.min) <= day
        # Before its first row an asset is what that row says.
        row = pl.when(past.any().over("asset_id")).then(past.sum().over("asset_id") - 1).otherwise(0)
        here = self.rows.filter(pl.int_range(pl.len()).over("asset_id") == row)
        return Fleet(here, self.power_curves, reported=self.reported, thresholds=self.thresholds)

    @cached_property
    def asset_ids(self) -> list[str]:
        return self.assets["asset_id"].to_list()

    def technology(self, name: str) -> pl.DataFrame:
        """The assets of one technology, ordered by asset_id."""
        return self.assets.filter(pl.col("technology") == name)


def load_fleet(fleet_dir: Path) -> Fleet:
    """Read and validate `assets.csv` and `power_curves.csv`, and `events.csv`, `bad_readings.csv` and `thresholds.csv`
    where they are.

    One FleetError lists every fault of all.
    """
    faults: list[str] = []
    rows = _read_assets(fleet_dir, faults)
    curves = _read_curves(fleet_dir / "power_curves.csv", rows, faults)
    if rows is not None and curves is not None:
        faults.extend(_cross_faults(rows, curves, fleet_dir / "assets.csv"))
    is_sound = not faults
    reported = read_reported(fleet_dir, rows, faults, is_sound=is_sound)
    thresholds = read_thresholds(fleet_dir, rows, faults, is_sound=is_sound)
    if faults or rows is None or curves is None:
        raise _fleet_error(faults)
    curves = curves.sort("turbine_model", "wind_speed_ms")
    return Fleet(_latest(rows), curves, _earlier(rows), reported, thresholds)


def load_assets(fleet_dir: Path) -> pl.DataFrame:
    """`assets.csv` alone (AssetSchema, by asset_id), for what comes before there are power curves."""
    return _latest(_sound_rows(fleet_dir))


def load_asset_rows(fleet_dir: Path) -> pl.DataFrame:
    """All rows of `assets.csv`, the earlier ones of an asset before the later (AssetSchema but for its key)."""
    return _sound_rows(fleet_dir).sort("asset_id", "valid_from", nulls_last=False)


def holds_on(local_day: pl.Expr) -> pl.Expr:
    """Whether a row of an asset holds on a local day, where its rows, joined to the day, say `since` and `until`."""
    return (local_day >= pl.col("since").fill_null(date.min)) & (
        local_day < pl.col("until").fill_null(date.max)
    )


def spans_of_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Registry rows, from old to new, with `since` (null: ever) and `until` (exclusive, null: open)."""
    number = pl.int_range(pl.len()).over("asset_id")
    return rows.with_columns(
        since=pl.when(number > 0).then("valid_from"), until=pl.col("valid_from").shift(-1).over("asset_id")
    )


def load_assets_at_most(fleet_dir: Path) -> pl.DataFrame:
    """`load_assets` with the largest rated power that each asset ever had, as the gate knows it."""
    rows = _sound_rows(fleet_dir)
    return _at_most(_latest(rows), _earlier(rows))


def _sound_rows(fleet_dir: Path) -> pl.DataFrame:
    faults: list[str] = []
    rows = _read_assets(fleet_dir, faults)
    if faults or rows is None:
        raise _fleet_error(faults)
    return rows


def _latest(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(_is_latest()).sort("asset_id")


def _earlier(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~_is_latest()).sort("asset_id", "valid_from", nulls_last=False)


def _is_latest() -> pl.Expr:
    since = pl.col("valid_from").fill_null(date.min)
    return since == since.max().over("asset_id")


def _at_most(assets: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    if earlier.is_empty():
        return assets
    rows = pl.concat([assets, earlier.select(assets.columns)])
    most = rows.group_by("asset_id").agg(pl.col("rated_power_kw").max())
    return assets.update(most, on="asset_id")


def curve_cells(fleet_dir: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of `power_curves.csv` as they are written, for who changes some of them; FleetError on faults."""
    faults: list[str] = []
    path = fleet_dir / "power_curves.csv"
    curves = _read(path, PowerCurveSchema, faults)
    records = None if faults else read_records(path, faults)
    if faults or curves is None or records is None:
        raise _fleet_error(faults)
    return records[0][1], [cells for _, cells in records[1:]]


def asset_facts(fleet: Fleet, first_day: date | None = None) -> dict[str, dict[str, Any]]:
    """asset_id -> what its figures follow from: columns of its first row with their values, and fingerprints (16 hex
    digits) of its turbine model's `power_curve` and of its time zone's `utc_offsets`. Later rows stand in `history`, as
    far as they may differ; `first_day` is the first local day of the whole fleet. Thresholds stand under their names.

    The order of rows and how a number was written do not matter, nor do names that people read. Empty cells are left
    out, so that a column that comes later changes nothing while it is empty.
    """
    curves = {
        str(model): _fingerprint(
            [[speed + 0.0, power + 0.0] for _, speed, power in rows.sort("wind_speed_ms").rows()]
        )
        for (model,), rows in fleet.power_curves.group_by("turbine_model")
    }
    zones = {
        str(zone): _fingerprint(rows.drop("timezone").rows())
        for (zone,), rows in utc_offsets(fleet.assets["timezone"]).group_by("timezone", maintain_order=True)
    }
    facts: dict[str, dict[str, Any]] = {}
    for asset in fleet.rows.iter_rows(named=True):
        row = {
            name: value + 0.0
            if isinstance(value, float)
            else value.isoformat()
            if isinstance(value, date)
            else value
            for name, value in asset.items()
            if value is not None and name not in (*_LABELS, "valid_from")
        }
        curve = {"power_curve": curves.get(asset["turbine_model"])} if asset["technology"] == "wind" else {}
        known = facts.get(asset["asset_id"])
        if known is not None:
            rating = {name: row[name] for name in RATING_COLUMNS if name in row}
            known.setdefault("history", {})[str(asset["valid_from"])] = rating | curve
            continue
        first = {"first_day": first_day.isoformat()} if first_day else {}
        facts[asset["asset_id"]] = row | curve | {"utc_offsets": zones[asset["timezone"]]} | first
    for asset_id, threshold, value in effective(fleet.thresholds, fleet.assets).iter_rows():
        facts[asset_id][threshold] = value
    return facts


def facts_on(facts: Mapping[str, Any], day: date) -> Mapping[str, Any] | None:
    """What of an asset's facts (`asset_facts`) its figures of a local day follow from; None: it has no such day."""
    first, last = local_span(facts)
    if day < first or (last is not None and day > last):
        return None
    by_day = ("history", *_SPAN)
    rest = {name: value for name, value in facts.items() if value is not None and name not in by_day}
    for since, rating in sorted(facts.get("history", {}).items()):
        if date.fromisoformat(since) <= day:
            rest = {
                name: value for name, value in rest.items() if name not in (*RATING_COLUMNS, "power_curve")
            }
            rest |= rating
    return rest


def local_span(facts: Mapping[str, Any]) -> tuple[date, date | None]:
    """The first local day of an asset, whatever came, and the last one; None: it runs."""
    begins = [facts[name] for name in ("commissioned_on", "data_from", "first_day") if facts.get(name)]
    ends = facts.get("decommissioned_on")
    return date.fromisoformat(max(begins)), date.fromisoformat(ends) if ends else None


def fleet_span(registry: Mapping[str, Mapping[str, Any]]) -> tuple[date | None, date | None]:
    """The first and the last local day of all assets of `asset_facts`; None: open, or there is no asset."""
    spans = [local_span(facts) for facts in registry.values()]
    ends = [last or date.max for _, last in spans]
    end = max(ends, default=date.max)
    return min((first for first, _ in spans), default=None), None if end == date.max else end


def _fingerprint(content: object) -> str:
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]


def doubts(fleet: Fleet, at: datetime) -> list[str]:
    """What is allowed in a registry and yet is mostly a slip, a sentence each; `at` decides about summer time."""
    found: list[str] = []
    peak_kw = dict(fleet.power_curves.group_by("turbine_model").agg(pl.col("power_kw").max()).iter_rows())
    for asset in fleet.assets.iter_rows(named=True):
        name, rated = asset["asset_id"], asset["rated_power_kw"]
        offset = at.astimezone(ZoneInfo(asset["timezone"])).utcoffset()
        away_h = 0.0 if offset is None else offset.total_seconds() / 3600 - asset["longitude_deg"] / 15
        if 3.5 < abs(away_h) < 20.5:
            found.append(
                f"{name}: timezone {asset['timezone']} is {abs(away_h):.0f} h from longitude"
                f" {asset['longitude_deg']}; are latitude and longitude swapped, or a sign missing?"
            )
        if not date(1970, 1, 1) <= asset["commissioned_on"] <= at.date():
            found.append(f"{name}: commissioned_on {asset['commissioned_on']}; is the year right?")
        if asset["technology"] == "wind" and not 0.9 <= peak_kw[asset["turbine_model"]] / rated <= 1.1:
            found.append(
                f"{name}: the curve of {asset['turbine_model']} reaches {peak_kw[asset['turbine_model']]:.0f} kW,"
                f" rated_power_kw is {rated:.0f}"
            )
        if asset["technology"] == "solar":
            if not 0.7 <= asset["dc_capacity_kw"] / rated <= 2:
                found.append(
                    f"{name}: dc_capacity_kw {asset['dc_capacity_kw']:g} is"
                    f" {asset['dc_capacity_kw'] / rated:.2f} times rated_power_kw {rated:g}"
                )
            towards_pole = 90 < (asset["azimuth_deg"] - (180 if asset["latitude_deg"] > 0 else 0)) % 360 < 270
            if asset["mounting"] == "fixed" and asset["tilt_deg"] > 5 and towards_pole:
                found.append(f"{name}: azimuth_deg {asset['azimuth_deg']:g} faces away from the equator")
    for column in ("asset_id", "site_id", "turbine_model"):
        for one, other in alike(fleet.assets[column].drop_nulls().to_list()):
            found.append(f"{column} {one!r} and {other!r} differ in case or blanks alone; are they the same?")
    for asset_id, since, begins in _begun_late(fleet):
        found.append(
            f"{asset_id}: its first row is valid from {since}, and it has days from {begins} on; they count by that row"
        )
    unused = sorted(set(peak_kw) - set(fleet.rows["turbine_model"].drop_nulls()))
    if unused:
        found.append(f"curves that no asset uses: {', '.join(unused)}")
    return found


def _begun_late(fleet: Fleet) -> Iterator[tuple[str, date, date]]:
    begins = pl.max_horizontal("commissioned_on", "data_from")
    first = fleet.rows.unique("asset_id", keep="first", maintain_order=True).filter(
        pl.col("valid_from") > begins
    )
    yield from first.select("asset_id", "valid_from", begins.alias("begins")).iter_rows()


def registry_files(fleet: Fleet, first_day: date | None = None) -> dict[str, str]:
    """The validated registry as CSV texts by file name, as dbt reads it: each value as it is here, all instants UTC; no
    `data_from` before `first_day`.
    """
    rows = fleet.rows.with_columns(data_from=pl.max_horizontal("data_from", pl.lit(first_day, pl.Date)))
    return {
        "assets.csv": csv_text(rows),
        "power_curves.csv": csv_text(fleet.power_curves),
        **reported_files(fleet.reported),
        **threshold_files(fleet.thresholds),
    }


def _fleet_error(faults: list[str]) -> FleetError:
    listing = "\n".join(f"  - {fault}" for fault in faults)
    return FleetError(
        f"the fleet registry has {len(faults)} fault(s):\n{listing}\n"
        "Mend the files; docs/how-to/fleet.md describes every column."
    )


def _read_assets(fleet_dir: Path, faults: list[str]) -> pl.DataFrame | None:
    """The rows of `assets.csv`, some of them maybe earlier ones of the same asset."""
    path = fleet_dir / "assets.csv"
    table = _read_table(path, AssetSchema, (*OPTIONAL_COLUMNS, *WIND_COLUMNS, *SOLAR_COLUMNS), faults)
    if table is None or _lacks_columns(table, path, faults):
        return None
    offset = pl.col("interval_offset_minutes")
    frame = table.frame.with_columns(interval_offset_minutes=pl.when(offset != 0).then(offset))
    table = replace(table, frame=frame)
    faults.extend(_rule_faults(table, AssetSchema, path, but="primary_key"))
    faults.extend(_span_faults(table, path))
    faults.extend(_history_faults(table, path))
    if table.frame.is_empty() and not faults:
        faults.append(f"{path}: lists no asset; write one row an asset below the header")
    return table.frame


def _read_curves(path: Path, rows: pl.DataFrame | None, faults: list[str]) -> pl.DataFrame | None:
    """The power curves; none where there is no file of them and no wind turbine."""
    if rows is not None and not path.exists() and "wind" not in set(rows["technology"]):
        return PowerCurveSchema.create_empty()
    return _read(path, PowerCurveSchema, faults)


def _lacks_columns(table: Table, path: Path, faults: list[str]) -> bool:
    """Whether columns of a technology are not there that an asset of it needs; a solar fleet needs none of wind."""
    header = {trimmed(cell) for cell in (read_records(path, []) or [(1, [])])[0][1]}
    present = set(table.frame["technology"].drop_nulls())
    needed = [*(WIND_COLUMNS if "wind" in present else ()), *(SOLAR_COLUMNS if "solar" in present else ())]
    missing = [name for name in needed if name not in header]
    if missing:
        faults.append(f"{path}: missing column(s) {', '.join(missing)}")
    return bool(missing)


def _read(path: Path, schema: type[dy.Schema], faults: list[str]) -> pl.DataFrame | None:
    table = _read_table(path, schema, (), faults)
    if table is None:
        return None
    faults.extend(_rule_faults(table, schema, path))
    return table.frame


def _read_table(
    path: Path, schema: type[dy.Schema], optional: Collection[str], faults: list[str]
) -> Table | None:
    types = {name: column.dtype for name, column in schema.columns().items()}
    return read_table(path, types, faults, optional)


def _span_faults(table: Table, path: Path) -> Iterator[str]:
    for row, asset in zip(table.rows, table.frame.iter_rows(named=True), strict=True):
        last = asset["decommissioned_on"]
        for name in ("commissioned_on", "data_from"):
            if last is not None and asset[name] is not None and last < asset[name]:
                yield f"{path}, row {row}, decommissioned_on: {last} lies before {name} {asset[name]}"


def _history_faults(table: Table, path: Path) -> Iterator[str]:
    """Rows of one asset that do not differ in `valid_from`, or differ in what cannot change."""
    by_asset: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for row, asset in zip(table.rows, table.frame.iter_rows(named=True), strict=True):
        key = ("asset_id", "valid_from")
        if asset["asset_id"] is not None and not any((row, name) in table.unreadable for name in key):
            by_asset.setdefault(asset["asset_id"], []).append((row, asset))
    for asset_id, rows in by_asset.items():
        since = Counter(asset["valid_from"] for _, asset in rows)
        first_row, first = rows[0]
        for row, asset in rows:
            if since[asset["valid_from"]] > 1:
                day = f", valid_from {asset['valid_from']}" if asset["valid_from"] else ""
                yield (
                    f"{path}, row {row}: breaks rule primary_key: asset_id {asset_id}{day} is there more than once;"
                    " of an asset that changed each row says in valid_from since when it holds"
                )
                continue
            for name, value in asset.items():
                if (
                    name in (*RATING_COLUMNS, "valid_from")
                    or value == first[name]
                    or since[first["valid_from"]] > 1
                ):
                    continue
                if not {(row, name), (first_row, name)} & table.unreadable:
                    yield (
                        f"{path}, row {row}, {name}: {value!s} differs from {first[name]!s} in row {first_row}, and"
                        f" {asset_id} is one asset. Only {', '.join(RATING_COLUMNS)} may change with valid_from"
                    )


def _rule_faults(table: Table, schema: type[dy.Schema], path: Path, but: str = "") -> Iterator[str]:
    """Rows that break a rule of `schema`, all but one of them."""
    _, failure = schema.filter(table.frame)
    if not len(failure):
        return
    broken = failure.details()
    rules = [name for name in broken.columns if name not in table.frame.columns and name != but]
    # Rows that say the same break the same rules.
    verdicts = dict(zip(broken.select(table.frame.columns).rows(), broken.rows(named=True), strict=True))
    for row, values in zip(table.rows, table.frame.rows(), strict=True):
        found = verdicts.get(values, {})
        for rule in (rule for rule in rules if found.get(rule) == "invalid"):
            column, _, kind = rule.partition("|")
            concerned = [column] if kind else _CONCERNED.get(rule, schema.primary_key())
            if any((row, name) in table.unreadable for name in concerned):
                continue
            if kind == "nullability":
                yield f"{path}, row {row}, {column}: is empty"
            elif kind:
                limit = _limit(schema.columns()[column], rule)
                yield f"{path}, row {row}, {column}: breaks rule {rule}{limit}, value {found[column]!r}"
            elif rule == "primary_key":
                key = ", ".join(f"{name} {found[name]}" for name in concerned)
                yield f"{path}, row {row}: breaks rule primary_key: {key} is there more than once"
            else:
                empty = ", ".join(name for name in concerned if found[name] is None)
                yield f"{path}, row {row}: breaks rule {rule}: {empty} must not be empty"


def _limit(column: dy.Column, rule: str) -> str:
    limit = getattr(column, rule.partition("|")[2], None)
    if isinstance(limit, (int, float)):
        return f" {limit:g}"
    return f" ({_WORDS[rule]})" if rule in _WORDS else ""


def _cross_faults(assets: pl.DataFrame, curves: pl.DataFrame, path: Path) -> Iterator[str]:
    models = set(curves["turbine_model"].to_list())
    for asset_id, technology, model in assets.select("asset_id", "technology", "turbine_model").iter_rows():
        if technology == "wind" and model is not None and model not in models:
            yield f"{path}, asset_id={asset_id}: turbine_model {model!r} has no curve in power_curves.csv"
