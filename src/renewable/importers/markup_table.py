"""Tables of pages and of XML workbooks, which portals give away under the name .xls, as rows of texts."""

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

_MARKUP = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<\?mso[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|meta|body|table|div|workbook)\b",
    re.IGNORECASE | re.DOTALL,
)
_ROWS, _CELLS = {"tr", "row"}, {"td", "th", "cell"}
_TABLES = {"table", "worksheet"}


def is_markup(start: bytes) -> bool:
    """Whether a file that begins so is a page, or a workbook in XML."""
    text = start.removeprefix(b"\xef\xbb\xbf")
    return (
        _MARKUP.match(text.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff"))
        is not None
    )


def largest_table(text: str) -> list[list[str]]:
    """The rows of the table with the most cells; a cell that spans several columns is followed by empty ones."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return max(reader.tables, key=lambda rows: sum(map(len, rows)), default=[])


def write_table(source: Path, encoding: str, target: Path) -> None:
    """Write the largest table of a page as CSV in UTF-8."""
    with target.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(largest_table(source.read_text(encoding=encoding, errors="replace")))


class _Reader(HTMLParser):
    """Collects the rows of each table; a table within a cell is a table of its own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._span = self._rows = 1
        # Of each open table: columns that a cell of a row above still takes, and in how many rows.
        self._below: list[dict[int, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in _TABLES and not (tag == "table" and self._open and not self._open[-1]):
            self._open.append([])
            self._below.append({})
            self.tables.append(self._open[-1])
        elif tag in _ROWS and self._open:
            self._end_cell()
            self._open[-1].append([])
            self._fill_from_above()
        elif tag in _CELLS and self._open and self._open[-1]:
            self._end_cell()
            # The one counts the columns of a cell, the other those that it takes beside its own.
            self._cell, self._span = [], _taken(told.get("colspan"), told.get("ss:mergeacross"))
            self._rows = _taken(told.get("rowspan"), told.get("ss:mergedown"))
            # A workbook leaves out empty cells and says where the next one stands.
            place = _taken(told.get("ss:index"), None)
            self._open[-1][-1].extend("" for _ in range(len(self._open[-1][-1]), place - 1))
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _CELLS or tag in _ROWS:
            self._end_cell()
        elif tag in _TABLES and self._open:
            self._end_cell()
            self._open.pop()
            self._below.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _fill_from_above(self) -> None:
        """Leave out the columns that cells of rows above reach down to."""
        row, below = self._open[-1][-1], self._below[-1]
        while rows := below.get(len(row), 0):
            below[len(row)] = rows - 1
            row.append("")

    def _end_cell(self) -> None:
        if self._cell is not None and self._open and self._open[-1]:
            text, row = " ".join("".join(self._cell).split()), self._open[-1][-1]
            self._below[-1] |= {len(row) + step: self._rows - 1 for step in range(self._span)}
            row.extend([text, *[""] * (self._span - 1)])
            self._fill_from_above()
        self._cell = None


def _taken(spanned: str | None, beside: str | None) -> int:
    """How many columns or rows a cell takes: `spanned` of them, or those `beside` its own."""
    digits = [text if text is not None and text.isdecimal() else "" for text in (spanned, beside)]
    return max(1, int(digits[0] or int(digits[1] or 0) + 1))
