"""Names and places of raw files. What is inside them is the contract's matter."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from renewable.contract import TABLES, RawTable

_NAME = re.compile(
    rf"(?P<table>{'|'.join(TABLES)})_(?P<day>\d{{4}}-\d{{2}}-\d{{2}})(?:__(?P<part>[A-Za-z0-9][A-Za-z0-9_-]*))?\.parquet"
)
_IN_THE_MAKING = (".tmp", ".part", ".crdownload")


@dataclass(frozen=True, order=True)
class RawFileName:
    """`<table>_<UTC day>[__<part>].parquet`."""

    table: RawTable
    day: date
    part: str | None = None

    def __str__(self) -> str:
        part = f"__{self.part}" if self.part else ""
        return f"{self.table}_{self.day.isoformat()}{part}.parquet"

    def path_under(self, raw_dir: Path) -> Path:
        return raw_dir / self.table / str(self)


def parse_raw_file_name(name: str) -> RawFileName | None:
    """The parsed name, or None when it is not the name of a raw file."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    table = next(t for t in TABLES if t == found["table"])
    try:
        return RawFileName(table, date.fromisoformat(found["day"]), found["part"])
    except ValueError:
        return None


def raw_file_paths(raw_dir: Path) -> Iterator[Path]:
    """Files in `raw_dir` and in its table directories, in order of name; hidden and temporary files are left out."""
    places = [raw_dir, *(raw_dir / table for table in TABLES)]
    found = (path for place in places if place.is_dir() for path in place.iterdir())
    for path in sorted(found):
        hidden = path.name.startswith(".") or path.suffix in _IN_THE_MAKING
        if not hidden and not path.is_dir() and path.name != "README.md":
            yield path
