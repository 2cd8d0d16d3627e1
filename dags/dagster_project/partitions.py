"""Daily partitions: a partition is a UTC day. How a run's partitions become a window is decided here."""

import dagster as dg

from renewable.settings import Settings
from renewable.windows import Window, day_start_utc


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """UTC days from the settings' first day up to today, which files may already fill."""
    return dg.DailyPartitionsDefinition(
        start_date=day_start_utc(settings.first_partition), timezone="UTC", end_offset=1
    )


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
