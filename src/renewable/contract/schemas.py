"""Column registry of the raw tables as dataframely schemas: all that is known of a column, in one place.

A new channel is a line here, nullable and with `since` one more than the contract's version so far, and a line in
models/staging/_sources.yml of the dbt project. Simulator, importer, models, quality mart and dictionary follow.
"""

from typing import Any, Literal, get_args

import polars as pl

from renewable.frame_schemas import dy

RawTable = Literal["weather", "generation"]
Technology = Literal["wind", "solar"]
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


def _channel(
    unit: str,
    low: float,
    high: float,
    meaning: str,
    *,
    since: int,
    technology: Technology | None = None,
    called: tuple[str, ...] = (),
) -> dy.Float64:
    """A measured quantity: its unit, the range in which a reading can be true, what it is.

    `since` is the version of the contract that it came with, `technology` the one whose assets alone have it, `called`
    what headers of exports look like (regular expressions, the likeliest first; its own name is looked for last).
    """
    about = {"unit": unit, "since": since, "technology": technology, "called": called}
    return dy.Float64(nullable=True, min=low, max=high, metadata=about, description=meaning)


class WeatherSchema(dy.Schema):
    """One row an asset and interval: means over the interval, precipitation its sum."""

    asset_id = _asset_id()
    timestamp = _timestamp()
    wind_speed_ms = _channel(
        "m/s",
        0,
        75,
        "wind speed at hub height (wind) or at 10 m (solar)",
        since=1,
        called=(r"^ws_avg$", r"wind.?speed", "windgeschw", "vitesse.*vent", "velocidad.*viento", "^ws"),
    )
    wind_direction_deg = _channel(
        "deg",
        0,
        360,
        "direction the wind comes from, clockwise from north",
        since=1,
        called=(r"^wa_avg$", "wind.?dir", "windricht", "direction.*vent", "direcci.*viento", "^wd"),
    )
    air_temperature_c = _channel(
        "°C",
        -60,
        60,
        "ambient air temperature",
        since=1,
        called=(
            "^ot_avg$",
            "amb.*temp",
            "outdoor.*temp",
            "outside.*temp",
            "air.?temp",
            "aussentemp",
            "lufttemp",
        ),
    )
    air_pressure_hpa = _channel(
        "hPa",
        500,
        1100,
        "air pressure at the site",
        since=1,
        called=("pressure", "luftdruck", "pression", "presi"),
    )
    relative_humidity_pct = _channel(
        "%", 0, 105, "relative humidity of the air", since=1, called=("humid", "feuchte", "humed")
    )
    ghi_wm2 = _channel(
        "W/m²",
        -20,
        2000,
        "global horizontal irradiance, with the sensor's night offset",
        since=1,
        technology="solar",
        # Of an irradiance without a plane; one in the plane of the array says so.
        called=(
            r"\bghi\b",
            "global.*horiz",
            *(
                f"^(?!.*(?:poa|plane.*array|tilted|generatorebene)).*{word}"
                for word in ("irradiance", "einstrahlung", "irradiation", "radiaci")
            ),
        ),
    )
    poa_irradiance_wm2 = _channel(
        "W/m²",
        -20,
        2000,
        "irradiance in the plane of the array",
        since=1,
        technology="solar",
        called=("poa", "plane.*array", "tilted", "generatorebene"),
    )
    module_temperature_c = _channel(
        "°C",
        -60,
        120,
        "temperature at the back of the module",
        since=1,
        technology="solar",
        called=("mod.*temp", "panel.*temp", "back.*temp", "modultemp", "temp.*module"),
    )
    precipitation_mm = _channel(
        "mm",
        0,
        200,
        "precipitation that fell in the interval",
        since=1,
        called=("precip", "rain", "niederschlag", "pluie", "lluvia"),
    )


class GenerationSchema(dy.Schema):
    """One row an asset and interval: mean AC power and the state that the controller reports."""

    asset_id = _asset_id()
    timestamp = _timestamp()
    # The range in kW depends on the asset: POWER_RATIO_RANGE times its rated power.
    active_power_kw = dy.Float64(
        nullable=True,
        allow_inf=False,
        metadata={
            "unit": "kW",
            "called": (
                "^p_avg$",
                "active.?power",
                "ac.?power",
                "^power",
                "leistung",
                "puissance",
                "potencia",
                r"\bkw\b",
            ),
        },
        description="mean AC power at the terminals, negative when consuming",
    )
    curtailment_limit_kw = dy.Float64(
        nullable=True,
        metadata={"unit": "kW", "called": ("limit", "setpoint", "sollwert", "consigne", "curtail")},
        description="power limit set from outside, null when there is none",
    )
    operating_state = dy.String(
        nullable=True,
        check={"known": lambda state: state.is_in(OPERATING_STATES)},
        metadata={
            "unit": "",
            "called": ("status", "state", "zustand", "betriebs", "etat", "estado", "operating"),
        },
        description=f"state reported by the controller: {', '.join(OPERATING_STATES)}",
    )
    gap_energy_kwh = _channel(
        "kWh",
        -1e9,
        1e9,
        "energy that a counter tells over a gap of the power, on the last interval of the gap; of a gap over"
        " several days each day's share on that day's last interval of it. It is never part of the power",
        since=2,
    )


SCHEMAS: dict[RawTable, type[dy.Schema]] = {"weather": WeatherSchema, "generation": GenerationSchema}


def polars_schema(table: RawTable) -> pl.Schema:
    """Names and types of a raw table, in the order of its columns."""
    return pl.Schema({name: column.dtype for name, column in SCHEMAS[table].columns().items()})


def with_all_columns(frame: pl.DataFrame, table: RawTable) -> pl.DataFrame:
    """A frame of some of a raw table's columns with all of them, in their order and types; the others are null."""
    whole = pl.concat([pl.DataFrame(schema=polars_schema(table)), frame], how="diagonal_relaxed")
    return whole.select(polars_schema(table).names()).cast(polars_schema(table))


def measurements(table: RawTable) -> dict[str, Any]:
    """The columns of a raw table that are not its key, each with its dataframely column."""
    return {n: c for n, c in SCHEMAS[table].columns().items() if n not in KEY}


def column_unit(table: RawTable, column: str) -> str:
    """The unit of a column as text; empty for names and states."""
    return str(_about(table, column).get("unit", ""))


def column_meaning(table: RawTable, column: str) -> str:
    """What a column is, in words."""
    return SCHEMAS[table].columns()[column].description or ""


def column_since(table: RawTable, column: str) -> int:
    """The version of the contract that a column came with; those of the first are in every raw file."""
    return int(_about(table, column).get("since", 1))


def column_technology(table: RawTable, column: str) -> Technology | None:
    """The technology whose assets alone have a column; None: all have it."""
    found: Technology | None = _about(table, column).get("technology")
    return found


def column_called(table: RawTable, column: str) -> tuple[str, ...]:
    """What headers of exports look like that mean a column: regular expressions, the likeliest first."""
    words = column.split("_")
    own = ".?".join(words[:-1] if column_unit(table, column) and len(words) > 1 else words)
    return (*_about(table, column).get("called", ()), own)


def _about(table: RawTable, column: str) -> dict[str, Any]:
    return SCHEMAS[table].columns()[column].metadata or {}
