"""Rows of an event log: which asset, from when, until when, in which state."""

from collections.abc import Sequence

import polars as pl

from renewable.importers.channel import renamed
from renewable.importers.clock import interval_starts_utc
from renewable.importers.events import EventLog
from renewable.importers.mapping import Mapping
from renewable.importers.notes import Notes
from renewable.importers.source import SourceFrame

EVENT_ROWS_SCHEMA = pl.Schema(
    {
        "timestamp": pl.Datetime("us", "UTC"),
        "first_shift_us": pl.Int64(),
        "second_shift_us": pl.Int64(),
        "asset_id": pl.String(),
        "name": pl.String(),
        "end_utc": pl.Datetime("us", "UTC"),
        "operating_state": pl.String(),
    }
)
# Stands for "says nothing" while words are renamed; no code is spelled so.
NOTHING, _UNNAMED = "\u0000nothing", "\u0000unnamed"


def event_rows(
    batch: SourceFrame,
    part: Mapping,
    log: EventLog,
    clock: pl.DataFrame,
    assets: Sequence[tuple[pl.Expr, pl.Expr]],
    notes: Notes,
) -> pl.DataFrame:
    """EVENT_ROWS_SCHEMA: asset, start, asset and code, shifts of the start, end (null: none is told), state.

    `assets` are asset_id and the source's own name for each copy of the rows. Events of codes that say nothing of the
    state are left out, and those that end before they start; all are counted.
    """
    rows = logged(batch, part, log, clock, assets, notes)
    silent, unnamed = (pl.col("operating_state") == word for word in (NOTHING, _UNNAMED))
    notes.add("events of codes that the mapping does not name, left out", rows.filter(unnamed).height)
    notes.add("events of codes that say nothing of the state, left out", rows.filter(silent).height)
    rows = rows.filter(~silent & ~unnamed)
    if log.without_end == "set_aside":
        notes.add("events without an end, set aside; see events.without_end", rows["end_utc"].null_count())
        rows = rows.drop_nulls("end_utc")
    return rows.select(EVENT_ROWS_SCHEMA.names())


def logged(
    batch: SourceFrame,
    part: Mapping,
    log: EventLog,
    clock: pl.DataFrame,
    assets: Sequence[tuple[pl.Expr, pl.Expr]],
    notes: Notes,
) -> pl.DataFrame:
    """All events of a log that last for a time: the columns of `event_rows`, code and note."""
    code = pl.col(log.code).cast(pl.String)
    note = pl.lit(None, pl.String) if log.note is None else pl.col(log.note).cast(pl.String)
    states = {word: NOTHING if state is None else state for word, state in log.states.items()}
    told = pl.when(code.is_null()).then(pl.lit(_UNNAMED)).otherwise(_known(code, states))
    ends = _ends(batch, part, log)
    frames = [
        batch.rows.select(
            *clock,
            asset.alias("asset_id"),
            pl.concat_str(own, code.fill_null(""), separator=" ").alias("name"),
            pl.lit(ends).alias("end_utc"),
            told.alias("operating_state"),
            code.alias("code"),
            note.alias("note"),
        )
        for asset, own in assets
    ]
    # An end that cannot be read is none that is missing.
    unread = pl.lit(ends.is_null() & _filled(batch, log)).alias("unread")
    rows = (
        pl.concat([frame.with_columns(unread) for frame in frames]).filter(~pl.col("unread")).drop("unread")
    )
    if log.without_end == "until_next":
        rows = _until_next(rows)
    backwards = (pl.col("end_utc") <= pl.col("timestamp")).fill_null(False)
    notes.add("events that end when they start or before, left out", rows.filter(backwards).height)
    return rows.filter(~backwards)


def _known(code: pl.Expr, states: dict[str, str]) -> pl.Expr:
    found = renamed(code, states)
    # A word that no key fits comes back as it was.
    return pl.when(found.is_in(list(states.values()))).then(found).otherwise(pl.lit(_UNNAMED))


def _ends(batch: SourceFrame, part: Mapping, log: EventLog) -> pl.Series:
    """The ends in UTC, read as the stamps of the starts are; null where the cell is empty."""
    if log.end is None:
        return pl.repeat(None, batch.rows.height, dtype=pl.Datetime("us", "UTC"), eager=True)
    filled = _filled(batch, log)
    stamp = part.timestamp.model_copy(update={"column": log.end, "columns": (), "expression": None})
    found = interval_starts_utc(batch.keeping(filled), stamp)["timestamp"]
    places = pl.DataFrame({"place": filled.arg_true(), "end": found})
    every = pl.DataFrame({"place": pl.int_range(batch.rows.height, dtype=pl.UInt32, eager=True)})
    return every.join(places, on="place", how="left", maintain_order="left")["end"]


def _filled(batch: SourceFrame, log: EventLog) -> pl.Series:
    if log.end is None:
        return pl.repeat(False, batch.rows.height, eager=True)
    return batch.rows[log.end].is_not_null()


def _until_next(rows: pl.DataFrame) -> pl.DataFrame:
    """An event without an end ends where the asset's next one of the file starts."""
    starts = rows.select("asset_id", "timestamp").unique().sort("asset_id", "timestamp")
    following = starts.with_columns(next_utc=pl.col("timestamp").shift(-1).over("asset_id"))
    return rows.join(following, on=["asset_id", "timestamp"], how="left", maintain_order="left").select(
        pl.coalesce("end_utc", "next_utc").alias("end_utc") if name == "end_utc" else name
        for name in rows.columns
    )
