"""From a raw value back to the deliveries that it was made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from renewable.contract import TABLES, RawTable, measurements
from renewable.importers.kept_rows import read_kept
from renewable.importers.ledger import Delivery, Ledger, looked_at, store_of
from renewable.importers.overlay import laid_over
from renewable.importers.streams import KEY_AND_NAME, READING, SHIFTS, TAKEN_OVER
from renewable.windows import Window


@dataclass(frozen=True)
class Traced:
    """A channel of an interval: the deliveries that gave the readings which count, newest last."""

    table: RawTable
    channel: str
    deliveries: tuple[Delivery, ...]


def trace(raw_dir: Path, asset_id: str, start: datetime, end: datetime) -> list[Traced]:
    """What the raw values of an asset's interval, [start, end) in UTC, were made of, by table and channel.

    Of an interval that several readings went into all their deliveries are told. A counter's interval tells those of
    the reading that closes it. Nothing where no file was ever imported.
    """
    with looked_at(store_of(raw_dir)) as ledger:
        return [] if ledger is None else _traced(ledger, asset_id, start, end)


def _traced(ledger: Ledger, asset_id: str, start: datetime, end: datetime) -> list[Traced]:
    known, found = {each.number: each for each in ledger.deliveries()}, list[Traced]()
    for table in TABLES:
        by_channel: dict[str, set[int]] = {}
        for name in sorted({each.mapping for each in known.values()}):
            for channel, numbers in _of_mapping(ledger, name, table, asset_id, start, end).items():
                by_channel.setdefault(channel, set()).update(numbers)
        found += [
            Traced(table, channel, tuple(known[number] for number in sorted(by_channel[channel])))
            for channel in measurements(table)
            if channel in by_channel
        ]
    return found


def sentences(traced: Sequence[Traced]) -> list[str]:
    """The origin of each channel, a line for those of the same deliveries; nothing where there are none."""
    channels: dict[tuple[int, ...], list[str]] = {}
    for each in traced:
        channels.setdefault(tuple(d.number for d in each.deliveries), []).append(each.channel)
    known = {d.number: d for each in traced for d in each.deliveries}
    return [
        f"{', '.join(names)}: from "
        + "; ".join(
            f"{known[n].content.file} (delivery {n}, imported {known[n].imported_at:%Y-%m-%d %H:%M} UTC)"
            for n in numbers
        )
        for numbers, names in channels.items()
    ]


def _of_mapping(
    ledger: Ledger, name: str, table: RawTable, asset_id: str, start: datetime, end: datetime
) -> dict[str, set[int]]:
    numbers = set(ledger.holding(name, table, start.date()))
    merged: dict[str, pl.DataFrame] = {}
    for delivery in ledger.deliveries(name):
        if delivery.number not in numbers:
            continue
        kept = read_kept(delivery.rows_file, delivery.columns, table, Window.of_day(start.date()))
        for stream, rows in kept.items():
            marked = _marked(rows, delivery.number, asset_id, start, end)
            # Of all streams by their channels, so that versions of a mapping lie over one another.
            key = TAKEN_OVER if stream.kind == TAKEN_OVER else str(stream)
            merged[key] = laid_over(merged[key], marked, KEY_AND_NAME) if key in merged else marked
    found: dict[str, set[int]] = {}
    for rows in merged.values():
        for column in rows.columns:
            if column not in (*KEY_AND_NAME, *SHIFTS):
                numbers = set(rows[column].drop_nulls())
                if numbers:
                    found.setdefault(column.removeprefix(READING), set()).update(numbers)
    return found


def _marked(rows: pl.DataFrame, number: int, asset_id: str, start: datetime, end: datetime) -> pl.DataFrame:
    """The rows of an interval, with the delivery's number in the place of each value."""
    inside = pl.col("timestamp").is_between(start, end, closed="left")
    own = rows.filter((pl.col("asset_id") == asset_id) & inside)
    return own.select(
        *(name for name in own.columns if name in (*KEY_AND_NAME, *SHIFTS)),
        *_numbers([name for name in own.columns if name not in (*KEY_AND_NAME, *SHIFTS)], number),
    )


def _numbers(columns: Sequence[str], number: int) -> list[pl.Expr]:
    return [
        pl.when(pl.col(name).is_not_null()).then(pl.lit(number, pl.Int64)).alias(name) for name in columns
    ]
