"""Publishes the marts as one set of Parquet files, of one finished build. Readers open these and never the warehouse.

A set is a folder under `sets/`; `current` is a link to it that is replaced in one step, and `<table>.parquet` a link
through `current`. Who reads several tables resolves `current` once: that set stays until the next but one publish.
A table that grows with every day is a folder `<table>.parquet/` with a file a month (_marts.yml says which): a month
that no build changed since is the same file as in the set before, so that a day costs the same however long the history
is. Polars, DuckDB, pandas and Spark read such a folder by its name.
"""

import os
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import duckdb
import polars as pl

from renewable.atomic_write import replacing
from renewable.errors import PipelineError
from renewable.own_files import read_own_parquet
from renewable.places import DBT_PROJECT
from renewable.published.descriptions import BUILD_ID, parquet_metadata, table_texts
from renewable.published.fleet_database import FLEET_DATABASE, about_set, is_written, write_fleet_database
from renewable.settings import Settings
from renewable.transform.books import Books, months_to_publish, note_published, read_books
from renewable.transform.build import UpgradeNeededError, need_warehouse
from renewable.transform.marts import MARTS_SCHEMA, mart_names, month_columns
from renewable.transform.models_version import models_version
from renewable.warehouse import exclusive_connection, sql_literal

SETS, CURRENT = "sets", "current"
# What the file of a table by months is called that has no rows.
NO_MONTH = "empty"
_IN_THE_MAKING = ".making-"
_MAGIC = b"PAR1"


@dataclass(frozen=True)
class PublishSummary:
    """Rows by mart, the directory that holds them, the build that made them; `is_new` unless it was there before."""

    rows: Mapping[str, int]
    directory: Path
    build_id: str
    is_new: bool = True

    @property
    def sentence(self) -> str:
        """One line for people."""
        marts = ", ".join(f"{mart} ({rows} rows)" for mart, rows in self.rows.items())
        done = "published" if self.is_new else "published before"
        return f"{done} {marts} under {self.directory}, of build {self.build_id}"


def publish(
    settings: Settings,
    *,
    report: Callable[[str], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> PublishSummary:
    """Write all tables of the last finished build and make them current at once; nothing when they are so already.

    `report` is told what people have to know, `progress` which table is being written.

    Raises PipelineError when there is no finished build, or when days are half built; UpgradeNeededError when the
    tables were built by other models; WarehouseBusyError when the warehouse stays locked.
    """
    need_warehouse(settings)
    settings.published_dir.mkdir(parents=True, exist_ok=True)
    with exclusive_connection(settings.warehouse_path, settings.lock_wait_s, report=report) as connection:
        build_id = finished_build(read_books(connection), settings)
        tables = _tables(connection)
        is_new = not _is_current(settings, build_id, tables)
        if is_new:
            target = _write_set(settings, connection, tables, build_id, progress or (lambda _: None))
            _make_current(settings, target)
            note_published(connection, target.name)
        _link_tables(settings, tables)
        _refresh_fleet_database(settings, connection, tables, build_id)
        rows = {mart: _row_count(connection, mart) for mart in tables}
    return PublishSummary(rows, settings.published_dir, build_id, is_new)


def published_set(settings: Settings) -> Path:
    """The folder of the tables that are current now; a reader of several tables asks once.

    Before the first set it is the directory itself, where older versions wrote their files.
    """
    current = settings.published_dir / CURRENT
    return current.resolve() if current.exists() else settings.published_dir


def read_published(settings: Settings, name: str, *, of: Path | None = None) -> pl.DataFrame | None:
    """A published table, of the set `of` or else of the current one; None when it is not published yet.

    Raises PipelineError for a broken file.
    """
    path = (of or published_set(settings)) / f"{name}.parquet"
    return read_own_parquet(path, "`renewable publish` writes it anew") if path.exists() else None


def published_rows(path: Path) -> int:
    """Rows of a published table, a file or a folder of files, from what the files say of themselves."""
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def published_build(settings: Settings) -> str | None:
    """The build whose tables are current; None before the first set."""
    directory = published_set(settings)
    return directory.name.split("_")[0] if directory.parent.name == SETS else None


def finished_build(books: Books, settings: Settings) -> str:
    """The build whose tables the warehouse holds, whole and tested.

    Raises PipelineError where days are half built or nothing is, UpgradeNeededError where other models built them.
    """
    kept = "; the published tables stay as they are" if published_build(settings) else ""
    if books.half_built:
        build = books.builds.get(next(iter(books.half_built.values())))
        since = f" since {build.started_at:%Y-%m-%d %H:%M:%S} UTC by {build.process}" if build else ""
        raise PipelineError(
            f"{len(books.half_built)} day(s) are half built{since}: run `renewable transform` first{kept}"
        )
    version = models_version(DBT_PROJECT, settings.engine)
    if books.is_legacy or any(built.models_version != version for built in books.days.values()):
        raise UpgradeNeededError(
            f"the tables were built by other models than the present ones: run `renewable upgrade` first{kept}"
        )
    if books.last_finished is None:
        raise PipelineError(f"no build is finished yet: run `renewable transform` first{kept}")
    return books.last_finished.build_id


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The marts that are there."""
    found = connection.execute(
        "select table_name from information_schema.tables where table_schema = ?", [MARTS_SCHEMA]
    ).fetchall()
    marts = {mart for (mart,) in found} & set(mart_names(DBT_PROJECT))
    if not marts:
        raise PipelineError("there are no marts yet: run `renewable transform` first")
    # What charts are drawn from comes last.
    return sorted(marts, key=lambda name: (not name.startswith("mart_"), name))


def _row_count(connection: duckdb.DuckDBPyConnection, mart: str) -> int:
    ((rows,),) = connection.execute(f"select count(*) from {MARTS_SCHEMA}.{mart}").fetchall()
    return int(rows)


def _is_current(settings: Settings, build_id: str, tables: Sequence[str]) -> bool:
    """Whether the current set is of this build, with all its files whole."""
    if published_build(settings) != build_id:
        return False
    directory = published_set(settings)
    try:
        return all(published_rows(directory / f"{name}.parquet") >= 0 for name in tables)
    except (pl.exceptions.PolarsError, OSError):
        return False


def _write_set(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    build_id: str,
    progress: Callable[[str], None],
) -> Path:
    """A new folder with all tables, whole before it has its name."""
    sets = settings.published_dir / SETS
    for left in sets.glob(f"{_IN_THE_MAKING}*"):
        shutil.rmtree(left)
    making = sets / f"{_IN_THE_MAKING}{os.getpid()}"
    making.mkdir(parents=True)
    before = published_set(settings) if published_build(settings) else None
    months = month_columns(DBT_PROJECT)
    for number, name in enumerate(tables, start=1):
        progress(f"table {number} of {len(tables)}: {name}")
        path = making / f"{name}.parquet"
        if name in months:
            # Readers take the folder's name for a column.
            folder = path / f"{BUILD_ID}={build_id}"
            folder.mkdir(parents=True)
            changed = months_to_publish(connection, before.name if before else None, name)
            kept = set[date]()
            if before is not None and changed is not None:
                kept = _keep_months(before / path.name, folder, changed)
            _write_months(connection, name, months[name], kept, folder)
        else:
            rows = f"select *, {sql_literal(build_id)} as {BUILD_ID} from {MARTS_SCHEMA}.{name}"
            _copy(connection, f"from ({rows}) order by all", path, _metadata(connection, name, rows))
    # The same build again, because a file of its set was lost: readers may still be in the former folder.
    names = (f"{build_id}_{number}" if number else build_id for number in count())
    target = next(sets / name for name in names if not (sets / name).exists())
    making.rename(target)
    return target


def _keep_months(before: Path, folder: Path, changed: Collection[date]) -> set[date]:
    """Take the files of unchanged months over from the set before, without copying where that goes; the months."""
    kept = set()
    for file in sorted(before.glob(f"{BUILD_ID}=*/*.parquet")):
        month = _month_of(file)
        if month is None or month in changed or not _is_whole(file):
            continue
        try:
            (folder / file.name).hardlink_to(file)
        except OSError:
            shutil.copyfile(file, folder / file.name)
        kept.add(month)
    return kept


def _write_months(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    column: str,
    kept: Collection[date],
    folder: Path,
) -> None:
    """A file for each month of the table but those in `kept`; an empty one where there is no month at all."""
    month_of = f"cast(date_trunc('month', {column}) as date)"
    # All months are asked for: a file that was lost from the set before is written again.
    rows = connection.execute(f"select distinct {month_of} from {MARTS_SCHEMA}.{name}").fetchall()
    months = {month for (month,) in rows}
    metadata = _metadata(connection, name, f"from {MARTS_SCHEMA}.{name}")
    for month in sorted(months - set(kept)):
        after = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
        where = f"{column} >= date '{month}' and {column} < date '{after}'"
        _copy(
            connection,
            f"from {MARTS_SCHEMA}.{name} where {where} order by all",
            folder / f"{month:%Y-%m}.parquet",
            metadata,
        )
    if not months:
        _copy(connection, f"from {MARTS_SCHEMA}.{name}", folder / f"{NO_MONTH}.parquet", metadata)


def _month_of(file: Path) -> date | None:
    """The month that the file of a published table is named after; None for the one of an empty table."""
    return None if file.stem == NO_MONTH else date.fromisoformat(f"{file.stem}-01")


def _is_whole(file: Path) -> bool:
    """Whether the file begins and ends as Parquet does; hundreds of months are asked at each publish."""
    with file.open("rb") as content:
        begins = content.read(len(_MAGIC)) == _MAGIC
        content.seek(-min(len(_MAGIC), file.stat().st_size), os.SEEK_END)
        return begins and content.read() == _MAGIC


def _make_current(settings: Settings, target: Path) -> None:
    """Let `current` name the new set, and delete all sets but it and the one before."""
    link, before = settings.published_dir / CURRENT, published_set(settings)
    if link.is_dir() and not link.is_symlink():
        # Whoever copied the directory may have copied what the link led to.
        before = link.rename(target.with_name(f"copied-{target.name}"))
    _replace_link(link, f"{SETS}/{target.name}")
    kept = {target.resolve(), before.resolve()}
    for folder in (settings.published_dir / SETS).iterdir():
        if folder.resolve() not in kept:
            shutil.rmtree(folder)


def _refresh_fleet_database(
    settings: Settings, connection: duckdb.DuckDBPyConnection, names: Sequence[str], build_id: str
) -> None:
    """`fleet.duckdb` of the current set, where it is not that already: the directory may have been moved since."""
    path = settings.published_dir / FLEET_DATABASE
    about = about_set(published_set(settings), build_id, settings.published_dir)
    if not is_written(connection, path, about):
        texts = {name: text for name, text in table_texts(DBT_PROJECT).items() if name in names}
        source = settings.published_dir / CURRENT
        write_fleet_database(connection, path, source, texts, month_columns(DBT_PROJECT), about)


def _link_tables(settings: Settings, names: Sequence[str]) -> None:
    """`<table>.parquet` for each table, as a link through `current`; links of tables that are no more go."""
    for name in names:
        link, target = settings.published_dir / f"{name}.parquet", f"{CURRENT}/{name}.parquet"
        if not link.is_symlink() or str(link.readlink()) != target:
            _replace_link(link, target)
    for link in settings.published_dir.glob("*.parquet"):
        if link.is_symlink() and link.stem not in names and str(link.readlink()).startswith(f"{CURRENT}/"):
            link.unlink()


def _replace_link(link: Path, target: str) -> None:
    if link.is_dir() and not link.is_symlink():
        # A copy of what the link led to.
        shutil.rmtree(link)
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, metadata: Mapping[str, str]) -> None:
    pairs = ", ".join(f"{sql_literal(key)}: {sql_literal(value)}" for key, value in metadata.items())
    with replacing(path) as temporary:
        connection.execute(
            f"copy ({query}) to {sql_literal(str(temporary))}"
            f" (format parquet, compression zstd, kv_metadata {{{pairs}}})"
        )


def _metadata(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> dict[str, str]:
    """What the files of table `name` tell of it; `query` has their columns."""
    schema = connection.sql(f"from ({query}) limit 0").to_arrow_table().schema
    return parquet_metadata(table_texts(DBT_PROJECT)[name], schema)
