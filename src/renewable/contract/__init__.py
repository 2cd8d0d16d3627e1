"""The contract of raw files: tables, columns, types, units, ranges. Judging a file by it is the gate's matter."""

from renewable.contract.schemas import (
    KEY,
    OPERATING_STATES,
    POWER_RATIO_RANGE,
    TABLES,
    GenerationSchema,
    RawTable,
    Technology,
    WeatherSchema,
    column_called,
    column_meaning,
    column_since,
    column_technology,
    column_unit,
    measurements,
    polars_schema,
    with_all_columns,
)

__all__ = [
    "KEY",
    "OPERATING_STATES",
    "POWER_RATIO_RANGE",
    "TABLES",
    "GenerationSchema",
    "RawTable",
    "Technology",
    "WeatherSchema",
    "column_called",
    "column_meaning",
    "column_since",
    "column_technology",
    "column_unit",
    "measurements",
    "polars_schema",
    "with_all_columns",
]
