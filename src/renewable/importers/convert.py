"""From deliveries to raw files: what is new is converted and kept, and the days that it touches are written.

A file is read in batches, and a day is put together after another: memory holds a batch or some days, whatever the size
of the delivery. Nothing is judged or deduplicated here: that is the gate's matter.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingType
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from renewable.atomic_write import write_parquet_atomic
from renewable.contract import KEY, TABLES, RawTable, polars_schema
from renewable.errors import MappingError
from renewable.importers.days import TAKEN_OVER, DayMaker
from renewable.importers.kept_rows import Collected, Stream
from renewable.importers.ledger import Content, Converted, Delivery, Due, Ledger, now, opened
from renewable.importers.mapping import Mapping, load_mapping
from renewable.importers.notes import Notes
from renewable.importers.overlay import changed_values
from renewable.importers.rows import table_rows
from renewable.importers.source import read_batches, source_paths
from renewable.raw_files import RawFileName, parse_raw_file_name
from renewable.windows import Window

# Raw files of the mapping of this name have no part in theirs.
_PLAIN_NAME = "mapping"
_DAYS_AT_ONCE = 64
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    `rows` are those of the day files that were made, `values_changed` those values of the days before that are others
    now or gone. `refused` says of each file that was set aside why, `days_waiting` how many lie outside the window.
    """

    source_files: int
    source_rows: int
    rows: MappingType[RawTable, int]
    files_written: int
    files_unchanged: int
    files_removed: int = 0
    files_known: int = 0
    values_changed: int = 0
    days_waiting: int = 0
    refused: tuple[str, ...] = ()
    notes: MappingType[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What happened, for people: a line, and one more for each file that was set aside."""
        rows = ", ".join(f"{rows} rows of {table}" for table, rows in self.rows.items())
        known = f" ({self.files_known} more were imported before)" if self.files_known else ""
        said = [
            f"imported {self.source_rows} rows of {self.source_files} source file(s){known}: {rows}",
            f"{self.files_written} day files written, {self.files_unchanged} unchanged",
            *([f"{self.files_removed} day files removed"] if self.files_removed else []),
            *([f"{self.values_changed} values of before are others now"] if self.values_changed else []),
            *([f"{self.days_waiting} day files outside the window wait"] if self.days_waiting else []),
            *(f"{count} {what}" for what, count in self.notes.items()),
        ]
        return "\n".join(["; ".join(said), *(f"set aside: {reason}" for reason in self.refused)])


def import_files(
    mapping_path: Path,
    raw_dir: Path,
    window: Window | None = None,
    intervals: MappingType[str, int] | None = None,
    *,
    again: bool = False,
    report: Callable[[str], None] | None = None,
) -> ImportSummary:
    """Import what is new among the files that a mapping names, and write the days that it touches under `raw_dir`.

    The ledger of deliveries lies beside `raw_dir`. Files whose content was imported before are left alone, unless the
    mapping changed since or `again` is set: then they are converted anew and keep their place in the order. With a
    `window` only its days are written; the others wait for an import without one. `intervals` are the minutes of each
    asset's interval, by the registry; sources with shorter ones are brought to it.

    A file that cannot be imported is set aside, and the others go on. Raises MappingError for a mapping at fault, and
    where no file at all could be imported.
    """
    mapping = load_mapping(mapping_path)
    say = report or (lambda _: None)
    with opened(store_of(raw_dir)) as ledger:
        name = _entered(ledger, mapping_path, raw_dir)
        version = _version(ledger, mapping)
        looked = _looked(ledger, name, version, mapping, mapping_path, again)
        if looked.redone:
            say(
                f"the mapping changed: {len(looked.redone)} file(s) that were imported before are converted anew: "
                + _listed(path.name for path in looked.redone.values())
            )
        if looked.gone:
            say(
                f"the mapping changed: {len(looked.gone)} delivered file(s) are gone and keep the rows that the mapping"
                " of then gave: " + _listed(delivery.content.file for delivery in looked.gone)
            )
        with _scratch(raw_dir) as scratch:
            counts: Counter[str] = Counter()
            made, refused = _converted(ledger, looked, mapping, mapping_path, version, name, scratch, counts)
            if refused and not made and not looked.known:
                raise MappingError("\n".join(refused))
            _enter(ledger, name, version, made, looked, replaces=False)
        rows, *files = _write_days(ledger, name, raw_dir, window, intervals or {}, counts)
        waiting = len(ledger.all_days(name) & set(ledger.due(name)))
    written, unchanged, removed, changed = files
    notes = {what: count for what, count in counts.items() if count}
    source_rows = sum(each.source_rows for each, _ in made)
    return ImportSummary(
        len(made),
        source_rows,
        {table: rows.get(table, 0) for table in mapping.all_tables},
        written,
        unchanged,
        removed,
        looked.known,
        changed,
        waiting,
        tuple(refused),
        notes,
    )


def forget_delivery(
    raw_dir: Path, file: str, intervals: MappingType[str, int] | None = None
) -> ImportSummary:
    """Take the newest delivery of a file's name out of the ledger, and write its days as they are without it.

    The same content is not imported again unless that is asked for. Raises MappingError where the ledger knows no such
    file, or keeps its rows only together with those of others.
    """
    with opened(store_of(raw_dir)) as ledger:
        wanted = Path(file).name
        named = [each for each in ledger.deliveries() if file in (each.content.file, str(each.number))]
        named = named or [each for each in ledger.deliveries() if Path(each.content.file).name == wanted]
        if not named:
            raise MappingError(
                f"{file}: no delivery of this name; `renewable status` lists what was imported"
            )
        delivery = named[-1]
        if delivery.kind != "file":
            raise MappingError(
                f"{file}: its rows are kept together with older ones and cannot be taken out alone"
            )
        name = delivery.mapping
        with ledger.changing():
            ledger.make_due(name, DayMaker(ledger, name, intervals or {}).touched_by([delivery.number]))
            ledger.forget(delivery.number)
            reason = "it was forgotten; `renewable import --again` takes it again"
            ledger.refuse(name, delivery.version, delivery.content, reason, now())
        counts: Counter[str] = Counter()
        rows, *files = _write_days(ledger, name, raw_dir, None, intervals or {}, counts)
    written, unchanged, removed, changed = files
    return ImportSummary(0, 0, rows, written, unchanged, removed, 0, changed, 0, (), dict(counts))


def store_of(raw_dir: Path) -> Path:
    """Where the ledger and the kept rows of the deliveries behind `raw_dir` lie."""
    return raw_dir.parent / "deliveries"


@dataclass(frozen=True)
class _Looked:
    """What a look at the files found: those to be converted with the parts of the mapping that read them."""

    parts: MappingType[Path, Sequence[int]]
    contents: MappingType[Path, Content]
    redone: MappingType[int, Path]
    gone: Sequence[Delivery]
    known: int
    refused: Sequence[str]


def _entered(ledger: Ledger, mapping_path: Path, raw_dir: Path) -> str:
    """The mapping's name in the ledger. The first one takes over the day files that an earlier version wrote."""
    name, path = mapping_path.stem, mapping_path.absolute()
    part = None if name == _PLAIN_NAME else _part(name)
    if ledger.is_empty():
        with _scratch(raw_dir) as scratch:
            found = _present_days(raw_dir, scratch)
            with ledger.changing():
                # They keep their names: files that are gone at once would be taken for an accident.
                ledger.name_mapping(name, path, part if found is None else None)
                if found is not None:
                    ledger.add(name, "", found, replaces=False, at=now())
    with ledger.changing():
        ledger.name_mapping(name, path, part)
    return name


def _part(name: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-")
    # Names that differ in other characters alone must not become one.
    return plain if plain == name else f"{plain or 'm'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _present_days(raw_dir: Path, scratch: Path) -> Converted | None:
    """The day files that lie there as a delivery of its own."""
    collected, rows, contents = Collected(scratch), 0, hashlib.sha256()
    for table in TABLES:
        for path in sorted((raw_dir / table).glob("*.parquet")):
            named, schema = parse_raw_file_name(path.name), polars_schema(table)
            if named is None or named.table != table or named.part is not None:
                continue
            try:
                frame = pl.read_parquet(path)
            except (OSError, pl.exceptions.PolarsError):
                # The gate refused it and says so; there is nothing in it to keep.
                continue
            if (
                not {*KEY} <= {*frame.columns} <= {*schema}
                or frame.schema["timestamp"] != schema["timestamp"]
            ):
                continue
            missing = [pl.lit(None, dtype).alias(n) for n, dtype in schema.items() if n not in frame.columns]
            frame = frame.with_columns(missing).select(pl.col(n).cast(dtype) for n, dtype in schema.items())
            collected.add(Stream(0, table, TAKEN_OVER), frame.with_columns(name="asset_id"))
            rows += frame.height
            contents.update(path.name.encode() + path.read_bytes())
    if not rows:
        return None
    target = scratch / "taken-over.parquet"
    days, spans = collected.write(target)
    content = Content("day files of before", 0, 0, 0, contents.hexdigest())
    return Converted(content, rows, {}, collected.columns, days, spans, target, "taken_over")


def _version(ledger: Ledger, mapping: Mapping) -> str:
    """Fingerprint of what a mapping says about rows; which files it names is no matter of theirs."""
    content = json.dumps(_without_files(mapping.model_dump(mode="json")), sort_keys=True)
    fingerprint = hashlib.sha256(content.encode()).hexdigest()
    with ledger.changing():
        ledger.keep_version(fingerprint, mapping.model_dump_json())
    return fingerprint


def _without_files(part: dict[str, object]) -> dict[str, object]:
    source, also = part["source"], part["also"]
    assert isinstance(source, dict) and isinstance(also, list)
    named = {key: value for key, value in source.items() if key != "files"}
    return part | {"source": named, "also": [_without_files(each) for each in also]}


def _looked(
    ledger: Ledger, name: str, version: str, mapping: Mapping, mapping_path: Path, again: bool
) -> _Looked:
    deliveries = ledger.deliveries(name)
    readers: dict[Path, list[int]] = {}
    for number, part in enumerate(mapping.parts):
        try:
            paths = source_paths(part, mapping_path)
        except MappingError:
            # An inbox may be empty once its files were imported.
            if not any(each.kind != "taken_over" for each in deliveries):
                raise
            continue
        for path in paths:
            readers.setdefault(path, []).append(number)
    by_stat = {
        (d.content.file, d.content.size, d.content.mtime_ns, d.content.ctime_ns): d for d in deliveries
    }
    by_content = {d.content.sha256: d for d in deliveries}
    parts, contents, redone, refused = dict[Path, list[int]](), dict[Path, Content](), dict[int, Path](), []
    known, met = 0, set[int]()
    for path, numbers in readers.items():
        label = _label(path, mapping_path)
        stat = path.stat()
        seen = by_stat.get((label, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
        content = seen.content if seen else content_of(path, label)
        delivery = seen or by_content.get(content.sha256)
        if delivery is not None:
            if delivery.number in met:
                known += 1
                continue
            met.add(delivery.number)
            with ledger.changing():
                ledger.seen(delivery.number, content)
            if delivery.version == version and not again:
                known += 1
                continue
            redone[delivery.number] = path
        else:
            reason = None if again else ledger.refusal(name, version, content)
            if reason is not None:
                refused.append(reason if reason.startswith(str(path)) else f"{path}: {reason}")
                continue
        parts[path], contents[path] = numbers, content
    gone = [d for d in deliveries if d.kind == "file" and d.version != version and d.number not in met]
    return _Looked(parts, contents, redone, gone, known, refused)


def content_of(path: Path, label: str) -> Content:
    """The content of a file, for the ledger."""
    stat = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Content(label, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, digest.hexdigest())


def _label(path: Path, mapping_path: Path) -> str:
    """What the ledger calls a file: its path as seen from the mapping."""
    try:
        return str(path.absolute().relative_to(mapping_path.absolute().parent))
    except ValueError:
        return str(path.absolute())


def _converted(
    ledger: Ledger,
    looked: _Looked,
    mapping: Mapping,
    mapping_path: Path,
    version: str,
    name: str,
    scratch: Path,
    counts: Counter[str],
) -> tuple[list[tuple[Converted, Path]], list[str]]:
    """The files that are to be converted, in the order in which they count, and why others are not."""
    made, refused = list[tuple[Converted, Path]](), list(looked.refused)
    for number, (path, parts) in enumerate(looked.parts.items()):
        own: Counter[str] = Counter()
        try:
            kept = _kept(
                path, [(of, mapping.parts[of]) for of in parts], looked.contents[path], scratch, number, own
            )
        except MappingError as error:
            refused.append(str(error))
            with ledger.changing():
                ledger.refuse(name, version, looked.contents[path], str(error), now())
            continue
        counts.update(own)
        made.append((kept, path))
    made.sort(key=lambda each: (each[0].first_us, each[0].content.file))
    return made, refused


def _kept(
    path: Path,
    parts: Sequence[tuple[int, Mapping]],
    content: Content,
    scratch: Path,
    number: int,
    counts: Counter[str],
) -> Converted:
    """Convert a file and write its rows to a file under `scratch`."""
    place = scratch / f"{number:06d}"
    place.mkdir()
    collected, notes, rows = Collected(place), Notes(counts), 0
    for of, part in parts:
        for batch in read_batches(path, part.source, part.source_columns):
            for (table, kind), frame in table_rows(batch, part, notes).items():
                collected.add(Stream(of, table, kind), frame)
            rows += batch.rows.height
    stat = path.stat()
    if (stat.st_size, stat.st_mtime_ns) != (content.size, content.mtime_ns):
        raise MappingError(f"{path}: it changed while it was read; import it again once it is whole")
    target = scratch / f"{number:06d}.parquet"
    days, spans = collected.write(target)
    shutil.rmtree(place)
    said = {what: count for what, count in counts.items() if count}
    return Converted(content, rows, said, collected.columns, days, spans, target)


def _enter(
    ledger: Ledger,
    name: str,
    version: str,
    made: Sequence[tuple[Converted, Path]],
    looked: _Looked,
    *,
    replaces: bool,
) -> None:
    """Enter converted files into the ledger, all or none, and what has to be written because of them."""
    numbers = {path: number for number, path in looked.redone.items()}
    with ledger.changing():
        redone = [numbers[path] for _, path in made if path in numbers]
        if redone:
            ledger.make_due(name, DayMaker(ledger, name, {}).touched_by(redone))
        entered = []
        for each, path in made:
            if path in numbers:
                ledger.redo(numbers[path], version, each, replaces=replaces)
                entered.append(numbers[path])
            else:
                entered.append(ledger.add(name, version, each, replaces=replaces, at=now()))
        ledger.clear_refusals(name, [each.content.file for each, _ in made])
        if entered:
            ledger.make_due(name, DayMaker(ledger, name, {}).touched_by(entered))


def _write_days(
    ledger: Ledger,
    name: str,
    raw_dir: Path,
    window: Window | None,
    intervals: MappingType[str, int],
    counts: Counter[str],
) -> tuple[dict[RawTable, int], int, int, int, int]:
    """Write what is due; rows by table, files written, unchanged, removed, and values that changed."""
    _note_strays(ledger, name, raw_dir, intervals)
    part, maker = ledger.part_of(name), DayMaker(ledger, name, intervals)
    rows: dict[RawTable, int] = {}
    written = unchanged = removed = changed = 0
    done: dict[Due, os.stat_result | None] = {}
    for table, day in ledger.due(name):
        if window is not None and day not in window:
            continue
        path = RawFileName(table, day, part).path_under(raw_dir)
        frame, present = maker.frame(table, day, counts), _present(path)
        rows[table] = rows.get(table, 0) + frame.height
        if present is not None:
            changed += changed_values(present, frame, KEY)
        if frame.is_empty():
            removed += path.exists()
            path.unlink(missing_ok=True)
        elif present is not None and present.schema == frame.schema and present.equals(frame):
            unchanged += 1
        else:
            write_parquet_atomic(frame, path)
            written += 1
        done[table, day] = path.stat() if frame.height else None
        if len(done) >= _DAYS_AT_ONCE:
            with ledger.changing():
                ledger.wrote(name, done)
            done = {}
    with ledger.changing():
        ledger.wrote(name, done)
    return rows, written, unchanged, removed, changed


def _note_strays(ledger: Ledger, name: str, raw_dir: Path, intervals: MappingType[str, int]) -> None:
    """Days are due again whose file somebody changed or removed, and all days where the registry says otherwise."""
    part, strays = ledger.part_of(name), list[Due]()
    for (table, day), known in ledger.written(name).items():
        try:
            stat = RawFileName(table, day, part).path_under(raw_dir).stat()
        except FileNotFoundError:
            strays.append((table, day))
            continue
        if (stat.st_size, stat.st_mtime_ns) != known:
            strays.append((table, day))
    registry = json.dumps(dict(sorted(intervals.items())))
    with ledger.changing():
        ledger.make_due(name, strays)
        before = ledger.made_by(name)
        if before not in (None, registry):
            ledger.make_due(name, ledger.all_days(name))
        ledger.make_by(name, registry)


def _present(path: Path) -> pl.DataFrame | None:
    """What lies there; None where that cannot be read or nothing is there."""
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        return None


@contextmanager
def _scratch(raw_dir: Path) -> Iterator[Path]:
    """A folder for files in the making, on the disk of the store; an import that died may have left its own."""
    store = store_of(raw_dir)
    for left in store.glob(".import-*"):
        shutil.rmtree(left, ignore_errors=True)
    place = Path(mkdtemp(prefix=".import-", dir=store))
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
