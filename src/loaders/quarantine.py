"""What the gate set aside, on disk: rows and values as Parquet, whole files as a copy with a record.

It mirrors the raw files as they were last judged.
"""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from loaders.gate import ReadFile, Verdict
from renewable.atomic_write import write_parquet_atomic, write_text_atomic
from renewable.contract import RawTable


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


def store_verdict(quarantine_dir: Path, table: RawTable, day: date, verdict: Verdict) -> None:
    """Replace what is set aside of one table's UTC day."""
    for kind, frame in (("rows", verdict.rejected), ("values", verdict.set_aside)):
        path = quarantine_dir / kind / f"{table}_{day}.parquet"
        if frame.height:
            write_parquet_atomic(frame, path)
        else:
            path.unlink(missing_ok=True)


def store_refused_file(quarantine_dir: Path, raw_dir: Path, name: str, file: ReadFile) -> None:
    """Keep a copy of a refused file beside a record of the reason; the original stays where it is."""
    original, copy = raw_dir / name, quarantine_dir / "files" / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if not original.is_symlink():
        temporary = copy.with_name(f".{copy.name}.tmp")
        shutil.copyfile(original, temporary)
        temporary.replace(copy)
    record = {
        "file": name,
        "reason": file.refusal,
        "sha256": file.fingerprint.sha256,
        "next_step": f"mend it and write it to {original} again: the next load takes it",
    }
    write_text_atomic(json.dumps(record, indent=2, ensure_ascii=False) + "\n", _record_path(copy))


def clear_refused_file(quarantine_dir: Path, name: str) -> None:
    """Forget a refused file that is good now."""
    copy = quarantine_dir / "files" / name
    copy.unlink(missing_ok=True)
    _record_path(copy).unlink(missing_ok=True)


def read_quarantine(quarantine_dir: Path) -> Quarantined:
    """Counts of all that is set aside now."""
    records = [
        json.loads(p.read_text("utf-8")) for p in sorted((quarantine_dir / "files").rglob("*.reason.json"))
    ]
    return Quarantined(
        rows=_by_rule(quarantine_dir / "rows"),
        values=_by_rule(quarantine_dir / "values"),
        files={record["file"]: record["reason"] for record in records},
    )


def _record_path(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.reason.json")


def _by_rule(directory: Path) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for path in sorted(directory.glob("*.parquet")):
        counts.update(dict(pl.read_parquet(path, columns=["rule"]).group_by("rule").len().iter_rows()))
    return dict(sorted(counts.items()))
