"""From deliveries to raw files: what is new is converted and kept, and the days that it touches are written.

A file is read in batches, and a day is put together after another: memory holds a batch or some days, whatever the size
of the delivery. Nothing is judged or deduplicated here: that is the gate's matter.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from renewable.contract import RawTable
from renewable.errors import MappingError
from renewable.importers.asset_facts import Facts
from renewable.importers.convert_file import converted, folded, present_days, scratch_folder
from renewable.importers.days import DayMaker
from renewable.importers.inbox import Looked, Patience, fingerprint, look
from renewable.importers.ledger import FORGOTTEN, Converted, Ledger, now, opened, store_of
from renewable.importers.mapping import Mapping, load_mapping, mapping_files
from renewable.importers.overlay import difference
from renewable.importers.write_days import write_days
from renewable.windows import Window

# Raw files of the mapping of this name have no part in theirs.
_PLAIN_NAME = "mapping"


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    `rows` are those of the day files that were made, `values_changed` those values of the days before that are others
    now or gone. `refused` says of each file that was set aside why, `unfinished` of each one that is left for the next
    look; `days_waiting` is how many days lie outside the window.
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
    unfinished: tuple[str, ...] = ()
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
        lines = [
            *(f"set aside: {reason}" for reason in self.refused),
            *(f"waits: {w}" for w in self.unfinished),
        ]
        if not (self.source_files or self.files_written or self.files_removed or self.files_unchanged):
            return "\n".join([f"nothing new: {self.files_known} file(s) were imported before", *lines])
        return "\n".join(["; ".join(said), *lines])


_NOTHING = ImportSummary(0, 0, {}, 0, 0)


def import_files(
    mapping_path: Path,
    raw_dir: Path,
    window: Window | None = None,
    intervals: Facts | None = None,
    *,
    again: bool = False,
    patience: Patience | None = None,
    report: Callable[[str], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> ImportSummary:
    """Import what is new among the files that a mapping names, and write the days that it touches under `raw_dir`.

    The ledger of deliveries lies beside `raw_dir`. Files whose content was imported before are left alone, unless the
    mapping changed since or `again` is set: then they are converted anew and keep their place in the order. With a
    `window` only its days are written; the others wait for an import without one. `intervals` are the minutes of each
    asset's interval, or all that the registry knows; sources with shorter ones are brought to it. With `patience`, for
    runs without a person, files that may be half written are left for the next look. `report` is told what people have
    to know, `progress` how far a long import is.

    A file that cannot be imported is set aside, and the others go on. Raises MappingError for a mapping at fault, and
    where no file at all could be imported.
    """
    mapping = load_mapping(mapping_path)
    say, tell = report or (lambda _: None), progress or (lambda _: None)
    with opened(store_of(raw_dir)) as ledger:
        name = _entered(ledger, mapping_path, raw_dir)
        version = _version(ledger, mapping)
        looked = look(ledger, name, version, mapping, mapping_path, again=again, patience=patience)
        if looked.redone:
            why = "as asked" if again else "the mapping changed"
            say(
                f"{why}: {len(looked.redone)} file(s) that were imported before are converted anew: "
                + _listed(path.name for path in looked.redone.values())
            )
        if looked.forgotten:
            say("left alone, as they were forgotten (--again takes them): " + _listed(looked.forgotten))
        if looked.gone:
            say(
                f"the mapping changed: {len(looked.gone)} delivered file(s) are gone and keep the rows that the mapping"
                " of then gave: " + _listed(delivery.content.file for delivery in looked.gone)
            )
        with scratch_folder(store_of(raw_dir)) as scratch:
            counts: Counter[str] = Counter()
            made, refused = converted(ledger, looked, mapping, version, name, scratch, counts, tell)
            if mapping.on_overlap == "refuse":
                made, against = _without_conflicts(ledger, name, version, made, looked, intervals or {})
                refused += against
            else:
                # All or none.
                with ledger.changing():
                    _enter(
                        ledger, name, version, made, looked, replaces=mapping.on_overlap == "replace_range"
                    )
            if refused and not made and not looked.known:
                raise MappingError("\n".join(refused))
        written = write_days(ledger, name, raw_dir, window, intervals or {}, counts, tell)
        waiting = len(ledger.all_days(name) & set(ledger.due(name)))
    notes = {what: count for what, count in counts.items() if count}
    source_rows = sum(each.source_rows for each, _ in made)
    return ImportSummary(
        len(made),
        source_rows,
        {table: written.rows.get(table, 0) for table in mapping.all_tables},
        written.files,
        written.unchanged,
        written.removed,
        looked.known,
        written.values_changed,
        waiting,
        tuple(refused),
        tuple(looked.waiting),
        notes,
    )


def import_all(
    mapping: Path,
    raw_dir: Path,
    window: Window | None = None,
    intervals: Facts | None = None,
    *,
    again: bool = False,
    patience: Patience | None = None,
    report: Callable[[str], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[ImportSummary]:
    """`import_files` for a mapping file, or for each one of a folder; a mapping at fault leaves the others alone.

    Raises MappingError where no file at all could be imported.
    """
    done, faults, paths = list[ImportSummary](), list[str](), mapping_files(mapping)
    for path in paths:
        try:
            done.append(
                import_files(
                    path,
                    raw_dir,
                    window,
                    intervals,
                    again=again,
                    patience=patience,
                    report=report,
                    progress=progress,
                )
            )
        except MappingError as error:
            faults.append(str(error))
    if not done:
        raise MappingError("\n".join(faults))
    return [*done, *([replace(_NOTHING, refused=tuple(faults))] if faults else [])]


def forget_delivery(raw_dir: Path, file: str, intervals: Facts | None = None) -> ImportSummary:
    """Take the newest delivery of a file's name out of the ledger, and write its days as they are without it.

    The same content is not imported again unless that is asked for. Raises MappingError where the ledger knows no such
    file, or keeps its rows only together with those of others.
    """
    with opened(store_of(raw_dir)) as ledger:
        every = ledger.deliveries()
        named = [each for each in every if file in (each.content.file, str(each.number))]
        named = named or [each for each in every if Path(each.content.file).name == Path(file).name]
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
            ledger.refuse(name, delivery.version, delivery.content, FORGOTTEN, now())
        counts: Counter[str] = Counter()
        written = write_days(ledger, name, raw_dir, None, intervals or {}, counts)
    return ImportSummary(
        0,
        0,
        written.rows,
        written.files,
        written.unchanged,
        written.removed,
        values_changed=written.values_changed,
        notes=dict(counts),
    )


def fold_deliveries(raw_dir: Path, before: datetime) -> int:
    """Make one delivery of those that were imported before an instant, for each mapping; returns how many went.

    The raw files stay as they are. What is folded cannot be forgotten or converted anew any more.
    """
    gone = 0
    with opened(store_of(raw_dir)) as ledger:
        for name in sorted({each.mapping for each in ledger.deliveries()}):
            for run in DayMaker(ledger, name, {}).foldable(before):
                with scratch_folder(store_of(raw_dir)) as scratch:
                    made = folded(ledger, name, run, scratch)
                    with ledger.changing():
                        ledger.fold(run, ledger.delivery(run[0]).version, made)
                gone += len(run)
        ledger.clean()
    return gone


def _entered(ledger: Ledger, mapping_path: Path, raw_dir: Path) -> str:
    """The mapping's name in the ledger. The first one takes over the day files that an earlier version wrote."""
    name, path = mapping_path.stem, mapping_path.absolute()
    part = None if name == _PLAIN_NAME else _part(name)
    if ledger.is_empty():
        with scratch_folder(store_of(raw_dir)) as scratch:
            found = present_days(raw_dir, scratch)
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


def _version(ledger: Ledger, mapping: Mapping) -> str:
    version = fingerprint(mapping)
    with ledger.changing():
        ledger.keep_version(version, mapping.model_dump_json())
    return version


def _enter(
    ledger: Ledger,
    name: str,
    version: str,
    made: Sequence[tuple[Converted, Path]],
    looked: Looked,
    *,
    replaces: bool,
) -> None:
    """Enter converted files into the ledger, which is open for a change, and what has to be written because of them."""
    numbers = {path: number for number, path in looked.redone.items()}
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


class _ConflictError(Exception):
    """A delivery has other values than were there before."""


def _without_conflicts(
    ledger: Ledger,
    name: str,
    version: str,
    made: Sequence[tuple[Converted, Path]],
    looked: Looked,
    intervals: Facts,
) -> tuple[list[tuple[Converted, Path]], list[str]]:
    """Enter converted files one by one, but for those that would change a value; why these are refused."""
    entered, refused = list[tuple[Converted, Path]](), list[str]()
    for each, path in made:
        maker = DayMaker(ledger, name, intervals)
        before = {key: maker.frame(*key) for key in each.days}
        try:
            with ledger.changing():
                _enter(ledger, name, version, [(each, path)], looked, replaces=False)
                after = DayMaker(ledger, name, intervals)
                changed = sum(
                    difference(frame, after.frame(*key)).values_lost for key, frame in before.items()
                )
                if changed:
                    raise _ConflictError(changed)
        except _ConflictError as conflict:
            reason = (
                f"{path}: {conflict} value(s) differ from what was delivered before, and the mapping says"
                " on_overlap: refuse. Take the earlier one out with `renewable import --forget`, or let the newest win"
            )
            refused.append(reason)
            with ledger.changing():
                ledger.refuse(name, version, each.content, reason, now())
            continue
        entered.append((each, path))
    ledger.clean()
    return entered, refused


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
