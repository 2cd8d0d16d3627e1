"""Half-open windows of UTC days. Local reporting days belong to the marts, not here."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from renewable.errors import WindowError

ONE_DAY = timedelta(days=1)
# Not calendar.month_name, which follows the machine's language.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, order=True)
class Window:
    """The UTC days from `start` up to, not including, `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise WindowError(
                f"the range {self.start} to {self.end} is empty: the end is exclusive and must lie after the start"
            )

    @classmethod
    def of_day(cls, day: date) -> "Window":
        return cls(day, day + ONE_DAY)

    @property
    def days(self) -> list[date]:
        return [self.start + timedelta(days=i) for i in range((self.end - self.start).days)]

    @property
    def start_utc(self) -> datetime:
        return day_start_utc(self.start)

    @property
    def end_utc(self) -> datetime:
        return day_start_utc(self.end)

    def reaching_back(self, days: int) -> "Window":
        """The `days` days that end with this window, or the window itself where it is longer."""
        return Window(min(self.start, self.end - timedelta(days=days)), self.end)

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __str__(self) -> str:
        """The days in words, the last one named and included."""
        first, last = self.start, self.end - ONE_DAY
        if first == last:
            return _in_words(last)
        words = f"{first.day}"
        if (first.year, first.month) != (last.year, last.month):
            words += f" {_MONTHS[first.month - 1]}"
        if first.year != last.year:
            words += f" {first.year}"
        return f"{words} to {_in_words(last)}, both included"


def _in_words(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def day_start_utc(day: date) -> datetime:
    """Midnight UTC at which `day` begins."""
    return datetime.combine(day, time(), tzinfo=UTC)


def contiguous_windows(days: Iterable[date]) -> Iterator[Window]:
    """The fewest windows that hold exactly `days`, in order of time."""
    start: date | None = None
    previous: date | None = None
    for day in sorted(set(days)):
        if start is None or previous is None:
            start = day
        elif day != previous + ONE_DAY:
            yield Window(start, previous + ONE_DAY)
            start = day
        previous = day
    if start is not None and previous is not None:
        yield Window(start, previous + ONE_DAY)


def few_windows(days: Iterable[date], at_most: int, apart_from: Collection[date] = ()) -> list[Window]:
    """Windows that hold all of `days`, none of `apart_from`, and other days only so that they are `at_most` many.

    The smallest gaps are closed first. More than `at_most` are left where days of `apart_from` lie in all the gaps.
    """
    windows = list(contiguous_windows(days))
    kept_out = sorted(apart_from)

    def holds_kept_out(number: int) -> bool:
        first = bisect_left(kept_out, windows[number - 1].end)
        return first < len(kept_out) and kept_out[first] < windows[number].start

    gaps = [number for number in range(1, len(windows)) if not holds_kept_out(number)]
    gaps.sort(key=lambda number: windows[number].start - windows[number - 1].end)
    closed = set(gaps[: max(0, len(windows) - at_most)])
    found = list[Window]()
    for number, window in enumerate(windows):
        if number in closed:
            found[-1] = Window(found[-1].start, window.end)
        else:
            found.append(window)
    return found


# What a command line says of the options that `requested_window` reads.
START = "First UTC day."
END = "UTC day after the last one; the day after the first where it is not given."
DAYS = "So many whole UTC days: those from --start on, else those before today."


def requested_window(start: date | None, end: date | None, days: int | None, *, today: date) -> Window | None:
    """The window that `--start/--end` or `--days` asks for; None when nothing was asked.

    `--days N` means the N whole days before `today`, with `--start` those from it on; `--start` alone that one day.
    """
    if days is not None:
        if end is not None:
            raise WindowError("give --days or --end, not both")
        if days < 1:
            raise WindowError(f"--days must be at least 1, got {days}")
        if start is not None:
            if days > (date.max - start).days:
                raise WindowError(
                    f"--days {days} from {start} reaches beyond the year 9999: ask for fewer days"
                )
            return Window(start, start + timedelta(days=days))
        if days > (today - date.min).days:
            raise WindowError(f"--days {days} reaches back before the year 1: ask for fewer days")
        return Window(today - timedelta(days=days), today)
    if start is None and end is None:
        return None
    if start is None:
        raise WindowError("--end needs --start")
    if end is not None:
        return Window(start, end)
    if start == date.max:
        raise WindowError(f"{start} is the last day there is: a range needs a day after its last one")
    return Window.of_day(start)
