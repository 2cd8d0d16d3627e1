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
from datetime import date, timedelta
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from renewable.atomic_write import write_parquet_atomic
from renewable.contract import RawTable
from renewable.importers.mapping import Mapping, load_mapping
from renewable.importers.notes import Notes
from renewable.importers.rows import table_rows
from renewable.importers.source import SourceFrame, part_batches, source_paths
from renewable.importers.together import Streams, assembled
from renewable.raw_files import RawFileName
from renewable.windows import Window

_DAY = timedelta(days=1)


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
    offsets_minutes: MappingType[str, int] | None = None,
) -> ImportSummary:
    """Convert the export that a mapping names and write its days, or those of `window`, under `raw_dir`.

    `intervals` are the minutes of each asset's interval, by the registry; sources with shorter ones are brought to it.
    `offsets_minutes` say of some how long after the full hour these start.
    A day file whose rows would stay the same is left alone. Raises MappingError before anything is written.
    """
    mapping = load_mapping(mapping_path)
    paths = [source_paths(part, mapping_path) for part in mapping.parts]
    counts: Counter[str] = Counter()
    raw_dir.parent.mkdir(parents=True, exist_ok=True)
    spread = Path(mkdtemp(prefix=".import-", dir=raw_dir.parent))
    try:
        source_rows, outside = 0, 0
        for number, part in enumerate(mapping.parts):
            for path in paths[number]:
                for batch in part_batches(path, part):
                    read, late = _spread(batch, part, number, window, spread, Notes(counts))
                    source_rows, outside = source_rows + read, outside + late
        rows, written, files = dict.fromkeys(mapping.all_tables, 0), 0, 0
        for table, day, frame in _days(spread, mapping, window, intervals or {}, counts, offsets_minutes):
            rows[table] += frame.height
            files += 1
            written += _write_if_changed(frame, RawFileName(table, day).path_under(raw_dir))
    finally:
        shutil.rmtree(spread)
    found = {what: count for what, count in counts.items() if count}
    return ImportSummary(sum(map(len, paths)), source_rows, outside, rows, written, files - written, found)


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
    counts: Counter[str],
    offsets_minutes: MappingType[str, int] | None,
) -> Iterator[tuple[RawTable, date, pl.DataFrame]]:
    for table in mapping.all_tables:
        places = sorted((directory / table).iterdir()) if (directory / table).exists() else []
        days = [date.fromisoformat(place.name) for place in places]
        earlier: Streams = {}
        for place, day in zip(places, days, strict=True):
            around = [earlier, *(_streams(place.with_name(str(day + step * _DAY))) for step in (-1, 0, 1))]
            streams = {
                key: pl.concat(found[key] for found in around if key in found)
                for key in sorted({key for found in around for key in found})
            }
            earlier |= {
                key: rows.filter(pl.col("timestamp") < Window.of_day(day).start_utc)
                .sort("timestamp", maintain_order=True)
                .group_by("asset_id", "name", maintain_order=True)
                .last()
                .select(rows.columns)
                for key, rows in streams.items()
                if key[1] != "rows"
            }
            frame = assembled(
                table, streams, mapping, intervals, Notes(counts, Window.of_day(day)), offsets_minutes
            )
            if frame.height and (window is None or window.start <= day < window.end):
                yield table, day, frame


def _streams(place: Path) -> Streams:
    found: dict[tuple[int, str], list[pl.DataFrame]] = {}
    for path in sorted(place.iterdir()) if place.exists() else []:
        number, kind, _, _ = path.name.split(".")
        found.setdefault((int(number), kind), []).append(pl.read_ipc(path))
    return {key: pl.concat(frames) for key, frames in sorted(found.items())}


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
