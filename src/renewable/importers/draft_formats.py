"""How the stamps of an unknown file are written: formats that could be, tried by the importer's own reading."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

import polars as pl
from pydantic import ValidationError

from renewable.errors import MappingError
from renewable.importers.clock import interval_starts_utc
from renewable.importers.set_aside import SetAside
from renewable.importers.source import SourceFrame
from renewable.importers.timestamp import Timestamp

TIME_NAME = re.compile(
    r"time|date|zeit|datum|heure|fecha|hora|giorno|dag|day|measured_on|stamp|mtu", re.IGNORECASE
)
_LATER_NAME = re.compile(r"\bend|changed|created|modified|export|import|ende\b", re.IGNORECASE)
DATES = {
    "%Y-%m-%d": r"\d{4}-\d{1,2}-\d{1,2}",
    "%Y/%m/%d": r"\d{4}/\d{1,2}/\d{1,2}",
    "%Y.%m.%d": r"\d{4}\.\d{1,2}\.\d{1,2}",
    "%d.%m.%Y": r"\d{1,2}\.\d{1,2}\.\d{4}",
    "%d/%m/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%m/%d/%Y": r"\d{1,2}/\d{1,2}/\d{4}",
    "%d-%m-%Y": r"\d{1,2}-\d{1,2}-\d{4}",
    "%m-%d-%Y": r"\d{1,2}-\d{1,2}-\d{4}",
    "%d.%m.%y": r"\d{1,2}\.\d{1,2}\.\d{2}",
    "%d/%m/%y": r"\d{1,2}/\d{1,2}/\d{2}",
    "%m/%d/%y": r"\d{1,2}/\d{1,2}/\d{2}",
    "%d-%b-%Y": r"\d{1,2}-[A-Za-z]{3}-\d{4}",
    "%d-%b-%y": r"\d{1,2}-[A-Za-z]{3}-\d{2}",
    "%d %b %Y": r"\d{1,2} [A-Za-z]{3} \d{4}",
    "%b %d %Y": r"[A-Za-z]{3} \d{1,2} \d{4}",
    "%b %d, %Y": r"[A-Za-z]{3} \d{1,2}, \d{4}",
    "%Y%m%d": r"(?:19|20)\d{6}",
}
TIMES = {
    "%H:%M:%S": r"\d{1,2}:\d\d:\d\d",
    "%H:%M": r"\d{1,2}:\d\d",
    "%H:%M:%S%.f": r"\d{1,2}:\d\d:\d\d\.\d+",
    "%I:%M:%S %p": r"\d{1,2}:\d\d:\d\d [AaPp][Mm]",
    "%I:%M %p": r"\d{1,2}:\d\d [AaPp][Mm]",
    "%H.%M": r"\d{1,2}\.\d\d",
    "%H%M%S": r"\d{6}",
    "%H%M": r"\d{4}",
    "%H": r"\d{1,2}",
}
_OFFSETS = {"%z": r"(?:Z|[+-]\d\d:?\d\d)", " %z": r" (?:Z|[+-]\d\d:?\d\d)"}
DIGITS = {
    "%Y%m%d%H%M%S": r"(?:19|20)\d{12}",
    "%Y%m%d%H%M": r"(?:19|20)\d{10}",
    "%Y%m%d%H": r"(?:19|20)\d{8}",
    "epoch_ms": r"1\d{12}",
    "epoch_s": r"1\d{9}(?:\.\d+)?",
}
_READABLE_RATIO, _LOOKED_AT = 0.9, 2_000
_BETWEEN = (" ", "T", ", ", "  ", "-", ":")
Shapes = Callable[[pl.Series], Iterable[tuple[str, str]]]


def readable(
    batch: SourceFrame, names: Sequence[str], shapes: Shapes, beside: tuple[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """Columns and formats that read most of them, the likeliest first; `beside` are column and format of the day."""
    for name in likely(batch, names):
        texts = sample(batch, name)
        unread = dict[str, int]()
        for form, shape in shapes(texts) if texts.len() else ():
            if _share(texts, shape) < _READABLE_RATIO:
                continue
            if beside is not None:
                clock = clock_of(batch, (beside[0], name), f"{beside[1]} {form}")
            else:
                is_day = not any(sign in form for sign in ("%H", "%I", "epoch"))
                clock = clock_of(batch, (name,), form, of_days=is_day)
            if is_good(clock):
                unread[form] = clock.null_count()
        if unread:
            yield name, min(unread, key=lambda form: unread[form])


def days(_texts: pl.Series) -> Iterable[tuple[str, str]]:
    return DATES.items()


def clocks(_texts: pl.Series) -> Iterable[tuple[str, str]]:
    return TIMES.items()


def stamps(texts: pl.Series) -> Iterator[tuple[str, str]]:
    """Formats of date and time, with their shapes, of which at least the day begins some of the texts so."""
    few = texts.head(20)
    offsets = [
        ("", ""),
        *((form, shape) for form, shape in _OFFSETS.items() if few.str.contains(f"{shape}$").any()),
    ]
    for date, day in DATES.items():
        if not few.str.contains(f"^{day}").any():
            continue
        for sep, (time, clock), (offset, shift) in product(_BETWEEN, TIMES.items(), offsets):
            yield f"{date}{sep}{time}{offset}", f"{day}{re.escape(sep)}{clock}{shift}"
    yield from DIGITS.items()


def likely(batch: SourceFrame, names: Sequence[str]) -> list[str]:
    """Columns of texts, those with the name of a time first, and stamps of an end or of an export last."""
    texts = [name for name in names if batch.rows.schema[name] == pl.String]
    return sorted(texts, key=lambda name: (bool(_LATER_NAME.search(name)), not TIME_NAME.search(name)))


def sample(batch: SourceFrame, name: str) -> pl.Series:
    return batch.rows[name].drop_nulls().head(_LOOKED_AT)


def all_match(batch: SourceFrame, name: str, shape: str) -> bool:
    texts = batch.rows[name].cast(pl.String).drop_nulls().head(_LOOKED_AT)
    return _share(texts, shape) >= _READABLE_RATIO


def _share(texts: pl.Series, shape: str) -> float:
    """Of texts that are of a shape."""
    return int(texts.str.contains(f"^(?:{shape})$").sum()) / max(1, texts.len())


def clock_of(
    batch: SourceFrame,
    columns: Sequence[str],
    form: str,
    pattern: str | None = None,
    *,
    of_days: bool = False,
) -> pl.Series:
    """The clock of each row by the importer's own reading, as if in UTC; null where it cannot be read.

    `of_days`: the first column alone has the day, and the rest of the stamp stands elsewhere.
    """
    rows = batch.rows
    if of_days:
        columns, form = columns[:1], f"{form} %H:%M"
        rows = rows.with_columns(pl.col(columns[0]) + " 00:00")
    zone: dict[str, object] = {} if form.startswith("epoch") else {"zone": "UTC"}
    if form.endswith("%z"):
        zone["offset"] = "ignored"
    try:
        stamp = Timestamp.model_validate(
            {"columns": tuple(columns), "format": form, "pattern": pattern} | zone
        )
        frame = SourceFrame(batch.name, rows, set_aside=SetAside(), lines=batch.lines)
        read = interval_starts_utc(frame, stamp)["timestamp"]
    except (MappingError, ValidationError):
        return pl.Series([None] * rows.height, dtype=pl.Datetime("us"))
    return read.dt.replace_time_zone(None)


def is_good(clock: pl.Series) -> bool:
    return clock.len() > 0 and clock.null_count() <= (1 - _READABLE_RATIO) * clock.len()


def runs(clock: pl.Series) -> bool:
    """Whether stamps go one way, as numbers that are no stamps hardly do."""
    steps = clock.drop_nulls().diff().drop_nulls().dt.total_seconds()
    if not steps.len():
        return False
    return bool((steps > 0).mean() >= _READABLE_RATIO or (steps < 0).mean() >= _READABLE_RATIO) and bool(  # type: ignore[operator]
        steps.abs().median() <= 86_400  # type: ignore[operator]
    )
