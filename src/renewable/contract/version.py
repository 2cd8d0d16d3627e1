"""Which contract gave a verdict: a fingerprint of its columns and rules, and the columns that each version has.

It is computed when asked, from the schemas as they are then.
"""

import hashlib
import json
from collections.abc import Mapping

from renewable.contract import schemas

# Raise it when the gate judges otherwise by a rule that the schemas do not show.
GATE_VERSION = 3

Columns = Mapping[str, frozenset[str]]

# The contract of warehouses that kept no version yet.
BASELINE = "baseline"
BASELINE_COLUMNS: Columns = {
    "weather": frozenset(
        {
            "asset_id",
            "timestamp",
            "wind_speed_ms",
            "wind_direction_deg",
            "air_temperature_c",
            "air_pressure_hpa",
            "relative_humidity_pct",
            "ghi_wm2",
            "poa_irradiance_wm2",
            "module_temperature_c",
            "precipitation_mm",
        }
    ),
    "generation": frozenset(
        {"asset_id", "timestamp", "active_power_kw", "curtailment_limit_kw", "operating_state"}
    ),
}


def contract_version() -> str:
    """Fingerprint of all that a verdict of the gate depends on, but for the registry."""
    described = {
        "gate": GATE_VERSION,
        "states": schemas.OPERATING_STATES,
        "power": [schemas.POWER_RATIO_RANGE, schemas.POWER_CHANNELS],
        "tables": {
            table: [
                {
                    "name": name,
                    "type": str(column.dtype),
                    "nullable": column.nullable,
                    "unit": schemas.column_unit(table, name),
                    "range": [repr(getattr(column, limit, None)) for limit in _LIMITS],
                    # Whether a file may lack it.
                    **({"since": since} if (since := schemas.column_since(table, name)) > 1 else {}),
                }
                for name, column in schemas.SCHEMAS[table].columns().items()
            ]
            for table in schemas.TABLES
        },
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def generation() -> int:
    """The version of the contract as people count it: that of its youngest column."""
    return max(
        schemas.column_since(table, name) for table in schemas.TABLES for name in schemas.polars_schema(table)
    )


def contract_columns() -> Columns:
    """The columns of each raw table now."""
    return {table: frozenset(schemas.polars_schema(table)) for table in schemas.TABLES}


_LIMITS = ("min", "max", "min_exclusive", "max_exclusive", "allow_inf", "allow_nan")
