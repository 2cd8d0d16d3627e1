"""Publishes the marts as one set of Parquet files, of one finished build. Readers open these and never the warehouse.

A set is a folder under `sets/`; `current` is a link to it that is replaced in one step, and `<table>.parquet` a link
through `current`. Who reads several tables resolves `current` once: that set stays until the next but one publish.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import duckdb
import polars as pl

from renewable.atomic_write import replacing
from renewable.errors import PipelineError
from renewable.own_files import read_own_parquet
from renewable.settings import Settings
from renewable.transform.books import Books, read_books
from renewable.transform.build import UpgradeNeededError, need_warehouse
from renewable.transform.dbt_project import PROJECT_DIR
from renewable.transform.models_version import models_version
from renewable.warehouse import exclusive_connection, sql_literal

MARTS_SCHEMA = "marts"
SETS, CURRENT = "sets", "current"
BUILD_ID = "build_id"
_IN_THE_MAKING = ".making-"


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


def publish(settings: Settings, *, report: Callable[[str], None] | None = None) -> PublishSummary:
    """Write all tables of the last finished build and make them current at once; nothing when they are so already.

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
            _make_current(settings, _write_set(settings, connection, tables, build_id))
        _link_tables(settings, list(tables))
    directory = settings.published_dir / CURRENT
    rows = {mart: _rows(directory / f"{mart}.parquet") for mart in tables}
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
    version = models_version(PROJECT_DIR)
    if books.is_legacy or any(built.models_version != version for built in books.days.values()):
        raise UpgradeNeededError(
            f"the tables were built by other models than the present ones: run `renewable upgrade` first{kept}"
        )
    if books.last_finished is None:
        raise PipelineError(f"no build is finished yet: run `renewable transform` first{kept}")
    return books.last_finished.build_id


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The query of each table of a set, by name: rows in the order of their columns."""
    models = {path.stem for path in (PROJECT_DIR / "models" / "marts").glob("*.sql")}
    found = connection.execute(
        "select table_name from information_schema.tables where table_schema = ? order by 1", [MARTS_SCHEMA]
    ).fetchall()
    marts = {mart: f"from {MARTS_SCHEMA}.{mart} order by all" for (mart,) in found if mart in models}
    if not marts:
        raise PipelineError("there are no marts yet: run `renewable transform` first")
    return marts


def _is_current(settings: Settings, build_id: str, tables: Mapping[str, str]) -> bool:
    """Whether the current set is of this build, with all its files whole."""
    if published_build(settings) != build_id:
        return False
    directory = published_set(settings)
    try:
        return all(_rows(directory / f"{name}.parquet") >= 0 for name in tables)
    except (pl.exceptions.PolarsError, OSError):
        return False


def _write_set(
    settings: Settings, connection: duckdb.DuckDBPyConnection, tables: Mapping[str, str], build_id: str
) -> Path:
    """A new folder with all tables, whole before it has its name."""
    sets = settings.published_dir / SETS
    for left in sets.glob(f"{_IN_THE_MAKING}*"):
        shutil.rmtree(left)
    making = sets / f"{_IN_THE_MAKING}{os.getpid()}"
    making.mkdir(parents=True)
    for name, query in tables.items():
        _copy(connection, query, making / f"{name}.parquet", build_id)
    # The same build again, because a file of its set was lost: readers may still be in the former folder.
    names = (f"{build_id}_{number}" if number else build_id for number in count())
    target = next(sets / name for name in names if not (sets / name).exists())
    making.rename(target)
    return target


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


def _link_tables(settings: Settings, names: list[str]) -> None:
    """`<table>.parquet` for each table, as a link through `current`; links of tables that are no more go."""
    for name in names:
        link, target = settings.published_dir / f"{name}.parquet", f"{CURRENT}/{name}.parquet"
        if not link.is_symlink() or str(link.readlink()) != target:
            _replace_link(link, target)
    for link in settings.published_dir.glob("*.parquet"):
        if link.is_symlink() and link.stem not in names and str(link.readlink()).startswith(f"{CURRENT}/"):
            link.unlink()


def _replace_link(link: Path, target: str) -> None:
    temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path, build_id: str) -> None:
    with replacing(path) as temporary:
        connection.execute(
            f"copy (select *, {sql_literal(build_id)} as {BUILD_ID} from ({query}))"
            f" to {sql_literal(str(temporary))} (format parquet, compression zstd)"
        )


def _rows(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())
