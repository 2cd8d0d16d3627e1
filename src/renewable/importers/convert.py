"""From an export to raw files: columns, units, one file a table and UTC day.

An export is read in batches, which are spread over files of one UTC day each; then day after day is put together and
written. So memory holds a batch or a day, whatever the size of the export. Nothing is judged or deduplicated here: that
is the gate's matter.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from renewable.atomic_write import write_parquet_atomic
from renewable.contract import KEY, RawTable, column_unit, polars_schema
from renewable.errors import MappingError
from renewable.importers.clock import interval_starts_utc
from renewable.importers.mapping import PLACE, Channel, Mapping, Source, load_mapping
from renewable.importers.source import SourceFrame, kept, one_line, read_batches, require_none, source_paths
from renewable.importers.together import (
    KEY_AND_NAME,
    READING,
    Last,
    Notes,
    combined,
    counted,
    move_pairs,
    resampled,
    side_by_side,
)
from renewable.importers.units import conversion
from renewable.raw_files import RawFileName
from renewable.windows import Window

# Rows of one part and table: what they are read from, and whether they hold readings of a counter.
Streams = dict[tuple[int, str], pl.DataFrame]


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    Where a row of the source is one of the table, `rows[table] + rows_outside_window + what notes say == source_rows`.
    """

    source_files: int
    source_rows: int
    rows_outside_window: int
    rows: dict[RawTable, int]
    files_written: int
    files_unchanged: int
    notes: MappingType[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """One line for people."""
        rows = ", ".join(f"{rows} rows of {table}" for table, rows in self.rows.items())
        notes = "".join(f"; {count} {what}" for what, count in self.notes.items())
        return (
            f"imported {self.source_rows} rows of {self.source_files} source file(s): {rows};"
            f" {self.files_written} day files written, {self.files_unchanged} unchanged,"
            f" {self.rows_outside_window} rows outside the window{notes}"
        )


def import_files(
    mapping_path: Path,
    raw_dir: Path,
    window: Window | None = None,
    intervals: MappingType[str, int] | None = None,
) -> ImportSummary:
    """Convert the export that a mapping names and write its days, or those of `window`, under `raw_dir`.

    `intervals` are the minutes of each asset's interval, by the registry; sources with shorter ones are brought to it.
    A day file whose rows would stay the same is left alone. Raises MappingError before anything is written.
    """
    mapping = load_mapping(mapping_path)
    paths = [source_paths(part, mapping_path) for part in mapping.parts]
    notes: Notes = Counter()
    raw_dir.parent.mkdir(parents=True, exist_ok=True)
    spread = Path(mkdtemp(prefix=".import-", dir=raw_dir.parent))
    try:
        source_rows, outside = 0, 0
        for number, part in enumerate(mapping.parts):
            for path in paths[number]:
                for batch in read_batches(path, part.source, part.source_columns):
                    read, late = _spread(batch, part, number, window, spread, notes)
                    source_rows, outside = source_rows + read, outside + late
        rows, written, files = dict.fromkeys(mapping.all_tables, 0), 0, 0
        for table, day, frame in _days(spread, mapping, window, intervals or {}, notes):
            rows[table] += frame.height
            files += 1
            written += _write_if_changed(frame, RawFileName(table, day).path_under(raw_dir))
    finally:
        shutil.rmtree(spread)
    found = {what: count for what, count in notes.items() if count}
    return ImportSummary(sum(map(len, paths)), source_rows, outside, rows, written, files - written, found)


def table_rows(batch: SourceFrame, part: Mapping, notes: Notes) -> dict[tuple[RawTable, str], pl.DataFrame]:
    """A batch in the contract's units, by table and kind: `rows`, or the name of a counter's target.

    Frames have the key, the source's own name of what the row is about, the shifts of clock changes and the channels.
    """
    keep = kept(batch, part.source)
    if keep is not None:
        notes["rows left out by source.keep"] += int((~keep).sum())
        batch = batch.keeping(keep)
    clock = interval_starts_utc(batch, part.timestamp)
    notes["rows at local hours that do not exist, set aside"] += clock["timestamp"].null_count()
    found: dict[tuple[RawTable, str], pl.DataFrame] = {}
    for table in part.tables:
        plain = {target: channel for target, channel in part.channels(table).items() if not channel.counter}
        groups = {"rows": plain} if plain else {}
        groups |= {
            target: {target: channel} for target, channel in part.channels(table).items() if channel.counter
        }
        for kind, channels in groups.items():
            frames = [
                batch.rows.select(
                    *clock,
                    asset.alias("asset_id"),
                    name.alias("name"),
                    *(_channel(batch, part, table, *of, token) for of in channels.items()),
                )
                for token, asset, name in _assets(part)
            ]
            rows = pl.concat(frames).drop_nulls("timestamp")
            if kind != "rows" and part.timestamp.label == "start":
                # A reading closes an interval. One that is stamped with an instant closes the interval before it.
                rows = rows.with_columns(
                    pl.col("timestamp") - pl.duration(minutes=part.timestamp.interval_minutes)
                )
            found[table, kind] = rows
    return found


def assembled(
    table: RawTable,
    streams: Streams,
    mapping: Mapping,
    intervals: MappingType[str, int],
    last: Last,
    notes: Notes,
) -> pl.DataFrame:
    """One frame of the contract from the rows of all sources, which are whole days of UTC."""
    beside = []
    for number, part in enumerate(mapping.parts):
        frames = []
        for (of, kind), rows in streams.items():
            if of != number:
                continue
            # Both tables have the same stamps; they are counted once.
            frame = move_pairs(rows, notes if table == mapping.all_tables[0] else Counter())
            if kind != "rows":
                channel = part.channels(table)[kind]
                minutes = part.timestamp.interval_minutes or 0
                frame = counted(frame, minutes, last, f"{number} {table}", notes)
                change = conversion(column_unit(table, kind), channel.unit or "", minutes)
                frame = frame.with_columns(change.apply(pl.col(kind)) * channel.sign)
            frames.append(frame)
        if frames:
            together = combined(side_by_side(frames, KEY_AND_NAME), part, notes)
            beside.append(resampled(together, part.timestamp.interval_minutes, intervals, notes))
    joined = side_by_side(beside)
    return joined.select(
        (pl.col(name) if name in joined.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in polars_schema(table).items()
    ).sort(KEY, maintain_order=True)


def split_by_day(frame: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    """The rows of each UTC day, in order of day; within a day their order stays."""
    of_day = frame.with_columns(day_=pl.col("timestamp").dt.date()).partition_by(
        "day_", as_dict=True, include_key=False, maintain_order=True
    )
    for (day,), rows in sorted(of_day.items()):
        yield day, rows


def _spread(
    batch: SourceFrame, part: Mapping, number: int, window: Window | None, directory: Path, notes: Notes
) -> tuple[int, int]:
    """Write a batch to files of one day each; how many source rows it has and how many lie outside the window."""
    found = table_rows(batch, part, notes)
    outside = 0
    for (table, kind), rows in found.items():
        if window is not None:
            inside = pl.col("timestamp").is_between(window.start_utc, window.end_utc, closed="left")
            # The reading before the window's first one says what was added since.
            within = rows.filter(inside if kind == "rows" else pl.col("timestamp") < window.end_utc)
            copies = max(1, rows.height // max(1, batch.rows.height))
            outside = max(outside, (rows.height - rows.filter(inside).height) // copies)
            rows = within
        for day, of_day in split_by_day(rows):
            place = directory / table / str(day)
            place.mkdir(parents=True, exist_ok=True)
            order = sum(1 for _ in place.iterdir())
            of_day.write_ipc(place / f"{number}.{kind}.{order:09d}.arrow")
    return batch.rows.height, outside


def _days(
    directory: Path,
    mapping: Mapping,
    window: Window | None,
    intervals: MappingType[str, int],
    notes: Notes,
) -> Iterator[tuple[RawTable, date, pl.DataFrame]]:
    for table in mapping.all_tables:
        last: Last = {}
        places = sorted((directory / table).iterdir()) if (directory / table).exists() else []
        for place in places:
            day = date.fromisoformat(place.name)
            streams = _streams(place)
            frame = assembled(table, streams, mapping, intervals, last, notes)
            if frame.height and (window is None or window.start <= day < window.end):
                yield table, day, frame


def _streams(place: Path) -> Streams:
    found: dict[tuple[int, str], list[pl.DataFrame]] = {}
    for path in sorted(place.iterdir()):
        number, kind, _, _ = path.name.split(".")
        found.setdefault((int(number), kind), []).append(pl.read_ipc(path))
    return {key: pl.concat(frames) for key, frames in sorted(found.items())}


def _assets(part: Mapping) -> Iterator[tuple[str | None, pl.Expr, pl.Expr]]:
    """Token of wide columns, asset_id and the source's own name, for each copy of the rows that is needed."""
    asset = part.asset
    if asset.column is not None:
        own = pl.col(asset.column).cast(pl.String)
        yield None, own.replace(asset.rename), own
    elif asset.constant is not None:
        yield None, pl.lit(asset.constant), pl.lit(asset.constant)
    for target in asset.every:
        yield None, pl.lit(target), pl.lit(target)
    for token, target in asset.wide.items():
        yield token, pl.lit(target), pl.lit(token)


def _channel(
    batch: SourceFrame, part: Mapping, table: RawTable, target: str, channel: Channel, token: str | None
) -> pl.Expr:
    named = channel if token is None else _of_token(channel, token)
    contract_unit = column_unit(table, target)
    if contract_unit == "":
        return pl.col(named.column or "").cast(pl.String).replace(named.rename).alias(target)
    if named.constant is not None:
        value: pl.Expr = pl.lit(named.constant, pl.Float64)
    elif named.column is not None:
        value = _number(batch, named.column, part.source)
    else:
        numbers = batch.rows.select(
            _number(batch, name, part.source).alias(name) for name in named.source_columns
        )
        value = pl.lit(_evaluated(batch, numbers, named.expression or ""))
    # Energy that a counter counted becomes power once the difference is known.
    if channel.counter:
        return value.alias(READING + target)
    converted = conversion(contract_unit, channel.unit or "", part.timestamp.interval_minutes).apply(value)
    return (converted if channel.sign == 1 else -converted).alias(target)


def _of_token(channel: Channel, token: str) -> Channel:
    return channel.model_copy(
        update={
            "column": channel.column and channel.column.replace(PLACE, token),
            "expression": channel.expression and channel.expression.replace(PLACE, token),
        }
    )


def _evaluated(batch: SourceFrame, numbers: pl.DataFrame, expression: str) -> pl.Series:
    try:
        found = numbers.select(pl.sql_expr(expression).cast(pl.Float64).alias("value")).to_series()
    except pl.exceptions.PolarsError as error:
        raise MappingError(
            f"{batch.name}: expression {expression!r} cannot be used: {one_line(error)}. Mend it in the mapping"
        ) from error
    if numbers.width and found.len() != numbers.height:
        raise MappingError(
            f"{batch.name}: expression {expression!r} gives {found.len()} value(s) for {numbers.height} rows: it has to"
            " give one value for each row"
        )
    return found


def _number(source: SourceFrame, column: str, form: Source) -> pl.Expr:
    """The cells of a column as numbers; MappingError names those that are none."""
    cell = pl.col(column)
    if source.rows.schema[column] != pl.String:
        return cell.cast(pl.Float64)
    text = cell.str.replace_all(form.thousands, "", literal=True) if form.thousands else cell
    if form.thousands == " ":
        # Spreadsheets write narrow and unbreakable blanks.
        text = text.str.replace_all("[\u00a0\u202f]", "")
    if form.decimal_comma:
        pointless = ~text.str.contains(".", literal=True)
        number = (
            pl.when(pointless).then(text.str.replace(",", ".", literal=True)).cast(pl.Float64, strict=False)
        )
    else:
        number = text.cast(pl.Float64, strict=False)
    unreadable = source.rows.select(cell.is_not_null() & number.is_null()).to_series()
    require_none(
        source,
        column,
        unreadable,
        "text(s) are no number",
        f"Set source.decimal_comma (now {str(form.decimal_comma).lower()}), "
        "or list the texts that mean 'no value' under source.null_markers.",
    )
    return number


def _write_if_changed(frame: pl.DataFrame, path: Path) -> bool:
    if _holds(path, frame):
        return False
    write_parquet_atomic(frame, path)
    return True


def _holds(path: Path, frame: pl.DataFrame) -> bool:
    try:
        present = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        return False
    return present.schema == frame.schema and present.equals(frame)
