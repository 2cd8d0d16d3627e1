"""Where the table of an unknown file is: its delimiter, header and decimal mark, by its content."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import polars as pl

from renewable.errors import MappingError
from renewable.importers.draft_lines import Line, Todo, listed, quoted
from renewable.importers.draft_units import spelled
from renewable.importers.encoding import recognised
from renewable.importers.source import SourceFrame, one_line, read_batches, unreadable
from renewable.importers.source_settings import BLANKS, Source
from renewable.importers.text_table import MISFIT
from renewable.importers.unpacking import FileKind, kind_of, unpacked

NUMBER = r"^[+-]?(?:\d[\d.,'\u00a0\u202f ]*|[.,]\d+)(?:[eE][+-]?\d+)?$"
_STAMP = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T,].*)?$|^\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?(?: ?[AaPp][Mm])?$"
_VALUE = re.compile(f"{NUMBER}|{_STAMP}")
_STAMP_ALONE = re.compile(rf"(?!^\d+\.\d+\.?\d*$)(?:{_STAMP})|^\d{{1,2}}\.\d{{1,2}}\.\d{{4}}$")
# What the archive of a PI system writes in the place of a value that it has not got.
_PI_STATES = (
    "No Data",
    "Bad",
    "Bad Input",
    "I/O Timeout",
    "Pt Created",
    "Arc Off-line",
    "Intf Shut",
    "Scan Off",
    "Calc Failed",
    "Comm Fail",
    "Configure",
    "Shutdown",
    "Over Range",
    "Under Range",
    "Invalid Float",
)
_WORD_OF_NOTHING = re.compile(
    r"^(?:nan|null|n/?[ae]|none|-+|#n/a|\[null\]|no data|bad|missing)?$", re.IGNORECASE
)
_SENTINEL = r"^-\d*9{2,}(?:\.[09]+)?$"
_LOOKED_AT_BYTES, _LOOKED_AT_ROWS, _MOST_ROWS = 1_000_000, 2_000, 50_000
_MOST_LINES_ABOVE, _SAME_WIDTH_RATIO = 10, 0.8
_MOST_TEXTS, _MOST_KINDS = 20, 6


@dataclass(frozen=True)
class DraftTable:
    """A file's cells as trimmed texts (or typed), and the `source` settings by which they are read."""

    path: Path
    settings: dict[str, object]
    batches: tuple[SourceFrame, ...]

    @property
    def rows(self) -> pl.DataFrame:
        """The rows of its first file."""
        return self.batches[0].rows

    @property
    def lines(self) -> tuple[str, ...]:
        return self.batches[0].lines


def draft_table(path: Path) -> DraftTable:
    """Find the table in a file. MappingError where the file cannot be read at all."""
    try:
        settings: dict[str, object] = {}
        members = [(name, *_looked_at(inner)) for name, inner in islice(unpacked(path, "*"), 1)]
        if not members:
            raise MappingError(f"{path}: is an empty archive. Name an export")
        name, kind, texts = members[0]
        if ": " in name.removeprefix(str(path)):
            settings["members"] = f"*{Path(name.rpartition(': ')[2]).suffix}"
        if kind == "CSV":
            settings |= _of_text(texts)
        elif kind == "Excel":
            settings |= _header([row for row in sheet_rows(path) if any(row)])
        return DraftTable(path, settings, tuple(_read(path, settings)))
    except unreadable() as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or one_line(error)
        raise MappingError(
            f"{path}: no table can be read from it: {reason}. Name an export: CSV, Parquet or Excel"
        ) from error


def _read(path: Path, settings: dict[str, object]) -> list[SourceFrame]:
    """The first rows of the file, or of each of its members."""
    form = Source.model_validate({"files": path.name, "last_line": "complete"} | settings)
    found: dict[str, SourceFrame] = {}
    for batch in read_batches(path, form, rows=_MOST_ROWS):
        rows = batch.rows.drop(MISFIT, strict=False)
        found.setdefault(batch.name, replace(batch, rows=rows))
        if len(found) > 1 and batch.name not in found:
            break
        if batch.rows.height >= _MOST_ROWS:
            break
    return list(found.values())


def _looked_at(path: Path) -> tuple[FileKind, list[str]]:
    """The kind of a file, and the first lines of a text."""
    kind = kind_of(path)
    return kind, text_lines(path) if kind == "CSV" else []


def text_lines(path: Path, size: int = _LOOKED_AT_BYTES) -> list[str]:
    """The lines of a text within its first `size` characters."""
    encoding = recognised(path)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        content = file.read(size).removeprefix("\ufeff")
    return content.splitlines()


def sheet_rows(path: Path) -> list[list[str]]:
    """The first rows of an Excel file's first sheet."""
    frame = pl.read_excel(path, engine="calamine", read_options={"header_row": None, "dtypes": "string"})
    return [[cell or "" for cell in row] for row in frame.head(_LOOKED_AT_ROWS).iter_rows()]


def _of_text(lines: list[str]) -> dict[str, object]:
    delimiter = _delimiter(lines)
    rows = list(islice(cells_of(lines, delimiter), _LOOKED_AT_ROWS))
    stated: dict[str, object] = {} if delimiter == "," else {"delimiter": delimiter}
    return stated | _header(rows)


def cells_of(lines: Sequence[str], delimiter: str) -> "list[list[str]]":
    """The cells of lines, one list a row."""
    if delimiter == BLANKS:
        return [re.findall(r'"[^"]*"|\S+', line) for line in lines]
    return list(csv.reader(lines, delimiter=delimiter))


def _delimiter(lines: list[str]) -> str:
    """The sign that cuts most lines into the same number of cells; of several the one that is rarest inside cells."""
    named = re.match(r"sep=(.)", lines[0]) if lines else None
    if named:
        return named[1]
    tail = [line for line in lines if line.strip()][:_LOOKED_AT_ROWS]
    tail = tail[max(len(tail) > 1, len(tail) // 3) :]
    found: list[tuple[float, int, str]] = []
    for sign in (";", "\t", "|", ",", BLANKS):
        widths = Counter(len(row) for row in cells_of(tail, sign))
        width, times = widths.most_common(1)[0] if widths else (0, 0)
        if width > 1:
            found.append((times / len(tail), width, sign))
    good = [(width, sign) for share, width, sign in found if share >= _SAME_WIDTH_RATIO]
    first = next((sign for _, sign in good if sign in ";\t"), None)
    if first is not None:
        return first
    between = [each for each in good if each[1] != BLANKS]
    # A sign inside cells, as in BZN|FR, cuts them into fewer.
    return max(between or good or [(0, ",")])[1]


def _header(rows: list[list[str]]) -> dict[str, object]:
    """Settings that say where the header stands and how many lines it has."""
    if not any(len(row) > 1 for row in rows):
        raise pl.exceptions.NoDataError("none of its lines has two cells")
    first = _first_data(rows)
    width = _width(rows[first:] or rows)
    if first >= len(rows):
        # No row of data: the header is the last line that is as wide as any.
        first = max((place for place, row in enumerate(rows) if len(row) == width), default=0) + 1
    top = first
    while top and _is_header(rows[top - 1], width, rows[first - 1], first - top):
        top -= 1
    if top == first:
        return {"skip_rows": first, "header_rows": 0} if first else {"header_rows": 0}
    above = [row for row in rows[:top] if any(cell.strip() for cell in row)]
    header = rows[top]
    settings: dict[str, object] = {} if first - top == 1 else {"header_rows": first - top}
    comment = re.match(r"(#+|//|%)\s*", header[0])
    if comment:
        settings["comment_prefix"] = comment[1]
        header = [header[0][comment.end() :], *header[1:]]
    elif any(row[0].startswith("#") for row in above):
        settings["comment_prefix"] = "#"
    if not above and not comment:
        return settings
    earlier = {cell.strip() for row in above for cell in row}
    own = [cell.strip() for cell in header]
    # The longest text is the least likely to stand elsewhere.
    fit = [cell for cell in own if cell and cell not in earlier and own.count(cell) == 1]
    if fit and (first - top == 1 or own[0]):
        return settings | {"header_text": max(fit, key=len)}
    return settings | {"skip_rows": top}


def _width(rows: list[list[str]]) -> int:
    widths = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
    return widths.most_common(1)[0][0] if widths else 0


def _first_data(rows: list[list[str]]) -> int:
    """Number of the first row that looks like the rows below: a stamp or numbers in the columns that have them."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    below = filled[max(len(filled) > 1, len(filled) // 3) :]
    tail = [row for row in below if len(row) > 1 or len(filled[0]) == 1]
    width = _width(tail)
    tail = [row for row in tail if len(row) == width]

    def share(place: int, shape: re.Pattern[str]) -> float:
        cells = [row[place].strip() for row in tail]
        return sum(bool(shape.search(cell)) for cell in cells) / max(1, len(cells))

    stamps = [place for place in range(width) if share(place, _STAMP_ALONE) >= 0.8]
    numbers = [place for place in range(width) if share(place, _VALUE) == 1]
    most = [place for place in range(width) if share(place, _VALUE) >= 0.8]
    for number, row in enumerate(rows):
        cells = [cell.strip() for cell in row]
        if abs(len(cells) - width) > 1:
            continue
        if stamps:
            if stamps[0] < len(cells) and _STAMP_ALONE.search(cells[stamps[0]]):
                return number
        elif all(place < len(cells) and _VALUE.search(cells[place]) for place in numbers or most) and (
            numbers or most
        ):
            return number
    return len(rows)


def _is_header(row: list[str], width: int, nearest: list[str], taken: int) -> bool:
    cells = [cell.strip() for cell in row]
    filled = [cell for cell in cells if cell]
    if len(row) != len(nearest) or abs(len(row) - width) > 1 or taken >= _MOST_LINES_ABOVE:
        return False
    # A line of units leaves out those of stamps and words.
    are_units = not taken and bool(filled) and all(spelled(cell.strip("[]()")) is not None for cell in filled)
    if not are_units and (len(filled) * 2 < width or len(filled) < min(2, width)):
        return False
    if taken and re.match(r"[^:]{2,30}: \S", cells[0]):
        # Plant: Field 1, above the header.
        return False
    numeric = sum(bool(re.match(NUMBER, cell)) for cell in filled)
    return numeric * 2 <= len(filled) or taken > 0


def records_kept(rows: pl.DataFrame) -> str | None:
    """Of a file with several kinds of record: the condition on those of the header, which repeats what they begin with.

    As of AEMO: I,DISPATCH,UNIT_SCADA above D,DISPATCH,UNIT_SCADA.
    """
    texts = [name for name in rows.columns if rows.schema[name] == pl.String]
    same = [name for name in texts if int((rows[name] == name).sum()) > rows.height / 2]
    if not same:
        return None
    words = [name for name in texts[: texts.index(same[0])] if rows[name].n_unique() <= _MOST_KINDS]
    kept = {name: str(rows[name].drop_nulls().mode().sort()[0]) for name in words} | {
        name: name for name in same
    }
    several = {name: word for name, word in kept.items() if rows[name].n_unique() > 1}
    return " AND ".join(f"\"{name}\" = '{word}'" for name, word in several.items()) or None


def value_settings(rows: pl.DataFrame, columns: Sequence[str]) -> tuple[list[Line], pl.DataFrame]:
    """Lines on decimal marks and on texts for 'no value', and the columns as numbers for a look at them."""
    lines: list[Line] = []
    # The importer reads the minus of typesetters, too.
    cells = {
        name: rows[name].cast(pl.String).drop_nulls().str.replace_all("\u2212", "-")
        for name in columns
        if rows.schema[name] == pl.String
    }
    numeric = [
        name
        for name, own in cells.items()
        if own.len() and int(own.str.contains(NUMBER).sum()) * 2 >= own.len()
    ]
    texts = pl.concat([cells[name] for name in numeric]) if numeric else pl.Series([], dtype=pl.String)
    lines += (marks := _marks(texts.filter(texts.str.contains(NUMBER))))
    words = texts.filter(~texts.str.contains(NUMBER)).value_counts(sort=True)
    sentinels = texts.filter(texts.str.contains(_SENTINEL)).unique(maintain_order=True).to_list()
    nothing = [*words.to_series(0).to_list(), *sentinels] if words.height <= _MOST_TEXTS else sentinels
    if set(nothing) & set(_PI_STATES):
        # Other files of this system have the others.
        nothing += [word for word in _PI_STATES if word not in nothing]
    if nothing:
        lines.append(f"null_markers: {listed(nothing)}    # texts in columns of numbers that are no value")
    told = dict(line.partition(": ")[::2] for line in marks if isinstance(line, str))
    form: dict[str, object] = {"files": "x"}
    if "decimal_comma" in told:
        form["decimal_comma"] = {"true": True}.get(told["decimal_comma"].split()[0], "either")
    if "thousands" in told:
        form["thousands"] = told["thousands"].split()[0].strip('"')
    return lines, _as_numbers(rows, numeric, Source.model_validate(form), nothing)


def _as_numbers(rows: pl.DataFrame, numeric: list[str], form: Source, nothing: list[str]) -> pl.DataFrame:
    from renewable.importers.number_cells import numbers

    found = []
    for name in rows.columns:
        if rows.schema[name].is_numeric():
            found.append(rows[name].cast(pl.Float64))
        elif name in numeric:
            cells = rows.select(
                pl.when(~pl.col(name).is_in(nothing)).then(pl.col(name)).alias(name)
            ).to_series()
            found.append(numbers(cells, form).alias(name))
    return pl.DataFrame(found)


def _marks(numbers: pl.Series) -> list[Line]:
    """Which sign stands before the decimals, and which between groups of three digits."""

    def any_like(pattern: str) -> bool:
        return bool(numbers.str.contains(pattern).any())

    comma_decimals = any_like(r"^[+-]?\d*,(?:\d{1,2}|\d{4,})$|^[+-]?(?:0|\d{4,}),\d+$|\d\.\d{3},\d*$")
    point_decimals = any_like(r"^[+-]?\d*\.(?:\d{1,2}|\d{4,})$|^[+-]?(?:0|\d{4,})\.\d+$|\d,\d{3}\.\d*$")
    comma_groups = any_like(r"^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?$")
    point_groups = any_like(r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d*$|^[+-]?[1-9]\d{0,2}(?:\.\d{3}){2,}$")
    blank_groups = any_like("^[+-]?\\d{1,3}(?:[ \u00a0\u202f]\\d{3})+(?:[.,]\\d*)?$")
    blanks = ['thousands: " "'] if blank_groups else []
    if comma_decimals and point_decimals:
        return ["decimal_comma: either    # both 58.9 and 58,9 stand in this file"]
    if comma_decimals:
        whole = any_like(r"^[+-]?[1-9]\d{0,2}\.\d{3}$")
        return ["decimal_comma: true", *(['thousands: "."'] if point_groups or whole else blanks)]
    if comma_groups and point_decimals:
        return ['thousands: ","']
    if not comma_groups and not point_decimals and any_like(r"^[+-]?[1-9]\d{0,2}\.\d{3}$"):
        if point_groups or any_like(r"^[+-]?[1-9]\d{0,2}(?:\.\d{3}){2,}$"):
            return ['thousands: "."']
        text = numbers.filter(numbers.str.contains(r"^[+-]?[1-9]\d{0,2}\.\d{3}$"))[0]
        return [
            Todo(
                f"does {text} have three decimals, or is the point a mark of thousands?",
                ("decimal_comma: false    # decimals", 'thousands: "."    # thousands'),
            )
        ]
    if comma_groups:
        text = numbers.filter(numbers.str.contains(","))[0]
        return [
            Todo(
                f"is {text} a number of thousands, or one with decimals?",
                ('thousands: ","', "decimal_comma: true"),
            )
        ]
    return blanks  # type: ignore[return-value]


def source_lines(files: str, settings: dict[str, object]) -> list[Line]:
    """The settings of a source as lines."""
    order = ("members", "delimiter", "comment_prefix", "header_text", "skip_rows", "header_rows", "keep")
    stated = [name for name in order if name in settings]
    return [
        f"files: {quoted(files)}",
        *(
            f"{name}: {quoted(value) if isinstance(value := settings[name], str) else value}"
            for name in stated
        ),
    ]
