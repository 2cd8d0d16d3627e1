"""The text of each row's stamp, from cells, column names and the file's name. What it means is said in clock.py."""

from dataclasses import dataclass

import polars as pl

from renewable.errors import MappingError
from renewable.importers.source import SourceFrame, one_line
from renewable.importers.timestamp import FILE, LINES, TIME, Timestamp, pattern_groups

# Holds what {time} stands for in a stamp; in channels it stands for the cell below that time.
TIME_TEXT = "{time} of the stamp"


@dataclass(frozen=True)
class StampTexts:
    """Texts by row, null where there is none.

    `whole` is what the row has, for people, and `stamp` what format reads. `marker` tells of an hour, `period` is the
    number of an interval in its day.
    """

    whole: pl.Series
    stamp: pl.Series
    marker: pl.Series
    period: pl.Series


def stamp_texts(source: SourceFrame, stamp: Timestamp) -> StampTexts:
    """The texts of all rows; a row without a match of timestamp.pattern has none. MappingError for an expression."""
    text = _whole(source, stamp).alias(stamp.named)
    none = pl.Series(stamp.named, [None], dtype=pl.String).new_from_index(0, text.len())
    if stamp.pattern is None:
        return StampTexts(text, text, none, none)
    found = text.str.extract_groups(stamp.pattern).struct.unnest()
    groups = pattern_groups(stamp.pattern)
    cut = [name for name in groups if name.isdecimal()]
    # A group that may be left out is empty; where the pattern does not fit, all are.
    joined = found.select(
        pl.when(pl.any_horizontal(pl.col(cut).is_not_null())).then(
            pl.concat_str(pl.col(cut).fill_null(""), separator=" ").str.strip_chars()
        )
    ).to_series()
    marker, period = (found[name] if name in groups else none for name in ("marker", "period"))
    return StampTexts(_shown(source, stamp, text), joined.alias(stamp.named), marker, period)


def _shown(source: SourceFrame, stamp: Timestamp, text: pl.Series) -> pl.Series:
    """What stands in the row itself: the lines above the data are the same for all rows."""
    own = [TIME_TEXT if name == TIME else name for name in stamp.told_columns if name not in (FILE, LINES)]
    if stamp.expression is not None or len(own) == len(stamp.told_columns) or not own:
        return text
    cells = pl.concat_str(pl.col(own).cast(pl.String), separator=" ", ignore_nulls=True)
    return source.rows.select(cells).to_series().alias(text.name)


def _whole(source: SourceFrame, stamp: Timestamp) -> pl.Series:
    told = {
        FILE: pl.lit(source.file_name),
        LINES: pl.lit(" ".join(source.lines)),
        TIME: pl.col(TIME_TEXT) if TIME_TEXT in source.rows.columns else pl.lit(None, pl.String),
    }
    texts = source.rows.select(
        told.get(name, pl.col(name)).cast(pl.String).alias(name) for name in stamp.told_columns
    )
    if texts.height != source.rows.height:
        texts = pl.concat([texts] * source.rows.height) if source.rows.height else texts.clear()
    if stamp.expression is None:
        # Without a pattern a missing part is a missing stamp.
        parts = pl.all() if stamp.pattern is None else pl.all().fill_null("")
        filled = texts.select(
            pl.when(pl.any_horizontal(pl.all().is_not_null())).then(pl.concat_str(parts, separator=" "))
        )
        return filled.to_series()
    try:
        found = texts.select(pl.sql_expr(stamp.expression).cast(pl.String).alias("text")).to_series()
    except pl.exceptions.PolarsError as error:
        raise MappingError(
            f"{source.name}: timestamp.expression {stamp.expression!r} cannot be used: {one_line(error)}."
            " Mend it in the mapping"
        ) from error
    if found.len() != texts.height:
        raise MappingError(
            f"{source.name}: timestamp.expression {stamp.expression!r} gives {found.len()} text(s) for {texts.height}"
            " rows: it has to give one text for each row, from its columns"
        )
    return found
