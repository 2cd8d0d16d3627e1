"""From an export to raw files: columns, units, one file a table and UTC day.

Nothing is judged, dropped or deduplicated here: that is the gate's matter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from importers.clock import interval_starts_utc
from importers.mapping import Asset, Channel, Mapping, Source, load_mapping
from importers.source import SourceFrame, read_source, require_columns, require_none, source_paths
from importers.units import CONVERSIONS
from renewable.atomic_write import write_parquet_atomic
from renewable.contract import KEY, RawTable, column_unit, polars_schema
from renewable.raw_files import RawFileName
from renewable.windows import Window


@dataclass(frozen=True)
class ImportSummary:
    """What an import did. For every table: `rows[table] + rows_outside_window == source_rows`."""

    source_files: int
    source_rows: int
    rows_outside_window: int
    rows: dict[RawTable, int]
    files_written: int
    files_unchanged: int

    @property
    def sentence(self) -> str:
        """One line for people."""
        rows = ", ".join(f"{rows} rows of {table}" for table, rows in self.rows.items())
        return (
            f"imported {self.source_rows} rows of {self.source_files} source file(s): {rows};"
            f" {self.files_written} day files written, {self.files_unchanged} unchanged,"
            f" {self.rows_outside_window} rows outside the window"
        )


def import_files(mapping_path: Path, raw_dir: Path, window: Window | None = None) -> ImportSummary:
    """Convert the export that a mapping names and write its days, or those of `window`, under `raw_dir`.

    A day file whose rows would stay the same is left alone. Raises MappingError before anything is written.
    """
    mapping = load_mapping(mapping_path)
    sources = [read_source(path, mapping.source) for path in source_paths(mapping, mapping_path)]
    tables = {table: _inside(frame, window) for table, frame in convert(sources, mapping).items()}
    written = [
        _write_if_changed(day_frame, RawFileName(table, day).path_under(raw_dir))
        for table, frame in tables.items()
        for day, day_frame in split_by_day(frame)
    ]
    source_rows = sum(source.rows.height for source in sources)
    return ImportSummary(
        source_files=len(sources),
        source_rows=source_rows,
        rows_outside_window=source_rows - min(frame.height for frame in tables.values()),
        rows={table: frame.height for table, frame in tables.items()},
        files_written=sum(written),
        files_unchanged=len(written) - sum(written),
    )


def convert(sources: Sequence[SourceFrame], mapping: Mapping) -> dict[RawTable, pl.DataFrame]:
    """The mapped raw tables: the contract's columns in its order, one row a source row, sorted by the key.

    Rows with the same key keep the order of the sources; columns without a mapping are null.
    Raises MappingError for a column that is missing and a text that is no number or no timestamp.
    """
    for source in sources:
        require_columns(source, mapping.source_columns)
    starts = [interval_starts_utc(source, mapping.timestamp) for source in sources]
    return {
        table: pl.concat(
            _table_rows(source, start, table, mapping) for source, start in zip(sources, starts, strict=True)
        ).sort(KEY, maintain_order=True)
        for table in mapping.tables
    }


def split_by_day(frame: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    """The rows of each UTC day, in order of day; within a day their order stays."""
    days = frame["timestamp"].dt.date()
    for day in days.unique().sort():
        yield day, frame.filter(days == day)


def _table_rows(source: SourceFrame, starts: pl.Series, table: RawTable, mapping: Mapping) -> pl.DataFrame:
    channels = mapping.channels(table)
    measured = {
        target: _words(channel)
        if column_unit(table, target) == ""
        else _numbers(source, channel, column_unit(table, target), mapping.source)
        for target, channel in channels.items()
    }
    columns = {"asset_id": _asset_id(mapping.asset), "timestamp": pl.lit(starts), **measured}
    return source.rows.select(
        columns.get(name, pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in polars_schema(table).items()
    )


def _asset_id(asset: Asset) -> pl.Expr:
    return pl.lit(asset.constant) if asset.column is None else pl.col(asset.column).replace(asset.rename)


def _words(channel: Channel) -> pl.Expr:
    return pl.col(channel.column).replace(channel.rename)


def _numbers(source: SourceFrame, channel: Channel, contract_unit: str, form: Source) -> pl.Expr:
    text = pl.col(channel.column)
    if form.decimal_comma:
        pointless = ~text.str.contains(".", literal=True)
        number = (
            pl.when(pointless).then(text.str.replace(",", ".", literal=True)).cast(pl.Float64, strict=False)
        )
    else:
        number = text.cast(pl.Float64, strict=False)
    unreadable = source.rows.select(text.is_not_null() & number.is_null()).to_series()
    require_none(
        source,
        channel.column,
        unreadable,
        "text(s) are no number",
        f"Set source.decimal_comma (now {str(form.decimal_comma).lower()}), "
        "or list the texts that mean 'no value' under source.null_markers.",
    )
    return CONVERSIONS[contract_unit][channel.unit or contract_unit].apply(number)


def _inside(frame: pl.DataFrame, window: Window | None) -> pl.DataFrame:
    if window is None:
        return frame
    return frame.filter(pl.col("timestamp").is_between(window.start_utc, window.end_utc, closed="left"))


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
