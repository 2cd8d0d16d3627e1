"""A mirror of a store and its raw files, on which an import can be tried: what the original holds is not touched."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import polars as pl

from renewable.contract import KEY, TABLES, RawTable, polars_schema, with_all_columns
from renewable.importers.ledger import LEDGER_FILE, ROWS_FOLDER, store_of
from renewable.importers.overlay import Change, difference
from renewable.raw_files import parse_raw_file_name


def mirrored(raw_dir: Path, place: Path) -> Path:
    """A raw directory under `place` with a store beside it, both as those of `raw_dir`; returns its path.

    Files are links: an import puts new files in their place and removes links alone. The ledger is a copy.
    """
    mirror, store = place / raw_dir.name, store_of(raw_dir)
    for table in TABLES:
        _link(sorted((raw_dir / table).glob("*.parquet")), mirror / table)
    _link(sorted((store / ROWS_FOLDER).glob("*.parquet")), store_of(mirror) / ROWS_FOLDER)
    if (store / LEDGER_FILE).exists():
        _copy_ledger(store / LEDGER_FILE, store_of(mirror) / LEDGER_FILE)
    return mirror


def made_files(mirror: Path, table: RawTable) -> list[Path]:
    """The raw files of a table that an import into the mirror made."""
    return [path for path in sorted((mirror / table).glob("*.parquet")) if not path.is_symlink()]


def changes(raw_dir: Path, mirror: Path) -> dict[RawTable, Change]:
    """By table what an import into the mirror of `raw_dir` changed; tables without a change are left out."""
    found: dict[RawTable, Change] = {}
    for table in TABLES:
        made = {path.name for path in made_files(mirror, table)}
        gone = {path.name for path in (raw_dir / table).glob("*.parquet")} - {
            path.name for path in (mirror / table).glob("*.parquet")
        }
        for name in sorted(made | gone):
            if parse_raw_file_name(name) is not None:
                change = difference(
                    _frame(raw_dir / table / name, table), _frame(mirror / table / name, table)
                )
                found[table] = found.get(table, Change()) + change
    return {table: change for table, change in found.items() if change != Change()}


def clashes(mirror: Path, table: RawTable) -> dict[str, int]:
    """By channel how many values of files that an import made are others in another part of the same day."""
    found: dict[str, int] = {}
    for path in made_files(mirror, table):
        named = parse_raw_file_name(path.name)
        if named is None:
            continue
        others = [
            other
            for other in sorted((mirror / table).glob(f"{table}_{named.day}*.parquet"))
            if other != path and parse_raw_file_name(other.name) is not None
        ]
        if not others:
            continue
        own = _frame(path, table).unique(KEY, keep="none")
        for other in others:
            both = own.join(_frame(other, table).unique(KEY, keep="none"), on=KEY, suffix="_other")
            for name in (name for name in own.columns if name not in KEY):
                found[name] = found.get(name, 0) + int((both[name] != both[f"{name}_other"]).sum())
    return {name: count for name, count in found.items() if count}


def _frame(path: Path, table: RawTable) -> pl.DataFrame:
    frame = pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=polars_schema(table))
    return frame if frame.schema == polars_schema(table) else with_all_columns(frame, table)


def _link(paths: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        (folder / path.name).symlink_to(path.absolute())


def _copy_ledger(ledger: Path, copy: Path) -> None:
    try:
        source = sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
        with closing(source), closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.OperationalError:
        # An import died over a change: its journal, copied too, takes the change back in the copy.
        copy.unlink(missing_ok=True)
        for path in ledger.parent.glob(f"{ledger.name}*"):
            shutil.copyfile(path, copy.parent / path.name)
