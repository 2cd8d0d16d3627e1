"""Columns of other types than the contract's, brought into it where nothing is lost. It knows types, not rules.

Python's and Spark's tools write nanoseconds, other names of UTC, narrow floats, whole numbers, decimals and
dictionaries by default. Their values are the contract's values; what would lose something is refused.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from zoneinfo import available_timezones

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

_OFFSET = re.compile(r"(?:UTC|GMT)?[+-][0-9]{2}(?::?[0-9]{2})?", re.IGNORECASE)
_UTC_NAMES = frozenset({"z", "utc", "gmt", "zulu"})
# Any decimal number of so many digits comes back from a float64 as it went in (DBL_DIG).
_FLOAT_DIGITS = 15
_SPARK = b"org.apache.spark.version"
_DECIMAL_WIDTHS = (
    pa.types.is_decimal128,
    pa.types.is_decimal256,
    pa.types.is_decimal32,
    pa.types.is_decimal64,
)


class LossError(Exception):
    """A value would not survive the conversion; the message names column, row and value."""


def is_canonical(found: pa.DataType, expected: pl.DataType) -> bool:
    """Whether a column is stored as the contract has it, so that any reader sees the contract's type."""
    if expected == pl.String:
        return _is_text(found)
    if expected == pl.Float64:
        return bool(pa.types.is_float64(found))
    return bool(found == pa.timestamp("us", tz="UTC"))


def is_plain(found: pa.DataType) -> bool:
    """Whether every reader opens a file in spite of such a column beside the contract's."""
    return bool(
        _is_text(found)
        or pa.types.is_integer(found)
        or pa.types.is_float32(found)
        or pa.types.is_float64(found)
        or pa.types.is_boolean(found)
        or pa.types.is_date(found)
        or (pa.types.is_timestamp(found) and found.tz in (None, "UTC"))
    )


def is_lossless(found: pa.DataType, expected: pl.DataType, nullable: bool, is_instant: bool = False) -> bool:
    """Whether values of `found` can be the contract's `expected`; whether each of them is, only reading shows.

    `is_instant` says of timestamps without a zone that they are UTC all the same (see `is_spark_instant`).
    """
    if pa.types.is_dictionary(found):
        return is_lossless(found.value_type, expected, nullable, is_instant)
    if pa.types.is_null(found):
        return nullable
    if expected == pl.String:
        return _is_text(found)
    if expected == pl.Float64:
        return bool(
            pa.types.is_floating(found)
            or pa.types.is_integer(found)
            or any(t(found) for t in _DECIMAL_WIDTHS)
        )
    return bool(pa.types.is_timestamp(found)) and (is_instant or _is_known_zone(found.tz))


def is_spark_instant(physical_type: str, footer: Mapping[bytes, bytes] | None) -> bool:
    """Whether a column is Spark's INT96, which is UTC by Spark's own rule although it names no zone."""
    return physical_type == "INT96" and _SPARK in (footer or {})


def type_name(found: pa.DataType) -> str:
    """A type in the words in which the contract names its own."""
    if pa.types.is_timestamp(found):
        zone = "no time zone" if found.tz is None else f"time zone {found.tz}"
        return f"Datetime in {found.unit} with {zone}"
    names = ((_is_text, "String"), (pa.types.is_date, "Date"), (pa.types.is_boolean, "Boolean"))
    return next((name for test, name in names if test(found)), str(found))


def converted(name: str, column: pa.ChunkedArray, expected: pl.DataType) -> pl.Series:
    """`column` as the contract's type. Raises LossError for the first value that would not be the same."""
    # Reading checks neither texts nor the places in a dictionary.
    column.validate(full=True)
    column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return pl.Series(name, [None] * len(column), dtype=expected)
    if expected == pl.String:
        converted_column = column.cast(pa.large_string())
    elif expected == pl.Float64:
        converted_column = _as_float(name, column)
    else:
        converted_column = _as_instant(name, column)
    series = pl.from_arrow(converted_column)
    assert isinstance(series, pl.Series)
    return series.rename(name).cast(expected)


def _as_float(name: str, column: pa.Array) -> pa.Array:
    if pa.types.is_float16(column.type):
        # Arrow knows no direct way from 16 bits in all versions; both steps only widen.
        column = column.cast(pa.float32())
    if pa.types.is_floating(column.type):
        return column.cast(pa.float64())
    if pa.types.is_integer(column.type):
        wide = column.cast(pa.float64(), safe=False)
        beyond = pc.greater_equal(pc.abs(wide), float(2**53))
        for row in _where(beyond):
            if int(wide[row].as_py()) != column[row].as_py():
                raise LossError(_loss(name, row, column[row].as_py(), "has more digits than a 64-bit float"))
        return wide
    # By way of text, which is parsed to the nearest float; arithmetic with powers of ten is a bit off.
    wide = column.cast(pa.string()).cast(pa.float64())
    limit = 10**_FLOAT_DIGITS
    scale = column.type.scale
    beyond = pc.greater_equal(pc.abs(wide), limit * 10.0**-scale)
    for row in _where(beyond):
        if Decimal(repr(wide[row].as_py())) != column[row].as_py():
            raise LossError(_loss(name, row, column[row].as_py(), "has more digits than a 64-bit float"))
    return wide


def _as_instant(name: str, column: pa.Array) -> pa.Array:
    unit = column.type.unit
    ticks = column.cast(pa.timestamp(unit)).cast(pa.int64())
    if unit == "ns":
        micros = pc.divide(ticks, pa.scalar(1000, pa.int64()))
        lost = pc.not_equal(pc.multiply(micros, pa.scalar(1000, pa.int64())), ticks)
        for row in _where(lost):
            raise LossError(_loss(name, row, f"{ticks[row].as_py()} ns", "has digits below a microsecond"))
    else:
        factor = {"us": 1, "ms": 1000, "s": 1_000_000}[unit]
        limit = (2**63 - 1) // factor
        for row in _where(pc.greater(pc.abs(ticks.cast(pa.float64(), safe=False)), float(limit))):
            raise LossError(_loss(name, row, f"{ticks[row].as_py()} {unit}", "lies beyond all calendars"))
        micros = pc.multiply(ticks, pa.scalar(factor, pa.int64()))
    return micros.cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))


def _where(test: pa.Array) -> list[int]:
    rows: list[int] = pc.indices_nonzero(pc.fill_null(test, False)).to_pylist()
    return rows


def _loss(name: str, row: int, value: object, why: str) -> str:
    return f"column {name}, row {row + 1}: {value} {why}, which loading would lose"


def _is_text(found: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found)
    )


def _is_known_zone(zone: str | None) -> bool:
    if zone is None:
        return False
    return zone.lower() in _UTC_NAMES or bool(_OFFSET.fullmatch(zone)) or zone in available_timezones()
