"""Texts of cells to numbers, by the marks that the mapping states. What a number means is not said here."""

import polars as pl

from renewable.importers.source import SourceFrame, set_aside
from renewable.importers.source_settings import Source


class Numbers:
    """The columns of a batch as numbers, each read once; what is no number is null and counted as set aside."""

    def __init__(self, batch: SourceFrame, form: Source) -> None:
        self.batch = batch
        self._form = form
        self._read: dict[str, pl.Series] = {}

    def of(self, column: str) -> pl.Series:
        """The cells of a column, float64 or null."""
        if column not in self._read:
            self._read[column] = self._numbers(column)
        return self._read[column]

    def _numbers(self, column: str) -> pl.Series:
        cells, form = self.batch.rows[column], self._form
        is_text = cells.dtype == pl.String
        found = _any_numbers(cells, form) if is_text else cells.cast(pl.Float64)
        all_finite = bool(found.is_finite().all())
        if not all_finite:
            # What says of itself that it is no number is an empty cell; infinity is none that can be read.
            cells = cells.set(found.is_nan().fill_null(False), None)
            found = found.set(~found.is_finite().fill_null(True), None)
        elif not is_text:
            return found
        set_aside(
            self.batch,
            "cells",
            column,
            cells.is_not_null() & found.is_null(),
            "are no number",
            f"Set source.decimal_comma (now {str(form.decimal_comma).lower()}) or source.thousands, list the texts that"
            " mean 'no value' under source.null_markers, or let source.unreadable_cells_ratio allow them.",
            None if is_text else cells.cast(pl.String),
        )
        return found


def numbers(cells: pl.Series, form: Source) -> pl.Series:
    """Trimmed texts as finite float64, null where a text is no number of this form."""
    found = _any_numbers(cells, form)
    return found.set(~found.is_finite().fill_null(True), None)


def _any_numbers(cells: pl.Series, form: Source) -> pl.Series:
    found = _read(cells, form)
    if found.null_count() == cells.null_count():
        return found
    # Texts that are quoted once more, as ="1.5", and the minus sign of typesetters.
    bare = cells.str.replace_all("\u2212", "-").str.replace(r"""^=?["'](.*?)["']?$""", "$1").str.strip_chars()
    return pl.select(pl.coalesce(pl.lit(found), pl.lit(_read(bare, form)))).to_series()


def _read(cells: pl.Series, form: Source) -> pl.Series:
    text = pl.col(cells.name)
    decimal = "," if form.decimal_comma else "."
    if form.decimal_comma == "either":
        plain = _either(text)
    elif form.thousands:
        # Spreadsheets write narrow and unbreakable blanks.
        mark = "[ \u00a0\u202f]" if form.thousands == " " else rf"\{form.thousands}"
        grouped = rf"^[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:\{decimal}\d*)?$"
        plain = pl.when(text.str.contains(grouped)).then(text.str.replace_all(mark, "")).otherwise(text)
    else:
        plain = text
    if form.decimal_comma is True:
        pointless = ~plain.str.contains(".", literal=True)
        plain = pl.when(pointless).then(plain.str.replace(",", ".", literal=True))
    return cells.to_frame().select(plain.cast(pl.Float64, strict=False)).to_series()


def _either(text: pl.Expr) -> pl.Expr:
    """Numbers with point or comma before their decimals, with a point alone; null where both readings are possible."""
    exponent = r"(?:[eE][+-]?\d+)?$"
    is_either = text.str.contains(r"^[+-]?[1-9]\d{0,2}[.,]\d{3}$")
    one_mark = text.str.contains(r"^[+-]?\d*[.,]?\d+" + exponent)
    grouped = text.str.contains(r"^[+-]?\d{1,3}(?:\.\d{3})+,\d*$|^[+-]?\d{1,3}(?:,\d{3})+\.\d*$")
    whole = text.str.contains(r"^[+-]?\d{1,3}(?:(?:\.\d{3}){2,}|(?:,\d{3}){2,})$")
    decimals = (
        text.str.replace(r"[.,](\d*)$", "|$1").str.replace_all("[.,]", "").str.replace("|", ".", literal=True)
    )
    return (
        pl.when(is_either)
        .then(None)
        .when(one_mark)
        .then(text.str.replace(",", ".", literal=True))
        .when(grouped)
        .then(decimals)
        .when(whole)
        .then(text.str.replace_all("[.,]", ""))
    )
