"""The ledger of deliveries: which files were imported, in what order and by which mapping, and what is to be written.

It is a SQLite file in the store of an import, beside the kept rows of each delivery. Only one import at a time has it
open; whoever only looks needs no lock.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any, Literal, cast

from filelock import FileLock, Timeout

from renewable.contract import RawTable
from renewable.errors import PipelineError

Kind = Literal["file", "base", "taken_over"]
Due = tuple[RawTable, date]
# Why a file is left alone that somebody took out.
FORGOTTEN = "it was forgotten; `renewable import --again` takes it again"
LEDGER_FILE, ROWS_FOLDER = "ledger.sqlite", "rows"
_LOCK_WAIT_S = 600.0
_TABLES = """
create table if not exists mapping (name text primary key, path text not null, part text);
create table if not exists version (fingerprint text primary key, content text not null);
create table if not exists delivery (
    number integer primary key autoincrement, mapping text not null, version text not null, kind text not null,
    file text not null, size integer, mtime_ns integer, ctime_ns integer, sha256 text not null,
    source_rows integer not null, notes text not null, columns text not null, replaces integer not null,
    imported_at text not null, rows_file text not null
);
create index if not exists delivery_content on delivery (mapping, sha256);
create table if not exists day (
    delivery integer not null references delivery (number) on delete cascade,
    table_name text not null, day text not null, rows integer not null
);
create index if not exists day_of_delivery on day (delivery);
create index if not exists day_by_day on day (table_name, day);
create table if not exists span (
    delivery integer not null references delivery (number) on delete cascade,
    stream text not null, asset_id text, name text, first_us integer not null, last_us integer not null
);
create index if not exists span_of_delivery on span (delivery);
create index if not exists span_by_last on span (stream, asset_id, name, last_us);
create index if not exists span_by_first on span (stream, asset_id, name, first_us);
create table if not exists origin (
    mapping text not null, stream text not null, asset_id text, name text, unique (mapping, stream, asset_id, name)
);
create table if not exists due (mapping text, table_name text, day text, primary key (mapping, table_name, day));
create table if not exists written (
    mapping text, table_name text, day text, size integer, mtime_ns integer, primary key (mapping, table_name, day)
);
create table if not exists refused (
    mapping text, file text, size integer, mtime_ns integer, sha256 text, version text, reason text, seen_at text,
    primary key (mapping, file)
);
create table if not exists look (
    mapping text, file text, size integer, mtime_ns integer, ctime_ns integer, sha256 text, primary key (mapping, file)
);
create table if not exists folded (mapping text, sha256 text, file text, primary key (mapping, sha256));
create table if not exists made_by (mapping text primary key, registry text not null);
"""


_DELIVERIES = (
    "select delivery.*, min(day.day), max(day.day) from delivery left join day on day.delivery = number"
)


@dataclass(frozen=True)
class Content:
    """A source file as it was read. An unchanged stat spares the hash; only the hash says that content is equal."""

    file: str
    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: str


@dataclass(frozen=True)
class Span:
    """First and last stamp (microseconds since 1970, UTC) of what a delivery has of one asset in one stream."""

    stream: str
    asset_id: str | None
    name: str | None
    first_us: int
    last_us: int

    def of_same(self, other: "Span") -> bool:
        return (self.stream, self.asset_id, self.name) == (other.stream, other.asset_id, other.name)


@dataclass(frozen=True)
class Converted:
    """What a source file became: rows by table and day, and a Parquet file of them that has not its place yet.

    `columns` names by stream the columns that its rows have.
    """

    content: Content
    source_rows: int
    notes: Mapping[str, int]
    columns: Mapping[str, Sequence[str]]
    days: Mapping[Due, int]
    spans: Sequence[Span]
    rows_file: Path
    kind: Kind = "file"

    @property
    def first_us(self) -> int:
        return min((span.first_us for span in self.spans), default=0)


@dataclass(frozen=True)
class Delivery:
    """An entry of the ledger; `number` is its place in the order in which deliveries count."""

    number: int
    mapping: str
    version: str
    kind: Kind
    content: Content
    source_rows: int
    notes: Mapping[str, int]
    columns: Mapping[str, Sequence[str]]
    replaces: bool
    imported_at: datetime
    rows_file: Path
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True)
class Refused:
    """A file that could not be imported, and why."""

    mapping: str
    file: str
    reason: str
    seen_at: datetime


@dataclass(frozen=True)
class Books:
    """What people see of a store."""

    deliveries: tuple[Delivery, ...] = ()
    refused: tuple[Refused, ...] = ()
    due: tuple[Due, ...] = ()


class Ledger:
    """The open ledger of a store. Changes are made in `changing` blocks: all of one or nothing."""

    def __init__(self, store: Path, connection: sqlite3.Connection) -> None:
        self.store, self._connection = store, connection

    @contextmanager
    def changing(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    # Mappings

    def name_mapping(self, name: str, path: Path, part: str | None) -> None:
        """Enter a mapping; PipelineError where another file of that name has deliveries here."""
        known = self._one("select path from mapping where name = ?", name)
        if known is not None and Path(known[0]) != path and Path(known[0]).exists():
            raise PipelineError(
                f"{path}: deliveries of another mapping of this name are imported here, {known[0]}: rename one of them"
            )
        self._do(
            "insert into mapping values (?, ?, ?) on conflict (name) do update set path = excluded.path",
            name,
            str(path),
            part,
        )

    def part_of(self, name: str) -> str | None:
        """The part of the raw files' names that a mapping has."""
        found = self._one("select part from mapping where name = ?", name)
        return None if found is None else found[0]

    def is_empty(self) -> bool:
        return self._one("select 1 from mapping limit 1") is None

    def keep_version(self, fingerprint: str, content: str) -> None:
        self._do("insert or ignore into version values (?, ?)", fingerprint, content)

    def version(self, fingerprint: str) -> str:
        """The mapping, as JSON, by which deliveries were converted."""
        found = self._one("select content from version where fingerprint = ?", fingerprint)
        assert found is not None, fingerprint
        return str(found[0])

    # Deliveries

    def deliveries(self, mapping: str | None = None) -> list[Delivery]:
        """In the order in which they count."""
        rows = self._all(
            f"{_DELIVERIES} where ?1 is null or mapping = ?1 group by number order by number", mapping
        )
        return [self._delivery(row) for row in rows]

    def order(self, mapping: str) -> list[tuple[int, str, Kind, bool]]:
        """Number, version and kind of each delivery, and whether it replaces its range, in their order."""
        rows = self._all(
            "select number, version, kind, replaces from delivery where mapping = ? order by number", mapping
        )
        return [(number, version, kind, bool(replaces)) for number, version, kind, replaces in rows]

    def delivery(self, number: int) -> Delivery:
        rows = self._all(f"{_DELIVERIES} where number = ? group by number", number)
        return self._delivery(rows[0])

    def of_content(self, mapping: str, sha256: str) -> tuple[int, str] | None:
        """Number and version of the delivery of a content."""
        found = self._one(
            "select number, version from delivery where mapping = ? and sha256 = ? order by number desc",
            mapping,
            sha256,
        )
        return None if found is None else (found[0], found[1])

    def of_other_versions(self, mapping: str, version: str) -> list[Delivery]:
        """Deliveries of files that another version of the mapping converted."""
        rows = self._all(
            f"{_DELIVERIES} where mapping = ? and version != ? and kind = 'file' group by number order by number",
            mapping,
            version,
        )
        return [self._delivery(row) for row in rows]

    def has_files(self, mapping: str) -> bool:
        """Whether a file was ever imported by a mapping."""
        return (
            self._one("select 1 from delivery where mapping = ? and kind != 'taken_over'", mapping)
            is not None
        )

    def add(self, mapping: str, version: str, made: Converted, *, replaces: bool, at: datetime) -> int:
        """Enter a converted file as the newest delivery, and put its rows into their place."""
        cursor = self._connection.execute(
            "insert into delivery (mapping, version, kind, file, sha256, source_rows, notes, columns, replaces,"
            " imported_at, rows_file) values (?, ?, ?, '', '', 0, '', '', ?, ?, '')",
            (mapping, version, made.kind, replaces, at.isoformat()),
        )
        number = cast("int", cursor.lastrowid)
        self._fill(number, version, made)
        return number

    def redo(self, number: int, version: str, made: Converted, *, replaces: bool) -> None:
        """Put other rows, converted anew, in the place of a delivery's; its place in the order stays."""
        self._do("delete from day where delivery = ?", number)
        self._do("delete from span where delivery = ?", number)
        self._do("update delivery set replaces = ? where number = ?", replaces, number)
        self._fill(number, version, made)

    def forget(self, number: int) -> None:
        """Take a delivery out; its rows go with the next `clean`."""
        self._do("delete from delivery where number = ?", number)

    def fold(self, numbers: Sequence[int], version: str, made: Converted) -> None:
        """Put one delivery, which holds the rows of them all, in the place of several that follow one another."""
        first, *others = numbers
        for number in numbers:
            self._do(
                "insert or replace into folded select mapping, sha256, file from delivery where number = ?",
                number,
            )
        for number in others:
            self.forget(number)
        self._do("update delivery set kind = ? where number = ?", made.kind, first)
        self.redo(first, version, made, replaces=False)

    def is_folded(self, mapping: str, sha256: str) -> bool:
        """Whether a content is among the deliveries that were made one."""
        found = self._one("select 1 from folded where mapping = ? and sha256 = ?", mapping, sha256)
        return found is not None

    def look_of(self, mapping: str, file: str) -> Content | None:
        """A file as it lay there at the last look; without a hash where it was not read then."""
        found = self._one(
            "select file, size, mtime_ns, ctime_ns, sha256 from look where mapping = ? and file = ?",
            mapping,
            file,
        )
        return None if found is None else Content(*found)

    def looked(self, mapping: str, contents: Iterable[Content]) -> None:
        """Remember how files lay there."""
        self._connection.executemany(
            "insert or replace into look values (?, ?, ?, ?, ?, ?)",
            [(mapping, c.file, c.size, c.mtime_ns, c.ctime_ns, c.sha256) for c in contents],
        )

    def days_of(self, number: int) -> list[Due]:
        rows = self._all("select table_name, day from day where delivery = ?", number)
        return [(table, date.fromisoformat(day)) for table, day in rows]

    def spans_of(self, number: int) -> list[Span]:
        rows = self._all(
            "select stream, asset_id, name, first_us, last_us from span where delivery = ?", number
        )
        return [Span(*row) for row in rows]

    def holding(self, mapping: str, table: RawTable, day: date) -> list[int]:
        """The deliveries that have rows of a table's UTC day."""
        rows = self._all(
            "select number from day join delivery on delivery = number"
            " where table_name = ? and day = ? and mapping = ? order by number",
            table,
            day.isoformat(),
            mapping,
        )
        return [number for (number,) in rows]

    def all_days(self, mapping: str) -> set[Due]:
        rows = self._all(
            "select distinct table_name, day from day join delivery on delivery = number where mapping = ?",
            mapping,
        )
        return {(table, date.fromisoformat(day)) for table, day in rows}

    def origins(self, mapping: str, stream: str) -> list[tuple[str | None, str | None]]:
        """The assets, and the names that the source has for them, that a stream ever had rows of."""
        return self._all(
            "select asset_id, name from origin where mapping = ? and stream = ?", mapping, stream
        )

    def last_before(self, mapping: str, span: Span, at_us: int) -> tuple[int | None, list[int]]:
        """The last stamp that deliveries which end before an instant have of what `span` is about; and the deliveries
        that begin before the instant and end later, which may have a later one."""
        return self._nearest(
            mapping, span, at_us, "max(last_us)", "last_us < ?", "first_us < ? and last_us >= ?"
        )

    def first_since(self, mapping: str, span: Span, at_us: int) -> tuple[int | None, list[int]]:
        """`last_before`, the other way round: the first stamp at or after an instant."""
        return self._nearest(
            mapping, span, at_us, "min(first_us)", "first_us >= ?", "last_us >= ? and first_us < ?"
        )

    def _nearest(
        self, mapping: str, span: Span, at_us: int, edge: str, outside: str, across: str
    ) -> tuple[int | None, list[int]]:
        same = (
            "stream = ? and asset_id is ? and name is ? and exists"
            " (select 1 from delivery where number = delivery and mapping = ?)"
        )
        of = (span.stream, span.asset_id, span.name, mapping)
        found = self._one(f"select {edge} from span where {same} and {outside}", *of, at_us)
        rows = self._all(f"select delivery from span where {same} and {across}", *of, at_us, at_us)
        return (found[0] if found else None), [number for (number,) in rows]

    # What is to be written

    def make_due(self, mapping: str, days: Iterable[Due]) -> None:
        self._connection.executemany(
            "insert or ignore into due values (?, ?, ?)",
            [(mapping, table, day.isoformat()) for table, day in days],
        )

    def due(self, mapping: str) -> list[Due]:
        rows = self._all(
            "select table_name, day from due where mapping = ? order by day, table_name", mapping
        )
        return [(table, date.fromisoformat(day)) for table, day in rows]

    def wrote(self, mapping: str, found: Mapping[Due, os.stat_result | None]) -> None:
        """Raw files are as they have to be; None: the day has no file."""
        for (table, day), stat in found.items():
            key = (mapping, table, day.isoformat())
            self._do("delete from due where mapping = ? and table_name = ? and day = ?", *key)
            self._do("delete from written where mapping = ? and table_name = ? and day = ?", *key)
            if stat is not None:
                self._do("insert into written values (?, ?, ?, ?, ?)", *key, stat.st_size, stat.st_mtime_ns)

    def written(self, mapping: str) -> dict[Due, tuple[int, int]]:
        """Size and time of change of the raw files that were written."""
        rows = self._all("select table_name, day, size, mtime_ns from written where mapping = ?", mapping)
        return {(table, date.fromisoformat(day)): (size, mtime) for table, day, size, mtime in rows}

    def made_by(self, mapping: str) -> str | None:
        """What of the registry raw files were made with."""
        found = self._one("select registry from made_by where mapping = ?", mapping)
        return None if found is None else str(found[0])

    def make_by(self, mapping: str, registry: str) -> None:
        self._do("insert or replace into made_by values (?, ?)", mapping, registry)

    # What was refused

    def refuse(self, mapping: str, version: str, content: Content, reason: str, at: datetime) -> None:
        self._do(
            "insert or replace into refused values (?, ?, ?, ?, ?, ?, ?, ?)",
            mapping,
            content.file,
            content.size,
            content.mtime_ns,
            content.sha256,
            version,
            reason,
            at.isoformat(),
        )

    def refusal(self, mapping: str, version: str, content: Content) -> str | None:
        """Why a content was refused by this mapping, if it was."""
        found = self._one(
            "select reason from refused where mapping = ? and file = ? and sha256 = ? and version = ?",
            mapping,
            content.file,
            content.sha256,
            version,
        )
        return None if found is None else str(found[0])

    def clear_refusals(self, mapping: str, files: Iterable[str]) -> None:
        self._connection.executemany(
            "delete from refused where mapping = ? and file = ?", [(mapping, file) for file in files]
        )

    def refused(self) -> list[Refused]:
        rows = self._all("select mapping, file, reason, seen_at from refused order by mapping, file")
        return [Refused(m, f, reason, datetime.fromisoformat(at)) for m, f, reason, at in rows]

    def clean(self) -> None:
        """Remove rows that belong to no delivery: an import that died, or deliveries that are gone."""
        kept = {Path(name).name for (name,) in self._all("select rows_file from delivery")}
        for path in (self.store / ROWS_FOLDER).glob("*.parquet"):
            if path.name not in kept:
                path.unlink()

    def _fill(self, number: int, version: str, made: Converted) -> None:
        # Never over rows that the ledger knows: this change may still be taken back.
        names = (f"{number:08d}-{version[:12]}-{time}.parquet" for time in count())
        place = next(path for name in names if not (path := self.store / ROWS_FOLDER / name).exists())
        with made.rows_file.open("rb") as file:
            os.fsync(file.fileno())
        made.rows_file.replace(place)
        content = made.content
        self._do(
            "update delivery set version = ?, file = ?, size = ?, mtime_ns = ?, ctime_ns = ?, sha256 = ?,"
            " source_rows = ?, notes = ?, columns = ?, rows_file = ? where number = ?",
            version,
            content.file,
            content.size,
            content.mtime_ns,
            content.ctime_ns,
            content.sha256,
            made.source_rows,
            json.dumps(made.notes),
            json.dumps({stream: list(names) for stream, names in made.columns.items()}),
            place.name,
            number,
        )
        self._connection.executemany(
            "insert into day values (?, ?, ?, ?)",
            [(number, table, day.isoformat(), rows) for (table, day), rows in made.days.items()],
        )
        self._connection.executemany(
            "insert into span values (?, ?, ?, ?, ?, ?)",
            [(number, s.stream, s.asset_id, s.name, s.first_us, s.last_us) for s in made.spans],
        )
        self._connection.executemany(
            "insert into origin select mapping, ?1, ?2, ?3 from delivery where number = ?4 and not exists"
            " (select 1 from origin where mapping = delivery.mapping and stream = ?1 and asset_id is ?2"
            " and name is ?3)",
            [(s.stream, s.asset_id, s.name, number) for s in made.spans],
        )

    def _delivery(self, row: Sequence[Any]) -> Delivery:
        number, mapping, version, kind, file, size, mtime, ctime, sha256 = row[:9]
        rows, notes, columns, replaces, at, rows_file, first, last = row[9:]
        return Delivery(
            number,
            mapping,
            version,
            kind,
            Content(file, size, mtime, ctime, sha256),
            rows,
            json.loads(notes),
            json.loads(columns),
            bool(replaces),
            datetime.fromisoformat(at),
            self.store / ROWS_FOLDER / rows_file,
            None if first is None else date.fromisoformat(first),
            None if last is None else date.fromisoformat(last),
        )

    def _do(self, statement: str, *values: object) -> None:
        self._connection.execute(statement, values)

    def _one(self, statement: str, *values: object) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
        return found

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()


@contextmanager
def opened(store: Path, *, wait_s: float = _LOCK_WAIT_S) -> Iterator[Ledger]:
    """The ledger of a store, for this process alone. PipelineError where another import keeps it for `wait_s`."""
    (store / ROWS_FOLDER).mkdir(parents=True, exist_ok=True)
    lock = FileLock(store / "ledger.lock")
    try:
        lock.acquire(timeout=wait_s)
    except Timeout as error:
        raise PipelineError(
            f"another import has been at work in {store} for {wait_s:g} s: wait for its end, then try again"
        ) from error
    try:
        with closing(_connected(store / LEDGER_FILE)) as connection:
            connection.executescript(f"begin; {_TABLES} commit;")
            ledger = Ledger(store, connection)
            ledger.clean()
            yield ledger
    finally:
        lock.release()


@contextmanager
def looked_at(store: Path) -> Iterator[Ledger | None]:
    """The ledger of a store as it is at this moment, without its lock; None where there is none."""
    if not (store / LEDGER_FILE).exists():
        yield None
        return
    with closing(_connected(store / LEDGER_FILE)) as connection:
        yield Ledger(store, connection)


def read_books(store: Path) -> Books:
    """What a store holds; nothing where there is none."""
    with looked_at(store) as ledger:
        if ledger is None:
            return Books()
        deliveries = ledger.deliveries()
        due = sorted({each for name in {d.mapping for d in deliveries} for each in ledger.due(name)})
        return Books(tuple(deliveries), tuple(ledger.refused()), tuple(due))


def store_of(raw_dir: Path) -> Path:
    """Where the ledger and the kept rows of the deliveries behind `raw_dir` lie."""
    return raw_dir.parent / "deliveries"


def now() -> datetime:
    return datetime.now(UTC)


def _connected(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma synchronous = full")
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise PipelineError(
            f"{path} cannot be read as the ledger of deliveries ({error}). Bring it back from a copy of your data, or"
            " move the folder aside and import all files again"
        ) from error
    return connection
