"""Rows of a source in the contract's units: which asset, when, how much. How rows become intervals is not said here."""

from collections.abc import Iterator

import polars as pl

from renewable.contract import RawTable, column_unit
from renewable.errors import MappingError
from renewable.importers.cells import Numbers
from renewable.importers.clock import interval_starts_utc
from renewable.importers.mapping import PLACE, Channel, Mapping
from renewable.importers.notes import Notes
from renewable.importers.source import SourceFrame, kept, one_line
from renewable.importers.together import READING
from renewable.importers.units import conversion


def table_rows(batch: SourceFrame, part: Mapping, notes: Notes) -> dict[tuple[RawTable, str], pl.DataFrame]:
    """A batch in the contract's units, by table and kind: `rows`, or the name of a counter's target.

    Frames have the key, the source's own name of what the row is about, the shifts of clock changes and the channels.
    """
    keep = kept(batch, part.source)
    if keep is not None:
        notes.add("rows left out by source.keep", int((~keep).sum()))
        batch = batch.keeping(keep)
    taken = batch.set_aside.rows_taken
    batch.set_aside.rows_seen += batch.rows.height
    clock = interval_starts_utc(batch, part.timestamp)
    stamped = clock["timestamp"].is_not_null()
    absent = batch.rows.height - int(stamped.sum()) - (batch.set_aside.rows_taken - taken)
    notes.add("rows at local hours that do not exist, set aside", absent)
    batch, clock = batch.keeping(stamped), clock.filter(stamped)
    numbers = Numbers(batch, part.source)
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
                    *(_channel(numbers, part, table, *of, token) for of in channels.items()),
                )
                for token, asset, name in _assets(part)
            ]
            rows = pl.concat(frames)
            if kind != "rows" and part.timestamp.label == "start":
                # A reading closes an interval. One that is stamped with an instant closes the interval before it.
                rows = rows.with_columns(
                    pl.col("timestamp") - pl.duration(minutes=part.timestamp.interval_minutes)
                )
            found[table, kind] = rows
    notes.counts.update(batch.set_aside.told())
    return found


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
    numbers: Numbers, part: Mapping, table: RawTable, target: str, channel: Channel, token: str | None
) -> pl.Expr:
    named = channel if token is None else _of_token(channel, token)
    contract_unit = column_unit(table, target)
    if contract_unit == "":
        return pl.col(named.column or "").cast(pl.String).replace(named.rename).alias(target)
    if named.constant is not None:
        value: pl.Expr = pl.lit(named.constant, pl.Float64)
    elif named.column is not None:
        value = pl.lit(numbers.of(named.column))
    else:
        columns = pl.DataFrame([numbers.of(name) for name in named.source_columns])
        value = pl.lit(_evaluated(numbers.batch, columns, named.expression or ""))
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
