"""Published tables as frames, for notebooks and scripts; reached by `renewable.open`."""

from collections.abc import Sequence
from datetime import date, datetime, time
from os import PathLike
from pathlib import Path

import polars as pl

from renewable.errors import RenewableError
from renewable.near_names import did_you_mean
from renewable.places import DBT_PROJECT
from renewable.published.publish import published_build, published_set
from renewable.settings import Settings, load_settings
from renewable.transform.marts import mart_names, month_columns

# Of tables that are no folder by months: the column of days or instants that a range is about.
_TIMES = {"mart_asset_monthly": "month_local", "mart_events": "start_utc"}


class UnknownTableError(RenewableError):
    """No such table or column is published."""


def open_fleet(profile: str | PathLike[str] | None = None) -> "PublishedFleet":
    """The fleet of a profile, or of RENEWABLE_PROFILE, of `.env` or of the defaults. Raises SettingsError."""
    return PublishedFleet(load_settings(None if profile is None else Path(profile)))


class PublishedFleet:
    """The tables of one published set: all of one build, whatever is published while they are read.

    The set stays until the next but one publish; open the fleet again for newer tables.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._set = published_set(settings)
        self._build_id = published_build(settings)

    @property
    def build_id(self) -> str | None:
        """The build that the tables are of; None before the first publish."""
        return self._build_id

    def tables(self) -> list[str]:
        """The names of the published tables; none before the first publish."""
        return [name for name in mart_names(DBT_PROJECT) if self._path(name).exists()]

    def table(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> pl.DataFrame:
        """A published table, one row as its description says (`renewable docs` writes them all).

        `columns` are the columns to read, by default all. `start` and `end` are days, the second one left out: rows
        whose local day, first day of a month or instant (UTC) lies between. Only the files of these months are read.
        Raises UnknownTableError for a table or a column that is not published.
        """
        return self.scan(name, columns=columns, start=start, end=end).collect()

    def scan(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> pl.LazyFrame:
        """Like `table`, as a lazy frame: what follows is read and computed by its `collect`."""
        if name not in self.tables():
            raise UnknownTableError(self._unknown(name))
        rows = pl.scan_parquet(self._path(name), hive_partitioning=True)
        schema = rows.collect_schema()
        if unknown := [each for each in columns or () if each not in schema]:
            raise UnknownTableError(
                f"{name} has no column {unknown[0]}{did_you_mean(unknown[0], schema.names())}"
            )
        column = month_columns(DBT_PROJECT).get(name) or _TIMES[name]
        dtype = schema[column]
        if start is not None:
            rows = rows.filter(pl.col(column) >= _bound(start, dtype))
        if end is not None:
            rows = rows.filter(pl.col(column) < _bound(end, dtype))
        return rows if columns is None else rows.select(columns)

    def _path(self, name: str) -> Path:
        return self._set / f"{name}.parquet"

    def _unknown(self, name: str) -> str:
        if not self.tables():
            where = self._settings.published_dir
            return f"nothing is published under {where} yet: `renewable run`, or `renewable publish`"
        return f"there is no published table {name}{did_you_mean(name, self.tables(), 'mart_')}; `tables()` lists them"

    def __repr__(self) -> str:
        return f"PublishedFleet({str(self._settings.data_dir)!r}, build {self._build_id})"


def _bound(day: date, dtype: pl.DataType) -> pl.Expr:
    if isinstance(day, datetime):
        raise TypeError(f"start and end are days, such as date(2025, 3, 1), and not {day!r}")
    return (
        pl.lit(day) if dtype == pl.Date else pl.lit(datetime.combine(day, time())).dt.replace_time_zone("UTC")
    )
