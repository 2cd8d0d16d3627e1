"""Names and places of raw files. What is inside them is the contract's matter."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from renewable.contract import TABLES, RawTable

_NAME = re.compile(
    rf"(?P<table>{'|'.join(TABLES)})_(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:__(?P<part>[A-Za-z0-9][A-Za-z0-9_-]*))?\.parquet"
)
_IN_THE_MAKING = (".tmp", ".part", ".crdownload")
# Days that a raw file may be of: measured plants are younger, and windows reach beyond a day without an overflow.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


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


@dataclass(frozen=True)
class RawListing:
    """Sorted paths relative to a raw directory, and directories below it that could not be listed, with the reason."""

    names: list[str] = field(default_factory=list)
    unlisted: Mapping[str, str] = field(default_factory=dict)


def parse_raw_file_name(name: str) -> RawFileName | None:
    """The parsed name, or None when it is not the name of a raw file."""
    parsed = _parsed(name)
    return parsed if parsed is not None and FIRST_DAY <= parsed.day <= LAST_DAY else None


def name_fault(name: str) -> str | None:
    """Why a path relative to the raw directory is not that of a raw file; None when it is."""
    if not is_in_place(name):
        return "lies where no raw file is looked for: put it into weather/ or generation/"
    parsed = _parsed(name.rpartition("/")[2])
    if parsed is None:
        return "the name does not parse: expected <weather|generation>_YYYY-MM-DD[__part].parquet"
    if not FIRST_DAY <= parsed.day <= LAST_DAY:
        return f"its day {parsed.day} lies outside {FIRST_DAY} to {LAST_DAY}: name it after the day that it holds"
    return None


def raw_file_names(raw_dir: Path) -> list[str]:
    """The names of `list_raw_files`, where it does not matter whether all directories could be listed."""
    return list_raw_files(raw_dir).names


def list_raw_files(raw_dir: Path) -> RawListing:
    """All files below `raw_dir`; hidden and temporary ones are left out.

    Links are listed and not followed. Names and not Path objects: there may be tens of thousands.
    """
    names, unlisted = list[str](), dict[str, str]()
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(f"{raw_dir}/{prefix}") as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{prefix}{entry.name}/")
                    elif not entry.name.endswith(_IN_THE_MAKING) and entry.name != "README.md":
                        names.append(prefix + entry.name)
            # Without the right to search a directory its files are seen and cannot be looked at.
            os.stat(f"{raw_dir}/{prefix}.")  # noqa: PTH116 - a Path drops the dot
        except FileNotFoundError:
            continue
        except OSError as error:
            unlisted[prefix.rstrip("/")] = error.strerror or type(error).__name__
    return RawListing(sorted(names), unlisted)


def raw_file_name(name: str) -> RawFileName | None:
    """The parsed name of a file, given relative to the raw directory; None also when it lies in a wrong place."""
    return parse_raw_file_name(name.rpartition("/")[2]) if is_in_place(name) else None


def is_in_place(name: str) -> bool:
    """Whether a file, given relative to the raw directory, lies in it itself or in one of its table directories."""
    directory = name.rpartition("/")[0]
    return not directory or directory in TABLES


def printable_name(name: str) -> str:
    """`name` as it can be stored and printed anywhere: bytes that are no UTF-8, control characters and backslashes
    are escaped, so that no two names become one. Ordinary names stay as they are."""
    if name.isascii() and name.isprintable() and "\\" not in name:
        return name
    return "".join(_printable(character) for character in name)


def _printable(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # How Python holds a byte of a file name that is no UTF-8.
        return f"\\x{code - 0xDC00:02x}"
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _parsed(name: str) -> RawFileName | None:
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    table = next(t for t in TABLES if t == found["table"])
    try:
        return RawFileName(table, date.fromisoformat(found["day"]), found["part"])
    except ValueError:
        return None
