"""A database for dashboards equals the published set after each publish, and never a half of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from renewable.errors import PipelineError, SettingsError
from renewable.published import publish_to as module
from renewable.published.parts import parts_of_set
from renewable.published.publish_to import Database, PublishedTo
from renewable.settings import Settings
from tests.integration.postgres_server import PASSWORD, USER, connect, postgres_server, server_program

pytestmark = pytest.mark.integration
needs_postgres = pytest.mark.skipif(
    server_program("initdb") is None, reason="no PostgreSQL server is installed"
)
DAILY, EVENTS = "mart_asset_daily", "mart_events"
SECRET = "s3cr%40t%2Fpass"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_server(tmp_path_factory.mktemp("server")) as place:
        yield place


class Reader:
    """Looks into a database as a dashboard does."""

    def __init__(self, url: str, schema: str, place: str | None) -> None:
        self.url, self.schema, self._place = url, schema, place

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        query = query.replace("SCHEMA", self.schema)
        if self._place is None:
            with duckdb.connect(self.url.removeprefix("duckdb:///"), read_only=True) as connection:
                connection.execute("set TimeZone = 'UTC'")
                return connection.execute(query).fetchall()
        connection = connect(self._place)
        with connection.cursor() as cursor:
            cursor.execute("set timezone = 'UTC'")
            cursor.execute(query)
            found = cursor.fetchall()
        connection.close()
        return found

    def tables(self) -> set[str]:
        names = "select table_schema || '.' || table_name from information_schema.tables"
        return {name for (name,) in self.rows(f"{names} where table_schema like 'SCHEMA%'")}

    def change(self, statement: str) -> None:
        if self._place is None:
            with duckdb.connect(self.url.removeprefix("duckdb:///")) as connection:
                connection.execute(statement.replace("SCHEMA", self.schema))
        else:
            connection = connect(self._place)
            with connection.cursor() as cursor:
                cursor.execute(statement.replace("SCHEMA", self.schema))
            connection.close()


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=needs_postgres)])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Reader:
    schema = f"s{abs(hash(request.node.name)) % 10**9}"
    if request.param == "duckdb":
        return Reader(f"duckdb:///{tmp_path}/dashboards.duckdb", schema, None)
    place = request.getfixturevalue("server")
    return Reader(f"postgresql://{USER}:{SECRET}@{place}", schema, place)


class Sets:
    """Published sets that a test writes itself, with as many columns as it needs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.number = 0

    def put(self, months: dict[str, pl.DataFrame], events: pl.DataFrame) -> None:
        self.number += 1
        build = f"20250101T00000000000{self.number}Z-1"
        set_dir = self.settings.published_dir / "sets" / build
        folder = set_dir / f"{DAILY}.parquet" / f"build_id={build}"
        folder.mkdir(parents=True)
        for month, frame in months.items():
            frame.write_parquet(folder / f"{month}.parquet")
        events.with_columns(pl.lit(build).alias("build_id")).write_parquet(set_dir / f"{EVENTS}.parquet")
        current = self.settings.published_dir / "current"
        current.unlink(missing_ok=True)
        current.symlink_to(f"sets/{build}")


@pytest.fixture
def sets(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Sets:
    """The step before is publishing into files: here it is done by the test."""
    made = Sets(settings)

    def publish(settings: Settings, **_: object) -> Any:
        set_dir = module.published_set(settings)
        return type("Summary", (), {"build_id": set_dir.name})

    monkeypatch.setattr(module, "publish", publish)
    return made


def _days(first: str, energies: list[float | None], asset: str = "a") -> pl.DataFrame:
    start = date.fromisoformat(first)
    days = [start.replace(day=start.day + number) for number in range(len(energies))]
    return pl.DataFrame(
        {"asset_id": [asset] * len(days), "date_local": days, "energy_kwh": energies},
        schema={"asset_id": pl.String, "date_local": pl.Date, "energy_kwh": pl.Float64},
    )


def _events(*names: str | None) -> pl.DataFrame:
    at = datetime(2025, 3, 31, 22, 30, tzinfo=UTC)
    return pl.DataFrame(
        {"event_id": [str(n) for n in range(len(names))], "note": names, "start_utc": [at] * len(names)},
        schema={"event_id": pl.String, "note": pl.String, "start_utc": pl.Datetime("us", "UTC")},
    )


def _publish(sets: Sets, reader: Reader) -> PublishedTo:
    return module.publish_to(sets.settings, reader.url, reader.schema)


DAYS = "select asset_id, date_local, energy_kwh from SCHEMA.mart_asset_daily order by 1, 2"


def test_the_database_has_the_rows_types_and_comments_of_the_set(sets: Sets, reader: Reader) -> None:
    energies = [0.1 + 0.2, None, 1e-300, 123456789.12345679]
    sets.put({"2025-03": _days("2025-03-28", energies)}, _events("it's; 100 %", "", None, 'ü\n"x", 1'))
    done = _publish(sets, reader)
    assert done.is_new and len(done.sent) == 2
    assert reader.rows(DAYS) == _days("2025-03-28", energies).rows()
    notes = reader.rows("select note, start_utc from SCHEMA.mart_events order by event_id")
    assert [note for note, _ in notes] == ["it's; 100 %", "", None, 'ü\n"x", 1']
    assert {at.astimezone(UTC) for _, at in notes} == {datetime(2025, 3, 31, 22, 30, tzinfo=UTC)}
    types = dict(
        reader.rows(
            "select column_name, lower(data_type) from information_schema.columns"
            " where table_schema = 'SCHEMA' and table_name in ('mart_asset_daily', 'mart_events')"
        )
    )
    assert types["date_local"] == "date" and types["start_utc"] == "timestamp with time zone"
    assert types["energy_kwh"] in ("double", "double precision") and "build_id" not in types
    assert reader.rows("select build_id from SCHEMA.publication") == [(done.build_id,)]
    if reader.url.startswith("postgresql"):
        (column,) = reader.rows("select col_description('SCHEMA.mart_asset_daily'::regclass, 3)")[0]
        (table,) = reader.rows("select obj_description('SCHEMA.mart_events'::regclass)")[0]
    else:
        (column,) = reader.rows("select comment from duckdb_columns() where column_name = 'energy_kwh'")[0]
        (table,) = reader.rows("select comment from duckdb_tables() where table_name = 'mart_events'")[0]
    assert "kWh" in column and table
    # What came in is gone, and so are dlt's own tables.
    expected = {DAILY, EVENTS, "publication", "publication_parts"}
    assert reader.tables() == {f"{reader.schema}.{name}" for name in expected}


def test_only_what_is_new_is_sent_and_what_vanished_vanishes(sets: Sets, reader: Reader) -> None:
    march, april = _days("2025-03-30", [1.0, 2.0]), _days("2025-04-01", [3.0, 4.0])
    sets.put({"2025-03": march, "2025-04": april}, _events("x"))
    _publish(sets, reader)
    again = _publish(sets, reader)
    assert not again.is_new and not again.sent and "already" in again.sentence
    # A day of April vanished, another changed, May is new; March is as it was.
    sets.put(
        {"2025-03": march, "2025-04": _days("2025-04-02", [5.0]), "2025-05": _days("2025-05-01", [6.0])},
        _events("x"),
    )
    done = _publish(sets, reader)
    assert {(part.table, part.part) for part in done.sent} == {
        (DAILY, "2025-04"),
        (DAILY, "2025-05"),
        # The build is a column of it.
        (EVENTS, "all"),
    }
    expected = pl.concat([march, _days("2025-04-02", [5.0]), _days("2025-05-01", [6.0])])
    assert reader.rows(DAYS) == expected.rows()
    # A month that is gone takes its rows along.
    sets.put({"2025-05": _days("2025-05-01", [6.0])}, _events())
    done = _publish(sets, reader)
    assert [part.part for part in done.gone] == ["2025-03", "2025-04"] and len(done.sent) == 1
    assert reader.rows(DAYS) == _days("2025-05-01", [6.0]).rows()
    assert reader.rows("select count(*) from SCHEMA.mart_events") == [(0,)]


def test_a_table_without_rows_is_there_and_fills_later(sets: Sets, reader: Reader) -> None:
    sets.put({"empty": _days("2025-03-30", [])}, _events())
    _publish(sets, reader)
    assert reader.rows(DAYS) == [] and reader.rows("select * from SCHEMA.mart_events") == []
    sets.put({"2025-03": _days("2025-03-30", [1.0])}, _events("x"))
    _publish(sets, reader)
    assert reader.rows(DAYS) == _days("2025-03-30", [1.0]).rows()


def test_rows_that_somebody_took_out_and_tables_with_other_columns_are_made_anew(
    sets: Sets, reader: Reader
) -> None:
    march, april = _days("2025-03-30", [1.0, 2.0]), _days("2025-04-01", [3.0])
    sets.put({"2025-03": march, "2025-04": april}, _events("x"))
    _publish(sets, reader)
    reader.change("delete from SCHEMA.mart_asset_daily where date_local = '2025-03-30'")
    reader.change("drop table SCHEMA.mart_events")
    assert _publish(sets, reader).is_new
    assert reader.rows(DAYS) == pl.concat([march, april]).rows()
    assert reader.rows("select note from SCHEMA.mart_events") == [("x",)]
    wider = [frame.with_columns(pl.lit(7).alias("intervals")) for frame in (march, april)]
    sets.put({"2025-03": wider[0], "2025-04": wider[1]}, _events("x"))
    _publish(sets, reader)
    assert reader.rows("select sum(intervals), count(*) from SCHEMA.mart_asset_daily") == [(21, 3)]


def test_what_was_left_half_way_is_seen_by_nobody_and_completed(
    sets: Sets, reader: Reader, tmp_path: Path
) -> None:
    sets.put({"2025-03": _days("2025-03-30", [1.0])}, _events("x"))
    _publish(sets, reader)
    before = reader.rows(DAYS)
    sets.put({"2025-03": _days("2025-03-30", [2.0])}, _events("y", "z"))
    files = parts_of_set(module.published_set(sets.settings), [DAILY, EVENTS])
    # All has come in, and then the process is gone.
    with Database.at(reader.url, reader.schema).opened(tmp_path / "dlt") as target:
        target.load(files)
    assert f"{reader.schema}_incoming.{DAILY}" in reader.tables()
    assert reader.rows(DAYS) == before and reader.rows("select count(*) from SCHEMA.mart_events") == [(1,)]
    _publish(sets, reader)
    assert reader.rows(DAYS) == _days("2025-03-30", [2.0]).rows()
    assert not any(name.startswith(f"{reader.schema}_incoming") for name in reader.tables())


def test_a_schema_of_another_fleet_is_left_alone(sets: Sets, reader: Reader, tmp_path: Path) -> None:
    sets.put({"2025-03": _days("2025-03-30", [1.0])}, _events("x"))
    _publish(sets, reader)
    other = Sets(sets.settings.model_copy(update={"data_dir": tmp_path / "other"}))
    other.put({"2025-04": _days("2025-04-01", [9.0])}, _events())
    with pytest.raises(
        PipelineError, match=r"holds the tables of .*data, and not of .*other: name another schema"
    ):
        _publish(other, reader)
    assert reader.rows(DAYS) == _days("2025-03-30", [1.0]).rows()


@needs_postgres
def test_a_process_killed_at_any_moment_leaves_one_of_the_two_sets(sets: Sets, server: str) -> None:
    reader = Reader(f"postgresql://{USER}:{SECRET}@{server}", "killed", server)
    totals = {"one": [(60, 60.0)], "two": [(60, 120.0)]}
    query = "select count(*), sum(energy_kwh) from SCHEMA.mart_asset_daily"
    months = [f"2025-{month:02}" for month in range(1, 7)]
    sets.put({month: _days(f"{month}-01", [1.0] * 10) for month in months}, _events("x"))
    _publish(sets, reader)
    sets.put({month: _days(f"{month}-01", [2.0] * 10) for month in months}, _events("x"))
    program = (
        "import sys; from pathlib import Path; from renewable.settings import Settings;"
        "from renewable.published import publish_to as m;"
        "m.publish = lambda s, **_: type('S', (), {'build_id': m.published_set(s).name});"
        "print('ready', flush=True);"
        "m.publish_to(Settings(data_dir=Path(sys.argv[1])), sys.argv[2], 'killed')"
    )
    for wait_s in (0.5, 1.0, 1.5):
        command = [sys.executable, "-c", program, str(sets.settings.data_dir), reader.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stdout.readline()
            time.sleep(wait_s)
            os.kill(process.pid, signal.SIGKILL)
        assert reader.rows(query) in totals.values()
    _publish(sets, reader)
    assert reader.rows(query) == totals["two"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("secretword", "this is not the address of a database"),
        ("postgre://u:secretword@h/d", "did you mean postgres"),
        ("mssql://u:secretword@h/d", "mssql:// is none of"),
        ("postgresql://u:secretword@127.0.0.1:port/d", "this is not the address of a database"),
        ("postgresql://u:secretword@127.0.0.1", "the address names no database"),
        ("postgresql://u@127.0.0.1/d", "the address names no password"),
        ("postgresql://u:secretword@127.0.0.1:1/d", "cannot be reached: .*refused"),
        ("postgresql://u:secret@word@127.0.0.1:1/d", "cannot be reached|not the address"),
        ("duckdb:////no/such/folder/x.duckdb", "cannot be reached: .*no/such/folder"),
    ],
)
def test_a_wrong_address_is_refused_before_anything_is_done(settings: Settings, url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        module.publish_to(settings, url)
    text = str(caught.value)
    assert text.startswith("--to: ") and "\n" not in text and "postgresql://user:password@host" in text
    assert "secret" not in text and "word@" not in text.replace("password@host", "")
    assert not settings.published_dir.exists()


def test_a_schema_is_a_plain_name(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"^--schema: a;b is no plain name"):
        module.publish_to(settings, "duckdb:///x.duckdb", "a;b")


@needs_postgres
def test_the_command_takes_the_password_from_the_environment(
    published: Settings, server: str, monkeypatch: pytest.MonkeyPatch, call: Any
) -> None:
    monkeypatch.setenv("RENEWABLE_DATA_DIR", str(published.data_dir))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    reader = Reader("", "by_command", server)
    code, out, err = call("publish", "--to", f"postgresql://{USER}@{server}", "--schema", "by_command")
    assert code == 0, err
    assert "schema by_command of postgresql://" in out and PASSWORD not in out + err
    daily = pl.read_parquet(published.published_dir / f"{DAILY}.parquet")
    assert (
        reader.rows("select count(*), sum(energy_kwh::numeric) from SCHEMA.mart_asset_daily")[0][0]
        == daily.height
    )
    code, out, err = call("publish", "--to", f"postgresql://{USER}:wrongword@{server}")
    assert code == 2 and "--to: " in err and "wrongword" not in err
