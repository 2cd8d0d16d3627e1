"""Column registry of the raw tables as dataframely schemas: type, unit, physical range and meaning in one place."""

from typing import Any, Literal, get_args

import dataframely as dy
import polars as pl

RawTable = Literal["weather", "generation"]
TABLES: tuple[RawTable, ...] = get_args(RawTable)
KEY = ("asset_id", "timestamp")

OPERATING_STATES = (
    "running",
    "standby",
    "curtailed",
    "fault",
    "maintenance",
    "no_communication",
)
# Power relative to rated power; negative standby consumption and short overshoots are real.
POWER_RATIO_RANGE = (-0.2, 1.5)
POWER_CHANNELS = ("active_power_kw", "curtailment_limit_kw")


def _asset_id() -> dy.String:
    return dy.String(
        primary_key=True, metadata={"unit": ""}, description="asset as named in the fleet registry"
    )


def _timestamp() -> dy.Datetime:
    return dy.Datetime(
        primary_key=True,
        time_unit="us",
        time_zone="UTC",
        metadata={"unit": "UTC"},
        description="start of the interval, UTC",
    )


def _channel(unit: str, low: float, high: float, meaning: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=low, max=high, metadata={"unit": unit}, description=meaning)


class WeatherSchema(dy.Schema):
    """One row an asset and interval: means over the interval, precipitation its sum."""

    asset_id = _asset_id()
    timestamp = _timestamp()
    wind_speed_ms = _channel("m/s", 0, 75, "wind speed at hub height (wind) or at 10 m (solar)")
    wind_direction_deg = _channel("deg", 0, 360, "direction the wind comes from, clockwise from north")
    air_temperature_c = _channel("°C", -60, 60, "ambient air temperature")
    air_pressure_hpa = _channel("hPa", 500, 1100, "air pressure at the site")
    relative_humidity_pct = _channel("%", 0, 105, "relative humidity of the air")
    ghi_wm2 = _channel("W/m²", -20, 2000, "global horizontal irradiance, with the sensor's night offset")
    poa_irradiance_wm2 = _channel("W/m²", -20, 2000, "irradiance in the plane of the array")
    module_temperature_c = _channel("°C", -60, 120, "temperature at the back of the module")
    precipitation_mm = _channel("mm", 0, 200, "precipitation that fell in the interval")


class GenerationSchema(dy.Schema):
    """One row an asset and interval: mean AC power and the state that the controller reports."""

    asset_id = _asset_id()
    timestamp = _timestamp()
    # The range in kW depends on the asset: POWER_RATIO_RANGE times its rated power.
    active_power_kw = dy.Float64(
        nullable=True,
        allow_inf=False,
        metadata={"unit": "kW"},
        description="mean AC power at the terminals, negative when consuming",
    )
    curtailment_limit_kw = dy.Float64(
        nullable=True,
        metadata={"unit": "kW"},
        description="power limit set from outside, null when there is none",
    )
    operating_state = dy.String(
        nullable=True,
        check={"known": lambda state: state.is_in(OPERATING_STATES)},
        metadata={"unit": ""},
        description=f"state reported by the controller: {', '.join(OPERATING_STATES)}",
    )


SCHEMAS: dict[RawTable, type[dy.Schema]] = {"weather": WeatherSchema, "generation": GenerationSchema}


def polars_schema(table: RawTable) -> pl.Schema:
    """Names and types of a raw table, in the order of its columns."""
    return pl.Schema({name: column.dtype for name, column in SCHEMAS[table].columns().items()})


def measurements(table: RawTable) -> dict[str, Any]:
    """The columns of a raw table that are not its key, each with its dataframely column."""
    return {n: c for n, c in SCHEMAS[table].columns().items() if n not in KEY}


def column_unit(table: RawTable, column: str) -> str:
    """The unit of a column as text; empty for names and states."""
    metadata = SCHEMAS[table].columns()[column].metadata or {}
    return str(metadata.get("unit", ""))
