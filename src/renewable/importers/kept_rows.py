"""The converted rows of a delivery in one Parquet file: the streams of its tables, in the order of UTC days."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from renewable.contract import RawTable
from renewable.importers.ledger import Due, Span
from renewable.importers.streams import OF_ONE, READING, Stream, day_of
from renewable.windows import Window

STREAM = "stream_"
_PLAIN = pl.CompatLevel.oldest()
# Rows of a group of the Parquet file, the least that is read; rows that are held in memory before they are spilled, and
# after they were read.
_GROUP_ROWS, _HELD_ROWS, _READ_ROWS = 100_000, 2_000_000, 500_000


@dataclass(frozen=True)
class _Piece:
    """Rows that were spilled: a batch of an Arrow file."""

    file: Path
    number: int


@dataclass
class Collected:
    """Rows on their way to a kept file, by stream and UTC day; what does not fit the memory lies under `directory`."""

    directory: Path
    _held: dict[tuple[Stream, date], list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    _spilled: dict[tuple[Stream, date], list[_Piece]] = field(default_factory=lambda: defaultdict(list))
    _columns: dict[Stream, list[str]] = field(default_factory=dict)
    _schema: pl.Schema = field(default_factory=lambda: pl.Schema({STREAM: pl.Categorical()}))
    _rows: int = 0
    _files: int = 0
    _spills: dict[Path, ipc.RecordBatchFileReader] = field(default_factory=dict)

    def add(self, stream: Stream, frame: pl.DataFrame) -> None:
        """Take rows of a stream, which have asset_id, timestamp and name; their order within a day stays."""
        readings = [name for name in frame.columns if name.startswith(READING)]
        # A counter that was not read tells nothing.
        frame = frame.drop_nulls(readings) if readings else frame
        known = self._columns.setdefault(stream, [])
        known += [name for name in frame.columns if name not in known]
        # Few texts, many times: their numbers are faster to move, and the file holds each text once.
        texts = [pl.lit(str(stream)).alias(STREAM), *(pl.col(name) for name in OF_ONE)]
        frame = frame.with_columns(text.cast(pl.Categorical) for text in texts)
        for day, rows in split_by_day(frame):
            self._held[stream, day].append(rows)
        for name, dtype in frame.schema.items():
            # A column that one batch has no value of may have no type there.
            if self._schema.get(name, pl.Null()) == pl.Null():
                self._schema[name] = dtype
        self._rows += frame.height
        if self._rows > _HELD_ROWS:
            self._spill()

    @property
    def columns(self) -> dict[str, list[str]]:
        return {str(stream): names for stream, names in sorted(self._columns.items())}

    def write(self, path: Path) -> tuple[dict[Due, int], list[Span]]:
        """Write the file; its rows by table and day, and the span of each asset in each stream."""
        days: dict[Due, int] = defaultdict(int)
        spans: dict[tuple[str, str | None, str | None], tuple[int, int]] = {}
        writer, schema = None, self._schema
        try:
            for group in self._groups():
                for stream, day, frame in group:
                    days[stream.table, day] += frame.height
                rows = pl.concat([frame for *_, frame in group], how="diagonal")
                _widen(spans, rows)
                missing = [
                    pl.lit(None, dtype).alias(n) for n, dtype in schema.items() if n not in rows.columns
                ]
                table = (
                    rows.with_columns(missing)
                    .select(schema.names())
                    .cast(schema)
                    .to_arrow(compat_level=_PLAIN)
                )
                writer = writer or pq.ParquetWriter(
                    path, table.schema, compression="zstd", store_schema=False
                )
                writer.write_table(table)
            if writer is None:
                empty = pl.DataFrame(schema=schema).to_arrow(compat_level=_PLAIN)
                writer = pq.ParquetWriter(path, empty.schema)
                writer.write_table(empty)
        finally:
            if writer is not None:
                writer.close()
        return dict(days), [Span(*key, *span) for key, span in spans.items()]

    def _groups(self) -> Iterator[list[tuple[Stream, date, pl.DataFrame]]]:
        group, rows = list[tuple[Stream, date, pl.DataFrame]](), 0
        for stream, day in sorted({*self._held, *self._spilled}, key=lambda key: (key[1], key[0])):
            frames = [
                *(self._read_again(piece) for piece in self._spilled.get((stream, day), ())),
                *self._held.get((stream, day), ()),
            ]
            group.append((stream, day, pl.concat(frames, how="diagonal")))
            rows += group[-1][2].height
            if rows >= _GROUP_ROWS:
                yield group
                group, rows = [], 0
        if group:
            yield group

    def _read_again(self, piece: _Piece) -> pl.DataFrame:
        if piece.file not in self._spills:
            self._spills[piece.file] = ipc.open_file(pa.OSFile(str(piece.file)))
        return pl.DataFrame(self._spills[piece.file].get_batch(piece.number))

    def _spill(self) -> None:
        """Write what is held, a file a stream with a batch of rows for each day."""
        for stream in {stream for stream, _ in self._held}:
            days = sorted(day for of, day in self._held if of == stream)
            frames = [pl.concat(self._held[stream, day], how="diagonal") for day in days]
            whole = pl.concat(frames, how="diagonal").rechunk().to_arrow(compat_level=_PLAIN)
            path, first = self.directory / f"{self._files:06d}.arrow", 0
            self._files += 1
            with ipc.new_file(path, whole.schema) as file:
                for number, (day, frame) in enumerate(zip(days, frames, strict=True)):
                    file.write_table(whole.slice(first, frame.height))
                    first += frame.height
                    self._spilled[stream, day].append(_Piece(path, number))
        self._held.clear()
        self._rows = 0


def split_by_day(frame: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    """The rows of each UTC day, in order of day; within a day their order stays."""
    of_day = frame.with_columns(day_=pl.col("timestamp").dt.date()).partition_by(
        "day_", as_dict=True, include_key=False, maintain_order=True
    )
    for (day,), rows in sorted(of_day.items()):
        yield day, rows


def read_kept(
    path: Path, columns: Mapping[str, Sequence[str]], table: RawTable, window: Window
) -> dict[Stream, pl.DataFrame]:
    """The rows of a table in a kept file whose timestamp lies in `window`, by stream."""
    wanted = [stream for stream in columns if Stream.parsed(stream).table == table]
    names = list(dict.fromkeys(name for stream in wanted for name in columns[stream]))
    inside = pl.col("timestamp").is_between(window.start_utc, window.end_utc, closed="left")
    rows = (
        pl.scan_parquet(path).filter(inside & pl.col(STREAM).is_in(wanted)).select(STREAM, *names).collect()
    )
    parts = rows.partition_by(STREAM, as_dict=True, include_key=False, maintain_order=True)
    return {Stream.parsed(stream): part.select(columns[stream]) for (stream,), part in sorted(parts.items())}


@dataclass(frozen=True)
class _Group:
    """Rows of a kept file that are read at once, and the days that they span."""

    first_row: int
    rows: int
    first: date
    last: date


_Days = dict[date, dict[Stream, pl.DataFrame]]


class KeptDays:
    """Single days of kept files. Groups of rows that were read last stay in memory for the days that follow."""

    def __init__(self) -> None:
        self._groups: dict[Path, list[_Group]] = {}
        self._read: OrderedDict[tuple[Path, _Group], _Days] = OrderedDict()

    def of(
        self, path: Path, columns: Mapping[str, Sequence[str]], table: RawTable, day: date
    ) -> dict[Stream, pl.DataFrame]:
        """The rows of a table's UTC day in a file, by stream."""
        if path not in self._groups:
            self._groups[path] = list(_groups_of(path))
        found: dict[Stream, list[pl.DataFrame]] = defaultdict(list)
        for group in self._groups[path]:
            if group.first <= day <= group.last:
                for stream, rows in self._days(path, columns, group).get(day, {}).items():
                    if stream.table == table:
                        found[stream].append(rows)
        return {
            stream: rows[0] if len(rows) == 1 else pl.concat(rows) for stream, rows in sorted(found.items())
        }

    def _days(self, path: Path, columns: Mapping[str, Sequence[str]], group: _Group) -> _Days:
        key = (path, group)
        if key in self._read:
            self._read.move_to_end(key)
            return self._read[key]
        rows = pl.scan_parquet(path).slice(group.first_row, group.rows).collect()
        by = [STREAM, "day_"]
        parts = rows.with_columns(day_=pl.col("timestamp").dt.date()).partition_by(
            by, as_dict=True, include_key=False, maintain_order=True
        )
        days: _Days = defaultdict(dict)
        for (stream, day), part in parts.items():
            days[day][Stream.parsed(stream)] = part.select(columns[stream])
        self._read[key] = days
        while len(self._read) > 1 and sum(each.rows for _, each in self._read) > _READ_ROWS:
            self._read.popitem(last=False)
        return days


def _groups_of(path: Path) -> Iterator[_Group]:
    with pq.ParquetFile(path) as file:
        place, first_row = file.schema_arrow.names.index("timestamp"), 0
        for number in range(file.num_row_groups):
            of = file.metadata.row_group(number)
            if of.num_rows:
                spanned = of.column(place).statistics
                yield _Group(first_row, of.num_rows, day_of(spanned.min_raw), day_of(spanned.max_raw))
            first_row += of.num_rows


def _widen(spans: dict[tuple[str, str | None, str | None], tuple[int, int]], rows: pl.DataFrame) -> None:
    us = pl.col("timestamp").to_physical()
    found = rows.group_by(STREAM, *OF_ONE, maintain_order=True).agg(first=us.min(), last=us.max())
    for stream, asset_id, name, first, last in found.iter_rows():
        key = (stream, asset_id, name)
        known = spans.get(key, (first, last))
        spans[key] = min(known[0], first), max(known[1], last)
