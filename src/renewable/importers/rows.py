"""Rows of a source in the contract's units: which asset, when, how much. How rows become intervals is not said here."""

import re
from collections.abc import Iterator

import polars as pl

from renewable.contract import RawTable, column_unit
from renewable.errors import MappingError
from renewable.importers.asset_settings import ABOVE, PLACE, Asset
from renewable.importers.cell_quality import good_cells, with_own_units
from renewable.importers.channel import Channel, renamed
from renewable.importers.clock import interval_starts_utc
from renewable.importers.event_rows import event_rows
from renewable.importers.mapping import Mapping
from renewable.importers.notes import Notes
from renewable.importers.number_cells import Numbers
from renewable.importers.repeated_hour import in_order_of_file
from renewable.importers.settings import expression_columns
from renewable.importers.source import SourceFrame, kept, naming_text, one_line, set_aside
from renewable.importers.streams import EVENTS, READING, ROWS
from renewable.importers.text_table import MISFIT
from renewable.importers.times_across import one_time_a_row
from renewable.importers.units import FROM_CELL, conversion


def table_rows(batch: SourceFrame, part: Mapping, notes: Notes) -> dict[tuple[RawTable, str], pl.DataFrame]:
    """A batch in the contract's units, by table and kind: `rows`, or the name of a counter's target.

    Frames have the key, the source's own name of what the row is about, the shifts of clock changes and the channels.
    """
    batch, clock = stamped(batch, part, notes)
    if part.events is not None:
        events = event_rows(batch, part, part.events, clock, assets_of(batch, part), notes)
        notes.counts.update(batch.set_aside.told())
        return {("generation", EVENTS): events}
    numbers = Numbers(batch, part.source)
    assets = list(_assets(batch, part))
    found: dict[tuple[RawTable, str], pl.DataFrame] = {}
    for table in part.tables:
        plain = {target: channel for target, channel in part.channels(table).items() if not channel.counter}
        groups = {ROWS: plain} if plain else {}
        groups |= {
            target: {target: channel} for target, channel in part.channels(table).items() if channel.counter
        }
        for kind, channels in groups.items():
            frames = [
                batch.rows.select(
                    *clock,
                    asset.alias("asset_id"),
                    name.alias("name"),
                    *(_channel(numbers, part, table, *of, token, notes) for of in channels.items()),
                )
                for token, asset, name in assets
                if _has_any(batch, channels, token)
            ]
            if not frames:
                continue
            rows = in_order_of_file(pl.concat(frames), notes if not found else Notes())
            seconds = part.timestamp.interval_seconds
            if kind != ROWS and part.timestamp.label == "start" and seconds is not None:
                # A reading closes an interval. One that is stamped with an instant closes the interval before it.
                rows = rows.with_columns(pl.col("timestamp") - pl.duration(seconds=seconds))
            found[table, kind] = rows
    if not found:
        raise MappingError(
            f"{batch.name}: has none of the mapping's optional columns: {', '.join(sorted(batch.lacking))}. Mend their"
            " names in the mapping, or leave this file out of source.files"
        )
    notes.counts.update(batch.set_aside.told())
    return found


def stamped(batch: SourceFrame, part: Mapping, notes: Notes) -> tuple[SourceFrame, pl.DataFrame]:
    """The rows of a batch that can be read and have a stamp, and their stamps."""
    keep = kept(batch, part.source)
    if keep is not None:
        notes.add("rows left out by source.keep", int((~keep).sum()))
        batch = batch.keeping(keep)
    batch.set_aside.rows_seen += batch.rows.height
    batch = one_time_a_row(_fitting(batch), part)
    batch = _of_known_assets(batch, part.asset)
    taken = batch.set_aside.rows_taken
    clock = interval_starts_utc(batch, part.timestamp)
    found = clock["timestamp"].is_not_null()
    absent = batch.rows.height - int(found.sum()) - (batch.set_aside.rows_taken - taken)
    notes.add("rows at local hours that do not exist, set aside", absent)
    return batch.keeping(found), clock.filter(found)


def _fitting(batch: SourceFrame) -> SourceFrame:
    """Without the rows whose cells are more than the header has names for, or too few to tell which is which."""
    if MISFIT not in batch.rows.columns:
        return batch
    misfit = batch.rows[MISFIT]
    if misfit.null_count() == misfit.len():
        return batch
    step = "Mend source.delimiter or the header's settings, or leave such rows out with source.keep."
    for at_fault, fault in (
        (misfit == "", "of cells, aligned with blanks, are fewer than the columns"),
        (misfit != "", "have more cells than the header"),
    ):
        set_aside(batch, "rows", "beyond the last", at_fault.fill_null(False), fault, step, misfit)
    return batch.keeping(misfit.is_null())


def _has_any(batch: SourceFrame, channels: dict[str, Channel], token: str | None) -> bool:
    """Whether the file has a column for any of the channels: one that lacks all of an asset says nothing of it."""
    own = [channel if token is None else channel.of_token(token) for channel in channels.values()]
    return any(batch.lacking.isdisjoint(channel.source_columns) for channel in own)


def assets_of(batch: SourceFrame, part: Mapping) -> list[tuple[pl.Expr, pl.Expr]]:
    """asset_id and the source's own name of what a row is about, for each copy of the rows that is needed."""
    return [(asset, name) for _, asset, name in _assets(batch, part)]


def _assets(batch: SourceFrame, part: Mapping) -> Iterator[tuple[str | None, pl.Expr, pl.Expr]]:
    """Token of wide columns, asset_id and the source's own name, for each copy of the rows that is needed."""
    asset = part.asset
    if asset.naming_columns:
        own = own_name(asset)
        if isinstance(asset.rename, str):
            before, _, after = asset.rename.partition(PLACE)
            yield None, pl.lit(before) + own + pl.lit(after), own
        else:
            yield None, own.replace(asset.rename), own
    elif asset.file_name is not None or asset.line is not None:
        name = _named_once(batch, asset)
        yield None, pl.lit(asset.called(name)), pl.lit(name)
    elif asset.constant is not None:
        yield None, pl.lit(asset.constant), pl.lit(asset.constant)
    for target in asset.every:
        yield None, pl.lit(target), pl.lit(target)
    for token, target in asset.wide.items():
        yield token, pl.lit(target), pl.lit(token)


def _named_once(batch: SourceFrame, asset: Asset) -> str:
    """The name of the asset that a file tells of itself, by its own name or in a line above its data."""
    texts: tuple[str, ...] = (batch.file_name,) if asset.file_name is not None else batch.lines
    pattern, setting = asset.file_name or asset.line or "", "line" if asset.file_name is None else "file_name"
    matches = [match for text in texts if (match := re.search(pattern, text))]
    found = list(dict.fromkeys(str(match["asset"] or "").strip() for match in matches))
    if len(found) != 1 or not found[0]:
        what = f"finds several assets ({', '.join(found)})" if len(found) > 1 else "finds no asset"
        shown = "; ".join(repr(text[:100]) for text in texts[:10]) or "no line above the data"
        raise MappingError(f"{batch.name}: asset.{setting}: {pattern!r} {what} in {shown}. Mend the pattern")
    return found[0]


def _of_known_assets(batch: SourceFrame, asset: Asset) -> SourceFrame:
    """Without the rows that no row above, or no text by the pattern, gives an asset."""
    if asset.pattern is None and asset.above is None:
        return batch
    texts = batch.rows.select(_text(asset)).to_series()
    nameless = batch.rows.select(own_name(asset)).to_series().is_null()
    column, orphans = ", ".join(asset.naming_columns), texts.is_null() & (asset.above is not None)
    if asset.above is not None:
        step = "Mend asset.above, or leave such rows out with source.keep."
        set_aside(batch, "rows", column, orphans, "have no row above that names their asset", step, texts)
    if asset.pattern is not None:
        step = "Mend asset.pattern, or leave such rows out with source.keep."
        set_aside(batch, "rows", column, nameless & ~orphans, "name no asset by asset.pattern", step, texts)
    return batch.keeping(~nameless)


def _text(asset: Asset) -> pl.Expr:
    """The text that names the asset of a row."""
    return naming_text(asset) if asset.above is None else pl.col(ABOVE)


def own_name(asset: Asset) -> pl.Expr:
    """What the source calls the asset of a row."""
    text = _text(asset)
    return text if asset.pattern is None else text.str.extract_groups(asset.pattern).struct.field("asset")


def _channel(
    numbers: Numbers,
    part: Mapping,
    table: RawTable,
    target: str,
    channel: Channel,
    token: str | None,
    notes: Notes,
) -> pl.Expr:
    named = channel if token is None else channel.of_token(token)
    contract_unit, seconds = column_unit(table, target), part.timestamp.interval_seconds
    if not numbers.batch.lacking.isdisjoint(named.source_columns):
        return pl.lit(None, pl.String if contract_unit == "" else pl.Float64).alias(
            READING + target if channel.counter else target
        )
    batch = good_cells(numbers.batch, named, target, notes)
    if batch is not numbers.batch:
        numbers = Numbers(batch, part.source)
    if contract_unit == "":
        words = renamed(pl.col(named.column or "").cast(pl.String), named.rename)
        return pl.lit(batch.rows.select(words).to_series()).alias(target)
    # Energy that a counter counted becomes power once the difference is known.
    into = "kWh" if named.counter else contract_unit
    if named.constant is not None:
        value: pl.Expr = pl.lit(named.constant, pl.Float64)
    elif named.column is not None and named.unit == FROM_CELL:
        value = pl.lit(with_own_units(batch, named.column, into, seconds, bool(named.counter), part.source))
    elif named.column is not None:
        value = pl.lit(numbers.of(named.column))
    else:
        columns = pl.DataFrame([numbers.of(name) for name in expression_columns(named.expression or "")])
        value = pl.lit(_evaluated(batch, columns, named.expression or ""))
    if named.counter:
        return value.alias(READING + target)
    if named.unit != FROM_CELL:
        value = conversion(contract_unit, named.stated_unit(), seconds).apply(value)
    return (value if named.sign == 1 else -value).alias(target)


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
