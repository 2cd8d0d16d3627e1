"""Which days a report is about: the latest whole days, and as many before them to compare with."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from renewable.windows import ONE_DAY

PERIOD_DAYS = 30
HISTORY_DAYS = 365


@dataclass(frozen=True)
class Days:
    """Local days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def count(self) -> int:
        return (self.last - self.first).days + 1

    def of(self, rows: pl.DataFrame, column: str = "date_local") -> pl.DataFrame:
        """The rows whose local day is one of these."""
        return rows.filter(pl.col(column).is_between(self.first, self.last))

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Period:
    """The days a report is about, as many before them (None: there are not), and the whole days that charts show."""

    current: Days
    previous: Days | None
    history: Days


def report_period(
    days_with_rows: Days, loaded: Days | None, timezones: list[str], length: int = PERIOD_DAYS
) -> Period:
    """The last `length` days that are whole in each of `timezones`, or half of all whole days where there are fewer.

    `loaded` are the UTC days that were loaded. A local day is whole when its first and last moment were: at the edges
    of the data a fleet over several time zones has days that only some of its assets have in full.
    """
    whole = (loaded and _whole_days(loaded, timezones, days_with_rows)) or days_with_rows
    count = max(1, min(length, whole.count // 2))
    current = Days(whole.last - timedelta(days=count - 1), whole.last)
    before = Days(current.first - timedelta(days=count), current.first - ONE_DAY)
    return Period(
        current,
        before if before.first >= whole.first else None,
        Days(max(whole.first, whole.last - timedelta(days=HISTORY_DAYS - 1)), whole.last),
    )


def _whole_days(loaded: Days, timezones: list[str], within: Days) -> Days | None:
    begin, end = _midnight(loaded.first), _midnight(loaded.last + ONE_DAY)
    firsts, lasts = [], []
    for zone in map(ZoneInfo, timezones):
        local = begin.astimezone(zone)
        at_midnight = local.timetz().replace(tzinfo=None) == local.min.time()
        firsts.append(local.date() if at_midnight else local.date() + ONE_DAY)
        lasts.append(end.astimezone(zone).date() - ONE_DAY)
    first, last = max([within.first, *firsts]), min([within.last, *lasts])
    return Days(first, last) if first <= last else None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
