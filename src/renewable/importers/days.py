"""A raw day from the kept rows of all deliveries of a mapping: a function of the ledger and of nothing else."""

from bisect import bisect_left, bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, takewhile

import polars as pl

from renewable.contract import KEY, RawTable, polars_schema
from renewable.importers.around import rows_around
from renewable.importers.asset_facts import Facts, facts_of
from renewable.importers.event_rows import EVENT_ROWS_SCHEMA
from renewable.importers.kept_rows import KeptDays, read_kept
from renewable.importers.ledger import Delivery, Due, Kind, Ledger, Span
from renewable.importers.mapping import Mapping as MappingFile
from renewable.importers.notes import Notes
from renewable.importers.overlay import laid_over, ordered
from renewable.importers.streams import (
    EVENTS,
    KEY_AND_NAME,
    ROWS,
    SHIFTED,
    TAKEN_OVER,
    Stream,
    day_of,
    is_shifted,
)
from renewable.importers.together import Streams, assembled
from renewable.windows import Window

_DAY = timedelta(days=1)
_DAY_US = 86_400_000_000
_CACHED_DAYS = 16
# Readings of a counter that tells gaps are judged by those of some days around them (see `around`).
_JUDGED_DAYS = 3
# A counter that was silent for longer has begun anew: days further away are not made again.
_LONGEST_GAP_DAYS = 400
_Rows = dict[Stream, pl.DataFrame]
_Source = tuple[str | None, str | None]


@dataclass(frozen=True)
class _Run:
    """Deliveries that follow one another and were converted by the same version of the mapping."""

    mapping: MappingFile | None
    numbers: tuple[int, ...]
    replacing: frozenset[int]


class DayMaker:
    """Makes raw days of one mapping. `intervals` are the minutes of each asset's interval, or all the facts.

    `deliveries` are the numbers of those that count; all of the mapping where none are given.
    """

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        intervals: Facts,
        deliveries: Sequence[int] | None = None,
    ) -> None:
        self._ledger, self._name, self._facts = ledger, name, facts_of(intervals)
        chosen = None if deliveries is None else set(deliveries)
        self._runs = _runs(ledger, [e for e in ledger.order(name) if chosen is None or e[0] in chosen])
        self._logs: dict[tuple[int, Stream], pl.DataFrame] = {}
        self._entries: dict[int, Delivery] = {}
        self._kept = KeptDays()
        self._cache: OrderedDict[tuple[int, RawTable, date], _Rows] = OrderedDict()

    def frame(self, table: RawTable, day: date, counts: Counter[str] | None = None) -> pl.DataFrame:
        """The rows of a table's UTC day, by the contract, ordered by key; `counts` takes what is to be said of them."""
        made = pl.DataFrame(schema=polars_schema(table))
        notes = Notes(Counter() if counts is None else counts, Window.of_day(day))
        for number, run in enumerate(self._runs):
            if run.mapping is None:
                rows = [frame.drop("name") for frame in self._rows(number, table, day).values()]
                found = ordered(pl.concat(rows), KEY) if rows else made.clear()
            else:
                streams = self._around(number, table, day)
                found = (
                    assembled(
                        table,
                        streams,
                        run.mapping,
                        self._facts.intervals,
                        notes,
                        zones=self._facts.zones,
                        rated_kw=self._facts.rated_kw,
                        phases=self._facts.phases,
                    )
                    if streams
                    else made.clear()
                )
            if found.height:
                made = laid_over(made, found, KEY) if made.height else found
        return made.select(polars_schema(table).names())

    def merged(self, table: RawTable, day: date) -> dict[Stream, pl.DataFrame]:
        """The rows of a day as they were delivered, laid over one another, where one mapping gave them all."""
        (run,) = range(len(self._runs))
        return self._rows(run, table, day)

    def foldable(self, before: datetime) -> list[list[int]]:
        """Deliveries up to the first one since `before`, those together that one delivery can stand for."""
        found = []
        for number, run in enumerate(self._runs):
            old = list(takewhile(lambda each: self._entry(each).imported_at < before, run.numbers))
            # What a delivery erases of those before another mapping's is not in its rows.
            if len(old) > 1 and (number == 0 or run.replacing.isdisjoint(old)):
                found.append(old)
            if len(old) < len(run.numbers):
                break
        return found

    def touched_by(self, deliveries: Iterable[int]) -> set[Due]:
        """The table days that may come out otherwise with these deliveries than without them."""
        days = set[Due]()
        replacing, chosen = {number for run in self._runs for number in run.replacing}, set(deliveries)
        known = self._ledger.all_days(self._name) if replacing & chosen else set()
        for number in chosen:
            spans = self._ledger.spans_of(number)
            # Events make no rows: their days are those that they change.
            if any(Stream.parsed(span.stream).kind != EVENTS for span in spans):
                own = self._ledger.days_of(number)
                days |= {(table, day + step * _DAY) for table, day in own for step in (-1, 0, 1)}
            for span in spans:
                first, last = day_of(span.first_us), day_of(span.last_us)
                if number in replacing:
                    days |= {(table, day) for table, day in known if first <= day <= last}
                stream = Stream.parsed(span.stream)
                if stream.kind in (ROWS, TAKEN_OVER):
                    continue
                if stream.kind == EVENTS:
                    days |= self._days_of_events(number, stream, chosen)
                    continue
                if self._tells_gaps(number, stream):
                    # Readings nearby may be believed now that were not, or no more: gaps begin or end with them.
                    low, high = first - _JUDGED_DAYS * _DAY, last + _JUDGED_DAYS * _DAY
                    start = self._beside(span, _us(low), forward=False)
                    end = self._beside(span, _us(high + _DAY), forward=True)
                    days |= _between(stream.table, low if start is None else day_of(start), first)
                    days |= _between(stream.table, first, last)
                    days |= _between(stream.table, last, high if end is None else day_of(end))
                if (before := self._beside(span, span.first_us, forward=False)) is not None:
                    days |= _between(stream.table, day_of(before), first)
                if (after := self._beside(span, span.last_us + 1, forward=True)) is not None:
                    days |= _between(stream.table, last, day_of(after))
        return days

    def _days_of_events(self, number: int, stream: Stream, chosen: set[int]) -> set[Due]:
        """The days of events that a delivery tells and none but the chosen ones tells just so; some never end."""
        others = [each for run in self._runs for each in run.numbers if each == number or each not in chosen]
        every = [rows for each in others if (rows := self._logged(each, stream)) is not None]
        own = self._logged(number, stream)
        if own is None:
            return set()
        versions = pl.struct("end_utc", "operating_state")
        told = (
            pl.concat(every)
            .join(own.select(KEY_AND_NAME), on=KEY_AND_NAME, how="semi", nulls_equal=True)
            .group_by(KEY_AND_NAME)
            .agg(
                pl.col("end_utc").max(),
                lasts=pl.col("end_utc").is_null().any(),
                is_told_so=(pl.len() > 1) & (versions.n_unique() == 1),
            )
            .filter(~pl.col("is_told_so"))
            .select(
                pl.col("timestamp").dt.date(),
                pl.when("lasts").then(None).otherwise(pl.col("end_utc").dt.date()).alias("end"),
            )
            .unique()
        )
        known = sorted(day for table, day in self._ledger.all_days(self._name) if table == stream.table)
        days = set[Due]()
        for first, last in told.iter_rows():
            begin, end = bisect_left(known, first), len(known) if last is None else bisect_right(known, last)
            days |= {(stream.table, day) for day in known[begin:end]}
        return days

    def _logged(self, number: int, stream: Stream) -> pl.DataFrame | None:
        """The events of a delivery's log."""
        spans = [span for span in self._ledger.spans_of(number) if span.stream == str(stream)]
        if not spans:
            return None
        first, last = min(span.first_us for span in spans), max(span.last_us for span in spans)
        delivery, window = self._entry(number), Window(day_of(first), day_of(last) + _DAY)
        return read_kept(delivery.rows_file, delivery.columns, stream.table, window).get(stream)

    def _tells_gaps(self, number: int, stream: Stream) -> bool:
        """Whether a delivery's stream is a counter that tells the energy over gaps."""
        return any(_tells_gaps(run.mapping, stream) for run in self._runs if number in run.numbers)

    def _around(self, run: int, table: RawTable, day: date) -> Streams:
        """The streams of a day, with what the days around it tell of it."""
        around = {step: self._rows(run, table, day + step * _DAY) for step in (-1, 0, 1)}
        streams = sorted({stream for rows in around.values() for stream in rows} | self._counters(run, table))
        found: Streams = {}
        for stream in streams:
            before, own, after = (around[step].get(stream) for step in (-1, 0, 1))
            if stream.kind == ROWS:
                holds = bool(self._facts.phases) or _holds(self._runs[run].mapping, stream)
                parts = [before, own, after] if holds else [_shifted(before), own, _shifted(after)]
            elif stream.kind == EVENTS:
                parts = [rows_around(EVENTS, self._events(run, stream), Window.of_day(day))]
            elif _tells_gaps(self._runs[run].mapping, stream):
                parts = self._judged(run, stream, day)
            else:
                parts = [
                    *self._nearest(run, stream, day, before, forward=False),
                    before,
                    own,
                    after,
                    *self._nearest(run, stream, day, after, forward=True),
                ]
            rows = [part for part in parts if part is not None and part.height]
            if rows:
                found[stream.part, stream.kind] = pl.concat(rows, how="diagonal")
        return found

    def _rows(self, run: int, table: RawTable, day: date) -> _Rows:
        """The deliveries of a run laid over one another, for one day."""
        key = (run, table, day)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        holding, merged = set(self._ledger.holding(self._name, table, day)), _Rows()
        for number in self._runs[run].numbers:
            if number in self._runs[run].replacing:
                self._erase(merged, number)
            if number in holding:
                delivery = self._entry(number)
                new = self._kept.of(delivery.rows_file, delivery.columns, table, day)
                for stream, rows in new.items():
                    by = KEY if stream.kind == TAKEN_OVER else KEY_AND_NAME
                    merged[stream] = (
                        laid_over(merged[stream], rows, by) if stream in merged else ordered(rows, by)
                    )
        self._cache[key] = merged
        if len(self._cache) > _CACHED_DAYS:
            self._cache.popitem(last=False)
        return merged

    def _erase(self, merged: _Rows, number: int) -> None:
        """Take out what lies within a delivery that replaces all of its range."""
        for span in self._ledger.spans_of(number):
            stream = Stream.parsed(span.stream)
            if stream in merged:
                us = pl.col("timestamp").to_physical()
                inside = us.is_between(span.first_us, span.last_us)
                merged[stream] = merged[stream].filter(~(inside & _is_of(span.asset_id, span.name)))

    def _entry(self, number: int) -> Delivery:
        if number not in self._entries:
            self._entries[number] = self._ledger.delivery(number)
        return self._entries[number]

    def _counters(self, run: int, table: RawTable) -> set[Stream]:
        """Streams whose rows tell of days that they have no row of."""
        mapping = self._runs[run].mapping
        assert mapping is not None
        logs = {
            Stream(number, "generation", EVENTS)
            for number, part in enumerate(mapping.parts)
            if part.events is not None and table == "generation"
        }
        return logs | {
            Stream(number, table, name)
            for number, part in enumerate(mapping.parts)
            for name, channel in part.channels(table).items()
            if channel.counter
        }

    def _events(self, run: int, stream: Stream) -> pl.DataFrame:
        """All events of a log, the deliveries laid over one another; a log is short beside what it tells of."""
        if (run, stream) not in self._logs:
            of_run, merged = self._runs[run], _Rows({stream: pl.DataFrame(schema=EVENT_ROWS_SCHEMA)})
            for number in of_run.numbers:
                if number in of_run.replacing:
                    self._erase(merged, number)
                rows = self._logged(number, stream)
                if rows is not None:
                    merged[stream] = laid_over(merged[stream], rows, KEY_AND_NAME)
            self._logs[run, stream] = merged[stream]
        return self._logs[run, stream]

    def _judged(self, run: int, stream: Stream, day: date) -> list[pl.DataFrame | None]:
        """The readings that a day's energy depends on: those of the days around it, and around the nearest beyond."""
        steps = range(-_JUDGED_DAYS, _JUDGED_DAYS + 1)
        around = {step: self._rows(run, stream.table, day + step * _DAY).get(stream) for step in steps}
        ends = [[around[step] for step in steps if step * side > 0] for side in (-1, 1)]
        before, after = (
            pl.concat(rows) if (rows := [frame for frame in end if frame is not None]) else None
            for end in ends
        )
        return [
            *self._nearest(run, stream, day, before, forward=False, reach=_JUDGED_DAYS),
            *around.values(),
            *self._nearest(run, stream, day, after, forward=True, reach=_JUDGED_DAYS),
        ]

    def _nearest(
        self,
        run: int,
        stream: Stream,
        day: date,
        beside: pl.DataFrame | None,
        *,
        forward: bool,
        reach: int = 1,
    ) -> list[pl.DataFrame]:
        """The last readings before the days beside, or the first after them, of what was not read on those.

        With a `reach` of several days all readings of as many days there.
        """
        known = set[_Source]() if beside is None else set(beside.select("asset_id", "name").iter_rows())
        found = list[pl.DataFrame]()
        for asset_id, name in self._ledger.origins(self._name, str(stream)):
            if (asset_id, name) in known:
                continue
            span = Span(str(stream), asset_id, name, 0, 0)
            edge = day + (reach + 1) * _DAY if forward else day - reach * _DAY
            at = self._beside(span, _us(edge), forward=forward)
            for step in range(reach if at is not None else 0):
                other = day_of(at or 0) + (step if forward else -step) * _DAY
                rows = self._rows(run, stream.table, other).get(stream)
                if rows is not None:
                    own = rows.filter(_is_of(asset_id, name)).sort("timestamp", maintain_order=True)
                    found.append(own if reach > 1 else own.head(1) if forward else own.tail(1))
        return found

    def _beside(self, span: Span, at_us: int, *, forward: bool) -> int | None:
        """Stamp of the last row before an instant of what a span is about, or `forward` of the first at or after it."""
        look = self._ledger.first_since if forward else self._ledger.last_before
        best, across = look(self._name, span, at_us)
        stamps = [best, *(self._edge(number, span, at_us, forward=forward) for number in across)]
        return (min if forward else max)((stamp for stamp in stamps if stamp is not None), default=None)

    def _edge(self, number: int, span: Span, at_us: int, *, forward: bool) -> int | None:
        """Stamp of the row of a delivery that is the nearest to an instant within it."""
        delivery, stream = self._entry(number), Stream.parsed(span.stream)
        own = next(s for s in self._ledger.spans_of(number) if s.of_same(span))
        first, last = (at_us, own.last_us) if forward else (own.first_us, at_us)
        window = Window(day_of(first), day_of(last) + _DAY)
        rows = read_kept(delivery.rows_file, delivery.columns, stream.table, window).get(stream)
        if rows is None:
            return None
        us = (
            rows.filter(_is_of(span.asset_id, span.name))
            .select(pl.col("timestamp").to_physical())
            .to_series()
        )
        edge = us.filter(us >= at_us).min() if forward else us.filter(us < at_us).max()
        return edge if isinstance(edge, int) else None


def _runs(ledger: Ledger, entries: Sequence[tuple[int, str, Kind, bool]]) -> list[_Run]:
    runs = []
    for (version, taken_over), of in groupby(entries, lambda each: (each[1], each[2] == "taken_over")):
        run = list(of)
        mapping = None if taken_over else MappingFile.model_validate_json(ledger.version(version))
        replacing = frozenset(number for number, _, _, replaces in run if replaces)
        runs.append(_Run(mapping, tuple(number for number, *_ in run), replacing))
    return runs


def _is_of(asset_id: str | None, name: str | None) -> pl.Expr:
    return pl.col("asset_id").eq_missing(asset_id) & pl.col("name").eq_missing(name)


def _holds(mapping: MappingFile | None, stream: Stream) -> bool:
    """Whether a row of the stream may hold into the next day."""
    return mapping is not None and mapping.parts[stream.part].timestamp.holds_minutes is not None


def _tells_gaps(mapping: MappingFile | None, stream: Stream) -> bool:
    """Whether a stream is a counter that tells the energy over gaps."""
    if mapping is None or stream.kind in (ROWS, EVENTS, TAKEN_OVER):
        return False
    return mapping.parts[stream.part].channels(stream.table)[stream.kind].resetting is not None


def _shifted(rows: pl.DataFrame | None) -> pl.DataFrame | None:
    """Rows that a clock change may move into another day."""
    return rows.filter(SHIFTED) if rows is not None and is_shifted(rows) else None


def _between(table: RawTable, first: date, last: date) -> set[Due]:
    """The days from one reading to the next, both included, where they belong together."""
    days = (last - first).days
    return {(table, first + step * _DAY) for step in range(days + 1)} if days <= _LONGEST_GAP_DAYS else set()


def _us(day: date) -> int:
    return (day - date(1970, 1, 1)).days * _DAY_US
