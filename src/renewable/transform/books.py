"""The books of builds: which days were built from what, what is half built, which assets a test holds back.

Only a build writes them (transform/build.py). They lie in the warehouse, schema `renewable_books`, and as copies beside
the published tables, for readers that never open the warehouse.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from renewable.atomic_write import write_parquet_atomic, write_text_atomic
from renewable.errors import PipelineError
from renewable.own_files import read_own_parquet
from renewable.settings import Settings
from renewable.warehouse import BOOKS
from renewable.windows import Window, contiguous_windows

BUILD_LOG = "build_log"
BUILD_STATE = "build_state"
SCHEMA = BOOKS
# What a build took of a raw file: other content, or another verdict of the gate on it, makes its day stale.
BUILT_FILES_SCHEMA = pl.Schema(
    {
        "table_name": pl.String,
        "day": pl.Date,
        "file": pl.String,
        "sha256": pl.String,
        "rows_loaded": pl.Int64,
        "values_set_aside": pl.Int64,
        "contract_version": pl.String,
    }
)
# asset_id -> what its figures follow from (renewable.fleet.asset_facts)
Registry = Mapping[str, Mapping[str, Any]]

_TABLES = {
    "builds": "build_id varchar, started_at timestamptz, finished_at timestamptz, process varchar",
    "built_days": "day date, build_id varchar, models_version varchar, registry_version varchar, edge varchar",
    "built_files": "table_name varchar, day date, file varchar, sha256 varchar, rows_loaded bigint,"
    " values_set_aside bigint, contract_version varchar",
    "registry_versions": "registry_version varchar, content varchar",
    # What was reported of an asset's day when it was built (renewable.reported.reported_by_day).
    "built_reported": "day date, asset_id varchar, fingerprint varchar",
    "half_built": "day date, build_id varchar",
    "held_assets": "asset_id varchar, day date, test varchar, build_id varchar, tests_version varchar",
    # What builds changed since the set in `published` was written, by month of a mart; null: all of it.
    "unpublished_months": "table_name varchar, month date",
    "published": "set_name varchar",
}


@dataclass(frozen=True)
class BuiltDay:
    """What a UTC day was last built by and with."""

    build_id: str
    models_version: str
    registry_version: str
    # Where the day lay in the calendar (renewable.transform.staleness); None: nobody wrote it down.
    edge: str | None = None


@dataclass(frozen=True)
class Build:
    """A build; `finished_at` is None while it runs, and for ever when it died or failed."""

    build_id: str
    started_at: datetime
    finished_at: datetime | None
    process: str


@dataclass(frozen=True, order=True)
class Held:
    """An asset whose rows of `day` stay those of an earlier build, since `test` fails for it."""

    asset_id: str
    day: date
    test: str
    build_id: str
    tests_version: str


@dataclass(frozen=True)
class Books:
    """All that is known of builds. `files` has BUILT_FILES_SCHEMA; `reported` is what `reported_by_day` gave then.

    `is_legacy`: the tables were built before books were kept, so nobody knows by which models.
    """

    files: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=BUILT_FILES_SCHEMA))
    days: Mapping[date, BuiltDay] = field(default_factory=dict)
    registries: Mapping[str, Registry] = field(default_factory=dict)
    reported: Mapping[date, Mapping[str, str]] = field(default_factory=dict)
    half_built: Mapping[date, str] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    builds: Mapping[str, Build] = field(default_factory=dict)
    is_legacy: bool = False

    @property
    def last_finished(self) -> Build | None:
        """The build whose tables the warehouse holds, unless something is half built."""
        finished = [build for build in self.builds.values() if build.finished_at is not None]
        return max(finished, key=lambda build: (build.finished_at, build.build_id), default=None)


def registry_version(registry: Registry) -> str:
    """Identity of a registry's content, whatever the order of its rows."""
    return _digest(registry)


def create_books(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of the books where they are missing."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    for name, columns in _TABLES.items():
        connection.execute(f"create table if not exists {SCHEMA}.{name} ({columns})")
    connection.execute(f"alter table {SCHEMA}.built_days add column if not exists edge varchar")


def read_books(connection: duckdb.DuckDBPyConnection) -> Books:
    """The books of an open warehouse; empty before the first build."""
    found = {
        (schema, table)
        for schema, table in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
    is_built = any(schema in ("intermediate", "marts") for schema, _ in found)
    if (SCHEMA, "half_built") not in found:
        return Books(is_legacy=is_built)

    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query).fetchall()

    columns = ", ".join(BUILT_FILES_SCHEMA)
    files: pl.DataFrame = connection.sql(f"select {columns} from {SCHEMA}.built_files order by all").pl()
    # Of a warehouse that an earlier version built the column is not there yet.
    edge = "edge" if (SCHEMA, "built_days", "edge") in _columns(connection) else "null"
    day_columns = f"day, build_id, models_version, registry_version, {edge}"
    days = {
        day: BuiltDay(*rest)
        for day, *rest in rows(f"select {day_columns} from {SCHEMA}.built_days order by day")
    }
    half_built = dict(rows(f"from {SCHEMA}.half_built order by day"))
    # Books of before anything could be reported have no such table.
    is_told = (SCHEMA, "built_reported") in found
    reported = rows(f"from {SCHEMA}.built_reported order by all") if is_told else []
    return Books(
        files=files.cast(BUILT_FILES_SCHEMA),
        days=days,
        registries={
            version: json.loads(content)
            for version, content in rows(f"from {SCHEMA}.registry_versions order by all")
        },
        reported=_by_day(reported),
        half_built=half_built,
        held=tuple(Held(*row) for row in rows(f"from {SCHEMA}.held_assets order by all")),
        builds={row[0]: Build(*row) for row in rows(f"from {SCHEMA}.builds order by started_at")},
        is_legacy=is_built and not days and not half_built,
    )


def begin_build(connection: duckdb.DuckDBPyConnection, build: Build, days: Collection[date]) -> None:
    """Note the build and mark its days as half built; the caller holds the transaction."""
    connection.execute(
        f"insert into {SCHEMA}.builds values (?, ?, null, ?)",
        [build.build_id, build.started_at, build.process],
    )
    _delete_days(connection, "half_built", days)
    _insert(connection, "half_built", [(day, build.build_id) for day in sorted(days)])


def forget_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Nothing counts as built any more; marks and builds stay."""
    for name in ("built_days", "built_files", "built_reported", "held_assets"):
        connection.execute(f"delete from {SCHEMA}.{name}")


def settle_days(
    connection: duckdb.DuckDBPyConnection,
    days: Collection[date],
    loaded: pl.DataFrame,
    built: BuiltDay,
    registry: Registry,
    held: Iterable[Held],
    edges: Mapping[date, str],
    reported: Mapping[date, Mapping[str, str]],
) -> None:
    """Write that `days` are built from `loaded` (BUILT_FILES_SCHEMA) and clear their marks; one transaction.

    `edges` has the days of the calendar, with their edge, and days with files. Other days leave the books, but for what
    is `reported` of them (by day and asset, of all days built).
    """
    files = loaded.filter(pl.col("day").is_in(list(days)))
    for name in ("built_days", "built_files", "held_assets", "half_built"):
        _delete_days(connection, name, days)
    version = built.registry_version
    _insert(
        connection,
        "built_days",
        [
            (day, built.build_id, built.models_version, version, edges[day])
            for day in sorted(set(days) & edges.keys())
        ],
    )
    _insert(connection, "built_files", files.rows())
    _delete_days(connection, "built_reported", reported)
    told = [(day, asset_id, said) for day, of_day in reported.items() for asset_id, said in of_day.items()]
    _insert(connection, "built_reported", told)
    _insert(
        connection, "held_assets", [(h.asset_id, h.day, h.test, h.build_id, h.tests_version) for h in held]
    )
    connection.execute(
        f"insert into {SCHEMA}.registry_versions select $v, $c"
        f" where not exists (from {SCHEMA}.registry_versions where registry_version = $v)",
        {"v": version, "c": json.dumps(registry)},
    )
    connection.execute(
        f"delete from {SCHEMA}.registry_versions"
        f" where registry_version not in (select registry_version from {SCHEMA}.built_days)"
    )


def _by_day(rows: Iterable[tuple[date, str, str]]) -> dict[date, dict[str, str]]:
    found: dict[date, dict[str, str]] = {}
    for day, asset_id, fingerprint in rows:
        found.setdefault(day, {})[asset_id] = fingerprint
    return found


def finish_build(connection: duckdb.DuckDBPyConnection, build_id: str, now: datetime) -> None:
    """Note that all pieces of the build are done; older builds that no day speaks of are forgotten."""
    connection.execute(f"update {SCHEMA}.builds set finished_at = ? where build_id = ?", [now, build_id])
    connection.execute(
        f"delete from {SCHEMA}.builds where build_id <> $id"
        f" and build_id not in (select build_id from {SCHEMA}.built_days)"
        f" and build_id not in (select build_id from {SCHEMA}.half_built)"
        f" and build_id not in (select build_id from {SCHEMA}.held_assets)",
        {"id": build_id},
    )


def note_changed_months(
    connection: duckdb.DuckDBPyConnection, changed: Mapping[str, Collection[date] | None]
) -> None:
    """Note which months of which tables a build changed, None for all; the caller holds the transaction."""
    for name, months in changed.items():
        for month in [None] if months is None else sorted(months):
            connection.execute(
                f"insert into {SCHEMA}.unpublished_months select $name, $month where not exists"
                f" (from {SCHEMA}.unpublished_months where table_name = $name and month is not distinct from $month)",
                {"name": name, "month": month},
            )


def months_to_publish(
    connection: duckdb.DuckDBPyConnection, current_set: str | None, table: str
) -> set[date] | None:
    """Months of `table` that differ from those in the published set `current_set`; None where nobody knows."""
    noted = connection.execute(f"from {SCHEMA}.published").fetchall()
    if current_set is None or noted != [(current_set,)]:
        return None
    rows = connection.execute(
        f"select month from {SCHEMA}.unpublished_months where table_name = ?", [table]
    ).fetchall()
    months = {month for (month,) in rows}
    return None if None in months else months


def note_published(connection: duckdb.DuckDBPyConnection, current_set: str) -> None:
    """Note that the set holds all that was built so far."""
    connection.execute("begin")
    connection.execute(f"delete from {SCHEMA}.published")
    connection.execute(f"insert into {SCHEMA}.published values (?)", [current_set])
    connection.execute(f"delete from {SCHEMA}.unpublished_months")
    connection.execute("commit")


def _columns(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    return set(
        connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ).fetchall()
    )


def _delete_days(connection: duckdb.DuckDBPyConnection, table: str, days: Collection[date]) -> None:
    for window in contiguous_windows(days):
        connection.execute(
            f"delete from {SCHEMA}.{table} where day >= ? and day < ?", [window.start, window.end]
        )


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    schema = [part.split()[0] for part in _TABLES[table].split(", ")]
    connection.register(
        "new_rows", pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None).to_arrow()
    )
    connection.execute(f"insert into {SCHEMA}.{table} from new_rows")
    connection.unregister("new_rows")


def write_copies(settings: Settings, books: Books) -> None:
    """Copy the books beside the published tables.

    The marks go first: whoever dies between the two files leaves days that look half built, never ones that look done.
    """
    settings.published_dir.mkdir(parents=True, exist_ok=True)
    state, path = _state(books), _path(settings, f"{BUILD_STATE}.json")
    if books.half_built:
        write_text_atomic(state, path)
    write_parquet_atomic(books.files, _path(settings, f"{BUILD_LOG}.parquet"))
    write_text_atomic(state, path)


def read_copies(settings: Settings) -> Books:
    """The books as readers may know them, without opening the warehouse; empty without a warehouse.

    Raises PipelineError for a broken file.
    """
    log, state = _path(settings, f"{BUILD_LOG}.parquet"), _path(settings, f"{BUILD_STATE}.json")
    if not settings.warehouse_path.exists() or not log.exists():
        return Books()
    files = read_own_parquet(log, "`renewable transform` writes it anew")
    if not state.exists():
        return Books(files=_complete(files), is_legacy=True)
    try:
        told = json.loads(state.read_text("utf-8"))
    except ValueError as error:
        raise PipelineError(
            f"{state} cannot be read: {error}. `renewable transform` writes it anew"
        ) from error
    return Books(
        files=_complete(files),
        days={day: BuiltDay(*rest) for start, end, *rest in told["days"] for day in _days(start, end)},
        registries=told["registries"],
        reported=_by_day(
            (day, asset_id, fingerprint)
            for start, end, asset_id, fingerprint in told.get("reported", ())
            for day in _days(start, end)
        ),
        half_built={
            day: build_id for start, end, build_id in told["half_built"] for day in _days(start, end)
        },
        held=tuple(
            Held(asset_id, day, *rest)
            for asset_id, start, end, *rest in told["held"]
            for day in _days(start, end)
        ),
        builds={
            row[0]: Build(row[0], _instant(row[1]), row[2] and _instant(row[2]), row[3])
            for row in told["builds"]
        },
        is_legacy=told["is_legacy"],
    )


def _state(books: Books) -> str:
    """All but the files as JSON, days as ranges."""
    by_day: dict[tuple[str | None, ...], list[date]] = {}
    for day, built in books.days.items():
        key = (built.build_id, built.models_version, built.registry_version, built.edge)
        by_day.setdefault(key, []).append(day)
    half: dict[tuple[str | None, ...], list[date]] = {}
    for day, build_id in books.half_built.items():
        half.setdefault((build_id,), []).append(day)
    reported: dict[tuple[str | None, ...], list[date]] = {}
    for day, of_day in books.reported.items():
        for asset_id, fingerprint in of_day.items():
            reported.setdefault((asset_id, fingerprint), []).append(day)
    held: dict[tuple[str | None, ...], list[date]] = {}
    for each in books.held:
        held.setdefault((each.asset_id, each.test, each.build_id, each.tests_version), []).append(each.day)
    return json.dumps(
        {
            "days": _ranges(by_day),
            "half_built": _ranges(half),
            "held": [[key[0], start, end, *key[1:]] for start, end, *key in _ranges(held)],
            "registries": books.registries,
            "reported": _ranges(reported),
            "builds": [
                [b.build_id, b.started_at.isoformat(), b.finished_at and b.finished_at.isoformat(), b.process]
                for b in books.builds.values()
            ],
            "is_legacy": books.is_legacy,
        }
    )


def _ranges(grouped: Mapping[tuple[str | None, ...], list[date]]) -> list[list[str | None]]:
    return [
        [str(window.start), str(window.end), *key]
        for key, days in grouped.items()
        for window in contiguous_windows(days)
    ]


def _days(start: str, end: str) -> list[date]:
    return Window(date.fromisoformat(start), date.fromisoformat(end)).days


def _complete(files: pl.DataFrame) -> pl.DataFrame:
    """`files` with all columns of BUILT_FILES_SCHEMA; copies of older versions lack the newer ones."""
    missing = [
        pl.lit(None, dtype).alias(n) for n, dtype in BUILT_FILES_SCHEMA.items() if n not in files.columns
    ]
    return files.with_columns(missing).select(BUILT_FILES_SCHEMA.names()).cast(BUILT_FILES_SCHEMA)


def built_identity(load_log: pl.DataFrame) -> pl.DataFrame:
    """The load log's rows of days as BUILT_FILES_SCHEMA."""
    return _complete(load_log).drop_nulls("day").sort(BUILT_FILES_SCHEMA.names())


def _path(settings: Settings, name: str) -> Path:
    return settings.published_dir / name


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
