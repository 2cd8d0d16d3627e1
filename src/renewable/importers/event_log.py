"""Rows of events.csv proposed from a vendor's log of events, by the mapping's event source."""

import csv
import io
from pathlib import Path

import polars as pl

from renewable.atomic_write import write_text_atomic
from renewable.errors import MappingError
from renewable.importers.channel import renamed
from renewable.importers.event_rows import logged
from renewable.importers.events import KIND_OF_STATE, EventLog
from renewable.importers.mapping import Mapping, load_mapping, mapping_files
from renewable.importers.notes import Notes
from renewable.importers.rows import assets_of, stamped
from renewable.importers.source import part_batches, source_paths
from renewable.registry_csv import read_records, trimmed
from renewable.reported import EVENTS_FILE, EVENTS_SCHEMA, read_reported

_SAID = ("asset_id", "start_utc", "end_utc", "kind")
_COLUMNS = ("asset_id", "start", "end", "kind", "note")


def proposed_events(
    log_path: Path, mapping_path: Path, assets: pl.DataFrame, fleet_dir: Path, notes: Notes
) -> pl.DataFrame:
    """EVENTS_SCHEMA: the events of a log that events.csv in `fleet_dir` lacks, in order; the others are counted.

    `assets` is the registry. Left out are events without an end or a kind, and those of assets that it does not name.
    Raises MappingError where no event source of the mapping fits, or events.csv has faults.
    """
    part, log = _event_source(log_path, mapping_path)
    found = [pl.DataFrame(schema=EVENTS_SCHEMA)]
    for batch in part_batches(log_path, part):
        chosen, clock = stamped(batch, part, notes)
        events = logged(chosen, part, log, clock, assets_of(chosen, part), notes)
        found.append(_of_a_kind(events, log, notes))
        notes.counts.update(batch.set_aside.told())
    events = pl.concat(found).unique(maintain_order=True)
    is_named = pl.col("asset_id").is_in(assets["asset_id"].to_list())
    notes.add("events of assets that the registry lacks, left out", events.filter(~is_named).height)
    faults: list[str] = []
    there = read_reported(fleet_dir, assets, faults).events
    if faults:
        listing = "\n".join(f"  - {fault}" for fault in faults)
        raise MappingError(
            f"{fleet_dir / EVENTS_FILE} has {len(faults)} fault(s), mend these first:\n{listing}"
        )
    events = events.filter(is_named)
    new = events.join(there, on=_SAID, how="anti").unique(_SAID, keep="first", maintain_order=True)
    notes.add("events that events.csv has already", events.height - new.height)
    return new.sort(*_SAID)


def events_text(events: pl.DataFrame, columns: tuple[str, ...] = _COLUMNS, *, header: bool = True) -> str:
    """Events as CSV in the columns of events.csv, times in UTC."""
    stamps = {"start": "start_utc", "end": "end_utc"}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(columns)
    for row in events.iter_rows(named=True):
        values = {name: row[name] for name in ("asset_id", "kind", "note")}
        values |= {name: row[column].strftime("%Y-%m-%dT%H:%M:%SZ") for name, column in stamps.items()}
        writer.writerow([values.get(name) or "" for name in columns])
    return text.getvalue()


def add_events(events: pl.DataFrame, fleet_dir: Path) -> Path:
    """Write events behind those of events.csv, whose lines stay as they are; the path of the file."""
    path = fleet_dir / EVENTS_FILE
    if not path.exists():
        write_text_atomic(events_text(events), path)
        return path
    faults: list[str] = []
    records = read_records(path, faults)
    if records is None:
        raise MappingError("; ".join(faults))
    header = tuple(trimmed(cell) for cell in records[0][1])
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise MappingError(f"{path}: has no column {', '.join(missing)}: add it to the header and its rows")
    before = path.read_text(encoding="utf-8")
    ended = before if before.endswith("\n") else f"{before}\n"
    write_text_atomic(ended + events_text(events, header, header=False), path)
    return path


def _event_source(log_path: Path, mapping_path: Path) -> tuple[Mapping, EventLog]:
    """The mapping's event source; of several the one that names the file."""
    logs = [
        (path, part, part.events)
        for path in mapping_files(mapping_path)
        for part in load_mapping(path).parts
        if part.events is not None
    ]
    if not logs:
        raise MappingError(
            f"{mapping_path}: has no event source: add one under also, with events: {{end: …, code: …}};"
            " see events in examples/MAPPING.md"
        )
    if len(logs) > 1:
        logs = [
            (path, part, log)
            for path, part, log in logs
            if log_path.resolve() in [named.resolve() for named in source_paths(part, path)]
        ]
    if len(logs) != 1:
        raise MappingError(
            f"{mapping_path}: {len(logs)} event sources name {log_path}: name it in source.files of one of them"
        )
    _, part, log = logs[0]
    return part, log


def _of_a_kind(rows: pl.DataFrame, log: EventLog, notes: Notes) -> pl.DataFrame:
    """EVENTS_SCHEMA; the kind by the code, else by the state."""
    code = pl.col("code").fill_null("")
    by_code = renamed(code, log.kinds)
    kind = (
        pl.when(by_code.is_in(list(log.kinds.values())) & (by_code != code))
        .then(by_code)
        .otherwise(pl.col("operating_state").replace_strict(dict(KIND_OF_STATE), default=None))
    )
    rows = rows.with_columns(kind=kind)
    notes.add("events that are of no kind of events.csv, left out", rows["kind"].null_count())
    rows = rows.drop_nulls("kind")
    notes.add("events without an end, left out", rows["end_utc"].null_count())
    said = pl.concat_str("code", "note", separator=": ", ignore_nulls=True).alias("note")
    return rows.drop_nulls("end_utc").select(
        "asset_id",
        pl.col("timestamp").dt.truncate("1s").alias("start_utc"),
        pl.col("end_utc").dt.truncate("1s").alias("end_utc"),
        "kind",
        said,
    )
