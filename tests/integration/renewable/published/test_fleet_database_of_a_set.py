"""Each publish leaves `fleet.duckdb` of its set, whatever became of the one before."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from renewable.places import DBT_PROJECT
from renewable.published.descriptions import table_texts
from renewable.published.publish import publish, published_build, published_set, read_published
from renewable.settings import Settings
from renewable.transform.marts import mart_names, month_columns

pytestmark = pytest.mark.integration


def _about(database: Path) -> dict[str, str]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return dict(connection.execute("from about").fetchall())


def test_the_file_holds_every_published_table_of_its_build(published: Settings) -> None:
    path = published.published_dir / "fleet.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        kinds = dict(
            connection.execute("select table_name, table_type from information_schema.tables").fetchall()
        )
        assert kinds.pop("about") == "BASE TABLE"
        assert sorted(kinds) == mart_names(DBT_PROJECT)
        assert {name for name, kind in kinds.items() if kind == "VIEW"} == month_columns(DBT_PROJECT).keys()
        for name in kinds:
            frame = read_published(published, name)
            assert frame is not None and frame.height
            # A table without rows would say nothing.
            assert frame["build_id"].unique().to_list() == [published_build(published)]
            read = connection.sql(f"from {name}").pl()
            assert read.columns == frame.columns
            assert read.sort(read.columns).equals(frame.sort(frame.columns)), name


def test_a_moved_directory_is_mended_by_the_next_publish_and_only_its_database_is(
    own_published: Settings,
) -> None:
    path, set_dir = own_published.published_dir / "fleet.duckdb", published_set(own_published)
    assert not _about(path)["published_dir"].startswith(str(own_published.data_dir))
    files = {file: file.stat().st_mtime_ns for file in set_dir.rglob("*.parquet")}
    assert not publish(own_published).is_new
    assert _about(path)["published_dir"] == str(own_published.published_dir)
    with duckdb.connect(str(path), read_only=True) as connection:
        (sql,) = connection.execute(
            "select sql from duckdb_views() where view_name = 'mart_asset_daily'"
        ).fetchone() or ("",)
        assert str(own_published.published_dir / "current") in sql
    assert {file: file.stat().st_mtime_ns for file in set_dir.rglob("*.parquet")} == files
    # A second look writes nothing.
    at = path.stat().st_mtime_ns
    publish(own_published)
    assert path.stat().st_mtime_ns == at


def test_a_lost_or_broken_file_comes_back(own_published: Settings) -> None:
    path = own_published.published_dir / "fleet.duckdb"
    path.unlink()
    publish(own_published)
    about = _about(path)
    path.write_bytes(b"half a file")
    publish(own_published)
    assert _about(path) == about and about["build_id"] == published_build(own_published)


def test_every_parquet_file_says_what_its_table_and_its_columns_mean(published: Settings) -> None:
    texts = table_texts(DBT_PROJECT)
    looked_at = 0
    for file in published_set(published).rglob("*.parquet"):
        if not file.is_file():
            continue
        name = file.relative_to(published_set(published)).parts[0].removesuffix(".parquet")
        schema = pq.read_schema(file)
        assert schema.metadata[b"description"].decode() == texts[name].description
        for field in schema:
            told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
            about = texts[name].columns[field.name]
            assert told == {"description": about.description, "unit": about.unit}, (name, field.name)
        # What Arrow's schema says is what is in the file.
        assert pq.read_table(file).schema.equals(schema)
        pq.read_table(file).validate(full=True)
        looked_at += 1
    assert looked_at > len(texts)
