"""The fleet registry: assets and turbine power curves, read and validated from two CSV files."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import dataframely as dy
import polars as pl

from renewable.errors import FleetError

INTERVALS_MINUTES = (5, 10, 15, 30, 60)
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


class AssetSchema(dy.Schema):
    """One row an asset. Columns of the other technology are empty."""

    asset_id = dy.String(primary_key=True, regex=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    asset_name = dy.String()
    site_id = dy.String()
    site_name = dy.String()
    technology = dy.String(check={"known": lambda c: c.is_in(TECHNOLOGIES)})
    latitude_deg = dy.Float64(min=-90, max=90)
    longitude_deg = dy.Float64(min=-180, max=180)
    elevation_m = dy.Float64(min=-430, max=6000)
    timezone = dy.String(check={"iana_name": lambda c: c.is_in(sorted(available_timezones()))})
    interval_minutes = dy.Int64(is_in=INTERVALS_MINUTES)
    rated_power_kw = dy.Float64(min_exclusive=0)
    commissioned_on = dy.Date()
    turbine_model = dy.String(nullable=True)
    hub_height_m = dy.Float64(nullable=True, min_exclusive=0, max=250)
    rotor_diameter_m = dy.Float64(nullable=True, min_exclusive=0, max=300)
    dc_capacity_kw = dy.Float64(nullable=True, min_exclusive=0)
    mounting = dy.String(nullable=True, check={"known": lambda c: c.is_in(MOUNTINGS)})
    tilt_deg = dy.Float64(nullable=True, min=0, max=90)
    azimuth_deg = dy.Float64(nullable=True, min=0, max=360)
    temperature_coefficient_pct_per_c = dy.Float64(nullable=True, min=-1, max=0)
    system_loss_pct = dy.Float64(nullable=True, min=0, max=50)

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
    power_kw = dy.Float64(min=0)


# What an asset is called changes no figure.
_LABELS = ("asset_name", "site_name")


@dataclass(frozen=True)
class Fleet:
    """A validated registry: `assets` by AssetSchema, `power_curves` by PowerCurveSchema, both ordered by their keys."""

    assets: pl.DataFrame
    power_curves: pl.DataFrame

    @cached_property
    def asset_ids(self) -> list[str]:
        return self.assets["asset_id"].to_list()

    def technology(self, name: str) -> pl.DataFrame:
        """The assets of one technology, ordered by asset_id."""
        return self.assets.filter(pl.col("technology") == name)


def load_fleet(fleet_dir: Path) -> Fleet:
    """Read and validate `assets.csv` and `power_curves.csv`; one FleetError lists every fault of both."""
    faults: list[str] = []
    assets = _read(fleet_dir / "assets.csv", AssetSchema, faults)
    curves = _read(fleet_dir / "power_curves.csv", PowerCurveSchema, faults)
    if assets is not None and curves is not None:
        faults.extend(_cross_faults(assets, curves, fleet_dir / "assets.csv"))
    if faults or assets is None or curves is None:
        raise _fleet_error(faults)
    return Fleet(assets.sort("asset_id"), curves.sort("turbine_model", "wind_speed_ms"))


def load_assets(fleet_dir: Path) -> pl.DataFrame:
    """`assets.csv` alone (AssetSchema, by asset_id), for what comes before there are power curves."""
    faults: list[str] = []
    assets = _read(fleet_dir / "assets.csv", AssetSchema, faults)
    if faults or assets is None:
        raise _fleet_error(faults)
    return assets.sort("asset_id")


def asset_versions(fleet: Fleet) -> dict[str, str]:
    """asset_id -> fingerprint (16 hex digits) of what its figures follow from: its row and its turbine model's curve.

    The order of rows and how a number was written do not matter, nor do names that people read.
    """
    curves = {
        str(model): [[speed + 0.0, power + 0.0] for _, speed, power in rows.sort("wind_speed_ms").iter_rows()]
        for (model,), rows in fleet.power_curves.group_by("turbine_model")
    }
    versions = {}
    for asset in fleet.assets.iter_rows(named=True):
        # Empty cells are left out, so that a column that comes later changes nothing while it is empty.
        row = {
            name: value + 0.0 if isinstance(value, float) else value
            for name, value in asset.items()
            if value is not None and name not in _LABELS
        }
        curve = curves.get(asset["turbine_model"]) if asset["technology"] == "wind" else None
        content = json.dumps([row, curve], sort_keys=True, default=str)
        versions[asset["asset_id"]] = hashlib.sha256(content.encode()).hexdigest()[:16]
    return versions


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
    unused = sorted(set(peak_kw) - set(fleet.assets["turbine_model"].drop_nulls()))
    if unused:
        found.append(f"curves that no asset uses: {', '.join(unused)}")
    return found


def _fleet_error(faults: list[str]) -> FleetError:
    listing = "\n".join(f"  - {fault}" for fault in faults)
    return FleetError(
        f"the fleet registry has {len(faults)} fault(s):\n{listing}\n"
        "Mend the files; README.md, 'Your own fleet', describes every column."
    )


def _read(path: Path, schema: type[dy.Schema], faults: list[str]) -> pl.DataFrame | None:
    if not path.is_file():
        faults.append(f"{path}: no such file; RENEWABLE_FLEET_DIR names the directory")
        return None
    try:
        text = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        faults.append(f"{path}: cannot be read as CSV: {error}")
        return None
    columns = schema.columns()
    missing = [name for name in columns if name not in text.columns]
    if missing:
        faults.append(f"{path}: missing column(s) {', '.join(missing)}")
        return None
    typed = text.select(_typed(name, column.dtype).alias(name) for name, column in columns.items())
    unreadable = [
        f"{path}, row {row + 2}, {name}: {text[name][row]!r} is not a {column.dtype}"
        for name, column in columns.items()
        for row in (text.select(_trimmed(name))[name].is_not_null() & typed[name].is_null()).arg_true()
    ]
    faults.extend(unreadable)
    faults.extend(_rule_faults(typed, schema, path))
    return typed


def _trimmed(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text)


def _typed(name: str, dtype: pl.DataType) -> pl.Expr:
    text = _trimmed(name)
    return text.str.to_date(strict=False) if dtype == pl.Date else text.cast(dtype, strict=False)


def _rule_faults(frame: pl.DataFrame, schema: type[dy.Schema], path: Path) -> Iterator[str]:
    _, failure = schema.filter(frame)
    if not len(failure):
        return
    key = schema.primary_key()
    for found in failure.details().iter_rows(named=True):
        where = ", ".join(f"{name}={found[name]}" for name in key)
        for rule, verdict in found.items():
            if verdict == "invalid" and rule not in frame.columns:
                column, _, kind = rule.partition("|")
                value = f", value {found[column]!r}" if kind and column in found else ""
                yield f"{path}, {where}: breaks rule {rule}{value}"


def _cross_faults(assets: pl.DataFrame, curves: pl.DataFrame, path: Path) -> Iterator[str]:
    models = set(curves["turbine_model"].to_list())
    for asset_id, technology, model in assets.select("asset_id", "technology", "turbine_model").iter_rows():
        if technology == "wind" and model is not None and model not in models:
            yield f"{path}, asset_id={asset_id}: turbine_model {model!r} has no curve in power_curves.csv"
