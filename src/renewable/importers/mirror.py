"""A mirror of a store and its raw files, on which an import can be tried: what the original holds is not touched."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from renewable.contract import KEY, TABLES, RawTable, polars_schema
from renewable.raw_files import parse_raw_file_name

_LEDGER, _ROWS, _STORE = "ledger.sqlite", "rows", "deliveries"


@dataclass(frozen=True)
class Change:
    """What becomes of a raw table: rows by their keys, and values of keys that are there before and after."""

    rows_added: int = 0
    rows_removed: int = 0
    values_added: int = 0
    values_changed: int = 0
    values_removed: int = 0

    def __add__(self, other: "Change") -> "Change":
        return Change(
            self.rows_added + other.rows_added,
            self.rows_removed + other.rows_removed,
            self.values_added + other.values_added,
            self.values_changed + other.values_changed,
            self.values_removed + other.values_removed,
        )

    @property
    def sentence(self) -> str:
        return (
            f"{self.rows_added} rows would be added and {self.rows_removed} removed; of rows that are there"
            f" {self.values_added} values would be filled, {self.values_changed} changed, {self.values_removed} removed"
        )


def mirrored(raw_dir: Path, place: Path) -> Path:
    """A raw directory under `place` with a store beside it, both as those of `raw_dir`; returns its path.

    Files are links: an import puts new files in their place and removes links alone. The ledger is a copy.
    """
    mirror, store = place / raw_dir.name, raw_dir.parent / _STORE
    for table in TABLES:
        _link(sorted((raw_dir / table).glob("*.parquet")), mirror / table)
    _link(sorted((store / _ROWS).glob("*.parquet")), place / _STORE / _ROWS)
    if (store / _LEDGER).exists():
        _copy_ledger(store / _LEDGER, place / _STORE / _LEDGER)
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
        own = _frame(path, table).unique(KEY, keep="none")
        for other in sorted((mirror / table).glob(f"{table}_{named.day}*.parquet")):
            if other != path and parse_raw_file_name(other.name) is not None:
                both = own.join(_frame(other, table).unique(KEY, keep="none"), on=KEY, suffix="_other")
                for name in (name for name in own.columns if name not in KEY):
                    found[name] = found.get(name, 0) + int((both[name] != both[f"{name}_other"]).sum())
    return {name: count for name, count in found.items() if count}


def difference(before: pl.DataFrame, after: pl.DataFrame) -> Change:
    """What is other in `after`; both have the columns of one table. Several rows of a key count in their order."""
    number = pl.int_range(pl.len()).over(KEY).alias("number_")
    keys = [frame.select(*KEY, number) for frame in (before, after)]
    by = [*KEY, "number_"]
    gone = keys[0].join(keys[1], on=by, how="anti", nulls_equal=True).height
    new = keys[1].join(keys[0], on=by, how="anti", nulls_equal=True).height
    met = before.with_columns(number).join(
        after.with_columns(number), on=by, how="inner", nulls_equal=True, suffix="_after"
    )
    old_values, new_values = (
        met.select(f"{name}{end}" for name in before.columns if name not in KEY) for end in ("", "_after")
    )
    filled = emptied = changed = 0
    for name in old_values.columns:
        old, now = old_values[name], new_values[f"{name}_after"]
        filled += int((old.is_null() & now.is_not_null()).sum())
        emptied += int((old.is_not_null() & now.is_null()).sum())
        changed += int((old != now).sum())
    return Change(new, gone, filled, changed, emptied)


def _frame(path: Path, table: RawTable) -> pl.DataFrame:
    schema = polars_schema(table)
    if not path.exists():
        return pl.DataFrame(schema=schema)
    frame = pl.read_parquet(path)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


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
