"""CSV files that people write, read strictly: a cell is what it says, or a fault that names file, row and column.

Rows are counted as a spreadsheet counts them: the header is row 1. What values mean is the schema's business.
"""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

# Characters that nobody sees at the ends of a cell, beside those that Python counts as blank.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u200e\u200f"
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Control characters, line and paragraph separators.
_CONTROL = ("Cc", "Zl", "Zp")
_SAVE_AS = "save it as CSV in UTF-8, with commas and decimal points"


@dataclass(frozen=True)
class Table:
    """What a file says: typed columns, the row that each line of `frame` stands in, and cells that cannot be read.

    Unreadable cells, as (row, column), are null in `frame` and were reported.
    """

    frame: pl.DataFrame
    rows: Sequence[int]
    unreadable: frozenset[tuple[int, str]]


def read_table(
    path: Path, types: Mapping[str, pl.DataType], faults: list[str], optional: Collection[str] = ()
) -> Table | None:
    """The columns of `types` (String, Float64, Int64 or Date) of a CSV file; other columns are left out.

    Cells are trimmed; an empty one is null, as are those of an `optional` column that is missing. Faults are added as
    sentences; None when the file makes no table at all.
    """
    records = read_records(path, faults)
    if records is None:
        return None
    header = [trimmed(cell) for cell in records[0][1]]
    named_twice = sorted({name for name in types if header.count(name) > 1})
    missing = [name for name in types if name not in header and name not in optional]
    if named_twice:
        faults.append(f"{path}: column(s) {', '.join(named_twice)} stand there more than once")
    if missing:
        faults.append(f"{path}: missing column(s) {', '.join(missing)}{_hint(records[0][1], missing)}")
    # Programs that write spreadsheets leave rows of empty cells at the end.
    filled = [(row, cells) for row, cells in records[1:] if any(map(trimmed, cells))]
    ragged = [
        f"{path}, row {row}: {len(cells)} cells, the header has {len(header)};"
        " is there a comma too many or too few? A cell that holds one needs quotes"
        for row, cells in filled
        if len(cells) != len(header)
    ]
    faults.extend(ragged)
    if named_twice or missing or ragged:
        return None
    unreadable: set[tuple[int, str]] = set()
    columns = []
    for name, dtype in types.items():
        if name not in header:
            columns.append(pl.Series(name, [None] * len(filled), dtype))
            continue
        place, values = header.index(name), []
        for row, cells in filled:
            text = trimmed(cells[place])
            value = _value(text, dtype) if text else None
            if text and value is None:
                faults.append(f"{path}, row {row}, {name}: {text!r} is not a {dtype}; {_expected(dtype)}")
                unreadable.add((row, name))
            values.append(value)
        columns.append(pl.Series(name, values, dtype))
    return Table(pl.DataFrame(columns), [row for row, _ in filled], frozenset(unreadable))


def csv_text(frame: pl.DataFrame) -> str:
    """The frame as CSV that reads back as the same values: numbers with all their digits, null as nothing."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows([_text(value) for value in row] for row in frame.iter_rows())
    return lines.getvalue()


def trimmed(cell: str) -> str:
    """A cell without blanks around it: spaces, tabs, non-breaking blanks and characters without width."""
    before = None
    while before != cell:
        before, cell = cell, cell.strip().strip(_INVISIBLE)
    return cell


def alike(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of different texts that differ only in case, blanks or the way a character is written."""
    seen: dict[str, str] = {}
    for value in sorted(set(values)):
        plain = "".join(unicodedata.normalize("NFKC", value).casefold().split())
        if plain in seen:
            yield seen[plain], value
        seen.setdefault(plain, value)


def read_records(path: Path, faults: list[str]) -> list[tuple[int, list[str]]] | None:
    """(row, cells) of each line that is not empty, the header first; None, and a fault, when the file is no CSV.

    Where the first column is asset_id, which never begins with #, lines that do are for people.
    """
    try:
        if path.exists() and not path.is_file():
            faults.append(f"{path}: cannot be read: it is no regular file")
            return None
        content = path.read_bytes()
    except FileNotFoundError:
        faults.append(f"{path}: no such file; RENEWABLE_FLEET_DIR names the directory")
        return None
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        faults.append(f"{path}, row {row}: is not text in UTF-8; {_SAVE_AS}")
        return None
    if "\0" in text:
        faults.append(f"{path}: is not text in UTF-8; {_SAVE_AS}")
        return None
    rows = enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1)
    try:
        records = [(row, cells) for row, cells in rows if cells]
    except csv.Error as error:
        faults.append(f"{path}: cannot be read as CSV: {error}; is a quote open or out of place?")
        return None
    if not records:
        faults.append(f"{path}: is empty")
        return None
    has_remarks = trimmed(records[0][1][0]) == "asset_id"
    return [each for each in records if not (has_remarks and each[1][0].startswith("#"))]


def _hint(header: Sequence[str], missing: Sequence[str]) -> str:
    line = ",".join(header)
    if any(mark in line for mark in (";", "\t", "|")) and len(header) < len(missing):
        return f"; the columns are not divided by commas: {_SAVE_AS}"
    named = {trimmed(name).casefold(): trimmed(name) for name in header}
    found = [f"{named[name]!r}" for name in missing if name in named]
    return f"; {', '.join(found)} would do in small letters" if found else ""


def _value(text: str, dtype: pl.DataType) -> Any:
    if dtype == pl.String:
        return None if any(unicodedata.category(char) in _CONTROL for char in text) else text
    if dtype == pl.Date:
        return _date(text)
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text) + 0.0
    if not math.isfinite(number):
        return None
    if dtype == pl.Int64:
        return int(number) if number.is_integer() and abs(number) < 2**53 else None
    return number


def _date(text: str) -> date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _expected(dtype: pl.DataType) -> str:
    if dtype == pl.Date:
        return "write YYYY-MM-DD, such as 2020-04-03"
    if dtype == pl.String:
        return "take out line breaks, tabs and other control characters"
    if dtype == pl.Int64:
        return "write a whole number"
    return "write a finite number with a decimal point and without thousands separators"


def _text(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)
