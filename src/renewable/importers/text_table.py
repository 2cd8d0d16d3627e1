"""Where in a text the table begins, what its columns are called, and which of its rows do not fit them."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from renewable.errors import MappingError
from renewable.importers.source_settings import BLANKS, Source

# Cells beyond the header's last column are read into columns of these names: nobody else's name has a null byte.
_BEYOND = tuple(f"\0beyond_{place}" for place in range(4))
# Text of the cells of a row that do not fit the header; null where all do.
MISFIT = "\0misfit"
# A header that is told by its text is looked for in so many rows.
_LOOKED_AT = 10_000
_QUOTED_OR_WORD = re.compile(r'"[^"]*"|\S+')


@dataclass(frozen=True)
class Header:
    """`names` by place; `line` is the number, from 1, of the line before the first row of data."""

    names: list[str]
    line: int


@dataclass(frozen=True)
class Table:
    """A file as a lazy frame; `lines` stand above the data, whose first row is row `first_row` of the file."""

    frame: pl.LazyFrame
    lines: tuple[str, ...] = ()
    first_row: int = 2


def text_table(plain: Path, name: str, source: Source) -> Table:
    """A UTF-8 text as a table of texts, with MISFIT. Raises MappingError where its header is not found."""
    delimiter = "\t" if source.delimiter == BLANKS else source.delimiter
    with plain.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        header = header_of(name, ((cells, reader.line_num) for cells in reader), source)
    with plain.open(encoding="utf-8-sig") as file:
        lines = tuple(line.rstrip("\r\n") for line, _ in zip(file, range(header.line), strict=False))
    names = [*header.names, *_BEYOND]
    frame = pl.scan_csv(
        plain,
        has_header=False,
        skip_lines=header.line,
        schema=dict.fromkeys(names, pl.String),
        separator=delimiter,
        comment_prefix=source.comment_prefix,
        # Cells beyond those of _BEYOND are few and far: a row that has them has others before, as a rule.
        truncate_ragged_lines=True,
        missing_columns="insert",
        raise_if_empty=False,
    )
    return Table(_with_misfits(frame, header.names, source), lines, header.line + 1)


def header_of(name: str, rows: Iterator[tuple[Sequence[str | None], int]], source: Source) -> Header:
    """The names of the columns from the first rows of a file, each with the number of its last line."""
    taken: list[list[str]] = []
    line, count = 0, 0
    begun = source.header_text is None
    shown: list[str] = []
    for count, (row, last_line) in enumerate(rows):
        cells = [cell or "" for cell in row]
        if begun and count < source.skip_rows:
            line = last_line
            continue
        if not begun:
            cells = _uncommented(cells, source.comment_prefix)
            begun = source.header_text in [cell.strip() for cell in cells]
            shown += [" | ".join(filter(None, cells))[:80]] if len(shown) < 3 else []
            if not begun and count >= _LOOKED_AT:
                break
            if not begun:
                continue
        elif not any(cell.strip() for cell in cells) or _is_comment(cells, source.comment_prefix):
            continue
        if source.header_rows == 0:
            # The first row of data, which tells how many columns there are.
            taken.append([""] * len(cells))
            break
        taken.append(cells)
        line = last_line
        if len(taken) == source.header_rows:
            line = _after(rows, source.skip_rows_after_header, line)
            break
    if not begun:
        raise MappingError(
            f"{name}: none of its first {count + 1} lines has the cell {source.header_text!r} of source.header_text;"
            f" it begins with {'; '.join(map(repr, shown))}. Mend the mapping or its delimiter."
        )
    if len(taken) < max(1, source.header_rows) and not source.columns:
        raise pl.exceptions.NoDataError("no line is left for the header")
    return Header(_names(taken, source), line)


def _after(rows: Iterator[tuple[Sequence[str | None], int]], skipped: int, line: int) -> int:
    for _, (_, last_line) in zip(range(skipped), rows, strict=False):
        line = last_line
    return line


def blanks_to_tabs(plain: Path, aligned: Path) -> None:
    """Write a text whose columns are aligned with blanks again with one tab between two cells."""
    with plain.open(encoding="utf-8-sig") as lines, aligned.open("w", encoding="utf-8") as out:
        for line in lines:
            out.write("\t".join(_QUOTED_OR_WORD.findall(line)) + "\n")


def _names(rows: list[list[str]], source: Source) -> list[str]:
    width = max([len(source.columns), *map(len, rows)])
    padded = [
        [cell.strip() if len(rows) > 1 else cell for cell in row] + [""] * (width - len(row)) for row in rows
    ]
    columns = list(zip(*_unmerged(padded), strict=True)) if rows else [()] * width
    if len(rows) == 1:
        names = [column[0] for column in columns]
    else:
        names = [" ".join(dict.fromkeys(filter(None, column))) for column in columns]
    names[: len(source.columns)] = source.columns
    names = [name if name.strip() else f"column_{place}" for place, name in enumerate(names, 1)]
    return _once(names)


def _unmerged(rows: list[list[str]]) -> list[list[str]]:
    """Lines of a header in which a cell that spans several columns stands in the first of them.

    An empty cell takes the text to its left where the lines below name its column, unless a line above begins anew.
    """
    filled: list[list[str]] = []
    for number, row in enumerate(rows):
        own: list[str] = []
        for place, cell in enumerate(row):
            is_named = any(lower[place] for lower in rows[number + 1 :])
            begins = any(upper[place] for upper in rows[:number])
            own.append(own[-1] if own and not cell and is_named and not begins else cell)
        filled.append(own)
    return filled


def _once(names: list[str]) -> list[str]:
    """Names that come again get an ending, as Polars gives it."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        number = seen.get(name)
        found.append(name if number is None else f"{name}_duplicated_{number}")
        seen[name] = 0 if number is None else number + 1
    return found


def _is_comment(cells: list[str], prefix: str | None) -> bool:
    return prefix is not None and bool(cells) and cells[0].startswith(prefix)


def _uncommented(cells: list[str], prefix: str | None) -> list[str]:
    if prefix is None or not _is_comment(cells, prefix):
        return cells
    return [cells[0].removeprefix(prefix).strip(), *cells[1:]]


def _with_misfits(frame: pl.LazyFrame, names: list[str], source: Source) -> pl.LazyFrame:
    beyond = pl.concat_str(
        [pl.when(pl.col(name).str.strip_chars() != "").then(name) for name in _BEYOND],
        separator=" ",
        ignore_nulls=True,
    )
    misfit: pl.Expr = pl.when(beyond != "").then(beyond)
    if source.delimiter == BLANKS:
        # Between blanks a cell that is missing moves those after it.
        last, first = pl.col(names[-1]), pl.col(names[0])
        misfit = pl.when(last.is_null() & first.is_not_null()).then(pl.lit("")).otherwise(misfit)
    return frame.with_columns(misfit.alias(MISFIT)).drop(_BEYOND)
