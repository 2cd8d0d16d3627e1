"""Assets in order of the data: raw files, warehouse tables, dbt models, published marts. Bodies call src/ and report."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from analysis.publish import publish
from dagster_project import metadata
from dagster_project.dbt_events import build_models
from dagster_project.partitions import window_of
from dagster_project.raw_input import deliver_raw_files
from loaders.dlt_pipeline import LOAD_LOG, ingest
from renewable.contract import TABLES
from renewable.settings import Settings
from transform.dbt_project import ensure_manifest

WAREHOUSE_POOL = "duckdb"
ONE_RUN_A_BACKFILL = dg.BackfillPolicy.single_run()


def asset_definitions(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """All assets of the pipeline, partitioned by UTC day; a range of days is one run."""
    shared: dict[str, Any] = {"partitions_def": partitions, "backfill_policy": ONE_RUN_A_BACKFILL}
    return [
        _raw_files(settings, shared),
        _warehouse_tables(settings, shared),
        _dbt_models(settings, shared),
        _published_marts(settings, shared),
    ]


def _raw_files(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=metadata.raw_file_specs(settings), name="raw_files", **shared)
    def raw_files(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        window = window_of(context)
        sentence = deliver_raw_files(settings, window, report=context.log.info)
        yield from metadata.raw_file_results(settings, window, sentence)

    return raw_files


def _warehouse_tables(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=metadata.warehouse_specs(), name="warehouse_tables", pool=WAREHOUSE_POOL, **shared)
    def warehouse_tables(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        summary = ingest(settings, window_of(context), report=context.log.info)
        context.log.info(summary.sentence)
        yield from metadata.warehouse_results([*TABLES, LOAD_LOG], summary)

    return warehouse_tables


def _dbt_models(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=ensure_manifest(settings),
        name="dbt_models",
        dagster_dbt_translator=DagsterDbtTranslator(
            settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)
        ),
        pool=WAREHOUSE_POOL,
        **shared,
    )
    def dbt_models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from build_models(context, settings)

    return dbt_models


def _published_marts(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=metadata.published_specs(), name="published_marts", pool=WAREHOUSE_POOL, **shared)
    def published_marts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        summary = publish(settings, report=context.log.info)
        yield from metadata.published_results(summary)

    return published_marts
