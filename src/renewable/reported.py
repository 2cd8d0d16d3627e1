"""What people know of their assets: `events.csv` and `bad_readings.csv` beside the registry, read and validated.

Both are optional. Times are half-open. A stamp carries Z or an offset, or the column `clock` says `local` (of the
asset) or `utc`. Which days they touch is said here; what they override is the models' matter.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from renewable.contract import TABLES, measurements
from renewable.registry_csv import csv_text, read_table
from renewable.vocabulary import reported_kinds

EVENTS_FILE, BAD_READINGS_FILE = "events.csv", "bad_readings.csv"
EVENTS_SCHEMA = pl.Schema(
    {
        "asset_id": pl.String(),
        "start_utc": pl.Datetime("us", "UTC"),
        "end_utc": pl.Datetime("us", "UTC"),
        "kind": pl.String(),
        "note": pl.String(),
    }
)
BAD_READINGS_SCHEMA = pl.Schema(
    {
        "asset_id": pl.String(),
        "start_utc": pl.Datetime("us", "UTC"),
        "end_utc": pl.Datetime("us", "UTC"),
        "channel": pl.String(),
        "note": pl.String(),
    }
)
# In the column `channel`: all channels of the asset.
EVERY_CHANNEL = "*"

_CLOCKS = ("local", "utc")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?")
# No asset's data lie outside of these years; a slip in the year would touch every day there is.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Reported:
    """What is reported, a row an asset: `events` by EVENTS_SCHEMA, `bad_readings` by BAD_READINGS_SCHEMA; in order."""

    events: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EVENTS_SCHEMA))
    bad_readings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=BAD_READINGS_SCHEMA))


@dataclass(frozen=True, order=True)
class Span:
    """A time of an asset, [start_utc, end_utc), of which something is reported: `what` says all of it."""

    asset_id: str
    start_utc: datetime
    end_utc: datetime
    what: str


@dataclass(frozen=True)
class _Place:
    """An asset, as far as rows of these files can name it."""

    asset_id: str
    site_id: str
    technology: str
    zone: ZoneInfo


# Stands for assets that nobody knows, so that the rest of their rows is judged all the same.
_SOMEWHERE = _Place("", "", "", ZoneInfo("UTC"))


@dataclass(frozen=True)
class _Row:
    """A row of a file: where it stands, its cells, and the columns of it that could not be read."""

    path: Path
    number: int
    cells: Mapping[str, str | None]
    unreadable: frozenset[str]

    def fault(self, column: str, said: str) -> str:
        return f"{self.path}, row {self.number}, {column}: {said}"


def read_reported(
    fleet_dir: Path, assets: pl.DataFrame | None, faults: list[str], *, is_sound: bool = True
) -> Reported:
    """`events.csv` and `bad_readings.csv` of `fleet_dir`, where they are; faults are added as sentences.

    `assets` has asset_id, site_id, technology and timezone. A row of a site is one for each of its assets, by the
    clock of each. Where `assets` is not `is_sound`, names that it lacks are no fault of these files.
    """
    places = _places(assets) if is_sound and assets is not None else None
    events = _read(
        fleet_dir / EVENTS_FILE,
        ("start", "end", "kind"),
        ("asset_id", "site_id", "technology", "clock", "note"),
        faults,
    )
    bad = _read(
        fleet_dir / BAD_READINGS_FILE, ("asset_id", "channel", "from", "to"), ("clock", "note"), faults
    )
    return Reported(
        _frame(EVENTS_SCHEMA, [told for row in events for told in _event(row, places, faults)]),
        _frame(BAD_READINGS_SCHEMA, [told for row in bad for told in _bad_reading(row, places, faults)]),
    )


def _places(assets: pl.DataFrame) -> list[_Place]:
    columns = assets.select("asset_id", "site_id", "technology", "timezone")
    rows = columns.unique("asset_id", keep="last", maintain_order=True).iter_rows()
    return [
        _Place(asset_id, site_id, technology, ZoneInfo(zone)) for asset_id, site_id, technology, zone in rows
    ]


def reported_files(reported: Reported) -> dict[str, str]:
    """What dbt reads, as CSV texts by file name: instants in UTC, a row an asset."""
    return {
        "reported_events.csv": csv_text(reported.events),
        "reported_bad_readings.csv": csv_text(reported.bad_readings),
    }


def spans_of(reported: Reported) -> tuple[Span, ...]:
    """All that is reported, as times of assets."""
    return tuple(
        Span(asset_id, start, end, json.dumps([what, note], ensure_ascii=False))
        for frame in (reported.events, reported.bad_readings)
        for asset_id, start, end, what, note in frame.iter_rows()
    )


def reported_by_day(spans: Iterable[Span], first: date, last: date) -> dict[date, dict[str, str]]:
    """UTC day from `first` to `last` -> asset_id -> fingerprint (16 hex digits) of what is reported of that day.

    Days and assets of which nothing is reported are left out. What an event says of other days does not matter.
    """
    parts: dict[tuple[date, str], list[tuple[str, float, float]]] = {}
    for span in spans:
        day, end = max(first, span.start_utc.date()), min(last, (span.end_utc - _MICROSECOND).date())
        while day <= end:
            midnight = datetime.combine(day, time(), UTC)
            since = max(0.0, (span.start_utc - midnight) / timedelta(seconds=1))
            until = min(86_400.0, (span.end_utc - midnight) / timedelta(seconds=1))
            parts.setdefault((day, span.asset_id), []).append((span.what, since, until))
            day += timedelta(days=1)
    found: dict[date, dict[str, str]] = {}
    for (day, asset_id), told in parts.items():
        content = json.dumps(sorted(set(told)))
        found.setdefault(day, {})[asset_id] = hashlib.sha256(content.encode()).hexdigest()[:16]
    return found


def instant_of_stamp(text: str, clock: str | None, zone: ZoneInfo) -> datetime:
    """The instant in UTC that a stamp means; `clock` is local, utc or None, `zone` that of the asset.

    Raises ValueError, as the end of a sentence, where the stamp means none or two.
    """
    if not _STAMP.fullmatch(text):
        raise ValueError(
            "is no time: write one such as 2025-01-08T12:00Z, or 2025-01-08 12:00 beside a clock"
        )
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"is no time: {error}") from error
    if at.tzinfo is None:
        if clock is None:
            raise ValueError(
                "does not say whose clock it is of: write Z or an offset such as +01:00 behind it,"
                f" or {' or '.join(_CLOCKS)} into the column clock"
            )
        at = at.replace(tzinfo=UTC) if clock == "utc" else _local(at, zone)
    elif clock is not None and at.utcoffset() != at.astimezone(UTC if clock == "utc" else zone).utcoffset():
        raise ValueError(
            f"has another offset than the clock {clock}: mend it, or leave the column clock empty"
        )
    if not _FIRST <= at <= _LAST:
        raise ValueError(f"lies outside of the years {_FIRST:%Y} to {_LAST:%Y}")
    return at.astimezone(UTC)


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    early, late = at.replace(tzinfo=zone, fold=0), at.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at:
        raise ValueError(f"is not on the clock of {zone.key}, which went forward over it")
    raise ValueError(
        f"is there twice on the clock of {zone.key}, which went back: write"
        f" {early.isoformat(timespec='minutes')} or {late.isoformat(timespec='minutes')}"
    )


def _read(path: Path, needed: Collection[str], optional: Collection[str], faults: list[str]) -> list[_Row]:
    """Rows of an optional file; identical ones are a fault."""
    if not path.exists() and not path.is_symlink():
        return []
    table = read_table(path, dict.fromkeys([*needed, *optional], pl.String()), faults, optional)
    if table is None:
        return []
    rows: dict[tuple[str | None, ...], int] = {}
    found = []
    for number, cells in zip(table.rows, table.frame.iter_rows(named=True), strict=True):
        said = tuple(value for name, value in cells.items() if name != "note")
        if rows.setdefault(said, number) != number:
            faults.append(f"{path}, row {number}: says the same as row {rows[said]}; take one of them out")
            continue
        unreadable = frozenset(name for row, name in table.unreadable if row == number)
        found.append(_Row(path, number, cells, unreadable))
    return found


def _event(row: _Row, places: list[_Place] | None, faults: list[str]) -> Iterator[tuple[object, ...]]:
    before = len(faults)
    known = [kind.kind for kind in reported_kinds()]
    faults.extend(_unknown(row, "kind", known))
    named = _of_asset_or_site(row, places, faults)
    yield from _told(row, named, ("start", "end"), row.cells["kind"], faults, before)


def _bad_reading(row: _Row, places: list[_Place] | None, faults: list[str]) -> Iterator[tuple[object, ...]]:
    before = len(faults)
    channels = [EVERY_CHANNEL, *(name for table in TABLES for name in measurements(table))]
    faults.extend(_unknown(row, "channel", channels))
    named = [_SOMEWHERE]
    if places is not None:
        faults.extend(_unknown(row, "asset_id", [place.asset_id for place in places]))
        named = [place for place in places if place.asset_id == row.cells["asset_id"]] or named
    yield from _told(row, named, ("from", "to"), row.cells["channel"], faults, before)


def _of_asset_or_site(row: _Row, places: list[_Place] | None, faults: list[str]) -> list[_Place]:
    asset_id, site_id, technology = (row.cells[name] for name in ("asset_id", "site_id", "technology"))
    if (asset_id is None) == (site_id is None):
        if not {"asset_id", "site_id"} & row.unreadable:
            both = "names an asset and a site" if asset_id else "names neither an asset nor a site"
            faults.append(row.fault("asset_id, site_id", f"{both}: fill one of the two"))
        return [_SOMEWHERE]
    if places is None:
        return [_SOMEWHERE]
    column = "asset_id" if site_id is None else "site_id"
    faults.extend(_unknown(row, column, [getattr(place, column) for place in places]))
    found = [place for place in places if getattr(place, column) == row.cells[column]]
    if technology is None or not found:
        return found or [_SOMEWHERE]
    of_technology = [place for place in found if place.technology == technology]
    if not of_technology:
        has = ", ".join(sorted({place.technology for place in found}))
        faults.append(row.fault("technology", f"{row.cells[column]} has no {technology!r}, it has {has}"))
    return of_technology or [_SOMEWHERE]


def _told(
    row: _Row,
    places: list[_Place],
    columns: tuple[str, str],
    what: str | None,
    faults: list[str],
    before: int,
) -> Iterator[tuple[object, ...]]:
    """The row once an asset of `places`, unless the row has faults since `before`."""
    clock = row.cells["clock"]
    if clock is not None and clock not in _CLOCKS:
        faults.append(row.fault("clock", f"{clock!r} is none of {', '.join(_CLOCKS)}"))
        clock = "utc"
    said: dict[str, None] = {}
    found = []
    for place in places:
        instants = []
        for column in columns:
            text = row.cells[column]
            if text is None:
                if column not in row.unreadable:
                    said[row.fault(column, "is empty")] = None
                continue
            try:
                instants.append(instant_of_stamp(text, clock, place.zone))
            except ValueError as error:
                said[row.fault(column, f"{text!r} {error}")] = None
        if len(instants) == len(columns):
            start, end = instants
            if end <= start:
                said[row.fault(columns[1], f"{row.cells[columns[1]]!r} does not lie after {columns[0]}")] = (
                    None
                )
            found.append((place.asset_id, start, end, what, row.cells["note"]))
    faults.extend(said)
    if len(faults) == before:
        yield from found


def _unknown(row: _Row, column: str, known: Collection[str]) -> Iterator[str]:
    cell = row.cells[column]
    if column in row.unreadable or cell in known:
        return
    if cell is None:
        yield row.fault(column, "is empty")
        return
    near = get_close_matches(cell, sorted(set(known)), n=3) or sorted(set(known))
    more = ", …" if len(near) > 12 else ""
    yield row.fault(column, f"{cell!r} is not known; known are {', '.join(near[:12])}{more}")


def _frame(schema: pl.Schema, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema, orient="row").unique().sort(schema.names(), nulls_last=True)
