"""The steps of a build on a Spark cluster: hand over what it reads, build there, look at what came of it."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from loaders.load_log import DATASET, LOAD_LOG
from renewable.contract import TABLES
from renewable.data_calendar import days_with_data
from renewable.errors import PipelineError
from renewable.fleet import Fleet
from renewable.places import DBT_PROJECT
from renewable.settings import Settings
from renewable.transform.dbt_project import NO_TESTS, WITH_TESTS, invoke_dbt
from renewable.transform.marts import MARTS_SCHEMA, mart_names
from renewable.transform.spark.home import INTERVALS_SCHEMA, parts_of, show_intervals
from renewable.transform.spark.landing import land
from renewable.transform.spark.server import (
    cluster_tables,
    location_of,
    own_session,
    table_names,
    while_it_answers,
)
from renewable.transform.spark.surroundings import place_registry_for_spark, spark_environment
from renewable.warehouse import connect

_REGISTRY, _SESSION = "registry", "session"


def need_client() -> None:
    """Raise PipelineError where Spark's client is not installed."""
    if find_spec("pyspark") is None or find_spec("dbt.adapters.spark") is None:
        raise PipelineError(
            "RENEWABLE_ENGINE=spark needs the packages of the extra `spark`: install them with"
            " `pip install renewable[spark]`, or from requirements-spark.lock"
        )


def hand_over(
    settings: Settings, connection: duckdb.DuckDBPyConnection, fleet: Fleet, log: pl.DataFrame
) -> None:
    """Write raw rows and registry where the cluster reads them. `log` is the warehouse's load log."""
    land(connection, settings.landing_dir, log)
    place_registry_for_spark(
        settings.landing_dir / _REGISTRY,
        fleet,
        days_with_data(log.filter(pl.col("refusal").is_null())),
        [connection.table(f"{DATASET}.{table}") for table in TABLES],
        first_day=settings.first_day,
    )


def session_of_build(settings: Settings, *, builds_on: bool) -> str:
    """The address of a session for one build; what an earlier one left running on the cluster is stopped first.

    `builds_on`: the build leaves days of earlier builds as they are.
    Raises ServerGoneError, PipelineError where the tables on the cluster are those of another fleet, or are missing.
    """
    remote = own_session(settings.spark_remote, settings.landing_dir / _SESSION)
    _refuse_other_fleet(remote, settings.landing_dir)
    if builds_on:
        _refuse_lost_catalogue(remote)
    return remote


def build_on_cluster(
    settings: Settings,
    remote: str,
    fleet: Fleet,
    environment: Mapping[str, str],
    *,
    is_first: bool,
    on_event: Callable[[Any], None],
) -> None:
    """Make the raw tables known to the cluster, then build and test the models there; `environment` tells the window.

    Where it `is_first`, tables that the cluster may have are made anew.
    Raises DbtError, ServerGoneError.
    """
    surroundings = spark_environment(remote, str(settings.landing_dir / _REGISTRY))
    register = [
        "run-operation",
        "register_raw_tables",
        "--args",
        json.dumps({"folder": str(settings.landing_dir)}),
    ]
    build = ["build", *WITH_TESTS, *(["--full-refresh"] if is_first else [])]

    def work() -> None:
        invoke_dbt(settings, register, environment=surroundings)
        invoke_dbt(
            settings,
            build,
            environment={**surroundings, **environment},
            on_event=on_event,
            fleet=fleet,
        )

    while_it_answers(remote, work)


def _refuse_other_fleet(remote: str, landing_dir: Path) -> None:
    """Tables have the same names for every fleet: a second one on the server would be mixed with the first."""
    theirs = location_of(remote, f"{DATASET}.{LOAD_LOG}")
    if theirs is not None and theirs.parent.resolve() != landing_dir.resolve():
        raise PipelineError(
            f"the tables on the cluster are those of the fleet that lands in {theirs.parent}, not in {landing_dir}:"
            " each fleet needs a catalogue of its own. To give those tables up, drop the schemas raw, staging,"
            " intermediate and marts there"
        )


def _refuse_lost_catalogue(remote: str) -> None:
    """A table that is not there would be made of the days of this build alone."""
    for schema, wanted in (
        (INTERVALS_SCHEMA, _interval_tables(DBT_PROJECT)),
        (MARTS_SCHEMA, mart_names(DBT_PROJECT)),
    ):
        missing = sorted(set(wanted) - table_names(remote, schema))
        if missing:
            raise PipelineError(
                f"the cluster has no table {schema}.{missing[0]}, although days were built there: its catalogue was"
                " lost. Bring it back, or delete the tables' files in the server's warehouse directory"
                " (spark.sql.warehouse.dir) and run `renewable transform --full`"
            )


def mart_parts(remote: str) -> dict[str, dict[date, list[Path]]]:
    """The files of each mart on the cluster, by partition."""
    tables = cluster_tables(remote, MARTS_SCHEMA, mart_names(DBT_PROJECT))
    return {name: parts_of(table.files) for name, table in tables.items()}


def show_on_duckdb(settings: Settings, remote: str, fleet: Fleet) -> None:
    """Make the warehouse show the cluster's tables of intervals, and build on them what is no table there."""
    tables = cluster_tables(remote, INTERVALS_SCHEMA, _interval_tables(DBT_PROJECT))
    with connect(settings.warehouse_path, wait_s=settings.lock_wait_s) as connection:
        show_intervals(connection, tables)
    here = settings.model_copy(update={"engine": "duckdb"})
    no_tables = ("--exclude", "config.materialized:incremental")
    invoke_dbt(here, ["build", *NO_TESTS, *no_tables], fleet=fleet)


def _interval_tables(project: Path) -> list[str]:
    """Models of the layer that are tables: they say which rows a run replaces."""
    files = sorted((project / "models" / INTERVALS_SCHEMA).rglob("*.sql"))
    return [path.stem for path in files if "incremental_predicates" in path.read_text("utf-8")]
