"""What the gate set aside, on disk: rows and values as Parquet, whole files as a record of the reason.

It mirrors the raw files as they were last judged. The files themselves stay where they are.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from loaders.gate import Verdict
from loaders.pending import Fingerprint, Unit
from renewable.atomic_write import write_parquet_atomic, write_text_atomic
from renewable.contract import RawTable
from renewable.raw_files import parse_raw_file_name
from renewable.settings import Settings

_KINDS = ("rows", "values")
_WHOLE_FILE = "whole file"
_RECORD = ".reason.json"
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


def store_verdict(quarantine_dir: Path, table: RawTable, day: date, verdict: Verdict | None) -> None:
    """Replace what is set aside of one table's UTC day; None: nothing is."""
    for kind in _KINDS:
        path = quarantine_dir / kind / f"{table}_{day}.parquet"
        frame = None if verdict is None else verdict.rejected if kind == "rows" else verdict.set_aside
        if frame is not None and frame.height:
            write_parquet_atomic(frame, path)
        else:
            path.unlink(missing_ok=True)


def store_refused_file(settings: Settings, name: str, reason: str, seen: Fingerprint) -> None:
    """Keep a record of a file that is refused whole."""
    record = {
        "file": name,
        "reason": reason,
        "size_bytes": seen.size_bytes,
        "sha256": seen.sha256,
        "next_step": f"mend it and write it to {settings.raw_dir / name} again: the next load takes it."
        " If the registry or a setting was at fault, mend that and run `renewable quarantine replay`",
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    write_text_atomic(text, _record_path(settings.quarantine_dir, name))


def clear_refused_file(quarantine_dir: Path, name: str) -> None:
    """Forget a refused file that is good or gone now."""
    _record_path(quarantine_dir, name).unlink(missing_ok=True)


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
    """LISTING_SCHEMA: what is set aside of each file, by rule; of a whole file the rule is the reason."""
    frames = [
        pl.read_parquet(path, columns=["file", "rule"])
        .group_by("file", "rule")
        .agg(pl.len().cast(pl.Int64).alias("count"))
        .with_columns(pl.lit(kind).alias("what"))
        .select(LISTING_SCHEMA.names())
        for kind in _KINDS
        for path in (quarantine_dir / kind).glob("*.parquet")
    ]
    whole = [(record["file"], _WHOLE_FILE, record["reason"], 1) for record in _records(quarantine_dir)]
    listing = pl.concat([pl.DataFrame(whole, schema=LISTING_SCHEMA, orient="row"), *frames])
    return listing.sort("file", "what", "rule")


def show_quarantined(
    quarantine_dir: Path, file: str
) -> tuple[dict[str, str] | None, pl.DataFrame, pl.DataFrame]:
    """(record of the whole file or None, its rows, its values) that are set aside of one file."""
    frames = []
    for kind in _KINDS:
        parts = [
            pl.read_parquet(path).filter(pl.col("file") == file)
            for path in sorted((quarantine_dir / kind).glob(f"{_table_day(file)}.parquet"))
        ]
        frames.append(pl.concat(parts) if parts else pl.DataFrame())
    record = next((record for record in _records(quarantine_dir) if record["file"] == file), None)
    return record, frames[0], frames[1]


def quarantined_units(quarantine_dir: Path, file: str | None = None) -> set[Unit]:
    """The table days of which something is set aside; of those with `file` where it is given."""
    files = list_quarantine(quarantine_dir)["file"].unique()
    names = [parse_raw_file_name(Path(name).name) for name in files if file in (None, name)]
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
    name = parse_raw_file_name(Path(file).name)
    return f"{name.table}_{name.day}" if name else ""


def _records(quarantine_dir: Path) -> list[dict[str, str]]:
    paths = sorted((quarantine_dir / "files").rglob(f"*{_RECORD}"))
    return [json.loads(path.read_text("utf-8")) for path in paths]


def _record_path(quarantine_dir: Path, name: str) -> Path:
    return quarantine_dir / "files" / f"{name}{_RECORD}"
