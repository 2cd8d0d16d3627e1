"""Conversion of source files to rows that are kept: one file of them for each delivery."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from renewable.contract import KEY, TABLES, polars_schema, with_all_columns
from renewable.errors import MappingError
from renewable.importers.days import DayMaker
from renewable.importers.inbox import Looked
from renewable.importers.kept_rows import Collected
from renewable.importers.ledger import Content, Converted, Ledger, now
from renewable.importers.mapping import Mapping
from renewable.importers.notes import Notes
from renewable.importers.progress import Progress
from renewable.importers.rows import table_rows
from renewable.importers.source import part_batches
from renewable.importers.streams import TAKEN_OVER, Stream
from renewable.raw_files import parse_raw_file_name


def converted(
    ledger: Ledger,
    looked: Looked,
    mapping: Mapping,
    version: str,
    name: str,
    scratch: Path,
    counts: Counter[str],
    say: Callable[[str], None],
) -> tuple[list[tuple[Converted, Path]], list[str]]:
    """The files that are to be converted, in the order in which they count, and why others are not."""
    made, refused = list[tuple[Converted, Path]](), list(looked.refused)
    sizes = {path: looked.contents[path].size * len(parts) for path, parts in looked.parts.items()}
    whole, before = max(1, sum(sizes.values())), 0
    progress = Progress(f"converting {len(sizes)} file(s)", say)

    def read(path: Path, share: float) -> None:
        progress.at((before + sizes[path] * share) / whole)

    for number, (path, parts) in enumerate(looked.parts.items()):
        own: Counter[str] = Counter()
        try:
            kept = _kept(
                path,
                [(of, mapping.parts[of]) for of in parts],
                looked.contents[path],
                scratch,
                number,
                own,
                partial(read, path),
            )
        except MappingError as error:
            refused.append(str(error))
            with ledger.changing():
                ledger.refuse(name, version, looked.contents[path], str(error), now())
            continue
        finally:
            before += sizes[path]
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
    read: Callable[[float], None],
) -> Converted:
    """Convert a file and write its rows to a file under `scratch`; `read` is told what share of it was read."""
    place = scratch / f"{number:06d}"
    place.mkdir()
    collected, notes, rows = Collected(place), Notes(counts), 0
    for done, (of, part) in enumerate(parts):
        own = 0
        for batch in part_batches(path, part):
            for (table, kind), frame in table_rows(batch, part, notes).items():
                collected.add(Stream(of, table, kind), frame)
            own += batch.rows.height
            read((done + min(1.0, own / (batch.rows_about or own or 1))) / len(parts))
        rows += own
    stat = path.stat()
    if (stat.st_size, stat.st_mtime_ns) != (content.size, content.mtime_ns):
        raise MappingError(f"{path}: it changed while it was read; import it again once it is whole")
    target = scratch / f"{number:06d}.parquet"
    days, spans = collected.write(target)
    shutil.rmtree(place)
    said = {what: count for what, count in counts.items() if count}
    return Converted(content, rows, said, collected.columns, days, spans, target)


def present_days(raw_dir: Path, scratch: Path) -> Converted | None:
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
            whole = with_all_columns(frame, table)
            collected.add(Stream(0, table, TAKEN_OVER), whole.with_columns(name="asset_id"))
            rows += frame.height
            contents.update(path.name.encode() + path.read_bytes())
    if not rows:
        return None
    target = scratch / "taken-over.parquet"
    days, spans = collected.write(target)
    content = Content("day files of before", 0, 0, 0, contents.hexdigest())
    return Converted(content, rows, {}, collected.columns, days, spans, target, "taken_over")


def folded(ledger: Ledger, name: str, run: Sequence[int], scratch: Path) -> Converted:
    """The rows of deliveries that follow one another, laid over one another, as those of one."""
    maker, collected = DayMaker(ledger, name, {}, run), Collected(scratch)
    rows = 0
    for table, day in sorted({key for number in run for key in ledger.days_of(number)}):
        for stream, frame in maker.merged(table, day).items():
            collected.add(stream, frame)
            rows += frame.height
    target = scratch / "folded.parquet"
    days, spans = collected.write(target)
    entries = [ledger.delivery(number) for number in run]
    names = hashlib.sha256("".join(each.content.sha256 for each in entries).encode())
    label = f"{len(run)} deliveries up to {entries[-1].imported_at:%Y-%m-%d}"
    content = Content(label, 0, 0, 0, names.hexdigest())
    return Converted(content, rows, {}, collected.columns, days, spans, target, "base")


@contextmanager
def scratch_folder(store: Path) -> Iterator[Path]:
    """A folder for files in the making, on the disk of the store; an import that died may have left its own."""
    for left in store.glob(".import-*"):
        shutil.rmtree(left, ignore_errors=True)
    place = Path(mkdtemp(prefix=".import-", dir=store))
    try:
        yield place
    finally:
        shutil.rmtree(place)
