"""Assets in order of the data: raw files, warehouse tables, dbt models, published marts. Bodies only call src/."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from analysis.publish import publish
from analysis.scorecard import answer_key, score
from dagster_project import metadata
from dagster_project.dbt_events import LayerTranslator, build_models
from dagster_project.partitions import window_of
from dagster_project.raw_input import deliver_raw_files
from loaders.dlt_pipeline import ingest
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
        *([_scorecard(settings, shared)] if settings.input == "simulator" else []),
    ]


def _raw_files(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=metadata.raw_file_specs(settings), name="raw_files", can_subset=True, **shared)
    def raw_files(context: dg.AssetExecutionContext) -> metadata.Results:
        window, selected = window_of(context), context.selected_asset_keys
        sentence = deliver_raw_files(settings, window, metadata.tables_of(selected), report=context.log.info)
        yield from metadata.only(selected, metadata.raw_file_results(settings, window, sentence))

    return raw_files


def _warehouse_tables(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        specs=metadata.warehouse_specs(),
        name="warehouse_tables",
        pool=WAREHOUSE_POOL,
        can_subset=True,
        **shared,
    )
    def warehouse_tables(context: dg.AssetExecutionContext) -> metadata.Results:
        summary = ingest(settings, window_of(context), report=context.log.info)
        context.log.info(summary.sentence)
        yield from metadata.only(context.selected_asset_keys, metadata.warehouse_results(summary))

    return warehouse_tables


def _dbt_models(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=ensure_manifest(settings),
        name="dbt_models",
        dagster_dbt_translator=LayerTranslator(),
        pool=WAREHOUSE_POOL,
        **shared,
    )
    def dbt_models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from build_models(context, settings)

    return dbt_models


def _published_marts(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        specs=metadata.published_specs(),
        name="published_marts",
        pool=WAREHOUSE_POOL,
        can_subset=True,
        **shared,
    )
    def published_marts(context: dg.AssetExecutionContext) -> metadata.Results:
        summary = publish(settings, report=context.log.info)
        yield from metadata.only(context.selected_asset_keys, metadata.published_results(summary))

    return published_marts


def _scorecard(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=metadata.scorecard_specs(), name="scorecard", pool=WAREHOUSE_POOL, **shared)
    def scorecard(context: dg.AssetExecutionContext) -> metadata.Results:
        window = window_of(context).reaching_back(metadata.SCORED_DAYS)
        card = score(settings, window, report=context.log.info) if answer_key(settings, window) else None
        yield metadata.scorecard_result(card)

    return scorecard
