"""A raw day from the kept rows of all deliveries of a mapping: a function of the ledger and of nothing else."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import polars as pl

from renewable.contract import KEY, RawTable, polars_schema
from renewable.importers.kept_rows import Stream, read_kept
from renewable.importers.ledger import Delivery, Due, Ledger
from renewable.importers.mapping import Mapping as MappingFile
from renewable.importers.notes import Notes
from renewable.importers.overlay import laid_over, ordered
from renewable.importers.together import KEY_AND_NAME, SHIFTS, Streams, assembled
from renewable.windows import Window

TAKEN_OVER = "contract"
_DAY = timedelta(days=1)
_DAY_US = 86_400_000_000
_CACHED_DAYS = 16
# A counter that was silent for longer has begun anew: days further away are not made again.
_LONGEST_GAP_DAYS = 400
_Rows = dict[Stream, pl.DataFrame]
_Source = tuple[str | None, str | None]


@dataclass(frozen=True)
class _Run:
    """Deliveries that follow one another and were converted by the same version of the mapping."""

    mapping: MappingFile | None
    deliveries: tuple[Delivery, ...]

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(each.number for each in self.deliveries)


class DayMaker:
    """Makes raw days of one mapping. `intervals` are the minutes of each asset's interval, by the registry.

    `deliveries` are those that count; all of the mapping where none are given.
    """

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        intervals: Mapping[str, int],
        deliveries: Sequence[Delivery] | None = None,
    ) -> None:
        self._ledger, self._name, self._intervals = ledger, name, intervals
        self._runs = _runs(ledger, ledger.deliveries(name) if deliveries is None else deliveries)
        self._cache: OrderedDict[tuple[int, RawTable, date], _Rows] = OrderedDict()

    def frame(self, table: RawTable, day: date, counts: Counter[str] | None = None) -> pl.DataFrame:
        """The rows of a table's UTC day, by the contract, ordered by key; `counts` takes what is to be said of them."""
        made = pl.DataFrame(schema=polars_schema(table))
        notes = Notes(Counter() if counts is None else counts, Window.of_day(day))
        for number, run in enumerate(self._runs):
            if run.mapping is None:
                rows = [frame.drop("name") for frame in self._rows(number, table, day).values()]
                found = pl.concat(rows) if rows else made.clear()
            else:
                streams = self._around(number, table, day)
                found = (
                    assembled(table, streams, run.mapping, self._intervals, notes)
                    if streams
                    else made.clear()
                )
            if found.height:
                made = laid_over(made, found, KEY) if made.height else ordered(found, KEY)
        return made.select(polars_schema(table).names())

    def merged(self, table: RawTable, day: date) -> dict[Stream, pl.DataFrame]:
        """The rows of a day as they were delivered, laid over one another, where one mapping gave them all."""
        (run,) = range(len(self._runs))
        return self._rows(run, table, day)

    def foldable(self, before: datetime) -> list[list[Delivery]]:
        """Deliveries up to the first one since `before`, those together that one delivery can stand for."""
        found = []
        for number, run in enumerate(self._runs):
            old = list(takewhile(lambda each: each.imported_at < before, run.deliveries))
            # What a delivery erases of those before another mapping's is not in its rows.
            if len(old) > 1 and (number == 0 or not any(each.replaces for each in old)):
                found.append(old)
            if len(old) < len(run.deliveries):
                break
        return found

    def touched_by(self, deliveries: Iterable[int]) -> set[Due]:
        """The table days that may come out otherwise with these deliveries than without them."""
        days = set[Due]()
        replacing = {each.number for run in self._runs for each in run.deliveries if each.replaces}
        for number in deliveries:
            own = self._ledger.days_of(number)
            days |= {(table, day + step * _DAY) for table, day in own for step in (-1, 0, 1)}
            if number in replacing:
                for span in self._ledger.spans_of(number):
                    ends = _day_of(span.first_us), _day_of(span.last_us)
                    days |= {
                        (table, day)
                        for table, day in self._ledger.all_days(self._name)
                        if ends[0] <= day <= ends[1]
                    }
            for span in self._ledger.spans_of(number):
                stream = Stream.parsed(span.stream)
                if stream.kind in ("rows", TAKEN_OVER):
                    continue
                first, last = _day_of(span.first_us), _day_of(span.last_us)
                for _, other in self._ledger.readings_around(span.stream, span.first_us, span.last_us + 1):
                    if (other.asset_id, other.name) == (span.asset_id, span.name):
                        days |= _between(stream.table, _day_of(min(other.last_us, span.first_us)), first)
                        days |= _between(stream.table, last, _day_of(max(other.first_us, span.last_us)))
        return days

    def _around(self, run: int, table: RawTable, day: date) -> Streams:
        """The streams of a day, with what the days around it tell of it."""
        around = {step: self._rows(run, table, day + step * _DAY) for step in (-1, 0, 1)}
        streams = sorted({stream for rows in around.values() for stream in rows} | self._counters(run, table))
        found: Streams = {}
        for stream in streams:
            before, own, after = (around[step].get(stream) for step in (-1, 0, 1))
            if stream.kind == "rows":
                parts = [_shifted(before), own, _shifted(after)]
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
        for delivery in self._runs[run].deliveries:
            if delivery.replaces:
                self._erase(merged, delivery)
            if delivery.number in holding:
                new = read_kept(delivery.rows_file, delivery.columns, table, Window.of_day(day))
                for stream, rows in new.items():
                    by = KEY if stream.kind == TAKEN_OVER else KEY_AND_NAME
                    merged[stream] = (
                        laid_over(merged[stream], rows, by) if stream in merged else ordered(rows, by)
                    )
        self._cache[key] = merged
        if len(self._cache) > _CACHED_DAYS:
            self._cache.popitem(last=False)
        return merged

    def _erase(self, merged: _Rows, delivery: Delivery) -> None:
        """Take out what lies within a delivery that replaces all of its range."""
        for span in self._ledger.spans_of(delivery.number):
            stream = Stream.parsed(span.stream)
            if stream in merged:
                us = pl.col("timestamp").to_physical()
                inside = us.is_between(span.first_us, span.last_us)
                same = pl.col("asset_id").eq_missing(span.asset_id) & pl.col("name").eq_missing(span.name)
                merged[stream] = merged[stream].filter(~(inside & same))

    def _counters(self, run: int, table: RawTable) -> set[Stream]:
        """Streams whose rows tell of days that they have no row of."""
        names = {name for each in self._runs[run].deliveries for name in each.columns}
        streams = {Stream.parsed(name) for name in names}
        return {s for s in streams if s.table == table and s.kind not in ("rows", TAKEN_OVER)}

    def _nearest(
        self, run: int, stream: Stream, day: date, beside: pl.DataFrame | None, *, forward: bool
    ) -> list[pl.DataFrame]:
        """The last readings before the day before, or the first after the day after, of what was not read on those."""
        known = set[_Source]() if beside is None else set(beside.select("asset_id", "name").iter_rows())
        start_us, end_us = _us(day - _DAY), _us(day + 2 * _DAY)
        spans: dict[_Source, set[date]] = {}
        numbers = self._runs[run].numbers
        for number, span in self._ledger.readings_around(str(stream), start_us, end_us):
            source = (span.asset_id, span.name)
            if number not in numbers or source in known:
                continue
            if forward and span.last_us >= end_us:
                exact = (
                    span.first_us
                    if span.first_us >= end_us
                    else self._edge(run, number, stream, source, end_us, True)
                )
            elif not forward and span.first_us < start_us:
                exact = (
                    span.last_us
                    if span.last_us < start_us
                    else self._edge(run, number, stream, source, start_us, False)
                )
            else:
                continue
            if exact is not None:
                spans.setdefault(source, set()).add(_day_of(exact))
        found = list[pl.DataFrame]()
        for (asset_id, name), days in sorted(spans.items(), key=repr):
            nearest = min(days) if forward else max(days)
            rows = self._rows(run, stream.table, nearest).get(stream)
            if rows is not None:
                same = pl.col("asset_id").eq_missing(asset_id) & pl.col("name").eq_missing(name)
                own = rows.filter(same).sort("timestamp", maintain_order=True)
                found.append(own.head(1) if forward else own.tail(1))
        return found

    def _edge(
        self, run: int, number: int, stream: Stream, source: _Source, at_us: int, forward: bool
    ) -> int | None:
        """Stamp of the reading of a delivery that is the nearest to an instant within its span."""
        delivery = next(each for each in self._runs[run].deliveries if each.number == number)
        span = next(
            s
            for s in self._ledger.spans_of(number)
            if s.stream == str(stream) and (s.asset_id, s.name) == source
        )
        first, last = (at_us, span.last_us) if forward else (span.first_us, at_us - 1)
        window = Window(_day_of(first), _day_of(last) + _DAY)
        rows = read_kept(delivery.rows_file, delivery.columns, stream.table, window).get(stream)
        if rows is None:
            return None
        same = pl.col("asset_id").eq_missing(source[0]) & pl.col("name").eq_missing(source[1])
        us = rows.filter(same).select(pl.col("timestamp").to_physical()).to_series()
        us = us.filter((us >= first) & (us <= last))
        edge = us.min() if forward else us.max()
        return edge if isinstance(edge, int) else None


def _runs(ledger: Ledger, deliveries: Sequence[Delivery]) -> list[_Run]:
    runs: list[list[Delivery]] = []
    for delivery in deliveries:
        if runs and (runs[-1][0].version, runs[-1][0].kind == "taken_over") == (
            delivery.version,
            delivery.kind == "taken_over",
        ):
            runs[-1].append(delivery)
        else:
            runs.append([delivery])
    return [
        _Run(
            None
            if of[0].kind == "taken_over"
            else MappingFile.model_validate_json(ledger.version(of[0].version)),
            tuple(of),
        )
        for of in runs
    ]


def _shifted(rows: pl.DataFrame | None) -> pl.DataFrame | None:
    """Rows that a clock change may move into another day."""
    return None if rows is None else rows.filter(pl.any_horizontal(pl.col(SHIFTS) != 0))


def _between(table: RawTable, first: date, last: date) -> set[Due]:
    """The days from one reading to the next, both included, where they belong together."""
    days = (last - first).days
    return {(table, first + step * _DAY) for step in range(days + 1)} if days <= _LONGEST_GAP_DAYS else set()


def _us(day: date) -> int:
    return (day - date(1970, 1, 1)).days * _DAY_US


def _day_of(us: int) -> date:
    return datetime.fromtimestamp(us // 1_000_000, UTC).date()
