"""Raw files of the days that are due, and which days are: those of new deliveries, and those that somebody touched."""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from renewable.atomic_write import write_parquet_atomic
from renewable.contract import KEY, TABLES, RawTable, with_all_columns
from renewable.importers.asset_facts import Facts, facts_of
from renewable.importers.days import DayMaker
from renewable.importers.ledger import Due, Ledger
from renewable.importers.overlay import difference
from renewable.importers.progress import Progress
from renewable.raw_files import RawFileName, parse_raw_file_name
from renewable.windows import Window

_DAYS_AT_ONCE = 64
_NAMED = 5


@dataclass
class Written:
    """What became of the days that were due: rows by table, raw files by what happened to them, values that changed."""

    rows: dict[RawTable, int] = field(default_factory=dict)
    files: int = 0
    unchanged: int = 0
    removed: int = 0
    values_changed: int = 0


def write_days(
    ledger: Ledger,
    name: str,
    raw_dir: Path,
    window: Window | None,
    intervals: Facts,
    counts: Counter[str],
    say: Callable[[str], None] = lambda _: None,
) -> Written:
    """Write the days of a mapping that are due, or those of them in `window`; `counts` takes what is to be said.

    `say` is told how far a long run is.
    """
    _note_strays(ledger, name, raw_dir, intervals)
    part, maker = ledger.part_of(name), DayMaker(ledger, name, intervals)
    _remove_left(raw_dir, part)
    found, done, strangers = Written(), dict[Due, os.stat_result | None](), Counter[str]()
    known = list(facts_of(intervals).rated_kw)
    due = [(table, day) for table, day in ledger.due(name) if window is None or day in window]
    progress = Progress(f"writing {len(due)} raw day(s)", say)
    for number, (table, day) in enumerate(due):
        progress.at(number / len(due))
        path = RawFileName(table, day, part).path_under(raw_dir)
        frame = maker.frame(table, day, counts)
        found.rows[table] = found.rows.get(table, 0) + frame.height
        if known:
            strange = frame.filter(~pl.col("asset_id").is_in(known))["asset_id"]
            strangers.update(dict(strange.value_counts().iter_rows()))
        _write(frame, table, path, found)
        done[table, day] = path.stat() if frame.height else None
        if len(done) >= _DAYS_AT_ONCE:
            with ledger.changing():
                ledger.wrote(name, done)
            done = {}
    with ledger.changing():
        ledger.wrote(name, done)
    if strangers:
        first = ", ".join(sorted(strangers)[:_NAMED]) + (", ..." if len(strangers) > _NAMED else "")
        what = f"rows of assets that the registry does not have, which the gate will quarantine ({first})"
        counts[what] = strangers.total()
    return found


def _remove_left(raw_dir: Path, part: str | None) -> None:
    """Remove files in the making that an import which was killed left."""
    for table in TABLES:
        for path in (raw_dir / table).glob(".*.parquet.*.tmp"):
            named = parse_raw_file_name(path.name[1:].rpartition(".parquet.")[0] + ".parquet")
            if named is not None and named.part == part:
                path.unlink(missing_ok=True)


def _write(frame: pl.DataFrame, table: RawTable, path: Path, found: Written) -> None:
    present = _present(path)
    if (
        present is not None
        and {*KEY} <= {*present.columns}
        and present.schema.items() <= frame.schema.items()
    ):
        found.values_changed += difference(with_all_columns(present, table), frame).values_lost
    if frame.is_empty():
        found.removed += path.exists()
        path.unlink(missing_ok=True)
    elif present is not None and present.schema == frame.schema and present.equals(frame):
        found.unchanged += 1
    else:
        write_parquet_atomic(frame, path)
        found.files += 1


def _note_strays(ledger: Ledger, name: str, raw_dir: Path, intervals: Facts) -> None:
    """Days are due again whose file somebody changed or removed, and all days where the registry says otherwise."""
    part, there = ledger.part_of(name), {table: _sizes_and_times(raw_dir / table) for table in TABLES}
    strays = [
        (table, day)
        for (table, day), known in ledger.written(name).items()
        if there[table].get(str(RawFileName(table, day, part))) != known
    ]
    registry = facts_of(intervals).text
    with ledger.changing():
        ledger.make_due(name, strays)
        before = ledger.made_by(name)
        if before not in (None, registry):
            ledger.make_due(name, ledger.all_days(name) | set(ledger.written(name)))
        ledger.make_by(name, registry)


def _sizes_and_times(folder: Path) -> dict[str, tuple[int, int]]:
    """Of the files of a folder, by name; there may be tens of thousands, so each is looked at once."""
    if not folder.is_dir():
        return {}
    found = dict[str, tuple[int, int]]()
    with os.scandir(folder) as entries:
        for entry in entries:
            # A file that goes meanwhile is not there.
            with suppress(FileNotFoundError):
                stat = entry.stat()
                found[entry.name] = (stat.st_size, stat.st_mtime_ns)
    return found


def _present(path: Path) -> pl.DataFrame | None:
    """What lies there; None where that cannot be read or nothing is there."""
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        return None
