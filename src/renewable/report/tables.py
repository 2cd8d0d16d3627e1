"""Tables of the report. great_tables lays them out; the report's own style sheet draws them, in light and dark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from great_tables import GT, html
from markupsafe import Markup, escape

_TABLE = re.compile(r"<table .*</table>", re.DOTALL)


@dataclass(frozen=True)
class Column:
    """A column: its heading, the unit under it, and whether figures (right) or texts (left) stand in it."""

    title: str
    unit: str = ""
    figures: bool = True


def html_table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Markup]],
    *,
    sortable: bool = False,
) -> Markup:
    """A table of ready cells (see cells.py) with a caption; `name` is its id, unique on the page.

    great_tables leaves texts in cells as they are, hence cells have to be Markup, which only cells.py makes.
    """
    keys = [f"c{number}" for number in range(len(columns))]
    for row in rows:
        for cell in row:
            if not isinstance(cell, Markup):
                raise TypeError(f"table {name}: {cell!r} is no Markup and would not be escaped")
    cells = pl.DataFrame(
        [list(map(str, row)) for row in rows], schema=dict.fromkeys(keys, pl.String), orient="row"
    )
    table = GT(cells, id=name).cols_label(
        {key: html(_heading(column)) for key, column in zip(keys, columns, strict=True)}
    )
    for figures, side in ((True, "right"), (False, "left")):
        chosen = [key for key, column in zip(keys, columns, strict=True) if column.figures is figures]
        if chosen:
            table = table.cols_align("right" if side == "right" else "left", columns=chosen)
    found = _TABLE.search(table.as_raw_html())
    if found is None:
        raise TypeError("great_tables wrote no table")
    kind = "gt_table sortable" if sortable else "gt_table"
    drawn = found[0].replace('class="gt_table"', f'id="{name}" class="{kind}"', 1)
    drawn = drawn.replace("<thead>", f"<caption>{escape(caption)}</caption><thead>", 1)
    return Markup('<div class="scroll" tabindex="0" role="region" aria-label="{}">{}</div>').format(
        caption, Markup(drawn)
    )


def _heading(column: Column) -> str:
    unit = f'<span class="unit">{escape(column.unit)}</span>' if column.unit else ""
    return f"<span>{escape(column.title)}</span>{unit}"
