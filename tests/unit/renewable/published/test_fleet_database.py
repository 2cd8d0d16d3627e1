"""One DuckDB file of the published tables: whole at any time, and readable by old drivers."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from renewable.published.descriptions import ColumnText, TableText
from renewable.published.fleet_database import is_written, write_fleet_database

pytestmark = pytest.mark.unit
TEXTS = {
    "small": TableText("It's small.", {"energy_kwh": ColumnText("Energy.", "kWh")}),
    "long": TableText(
        "A file a month.", {"energy_kwh": ColumnText("Energy.", "kWh"), "gone": ColumnText("", "")}
    ),
}


def _publish(source: Path, energy_kwh: float, build: str) -> None:
    """A set as it is published: a file, and a folder with a file a month."""
    month = source / "long.parquet" / f"build_id={build}" / "2025-01.parquet"
    month.parent.mkdir(parents=True)
    frame = pl.DataFrame({"energy_kwh": [energy_kwh, None]})
    frame.write_parquet(month)
    frame.write_parquet(source / "small.parquet")


def _write(path: Path, source: Path, build: str) -> None:
    with duckdb.connect() as connection:
        write_fleet_database(connection, path, source, TEXTS, ["long"], {"build_id": build})


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_it_holds_small_tables_views_on_months_and_what_is_said_of_them(tmp_path: Path) -> None:
    # A folder whose name would match others, were it a pattern.
    source = tmp_path / "set [1]*"
    _publish(source, 1.5, "20250101T000000000000Z-1")
    _write(path := tmp_path / "fleet.duckdb", source, "b")
    assert _rows(path, "from small") == [(1.5,), (None,)]
    assert _rows(path, "from long") == [(1.5, "20250101T000000000000Z-1"), (None, "20250101T000000000000Z-1")]
    said = "select comment from duckdb_{} where comment is not null and not internal order by all"
    assert _rows(path, said.format("tables()"))[0] == ("It's small.",)
    assert _rows(path, said.format("views()")) == [("A file a month.",)]
    assert _rows(path, said.format("columns()")) == [("Energy. Unit: kWh.",)] * 2
    assert _rows(path, "select value from about where name = 'build_id'") == [("b",)]


def test_its_format_is_one_that_drivers_of_years_ago_open(tmp_path: Path) -> None:
    _publish(tmp_path / "set", 1.0, "b")
    _write(path := tmp_path / "fleet.duckdb", tmp_path / "set", "b")
    # Bytes 12 to 20 of a DuckDB file are the version of its format; 64 is that of DuckDB 0.10 to 1.1.
    assert int.from_bytes(path.read_bytes()[12:20], "little") == 64


def test_a_reader_keeps_the_file_that_it_has_open_and_sees_new_rows_through_its_views(tmp_path: Path) -> None:
    current, path = tmp_path / "current", tmp_path / "fleet.duckdb"
    for number, build in ((1, "a"), (2, "b")):
        _publish(tmp_path / build, float(number), build)
    current.symlink_to("a")
    _write(path, current, "a")
    with duckdb.connect(str(path), read_only=True) as reader:
        _link(tmp_path / "next", "b").replace(current)
        _write(path, current, "b")
        assert reader.execute("select max(energy_kwh) from small").fetchall() == [(1.0,)]
        assert reader.execute("select max(energy_kwh), any_value(build_id) from long").fetchall() == [
            (2.0, "b")
        ]
    assert _rows(path, "select max(energy_kwh) from small") == [(2.0,)]


def test_what_stops_the_writing_leaves_the_former_file_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    _publish(tmp_path / "set", 1.0, "a")
    _write(path := tmp_path / "fleet.duckdb", tmp_path / "set", "a")
    before = path.read_bytes()
    (tmp_path / "set" / "small.parquet").unlink()
    with duckdb.connect() as connection:
        with pytest.raises(duckdb.IOException, match="small"):
            write_fleet_database(connection, path, tmp_path / "set", TEXTS, ["long"], {"build_id": "b"})
        # The connection goes on.
        assert is_written(connection, path, {"build_id": "a"})
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["fleet.duckdb", "set"]


def test_the_log_of_a_program_that_wrote_into_it_and_died_does_not_spoil_the_next_file(
    tmp_path: Path,
) -> None:
    _publish(tmp_path / "set", 1.0, "a")
    _write(path := tmp_path / "fleet.duckdb", tmp_path / "set", "a")
    writer = duckdb.connect(str(path))
    writer.execute("create table notes as select 1 as one")
    log = path.with_name("fleet.duckdb.wal")
    left = log.read_bytes()
    writer.close()
    log.write_bytes(left)
    _write(path, tmp_path / "set", "b")
    assert not log.exists() and len(_rows(path, "from small")) == 2


def test_it_is_written_anew_when_it_is_broken_or_tells_something_else(tmp_path: Path) -> None:
    path = tmp_path / "fleet.duckdb"
    _publish(tmp_path / "set", 1.0, "a")
    with duckdb.connect() as connection:
        assert not is_written(connection, path, {"build_id": "a"})
        _write(path, tmp_path / "set", "a")
        assert is_written(connection, path, {"build_id": "a"})
        assert not is_written(connection, path, {"build_id": "b"})
        path.write_bytes(b"no database")
        assert not is_written(connection, path, {"build_id": "a"})


def _link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path
