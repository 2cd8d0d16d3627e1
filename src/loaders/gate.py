"""The gate: judges raw files by the contract and splits good rows from bad. It reads files and writes nothing."""

import hashlib
import io
import stat
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.lossless import (
    LossError,
    converted,
    is_canonical,
    is_lossless,
    is_plain,
    is_spark_instant,
    type_name,
)
from loaders.pending import Fingerprint, fingerprint, opened, unreadable_fingerprint
from renewable.contract import KEY, POWER_RATIO_RANGE, RawTable, column_since, measurements, polars_schema
from renewable.contract.schemas import POWER_CHANNELS, SCHEMAS
from renewable.fleet import Fleet
from renewable.raw_files import name_fault
from renewable.windows import Window

# Names of dataframely's rules as they appear in the quarantine.
_VALUE_RULES = {
    "min": "below_range",
    "max": "above_range",
    "nan": "not_a_number",
    "inf": "infinite",
    "check__known": "unknown_state",
}
_SOURCE = ("file", "row_number")
# What a file may claim to unpack to: twice the width of the widest row, so that no small file fills the memory.
_MAX_BYTES_PER_ROW = 256
_SMALL_BYTES = 16 << 20
_TICK_S = 0.02

SET_ASIDE_SCHEMA = pl.Schema(
    [
        ("file", pl.String),
        ("row_number", pl.Int64),
        ("asset_id", pl.String),
        ("timestamp", pl.Datetime("us", "UTC")),
        ("channel", pl.String),
        ("original_value", pl.String),
        ("rule", pl.String),
    ]
)


@dataclass(frozen=True)
class Inspected:
    """A file as its footer shows it. `refusal` says why the whole file is refused; then nothing of it was decoded.

    `convert` names the table whose columns are to be made of what the file holds; None: it holds just them.
    """

    path: Path
    fingerprint: Fingerprint
    rows: int
    refusal: str | None
    convert: RawTable | None = None


class FileInMotionError(Exception):
    """The file changed or vanished while it was read: leave it for the next look."""


@dataclass(frozen=True)
class FileCounts:
    """Law: rows_in = rows_loaded + rows_collapsed + rows_quarantined. Values set aside are counted beside."""

    rows_in: int
    rows_loaded: int
    rows_collapsed: int
    rows_quarantined: int
    values_set_aside: int


@dataclass(frozen=True)
class Verdict:
    """What the gate made of one table's UTC day.

    `accepted` has the contract's columns, ordered by key. `rejected` has them too, after file, row_number (from 1)
    and rule. `set_aside` has one row a value, by SET_ASIDE_SCHEMA. `counts` are by file.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    set_aside: pl.DataFrame
    counts: Mapping[str, FileCounts]


def inspect_file(
    path: Path,
    table: RawTable,
    *,
    max_rows: int,
    extra_columns: Container[str] = (),
    columns_then: Mapping[str, frozenset[str]] | None = None,
) -> Inspected:
    """Fingerprint a raw file and hold its footer against the contract; what the file holds never makes it raise.

    A column that came with a later version of the contract than the first may be missing. Columns beside the contract's
    are a fault unless they are in `extra_columns`. `columns_then` names by SHA-256 the
    contents that an earlier contract accepted, with the columns that it had: what was not among them may be missing
    now where the contract allows null, and what is not in the contract any more is left out.
    A file that the system does not let be read is refused.

    Raises FileInMotionError when somebody writes or removes the file meanwhile.
    """
    try:
        before = path.lstat()
        # The kernel's clock ticks in some milliseconds: a later change must get a later time than what is seen here.
        time.sleep(max(0.0, _TICK_S - max(0.0, time.time() - before.st_ctime)))
        refusal = _kind_fault(path)
        seen = fingerprint(path)
        rows, convert = 0, False
        if refusal is None:
            then = (columns_then or {}).get(seen.sha256)
            rows, refusal, convert = _footer(path, table, max_rows, extra_columns, then)
        moved = not seen.has_stat_of(path) or before.st_ctime_ns != seen.ctime_ns
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileInMotionError(path) from error
    except OSError as error:
        return _unreadable(path, error)
    if moved:
        raise FileInMotionError(path)
    return Inspected(path, seen, rows, refusal, table if convert else None)


def claimed_rows(path: Path, max_rows: int) -> int:
    """How many rows a file's footer claims, if it can be read and is not beyond the limit; else 0."""
    try:
        rows: int = pq.read_metadata(path).num_rows if path.is_file() and not path.is_symlink() else 0
    except (pa.ArrowException, OSError, ValueError):
        return 0
    return rows if 0 <= rows <= max_rows else 0


def read_rows(file: Inspected) -> tuple[pl.DataFrame | None, str | None]:
    """All rows of an inspected file, or the reason why it is refused after all.

    Raises FileInMotionError when it is not the file any more that was inspected.
    """
    try:
        with opened(file.path) as source:
            content = source.read()
    except OSError as error:
        # It could be read a moment ago: the next look will tell which of the two is so for good.
        raise FileInMotionError(file.path) from error
    if hashlib.sha256(content).hexdigest() != file.fingerprint.sha256:
        raise FileInMotionError(file.path)
    try:
        source_of = io.BytesIO(content)
        frame = _convert(source_of, file.convert) if file.convert else pl.read_parquet(source_of)
    except LossError as error:
        return None, str(error)
    except (
        pa.ArrowException,
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        ValueError,
    ) as error:
        return None, f"cannot be read as Parquet: {_first_line(error)}"
    if frame.height != file.rows:
        return (
            None,
            f"cannot be read as Parquet: the footer claims {file.rows} rows, there are {frame.height}",
        )
    return frame, None


def refused_by_name(path: Path, raw_dir: Path) -> Inspected:
    """The verdict on a file whose name or place is not that of a raw file.

    Raises FileInMotionError when it is gone meanwhile.
    """
    try:
        refusal = _kind_fault(path) or name_fault(path.relative_to(raw_dir).as_posix())
        return Inspected(path, fingerprint(path), 0, refusal or "is no raw file")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileInMotionError(path) from error
    except OSError as error:
        return _unreadable(path, error)


def judge_day(table: RawTable, day: date, frames: Mapping[str, pl.DataFrame], fleet: Fleet) -> Verdict:
    """Split one day's rows, given by file name, into accepted, rejected and values set aside.

    Rows of a key in several files are joined channel by channel; the order of the files changes nothing but which of
    them counts as loaded and which as collapsed.
    """
    schema = polars_schema(table)
    rows = pl.concat(
        [pl.DataFrame(schema={"file": pl.String, "row_number": pl.Int64, **schema})]
        + [
            frame.select(
                pl.lit(name).alias("file"), pl.int_range(1, pl.len() + 1).alias("row_number"), *schema
            )
            for name, frame in sorted(frames.items())
        ]
    )
    ruled = _with_registry(rows, fleet).with_columns(_row_rule(day))
    sound = ruled.filter(pl.col("rule").is_null()).unique(
        subset=["file", *schema], keep="first", maintain_order=True
    )
    of_file = pl.len().over("file", *KEY)
    sound = sound.with_columns(pl.when(of_file > 1).then(pl.lit("conflicting_key")).alias("rule"))
    rejected = pl.concat(
        [ruled.filter(pl.col("rule").is_not_null()), sound.filter(pl.col("rule").is_not_null())]
    )
    cleaned, set_aside = _without_bad_values(sound.filter(pl.col("rule").is_null()), table)
    kept, conflicting = _joined(cleaned, list(measurements(table)))
    set_aside = pl.concat([set_aside, conflicting])
    accepted = SCHEMAS[table].validate(kept.select(schema.names())).sort("asset_id", "timestamp")
    return Verdict(
        accepted,
        rejected.select("file", "row_number", "rule", *schema).sort("file", "row_number"),
        set_aside.sort("file", "row_number", "channel"),
        _counts(frames, kept, rejected, set_aside),
    )


def _joined(rows: pl.DataFrame, channels: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Parts of a day as one: a row for each key, under its first file, and the values that are set aside.

    A null conflicts with nothing. Of two different values of a channel nobody knows which is right: both go.
    """
    alone = pl.len().over(KEY) == 1
    several = rows.filter(~alone)
    if several.is_empty():
        return rows, pl.DataFrame(schema=SET_ASIDE_SCHEMA)
    differs = {name: pl.col(name).drop_nulls().n_unique() > 1 for name in channels}
    conflicting = [
        several.filter(pl.col(name).is_not_null() & differs[name].over(KEY)).select(
            *_SOURCE,
            *KEY,
            pl.lit(name).alias("channel"),
            pl.col(name).cast(pl.String).alias("original_value"),
            pl.lit("conflicting_value").alias("rule"),
        )
        for name in channels
    ]
    one = several.group_by(KEY, maintain_order=True).agg(
        pl.when(~differs[name]).then(pl.col(name).drop_nulls().first())
        if name in differs
        else pl.col(name).first()
        for name in several.columns
        if name not in KEY
    )
    kept = pl.concat([rows.filter(alone), one.select(rows.columns)])
    return kept, pl.concat(conflicting).cast(SET_ASIDE_SCHEMA)


def _kind_fault(path: Path) -> str | None:
    if path.is_symlink():
        return "is a symbolic link, and links are not followed: put the file itself here"
    return None if stat.S_ISREG(path.lstat().st_mode) else "is not a regular file"


def _unreadable(path: Path, error: OSError) -> Inspected:
    reason = (
        f"cannot be read ({error.strerror or error}): give the pipeline's user the right to read it, or look after"
        " the disk. Each load tries it again"
    )
    return Inspected(path, unreadable_fingerprint(path), 0, reason)


def _footer(
    path: Path,
    table: RawTable,
    max_rows: int,
    extra_columns: Container[str],
    then: frozenset[str] | None,
) -> tuple[int, str | None, bool]:
    """(rows that it claims, why it is refused, whether its columns have to be converted)."""
    try:
        with opened(path) as source:
            file = pq.ParquetFile(source)
            metadata, found = file.metadata, file.schema_arrow
            groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
            physical = {
                column.path: column.physical_type
                for column in (metadata.schema.column(i) for i in range(metadata.num_columns))
            }
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            # The system's word about the file; that of pyarrow about its content has no number.
            raise
        return 0, f"cannot be read as Parquet: {_first_line(error)}", False
    rows, size = metadata.num_rows, sum(group.total_byte_size for group in groups)
    if rows > max_rows:
        return rows, f"claims {rows} rows, more than RENEWABLE_MAX_ROWS_PER_FILE={max_rows}", False
    if rows != sum(group.num_rows for group in groups):
        return (
            rows,
            "cannot be read as Parquet: the footer contradicts itself about the number of rows",
            False,
        )
    if size > max(max_rows * _MAX_BYTES_PER_ROW, _SMALL_BYTES):
        return (
            rows,
            f"claims {size} bytes unpacked, more than {_MAX_BYTES_PER_ROW} for each of"
            f" RENEWABLE_MAX_ROWS_PER_FILE={max_rows} rows",
            False,
        )
    try:
        instants = {name for name, kind in physical.items() if is_spark_instant(kind, metadata.metadata)}
        fault = _schema_fault(found, table, extra_columns, then, instants)
        return rows, fault, fault is None and not _is_as_agreed(found, table)
    except UnicodeDecodeError as error:
        # A name of a column or a time zone; Arrow looks at it only now.
        return rows, f"cannot be read as Parquet: {_first_line(error)}", False


def _is_as_agreed(found: pa.Schema, table: RawTable) -> bool:
    """Whether every reader sees the contract's own columns and types, whatever lies beside them."""
    expected = polars_schema(table)
    canonical = all(n in found.names and is_canonical(found.field(n).type, t) for n, t in expected.items())
    return canonical and all(is_plain(field.type) for field in found if field.name not in expected)


def _schema_fault(
    found: pa.Schema,
    table: RawTable,
    extra_columns: Container[str],
    then: frozenset[str] | None,
    instants: Container[str],
) -> str | None:
    expected, nullable = polars_schema(table), measurements(table)
    if len(set(found.names)) < len(found.names):
        return "cannot be read as Parquet: it has two columns of one name"
    faults = []
    lacking = [name for name in expected if name not in found.names]
    # What came with a later version of the contract, older files and writers know nothing of.
    needed = [name for name in lacking if name not in nullable or column_since(table, name) == 1]
    if missing := [name for name in needed if then is None or name in then or name not in nullable]:
        faults.append(f"missing column(s) {', '.join(missing)}")
    left_out = [name for name in found.names if name not in expected and name not in (then or ())]
    if unknown := [name for name in left_out if name not in extra_columns]:
        faults.append(
            f"unknown column(s) {', '.join(unknown)}, and RENEWABLE_EXTRA_COLUMNS does not allow them"
        )
    for name, dtype in expected.items():
        kind = found.field(name).type if name in found.names else None
        if kind is not None and not is_lossless(kind, dtype, name in nullable, name in instants):
            faults.append(
                f"column {name} is {type_name(kind)}, expected {dtype} or what converts without loss"
            )
    return "; ".join(faults) or None


def _convert(content: io.BytesIO, table: RawTable) -> pl.DataFrame:
    """The contract's columns, made of a file's own without loss; one that it lacks is null."""
    file = pq.ParquetFile(content)
    expected = polars_schema(table)
    rows = file.read(columns=[name for name in expected if name in file.schema_arrow.names])
    return pl.DataFrame(
        [
            converted(name, rows[name], dtype)
            if name in rows.column_names
            else pl.Series(name, [None] * rows.num_rows, dtype=dtype)
            for name, dtype in expected.items()
        ]
    )


def _with_registry(rows: pl.DataFrame, fleet: Fleet) -> pl.DataFrame:
    registry = fleet.assets_at_most.select(
        "asset_id", "interval_minutes", "interval_offset_minutes", "rated_power_kw"
    )
    return rows.join(registry, on="asset_id", how="left", maintain_order="left")


def _row_rule(day: date) -> pl.Expr:
    window = Window.of_day(day)
    stamp = pl.col("timestamp")
    outside = (stamp < window.start_utc) | (stamp >= window.end_utc)
    since_midnight_us = stamp.dt.epoch("us") % (24 * 3600 * 1_000_000)
    offset_us = pl.col("interval_offset_minutes").fill_null(0) * 60_000_000
    off_grid = (since_midnight_us - offset_us) % (pl.col("interval_minutes") * 60_000_000) != 0
    return (
        pl.when(pl.col("asset_id").is_null() | stamp.is_null())
        .then(pl.lit("null_key"))
        .when(pl.col("interval_minutes").is_null())
        .then(pl.lit("unknown_asset"))
        .when(outside)
        .then(pl.lit("outside_day"))
        .when(off_grid)
        .then(pl.lit("off_grid"))
        .alias("rule")
    )


def _without_bad_values(rows: pl.DataFrame, table: RawTable) -> tuple[pl.DataFrame, pl.DataFrame]:
    rules = _value_rules(table)
    broken = rows.select(
        pl.when(~valid).then(pl.lit(rule)).alias(f"{channel}|{rule}") for channel, rule, valid in rules
    )
    found = [name for name in broken.columns if broken[name].null_count() < broken.height]
    if not found:
        return rows, pl.DataFrame(schema=SET_ASIDE_SCHEMA)
    rows = rows.hstack(broken.select(found))
    set_aside, by_channel = [], dict[str, list[str]]()
    for name in found:
        by_channel.setdefault(name.partition("|")[0], []).append(name)
    for channel, names in by_channel.items():
        rule = pl.coalesce(names)
        set_aside.append(
            rows.filter(rule.is_not_null()).select(
                *_SOURCE,
                *KEY,
                pl.lit(channel).alias("channel"),
                pl.col(channel).cast(pl.String).alias("original_value"),
                rule.alias("rule"),
            )
        )
    cleaned = rows.with_columns(
        pl.when(pl.coalesce(names).is_null()).then(pl.col(channel)).alias(channel)
        for channel, names in by_channel.items()
    ).drop(found)
    return cleaned, pl.concat(set_aside).cast(SET_ASIDE_SCHEMA)


def _value_rules(table: RawTable) -> list[tuple[str, str, pl.Expr]]:
    """(channel, rule, expression that is true where the value is good), from the contract and the rated power."""
    rules = [
        (channel, _VALUE_RULES.get(rule, rule), valid)
        for channel, column in measurements(table).items()
        for rule, valid in column.validation_rules(pl.col(channel)).items()
    ]
    low, high = POWER_RATIO_RANGE
    for channel in POWER_CHANNELS if table == "generation" else ():
        value, rated = pl.col(channel), pl.col("rated_power_kw")
        rules.append((channel, "below_range", value >= low * rated))
        rules.append((channel, "above_range", value <= high * rated))
    # Not-a-number comes first: it would break the range rules too.
    return sorted(rules, key=lambda found: (found[0], found[1] not in ("not_a_number", "infinite")))


def _counts(
    frames: Mapping[str, pl.DataFrame], kept: pl.DataFrame, rejected: pl.DataFrame, set_aside: pl.DataFrame
) -> dict[str, FileCounts]:
    loaded, refused, values = (_by_file(frame) for frame in (kept, rejected, set_aside))
    counts = {}
    for name, frame in frames.items():
        good, bad = loaded.get(name, 0), refused.get(name, 0)
        counts[name] = FileCounts(frame.height, good, frame.height - good - bad, bad, values.get(name, 0))
    return counts


def _by_file(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.group_by("file").len().iter_rows())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
