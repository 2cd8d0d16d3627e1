"""Names and places of raw files. What is inside them is the contract's matter."""

import os
import re
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


def raw_file_names(raw_dir: Path) -> list[str]:
    """All files below `raw_dir`, as sorted paths relative to it; hidden and temporary ones are left out.

    Links are listed and not followed. Names and not Path objects: there may be tens of thousands.
    """
    found = list[str]()
    for directory, subdirectories, files in os.walk(raw_dir):
        here = Path(directory).relative_to(raw_dir).as_posix()
        prefix = "" if here == "." else f"{here}/"
        links = [name for name in subdirectories if Path(directory, name).is_symlink()]
        subdirectories[:] = [name for name in subdirectories if not name.startswith(".")]
        found += [
            prefix + name
            for name in (*files, *links)
            if not name.startswith(".") and not name.endswith(_IN_THE_MAKING) and name != "README.md"
        ]
    return sorted(found)


def raw_file_name(name: str) -> RawFileName | None:
    """The parsed name of a file, given relative to the raw directory; None also when it lies in a wrong place."""
    return parse_raw_file_name(name.rpartition("/")[2]) if is_in_place(name) else None


def is_in_place(name: str) -> bool:
    """Whether a file, given relative to the raw directory, lies in it itself or in one of its table directories."""
    directory = name.rpartition("/")[0]
    return not directory or directory in TABLES
