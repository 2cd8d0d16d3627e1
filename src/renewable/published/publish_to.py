"""Puts the published tables into a database that dashboards read, by dlt: only what is new there, and all at once.

dlt knows the databases: it connects, makes a schema beside the tables and loads the new parts into it. Then one
transaction takes the old parts out, puts the new ones in and notes what is there. Readers always see a whole set, and a
kill before the commit changes nothing for them.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock

import loaders  # noqa: F401  turns dlt's telemetry off before dlt is imported
from renewable.database_address import masked_password
from renewable.errors import PipelineError, SettingsError
from renewable.near_names import did_you_mean
from renewable.places import DBT_PROJECT
from renewable.published.descriptions import BUILD_ID, TableText, table_texts
from renewable.published.parts import Changes, Part, changes, has_empty_text, parts_of_set, rows_of
from renewable.published.publish import publish, published_set
from renewable.settings import Settings
from renewable.transform.marts import month_columns
from renewable.warehouse import sql_literal

if TYPE_CHECKING:
    import dlt

Report = Callable[[str], None]

SCHEMA = "renewable"
PUBLICATION = "publication"
PARTS = "publication_parts"
# By what an address begins with. Others of dlt's destinations have no transactions, or another SQL than is used here.
_DESTINATIONS = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "duckdb": "duckdb",
    "motherduck": "motherduck",
    "md": "motherduck",
    "redshift": "redshift",
    "snowflake": "snowflake",
}
_FORM = (
    "It has the form postgresql://user:password@host:port/database, signs like @ in the password written %40; the"
    " password may stand in PGPASSWORD instead"
)
_REASON = "The actual reason given is: "
_ABOUT = {
    PUBLICATION: "What the tables beside it are: the build that they are of, when it was put here, and from where.",
    PARTS: "What of the published tables is here, by table and month; it tells the next publish what is new.",
}


@dataclass(frozen=True)
class PublishedTo:
    """What a publish changed at `place`; nothing where the database had the build already."""

    place: str
    build_id: str
    sent: tuple[Part, ...]
    gone: tuple[Part, ...]
    is_new: bool

    @property
    def sentence(self) -> str:
        """One line for people."""
        if not self.is_new:
            return f"{self.place} has build {self.build_id} already"
        rows = sum(part.rows for part in self.sent)
        gone = f", {len(self.gone)} part(s) taken out" if self.gone else ""
        return f"{len(self.sent)} new part(s) with {rows} rows put into {self.place}{gone}: build {self.build_id}"


def publish_to(
    settings: Settings,
    url: str,
    schema: str = SCHEMA,
    *,
    password: str | None = None,
    report: Report | None = None,
    progress: Report | None = None,
) -> PublishedTo:
    """Publish, and make the tables of `schema` in the database at `url` those that are published.

    `password` counts where the address has none. `report` and `progress` are those of `publish`.

    Raises SettingsError, which never shows the password, when the address is wrong or nobody answers there, before
    anything is done; PipelineError when the schema holds tables of another data directory, or when the database refuses
    a step; and what `publish` raises.
    """
    database, owner = Database.at(url, schema, password), str(settings.data_dir)
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    with (
        FileLock(settings.work_dir / "publish-to.lock"),
        tempfile.TemporaryDirectory(prefix="publish-to-", dir=settings.work_dir) as work,
    ):
        with database.opened(Path(work)):
            # Who does not answer is told of before anything is done.
            pass
        build_id = publish(settings, report=report, progress=progress).build_id
        set_dir, texts = published_set(settings), table_texts(DBT_PROJECT)
        files = parts_of_set(set_dir, [name for name in texts if (set_dir / f"{name}.parquet").exists()])
        with database.opened(Path(work)) as target:
            target.make_books()
            target.check_owner(owner)
            todo = changes(files.keys(), target.parts(), target.row_counts({part.table for part in files}))
            if not todo and target.build() == build_id:
                return PublishedTo(database.place, build_id, (), (), is_new=False)
            if report and todo.sent:
                report(f"sending {len(todo.sent)} of {len(files)} parts to {database.place}")
            target.load({part: files[part] for part in todo.sent})
            target.switch(todo, build_id, owner, texts)
    return PublishedTo(database.place, build_id, todo.sent, todo.gone, is_new=True)


@dataclass(frozen=True)
class Database:
    """A database that dlt knows, by its address; `place` is the address without user and password."""

    url: str
    schema: str
    kind: str
    place: str

    @classmethod
    def at(cls, url: str, schema: str, password: str | None = None) -> "Database":
        """The database at `url`, with `password` where the address has none.

        Raises SettingsError when `url` is no address of a database that can be published to.
        """
        if not schema.isidentifier() or schema != schema.lower():
            raise SettingsError(
                f"--schema: {schema} is no plain name of a schema, of small letters, digits and _"
            )
        scheme, separator, rest = url.partition("://")
        kind = _DESTINATIONS.get(scheme.partition("+")[0].lower())
        if not separator or not rest:
            raise SettingsError(f"--to: this is not the address of a database. {_FORM}")
        if kind is None:
            near = did_you_mean(scheme, _DESTINATIONS)
            raise SettingsError(f"--to: {scheme}:// is none of {', '.join(_DESTINATIONS)}{near}. {_FORM}")
        if kind == "postgres":
            url = _postgres_url(f"postgresql://{rest}", password)
        host = url.partition("://")[2].rpartition("@")[2].partition("?")[0]
        return cls(url, schema, kind, f"schema {schema} of {url.partition('://')[0]}://{host}")

    @contextmanager
    def opened(self, work: Path) -> Iterator["Target"]:
        """The database, connected to; dlt keeps its files under `work`, which is thrown away.

        Raises SettingsError when nobody answers, PipelineError when a step is refused.
        """
        try:
            pipeline = self._pipeline(work)
            client = pipeline.sql_client().__enter__()
        except Exception as error:
            if not _is_of_database(error):
                raise
            # The causes hold the address: they are not chained.
            raise SettingsError(
                f"--to: {self.place} cannot be reached: {self._said(error)}. {_FORM}"
            ) from None
        try:
            yield Target(pipeline, client, self)
        except Exception as error:
            if not _is_of_database(error):
                raise
            raise PipelineError(
                f"publishing to {self.place} failed, and nothing that readers see was changed: {self._said(error)}."
                " Mend the cause and publish again"
            ) from None
        finally:
            client.close_connection()

    def _pipeline(self, work: Path) -> "dlt.Pipeline":
        import dlt
        from dlt.common.destination.reference import Destination

        dlt.config["load.raise_on_failed_jobs"] = True
        dlt.config["load.workers"] = 1
        dlt.config["restore_from_destination"] = False
        pipeline = dlt.pipeline(
            "publish_to",
            pipelines_dir=str(work),
            destination=Destination.from_reference(self.kind, credentials=self.url),
            dataset_name=f"{self.schema}_incoming",
        )
        # What dlt would log as an error is raised as one. Making a pipeline sets a level, so this comes after.
        logging.getLogger("dlt").setLevel(logging.CRITICAL)
        return pipeline

    def _said(self, error: Exception) -> str:
        while error.__cause__ is not None and isinstance(error.__cause__, Exception):
            error = error.__cause__
        said = masked_password(str(error) or type(error).__name__, self.url)
        return said.rpartition(_REASON)[2].rstrip(".?")


def _postgres_url(url: str, password: str | None) -> str:
    """The address with the password. Raises SettingsError that says what it lacks."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if find_spec("psycopg2") is None:
        raise SettingsError("--to: psycopg2 is not installed: it comes with the extra `postgres`")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The cause holds the address.
        raise SettingsError(f"--to: this is not the address of a database. {_FORM}") from None
    parsed = parsed if parsed.password is not None or password is None else parsed.set(password=password)
    named = {
        "user": parsed.username,
        "password": parsed.password,
        "host": parsed.host,
        "database": parsed.database,
    }
    if lacking := [name for name, value in named.items() if not value]:
        raise SettingsError(f"--to: the address names no {' and no '.join(lacking)}. {_FORM}")
    return parsed.render_as_string(hide_password=False)


def _is_of_database(error: Exception) -> bool:
    """Whether dlt raised it, or the driver of a database."""
    from dlt.common.exceptions import DltException

    package = type(error).__module__.partition(".")[0]
    return isinstance(error, DltException) or package in ("psycopg2", "duckdb", "_duckdb", "snowflake")


class Target:
    """The tables of one schema in an open database."""

    def __init__(self, pipeline: "dlt.Pipeline", client: Any, database: Database) -> None:
        self._pipeline, self._client, self._database = pipeline, client, database

    def make_books(self) -> None:
        """The schema, and in it the tables that tell what is there."""
        with self._client.with_alternative_dataset_name(self._database.schema):
            if not self._client.has_dataset():
                self._client.create_dataset()
        columns = {
            PUBLICATION: f"{BUILD_ID} varchar(100), published_at_utc varchar(30), published_from varchar(4000)",
            PARTS: "table_name varchar(100), part varchar(10), sha256 varchar(64), column_types varchar(8000),"
            " row_count bigint",
        }
        for name, types in columns.items():
            self._client.execute_sql(f"create table if not exists {self._table(name)} ({types})")

    def check_owner(self, owner: str) -> None:
        """Raises PipelineError when the tables were put here from another data directory."""
        others = [row[0] for row in self._rows(f"select published_from from {self._table(PUBLICATION)}")]
        if others and others != [owner]:
            raise PipelineError(
                f"{self._database.place} holds the tables of {', '.join(others)}, and not of {owner}: name another"
                " schema with --schema, or drop that one if this is the same fleet in another place"
            )

    def build(self) -> str | None:
        """The build that was put here last."""
        found = self._rows(f"select {BUILD_ID} from {self._table(PUBLICATION)}")
        return str(found[0][0]) if found else None

    def parts(self) -> list[Part]:
        """What was put here."""
        query = f"select table_name, part, sha256, column_types, row_count from {self._table(PARTS)}"
        return [Part(*row) for row in self._rows(query)]

    def row_counts(self, tables: set[str]) -> dict[str, int | None]:
        """Rows by table; None where there is no such table."""
        from dlt.destinations.exceptions import DatabaseUndefinedRelation

        found: dict[str, int | None] = {}
        for name in tables:
            try:
                found[name] = int(self._rows(f"select count(*) from {self._table(name)}")[0][0])
            except DatabaseUndefinedRelation:
                found[name] = None
        return found

    def load(self, files: Mapping[Part, Path]) -> None:
        """Put the rows of these parts into the schema of what comes in, in the place of what was left there."""
        import dlt

        self.drop_incoming()
        if not files:
            return

        def resource(table: str) -> Any:
            of_table = [file for part, file in files.items() if part.table == table]
            file_format = self._file_format(of_table)
            return dlt.resource(
                (rows_of(file) for file in of_table),
                name=table,
                write_disposition="append",
                file_format=file_format,
            )

        self._pipeline.run([resource(table) for table in sorted({part.table for part in files})])

    def _file_format(self, files: Sequence[Path]) -> 'Literal["preferred", "insert_values", "csv"]':
        """PostgreSQL copies CSV in, many times faster than it inserts; but dlt makes nulls of empty texts there."""
        if self._database.kind != "postgres":
            return "preferred"
        return "insert_values" if any(has_empty_text(rows_of(file)) for file in files) else "csv"

    def drop_incoming(self) -> None:
        if self._client.has_dataset():
            self._client.drop_dataset()

    def switch(self, todo: Changes, build_id: str, owner: str, texts: Mapping[str, TableText]) -> None:
        """One transaction: old parts out, new ones in, and the books; then what came in is dropped."""
        columns = month_columns(DBT_PROJECT)
        filled = {part.table: part.names for part in todo.sent}
        statements = []
        for table in sorted(todo.remade):
            statements += [
                f"delete from {self._table(PARTS)} where table_name = {sql_literal(table)}",
                f"drop table if exists {self._table(table)}",
            ]
            if table in filled:
                statements.append(
                    f"create table {self._table(table)} as select * from {self._incoming(table)} where 1 = 0"
                )
        for part in [*todo.sent, *todo.gone]:
            where = _rows_of_part(part, columns)
            statements += [
                f"delete from {self._table(PARTS)}"
                f" where table_name = {sql_literal(part.table)} and part = {sql_literal(part.part)}",
                f"delete from {self._table(part.table)} where {where}",
            ]
        for table in filled:
            names = ", ".join(f'"{name}"' for name in filled[table])
            statements.append(
                f"insert into {self._table(table)} ({names}) select {names} from {self._incoming(table)}"
            )
        statements += [f"insert into {self._table(PARTS)} values ({_values(part)})" for part in todo.sent]
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        statements += [
            f"delete from {self._table(PUBLICATION)}",
            f"insert into {self._table(PUBLICATION)} values"
            f" ({sql_literal(build_id)}, {sql_literal(now)}, {sql_literal(owner)})",
        ]
        for name, about in _ABOUT.items():
            statements.append(f"comment on table {self._table(name)} is {sql_literal(about)}")
        for table, names_of in filled.items():
            statements += self._comments(table, names_of, texts[table])
        with self._client.begin_transaction():
            self._client.execute_many(statements)
        self.drop_incoming()

    def _comments(self, table: str, names: Sequence[str], text: TableText) -> Iterator[str]:
        yield f"comment on table {self._table(table)} is {sql_literal(text.description)}"
        for name in names:
            if about := text.columns.get(name):
                yield f'comment on column {self._table(table)}."{name}" is {sql_literal(about.sentence)}'

    def _table(self, name: str) -> str:
        with self._client.with_alternative_dataset_name(self._database.schema):
            return str(self._client.make_qualified_table_name(name))

    def _incoming(self, name: str) -> str:
        return str(self._client.make_qualified_table_name(name))

    def _rows(self, query: str) -> list[Sequence[Any]]:
        return list(self._client.execute_sql(query) or [])


def _rows_of_part(part: Part, columns: Mapping[str, str]) -> str:
    """The rows of a part in its table, as SQL; the texts take the type of the column that they are compared with."""
    first = part.month
    if first is None:
        return "1 = 1"
    column = columns[part.table]
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return f"\"{column}\" >= '{_bound(column, first)}' and \"{column}\" < '{_bound(column, after)}'"


def _bound(column: str, day: date) -> str:
    return f"{day} 00:00:00+00:00" if column.endswith("_utc") else str(day)


def _values(part: Part) -> str:
    texts = (part.table, part.part, part.sha256, part.columns)
    return ", ".join([*map(sql_literal, texts), str(part.rows)])
