"""What Spark is handed says the same as what DuckDB reads for itself."""

import json
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from renewable.fleet import load_fleet
from renewable.places import DBT_PROJECT
from renewable.transform.dbt_project import _without_stack
from renewable.transform.spark.surroundings import (
    place_registry_for_spark,
    spark_environment,
    vocabulary_texts,
)
from tests.conftest import SEEDS
from tests.dbt_macros import rendered

pytestmark = pytest.mark.unit


def test_what_spark_says_is_told_without_the_stack_of_its_machine() -> None:
    said = "[TABLE_OR_VIEW_NOT_FOUND] raw.weather cannot be found.\n\nJVM stacktrace:\norg.apache.spark.sql.X\n\tat y"
    assert _without_stack(said) == "[TABLE_OR_VIEW_NOT_FOUND] raw.weather cannot be found."
    assert _without_stack("Binder Error: no column x\nLINE 1") == "Binder Error: no column x\nLINE 1"


def test_the_vocabulary_is_the_one_that_duckdb_reads() -> None:
    query = rendered("vocabulary_query", env_var=lambda *_: str(DBT_PROJECT))
    sources, *seeds = duckdb.sql(query).fetchall()[0]
    texts = json.loads(vocabulary_texts())
    assert texts["sources"] == sources
    found = [json.loads(texts[name]) for name in ("event_kinds", "reading_rules", "thresholds")]
    assert found == [json.loads(seed) for seed in seeds]


def test_the_registry_comes_with_the_days_and_offsets_that_python_models_make(tmp_path: Path) -> None:
    fleet = load_fleet(SEEDS)
    readings = duckdb.sql(
        "select 'nordermarsch-w-01' as asset_id, timestamptz '2025-03-31 11:50:00+00' as timestamp"
    )
    place_registry_for_spark(tmp_path, fleet, {date(2025, 3, 29), date(2025, 3, 31)}, [readings])
    days = pl.read_parquet(tmp_path / "utc_days.parquet")
    assert days["day_utc"].to_list() == [date(2025, 3, 29), date(2025, 3, 30), date(2025, 3, 31)]
    assert days["last_start_utc"][2].hour == 11
    offsets = pl.read_parquet(tmp_path / "utc_offsets.parquet")
    assert set(offsets["timezone"]) == set(fleet.assets["timezone"])
    assert (tmp_path / "assets.csv").exists() and (tmp_path / "reported_events.csv").exists()


def test_dbt_is_told_where_server_and_registry_are() -> None:
    told = spark_environment("sc://127.0.0.1:15002", "/fleet/registry", threads=2)
    assert told["SPARK_REMOTE"] == "sc://127.0.0.1:15002"
    assert told["RENEWABLE_DBT_REGISTRY"] == "/fleet/registry" and told["RENEWABLE_SPARK_THREADS"] == "2"
