"""What dbt needs beside the project to build on Spark: a cluster sees no file of ours and runs no Python of ours.

The registry goes to a folder that the cluster reads, with the tables that Python models make elsewhere; the vocabulary
goes into the environment.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from renewable.atomic_write import write_parquet_atomic, write_text_atomic
from renewable.data_calendar import data_calendar, read_edges
from renewable.fleet import Fleet, registry_files
from renewable.places import DBT_PROJECT
from renewable.time_zones import utc_offsets

_SEEDS = ("event_kinds", "reading_rules", "thresholds")


def vocabulary_texts(project: Path = DBT_PROJECT) -> str:
    """Texts that macros/vocabulary.sql takes from RENEWABLE_DBT_VOCABULARY: the sources' file, the seeds' rows as JSON.

    Cells are texts, an empty one is null, as DuckDB reads the same files.
    """
    texts = {"sources": (project / "models" / "staging" / "_sources.yml").read_text("utf-8")}
    for seed in _SEEDS:
        rows = pl.read_csv(project / "vocabulary" / f"{seed}.csv", infer_schema=False).to_dicts()
        texts[seed] = json.dumps(rows)
    return json.dumps(texts)


def place_registry_for_spark(
    folder: Path,
    fleet: Fleet,
    days_with_data: set[date],
    readings: Sequence[duckdb.DuckDBPyRelation],
    *,
    first_day: date | None = None,
) -> None:
    """Write the registry of `fleet` into `folder`, with the tables utc_days and utc_offsets.

    `readings` have asset_id and timestamp: they say where the data end, as in models/registry/utc_days.py.
    """
    for name, text in registry_files(fleet, first_day).items():
        write_text_atomic(text, folder / name)
    rows = fleet.rows.with_columns(data_from=pl.max_horizontal("data_from", pl.lit(first_day, pl.Date)))
    ended = rows["decommissioned_on"]
    begins = rows.select(pl.max_horizontal("commissioned_on", "data_from").min()).item()
    last = None if ended.has_nulls() else max(ended.to_list())
    calendar = data_calendar(days_with_data, begins, last)
    minutes = dict(rows.select("asset_id", "interval_minutes").iter_rows())
    edges = read_edges(calendar, readings, minutes)
    write_parquet_atomic(calendar.table(edges), folder / "utc_days.parquet")
    write_parquet_atomic(utc_offsets(rows["timezone"].unique()), folder / "utc_offsets.parquet")


def spark_environment(remote: str, registry: str, *, threads: int = 4) -> Mapping[str, str]:
    """Environment of dbt with `--target spark`: `remote` is sc://host:port, `registry` the cluster's path."""
    return {
        "SPARK_REMOTE": remote,
        "RENEWABLE_DBT_REGISTRY": registry,
        "RENEWABLE_DBT_VOCABULARY": vocabulary_texts(),
        "RENEWABLE_SPARK_THREADS": str(threads),
    }
