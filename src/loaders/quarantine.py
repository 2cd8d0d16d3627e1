"""What the gate set aside, on disk: rows and values as Parquet, whole files as a record of the reason.

It mirrors the raw files as they were last judged. The files themselves stay where they are.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from loaders.pending import Fingerprint, Unit
from renewable.atomic_write import write_parquet_atomic, write_text_atomic
from renewable.contract import RawTable
from renewable.raw_files import printable_name, raw_file_name
from renewable.settings import Settings

if TYPE_CHECKING:
    # Readers of the quarantine judge nothing: the gate and pyarrow's functions stay out of a short command.
    from loaders.gate import Verdict

_KINDS = ("rows", "values")
_WHOLE_FILE = "whole file"
_RECORD = ".reason.json"
# Longest part of a record's path, and longest path below the quarantine, that every file system takes; the temporary
# name of a file that is being written is longer than its own.
_PART_BYTES, _PATH_BYTES = 200, 1000
_ASIDE = ".in-the-way"
LISTING_SCHEMA = pl.Schema({"file": pl.String, "what": pl.String, "rule": pl.String, "count": pl.Int64})


@dataclass(frozen=True)
class Quarantined:
    """How much lies in quarantine, by rule, and which whole files with their reasons."""

    rows: Mapping[str, int]
    values: Mapping[str, int]
    files: Mapping[str, str]

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())

    @property
    def value_count(self) -> int:
        return sum(self.values.values())


def store_verdict(quarantine_dir: Path, table: RawTable, day: date, verdict: "Verdict | None") -> None:
    """Replace what is set aside of one table's UTC day; None: nothing is."""
    for kind in _KINDS:
        path = quarantine_dir / kind / f"{table}_{day}.parquet"
        frame = None if verdict is None else verdict.rejected if kind == "rows" else verdict.set_aside
        if frame is not None and frame.height:
            _make_room(quarantine_dir, path)
            write_parquet_atomic(frame, path)
        else:
            _remove(path)


def store_refused_file(settings: Settings, name: str, reason: str, seen: Fingerprint) -> None:
    """Keep a record of a file that is refused whole."""
    record = {
        "file": name,
        "reason": reason,
        "size_bytes": seen.size_bytes,
        "sha256": seen.sha256,
        "next_step": f"mend it and write it to {printable_name(str(settings.raw_dir))}/{name} again: the next load"
        " takes it."
        " If the registry or a setting was at fault, mend that and run `renewable quarantine replay`",
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    path = _record_path(settings.quarantine_dir, name)
    _make_room(settings.quarantine_dir, path)
    write_text_atomic(text, path)


def clear_refused_file(quarantine_dir: Path, name: str) -> None:
    """Forget a refused file that is good or gone now."""
    _remove(_record_path(quarantine_dir, name))


def read_quarantine(quarantine_dir: Path) -> Quarantined:
    """Counts of all that is set aside now."""
    listing = list_quarantine(quarantine_dir)
    rows, values = (
        listing.filter(pl.col("what") == kind).group_by("rule").agg(pl.col("count").sum()).sort("rule")
        for kind in _KINDS
    )
    whole = listing.filter(pl.col("what") == _WHOLE_FILE).select("file", "rule")
    return Quarantined(dict(rows.iter_rows()), dict(values.iter_rows()), dict(whole.iter_rows()))


def list_quarantine(quarantine_dir: Path) -> pl.DataFrame:
    """LISTING_SCHEMA: what is set aside of each file, by rule; of a whole file the rule is the reason.

    A record that cannot be read is listed as a whole file, under its own path, with what is wrong with it.
    """
    frames, whole = list[pl.DataFrame](), list[tuple[str, str, str, int]]()
    for kind in _KINDS:
        for path in sorted((quarantine_dir / kind).glob("*.parquet")):
            found = _set_aside(path)
            if isinstance(found, str):
                whole.append((_listed_as(path, quarantine_dir), _WHOLE_FILE, found, 1))
                continue
            counted = found.group_by("file", "rule").agg(pl.len().cast(pl.Int64).alias("count"))
            frames.append(counted.with_columns(pl.lit(kind).alias("what")).select(LISTING_SCHEMA.names()))
    whole += [(record["file"], _WHOLE_FILE, record["reason"], 1) for record in _records(quarantine_dir)]
    listing = pl.concat([pl.DataFrame(whole, schema=LISTING_SCHEMA, orient="row"), *frames])
    return listing.sort("file", "what", "rule")


def show_quarantined(
    quarantine_dir: Path, file: str
) -> tuple[dict[str, str] | None, pl.DataFrame, pl.DataFrame]:
    """(record of the whole file or None, its rows, its values) that are set aside of one file."""
    frames = []
    unit = _table_day(file)
    for kind in _KINDS:
        path = quarantine_dir / kind / f"{unit}.parquet"
        found = _set_aside(path) if unit and path.exists() else ""
        frames.append(pl.DataFrame() if isinstance(found, str) else found.filter(pl.col("file") == file))
    record = next((record for record in _records(quarantine_dir) if record["file"] == file), None)
    return record, frames[0], frames[1]


def quarantined_units(quarantine_dir: Path, file: str | None = None) -> set[Unit]:
    """The table days of which something is set aside; of those with `file` where it is given."""
    files = list_quarantine(quarantine_dir)["file"].unique()
    names = [raw_file_name(name) for name in files if file in (None, name)]
    return {(name.table, name.day) for name in names if name is not None}


def known_as(quarantine_dir: Path, file: str) -> str | None:
    """The name under which the quarantine knows `file`: as it lists it, or any path that ends so."""
    listed = list_quarantine(quarantine_dir)["file"].unique().sort().to_list()
    asked = file.removesuffix(_RECORD)
    matching = [
        name for name in listed if asked == name or asked.endswith(f"/{name}") or name.endswith(f"/{asked}")
    ]
    return matching[0] if matching else None


def _table_day(file: str) -> str:
    name = raw_file_name(file)
    return f"{name.table}_{name.day}" if name else ""


def _set_aside(path: Path) -> pl.DataFrame | str:
    """The rows or values of a table day, or what is wrong with the file that should hold them."""
    try:
        found = pl.read_parquet(path) if path.is_file() else "is no file"
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        found = f"cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    if isinstance(found, pl.DataFrame):
        if all(found.schema.get(name) == pl.String for name in ("file", "rule")):
            return found
        found = "holds no rows that the gate set aside"
    return f"this part of the quarantine {found}; remove it, then judge its day again with `ingest --again`"


def _records(quarantine_dir: Path) -> Iterator[dict[str, str]]:
    """The records of whole files by path; of one that is no record, what is wrong with it in its place."""
    for directory, subdirectories, files in os.walk(quarantine_dir / "files"):
        subdirectories.sort()
        for path in (Path(directory, name) for name in sorted(files) if name.endswith(_RECORD)):
            if os.path.isfile(path):  # noqa: PTH113 - one that may not be looked at is no reason to stop
                yield _record(path, quarantine_dir)


def _record(path: Path, quarantine_dir: Path) -> dict[str, str]:
    try:
        record = json.loads(path.read_text("utf-8"))
        fault = "holds no record of a refused file"
    except (OSError, ValueError, RecursionError) as error:
        record, fault = None, f"cannot be read: {error}"
    if isinstance(record, dict) and all(isinstance(record.get(name), str) for name in ("file", "reason")):
        return {"next_step": ""} | record
    remedy = "remove it, then judge the file that it is about again with `ingest --again`"
    reason = printable_name(f"this record of the quarantine {fault}")
    return {"file": _listed_as(path, quarantine_dir), "reason": reason, "next_step": remedy}


def _listed_as(path: Path, quarantine_dir: Path) -> str:
    return printable_name(path.relative_to(quarantine_dir).as_posix())


def _record_path(quarantine_dir: Path, name: str) -> Path:
    """Where the record of a file lies: at the file's own path below files/, where that can be a path.

    A name that is too long, or whose directory could be another file's record, is shortened and marked with its hash.
    """
    path = f"{name}{_RECORD}"
    parts = path.encode().split(b"/")
    usual = (
        max(map(len, parts)) <= _PART_BYTES
        and len(path.encode()) <= _PATH_BYTES
        and not any(part.endswith(_RECORD.encode()) for part in parts[:-1])
    )
    if not usual:
        readable = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name[-80:])
        path = f"{readable}~{hashlib.sha256(name.encode()).hexdigest()[:24]}{_RECORD}"
    return quarantine_dir / "files" / path


def _remove(path: Path) -> None:
    # A directory in its place is not ours.
    if path.is_symlink() or path.is_file():
        path.unlink()


def _make_room(quarantine_dir: Path, path: Path) -> None:
    """Rename what is not ours and lies where `path` belongs: a directory in its place, a file in its directory's."""
    for ancestor in reversed(path.relative_to(quarantine_dir).parents):
        place = quarantine_dir / ancestor
        if ancestor != Path() and os.path.lexists(place) and not place.is_dir():
            _set_out_of_the_way(place)
    if path.is_dir() and not path.is_symlink():
        _set_out_of_the_way(path)


def _set_out_of_the_way(place: Path) -> None:
    number = 1
    while os.path.lexists(aside := place.with_name(f"{place.name[:100]}{_ASIDE}-{number}")):
        number += 1
    place.rename(aside)
