"""The converted rows of a delivery in one Parquet file: the streams of its tables, in the order of UTC days."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from renewable.contract import RawTable
from renewable.importers.ledger import Due, Span
from renewable.importers.streams import READING, Stream
from renewable.windows import Window

STREAM = "stream_"
_PLAIN = pl.CompatLevel.oldest()
# Rows of a group of the Parquet file, the least that is read; and rows that are held in memory before they are spilled.
_GROUP_ROWS, _HELD_ROWS = 100_000, 2_000_000


@dataclass
class Collected:
    """Rows on their way to a kept file, by stream and UTC day; what does not fit the memory lies under `directory`."""

    directory: Path
    _held: dict[tuple[Stream, date], list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    _spilled: dict[tuple[Stream, date], list[Path]] = field(default_factory=lambda: defaultdict(list))
    _columns: dict[Stream, list[str]] = field(default_factory=dict)
    _schema: pl.Schema = field(default_factory=lambda: pl.Schema({STREAM: pl.String()}))
    _rows: int = 0

    def add(self, stream: Stream, frame: pl.DataFrame) -> None:
        """Take rows of a stream, which have asset_id, timestamp and name; their order within a day stays."""
        readings = [name for name in frame.columns if name.startswith(READING)]
        # A counter that was not read tells nothing.
        frame = frame.drop_nulls(readings) if readings else frame
        known = self._columns.setdefault(stream, [])
        known += [name for name in frame.columns if name not in known]
        for name, dtype in frame.schema.items():
            # A column that one batch has no value of may have no type there.
            if self._schema.get(name, pl.Null()) == pl.Null():
                self._schema[name] = dtype
        for day, rows in split_by_day(frame):
            self._held[stream, day].append(rows)
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
                    _widen(spans, str(stream), frame)
                rows = pl.concat(
                    [frame.select(pl.lit(str(stream)).alias(STREAM), pl.all()) for stream, _, frame in group],
                    how="diagonal",
                )
                missing = [
                    pl.lit(None, dtype).alias(n) for n, dtype in schema.items() if n not in rows.columns
                ]
                table = (
                    rows.with_columns(missing)
                    .select(schema.names())
                    .cast(schema)
                    .to_arrow(compat_level=_PLAIN)
                )
                writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
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
                *(pl.read_ipc(path) for path in self._spilled.get((stream, day), ())),
                *self._held.get((stream, day), ()),
            ]
            group.append((stream, day, pl.concat(frames, how="diagonal")))
            rows += group[-1][2].height
            if rows >= _GROUP_ROWS:
                yield group
                group, rows = [], 0
        if group:
            yield group

    def _spill(self) -> None:
        for key, frames in self._held.items():
            path = self.directory / f"{len(self._spilled):06d}-{len(self._spilled[key]):06d}.arrow"
            pl.concat(frames, how="diagonal").write_ipc(path)
            self._spilled[key].append(path)
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


def _widen(
    spans: dict[tuple[str, str | None, str | None], tuple[int, int]], stream: str, frame: pl.DataFrame
) -> None:
    us = pl.col("timestamp").to_physical()
    found = frame.group_by("asset_id", "name").agg(first=us.min(), last=us.max())
    for asset_id, name, first, last in found.iter_rows():
        key = (stream, asset_id, name)
        known = spans.get(key, (first, last))
        spans[key] = min(known[0], first), max(known[1], last)
