"""When a time zone keeps summer time, on the grid of a day's intervals."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from mock_data.notes import Mask


@lru_cache(maxsize=256)
def in_summer_time(timezone: str, day: date, interval_minutes: int) -> Mask:
    """Whether each interval of the UTC day, and of the hour before it, starts in summer time."""
    zone = ZoneInfo(timezone)
    midnight = datetime.combine(day, time(), UTC)
    quarters = [midnight + timedelta(minutes=15 * i) for i in range(-4, 96)]
    offsets = [stamp.astimezone(zone).utcoffset() for stamp in quarters]
    standard = min(
        datetime(day.year, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
        for month in (1, 7)
    )
    by_quarter = np.array([(offset or timedelta()) > standard for offset in offsets])
    minutes = np.arange(-60, 1440, interval_minutes)
    return np.asarray(by_quarter[(minutes + 60) // 15])


@lru_cache(maxsize=256)
def local_midnight(timezone: str, day: date) -> int:
    """The minute of the UTC day at which a local day begins, by the offset at UTC noon."""
    offset = datetime.combine(day, time(12), UTC).astimezone(ZoneInfo(timezone)).utcoffset() or timedelta()
    return int(-offset / timedelta(minutes=1)) % 1440
