"""What a Spark cluster reads is what the warehouse holds, and its marts come home as they are."""

import shutil
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import duckdb
import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from loaders.load_log import warehouse_log
from mock_data.generate import generate
from renewable.contract import KEY, TABLES
from renewable.errors import PipelineError
from renewable.fleet import Fleet
from renewable.operations.explain import explain
from renewable.places import DBT_PROJECT
from renewable.published.publish import publish
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform.build import UpgradeNeededError, build_selection, transform, upgrade_tables
from renewable.transform.marts import MARTS_SCHEMA, mart_names, month_columns
from renewable.transform.spark.home import (
    DATES,
    INSTANTS,
    Parts,
    bring_home,
    partition_of,
    parts_of,
    show_intervals,
)
from renewable.transform.spark.landing import FILE, PARTITION, land
from renewable.transform.spark.server import ClusterTable
from renewable.warehouse import connect
from renewable.windows import ONE_DAY, Window

pytestmark = pytest.mark.integration
START = date(2025, 3, 29)
Unit = tuple[str, date]


def test_the_landing_follows_the_warehouse_day_by_day(settings: Settings, fleet: Fleet) -> None:
    days = Window(START, START + 3 * ONE_DAY)
    generate(fleet, days, data_dir=settings.data_dir, seed=4, profile="harsh")
    ingest(settings)
    assert _land(settings) == [(table, day) for table in ("generation", "weather") for day in days.days]
    _assert_landed(settings)
    assert _land(settings) == []

    before = {path: path.stat().st_ino for path in settings.landing_dir.rglob(FILE)}
    corrected = _raw(settings, "generation", START)
    pl.read_parquet(corrected).with_columns(pl.col("active_power_kw") * 0.5).write_parquet(corrected)
    _raw(settings, "weather", START + ONE_DAY).unlink()
    generate(fleet, Window.of_day(days.end), data_dir=settings.data_dir, seed=4, profile="harsh")
    ingest(settings)
    changed = [("generation", START), ("generation", days.end)]
    changed += [("weather", START + ONE_DAY), ("weather", days.end)]
    assert _land(settings) == changed
    _assert_landed(settings)
    untouched = settings.landing_dir / "weather" / f"{PARTITION}={START}" / FILE
    assert before[untouched] == untouched.stat().st_ino


def test_a_landing_that_died_is_completed_by_the_next(
    settings: Settings, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(fleet, Window(START, START + 2 * ONE_DAY), data_dir=settings.data_dir, seed=4, profile="harsh")
    ingest(settings)
    written = list[Path]()

    def dies(frame: pl.DataFrame, path: Path) -> None:
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(path)
        frame.write_parquet(path)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("renewable.transform.spark.landing.write_parquet_atomic", dies)
        _land(settings)
    assert len(_land(settings)) == 4
    _assert_landed(settings)


def test_marts_that_come_home_are_those_that_were_built(
    settings: Settings, fleet: Fleet, tmp_path: Path
) -> None:
    # Readers of Parquet take brackets for a pattern, which would find the other folder.
    cluster, other = tmp_path / "cluster [1]", tmp_path / "cluster 1"
    home = settings.model_copy(update={"data_dir": tmp_path / "home"})
    generate(fleet, Window(START, START + 3 * ONE_DAY), data_dir=settings.data_dir, seed=4, profile="harsh")
    generate(fleet, Window.of_day(START), data_dir=home.data_dir, seed=4, profile="harsh")
    ingest(settings)
    ingest(home)

    transform(settings)
    first = _build_on_cluster(settings, cluster, {})
    shutil.copytree(cluster, other)
    for path in other.rglob("*.parquet"):
        pl.read_parquet(path, hive_partitioning=False).clear().write_parquet(path)
    assert _bring_home(home, first) == dict.fromkeys(month_columns(DBT_PROJECT))
    _assert_same_marts(settings, home)
    assert _bring_home(home, first) == {}

    corrected = _raw(settings, "generation", START + 2 * ONE_DAY)
    pl.read_parquet(corrected).with_columns(pl.col("active_power_kw") * 0.5).write_parquet(corrected)
    ingest(settings)
    transform(settings)
    second = _build_on_cluster(settings, cluster, first)
    kept = [path for mart in second for day in second[mart] for path in second[mart][day]]
    assert set(kept) & {path for mart in first for day in first[mart] for path in first[mart][day]}
    changed = _bring_home(home, second)
    assert changed["mart_asset_daily"] and None not in changed.values()
    assert {month.month for months in changed.values() for month in months or ()} <= {3, 4}
    _assert_same_marts(settings, home)

    had = _months_of_marts(home)
    assert _bring_home(home, {mart: {} for mart in second}) == had
    assert not any(_months_of_marts(home).values())


def test_intervals_are_seen_as_they_are_on_the_cluster(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "tables [1]" / "int_stops"
    day = pl.DataFrame({"asset_id": ["a"], "hours": [0.5]})
    columns = {"asset_id": "string", "hours": "double", "kinds": "array<string>", PARTITION: "date"}
    for number in (1, 2):
        path = folder / f"{PARTITION}=2025-01-0{number}" / "part-0.parquet"
        path.parent.mkdir(parents=True)
        day.with_columns(kinds=pl.lit(["x"])).write_parquet(path)
    table = ClusterTable(columns, (path.as_uri(),))
    with duckdb.connect() as connection:
        show_intervals(connection, {"int_stops": table, "int_low_hours": ClusterTable(columns, ())})
        seen = connection.sql("from intermediate.int_stops").pl()
        assert seen.columns == ["asset_id", "hours", "kinds"] and seen.height == 2
        nothing = connection.sql("from intermediate.int_low_hours").pl()
        assert nothing.schema == seen.schema and nothing.is_empty()


def test_partitions_are_named_as_the_models_name_them_on_spark() -> None:
    macro = (DBT_PROJECT / "macros" / "materializations_spark.sql").read_text("utf-8")
    assert f"set dates = {list(DATES)}" in macro and f"set instants = {list(INSTANTS)}" in macro


def test_tables_of_the_other_engine_are_neither_published_nor_explained(
    settings: Settings, fleet: Fleet
) -> None:
    generate(fleet, Window.of_day(START), data_dir=settings.data_dir, seed=4)
    ingest(settings)
    transform(settings)
    on_spark = settings.model_copy(update={"engine": "spark", "spark_remote": "sc://127.0.0.1:1"})
    with pytest.raises(PipelineError, match="single models are built on DuckDB alone"):
        build_selection(on_spark, None, ["--select", "mart_asset_daily"])
    with pytest.raises(UpgradeNeededError):
        publish(on_spark)
    with pytest.raises(UpgradeNeededError):
        explain(on_spark, fleet.asset_ids[0], f"{START}T12:00Z")
    without_client = "extra `spark`" if find_spec("pyspark") is None else "no Spark Connect server answers"
    with pytest.raises(PipelineError, match=without_client):
        upgrade_tables(on_spark)
    if find_spec("pyspark") is None:
        # Nothing was begun.
        publish(settings)


def test_a_mart_whose_files_cannot_be_seen_is_told() -> None:
    day = date(2025, 3, 29)
    found = parts_of([f"file:///tables/marts.db/x/date_local={day}/part%200.parquet"])
    assert found == {day: [Path(f"/tables/marts.db/x/date_local={day}/part 0.parquet")]}
    with pytest.raises(PipelineError, match="s3://there/x"):
        parts_of(["s3://there/x/date_local=2025-03-29/part-0.parquet"])
    with pytest.raises(PipelineError, match="in folders by day"):
        parts_of(["file:///tables/x/part-0.parquet"])


def _land(settings: Settings) -> list[Unit]:
    with connect(settings.warehouse_path) as connection:
        return land(connection, settings.landing_dir, warehouse_log(connection))


def _assert_landed(settings: Settings) -> None:
    with connect(settings.warehouse_path, read_only=True) as connection:
        for table in TABLES:
            ours = connection.sql(f"from raw.{table}").pl().sort(KEY)
            folder = settings.landing_dir / table
            theirs = pl.read_parquet(folder / "**" / "*.parquet", hive_partitioning=True).sort(KEY)
            assert (theirs[PARTITION] == theirs["timestamp"].dt.date()).all()
            columns = [name for name in ours.columns if name in theirs.columns]
            assert {"asset_id", "timestamp"} < set(columns)
            assert ours.select(columns).equals(theirs.select(columns)) and theirs.height
        assert warehouse_log(connection).equals(pl.read_parquet(settings.landing_dir / "load_log" / FILE))


def _build_on_cluster(settings: Settings, tables: Path, before: dict[str, Parts]) -> dict[str, Parts]:
    """The marts of the warehouse as Spark keeps them: a partition that did not change keeps its files."""
    found = dict[str, Parts]()
    with connect(settings.warehouse_path, read_only=True) as connection:
        for mart in mart_names(DBT_PROJECT):
            column, value = partition_of(DBT_PROJECT, mart)
            rows = connection.sql(f"select *, {value} as part from {MARTS_SCHEMA}.{mart} order by all").pl()
            parts = dict[date, list[Path]]()
            for (day,), frame in rows.partition_by("part", as_dict=True, include_key=False).items():
                inside = frame.drop(column, strict=False)
                old = [] if mart not in before else before[mart].get(day, [])
                if old and pl.read_parquet(old[0], hive_partitioning=False, glob=False).equals(inside):
                    parts[day] = list(old)
                    continue
                path = (
                    tables / mart / f"{column}={day}" / f"part-{len(list(tables.rglob('*.parquet')))}.parquet"
                )
                path.parent.mkdir(parents=True, exist_ok=True)
                inside.write_parquet(path)
                parts[day] = [path]
            found[mart] = parts
    return found


def _bring_home(settings: Settings, marts: dict[str, Parts]) -> dict[str, set[date] | None]:
    with connect(settings.warehouse_path) as connection:
        connection.execute("begin")
        found = bring_home(connection, DBT_PROJECT, marts)
        connection.execute("commit")
    return found


def _months_of_marts(settings: Settings) -> dict[str, set[date]]:
    months = dict[str, set[date]]()
    with connect(settings.warehouse_path, read_only=True) as connection:
        for mart, column in month_columns(DBT_PROJECT).items():
            days = connection.sql(f"select {column} from {MARTS_SCHEMA}.{mart}").pl()[column]
            months[mart] = {date(day.year, day.month, 1) for day in days}
    return months


def _assert_same_marts(built: Settings, home: Settings) -> None:
    for mart in mart_names(DBT_PROJECT):
        frames = []
        for settings in (built, home):
            with connect(settings.warehouse_path, read_only=True) as connection:
                frames.append(connection.sql(f"from {MARTS_SCHEMA}.{mart} order by all").pl())
        assert frames[0].height or mart == "event_intervals"
        assert frames[0].equals(frames[1]), mart


def _raw(settings: Settings, table: str, day: date) -> Path:
    return RawFileName(table, day, None).path_under(settings.raw_dir)  # type: ignore[arg-type]
