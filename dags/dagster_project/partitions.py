"""Daily partitions: a partition is a UTC day. How a run's partitions become a window is decided here."""

from datetime import date, timedelta

import dagster as dg

from renewable.operations.pending_work import first_day_of_data
from renewable.settings import Settings
from renewable.windows import Window, day_start_utc

# Days to begin with where nothing is there yet.
_DAYS_BEFORE_DATA = 31
# A file that is dated earlier comes of a clock without a battery, and is no reason for 20,000 partitions.
_EARLIEST = date(2000, 1, 1)


def first_partition(settings: Settings, today: date, at_most: date | None = None) -> date:
    """The UTC day with which the partitions begin: RENEWABLE_FIRST_DAY, else the first day that has data.

    It is no later than `at_most`, the first day that a run is asked for. Files of earlier days that come later are
    loaded all the same; the pages know these days once the definitions are loaded again.
    """
    known = settings.first_day or first_day_of_data(settings) or today - timedelta(days=_DAYS_BEFORE_DATA)
    return max(earliest_day(settings), min(known, at_most or known, today))


def earliest_day(settings: Settings) -> date:
    """The first UTC day that runs are started for."""
    return settings.first_day or _EARLIEST


def daily_partitions(begins: date) -> dg.DailyPartitionsDefinition:
    """UTC days from `begins` up to today, which files may already fill."""
    return dg.DailyPartitionsDefinition(start_date=day_start_utc(begins), timezone="UTC", end_offset=1)


def window_of(context: dg.AssetExecutionContext) -> Window:
    """The UTC days that a run covers, one partition or a range."""
    span = context.partition_time_window
    return Window(span.start.date(), span.end.date())


def window_if_any(context: dg.AssetExecutionContext) -> Window | None:
    """Like window_of; None for a run of checks alone, which has no partition and looks at everything."""
    partitioned = context.has_partition_key or context.has_partition_key_range
    return window_of(context) if partitioned else None


def takes_any_day(settings: Settings) -> bool:
    """Whether a run also works on days outside its own that are pending: a delivery may hold any."""
    return settings.input == "mapping"
