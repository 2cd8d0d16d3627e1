"""Which rows around a day its result depends on, by kind of stream."""

from datetime import timedelta

import polars as pl

from renewable.importers.streams import EVENTS, OF_ONE, ROWS
from renewable.windows import Window

# A reading is judged by those of a day around it, of a local day by those of that day and of the evening before; a rise
# by the dips inside it, which are judged so themselves.
_JUDGED_WITHIN = timedelta(hours=60)
_ROWS_REACH = timedelta(days=1)
_AT = pl.col("timestamp")


def rows_around(kind: str, rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The rows of a stream that `assembled` needs for a window; all others change nothing there.

    Of plain rows those within a day. Of an event log those whose [timestamp, end_utc) touches the window; a null end
    never comes. Of a counter the readings up to the last before and the first after the window, whatever the distance,
    and those within 60 hours of these and one more, by which they are judged.
    """
    start, end = pl.lit(window.start_utc), pl.lit(window.end_utc)
    if kind == ROWS:
        return rows.filter(_AT.is_between(start - _ROWS_REACH, end + _ROWS_REACH, closed="left"))
    if kind == EVENTS:
        return rows.filter((end > _AT) & (pl.col("end_utc").is_null() | (pl.col("end_utc") > start)))
    before = _AT.filter(start > _AT).max().over(OF_ONE)
    after = _AT.filter(end <= _AT).min().over(OF_ONE)
    first = pl.min_horizontal(before, start) - _JUDGED_WITHIN
    last = pl.max_horizontal(after, end) + _JUDGED_WITHIN
    one_before = _AT.filter(first > _AT).max().over(OF_ONE)
    one_after = _AT.filter(last < _AT).min().over(OF_ONE)
    inside = _AT.is_between(first, last)
    return rows.filter(inside | (one_before == _AT).fill_null(False) | (one_after == _AT).fill_null(False))
