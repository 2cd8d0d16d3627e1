"""Assets in order of the data: raw files, warehouse tables, dbt models, published marts. Bodies only call src/."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg

from dagster_project import metadata
from dagster_project.dbt_specs import DbtSpecs, dbt_specs
from dagster_project.partitions import takes_any_day, window_of
from dagster_project.step_failures import told_plainly
from renewable.settings import Settings

WAREHOUSE_POOL = "duckdb"
ONE_RUN_A_BACKFILL = dg.BackfillPolicy.single_run()

Results = Iterator[dg.MaterializeResult[Any]]


def asset_definitions(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """All assets of the pipeline, partitioned by UTC day, and their parts; a range of days is one run."""
    shared: dict[str, Any] = {"partitions_def": partitions, "backfill_policy": ONE_RUN_A_BACKFILL}
    models = dbt_specs(settings)
    published, parts = metadata.published_specs(models)
    steps = [
        _raw_files(settings, shared),
        _warehouse_tables(settings, shared),
        _dbt_models(settings, models, shared),
        _published_marts(settings, published, shared),
        *([_scorecard(settings, shared)] if settings.input == "simulator" else []),
        _report(settings, shared),
    ]
    owned = partial(metadata.owned, settings)
    with warnings.catch_warnings():
        # Dagster calls it new.
        warnings.simplefilter("ignore", dg.BetaWarning)
        referred = dg.with_source_code_references(steps)
    steps = [step for step in referred if isinstance(step, dg.AssetsDefinition)]
    return [*(step.map_asset_specs(owned) for step in steps), *map(owned, [*models.parts, *parts])]


def _raw_files(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    specs = metadata.raw_file_specs(settings)

    @dg.multi_asset(specs=specs, name="raw_files", can_subset=True, **shared)
    def raw_files(context: dg.AssetExecutionContext) -> Results:
        from renewable.operations.raw_input import deliver_raw_files

        window, tables = window_of(context), metadata.tables_of(context.selected_asset_keys)
        with told_plainly(settings):
            sentence = deliver_raw_files(settings, window, tables, report=context.log.info)
            yield from metadata.told(context, metadata.raw_files_made(settings, window, sentence))
            metadata.tag_refused_deliveries(context, settings)

    return raw_files


def _warehouse_tables(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    specs = metadata.warehouse_specs()

    @dg.multi_asset(specs=specs, name="warehouse_tables", pool=WAREHOUSE_POOL, can_subset=True, **shared)
    def warehouse_tables(context: dg.AssetExecutionContext) -> Results:
        from loaders.dlt_pipeline import ingest
        from loaders.load_log import read_load_log

        window = window_of(context)
        asked = None if takes_any_day(settings) else window
        with told_plainly(settings):
            summary = ingest(settings, asked, report=context.log.info)
            log = read_load_log(settings)
            yield from metadata.told(context, metadata.warehouse_made(summary, window, log))
            metadata.tag_set_aside(context, summary)

    return warehouse_tables


def _dbt_models(settings: Settings, models: DbtSpecs, shared: dict[str, Any]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        specs=models.assets,
        check_specs=models.checks,
        name="dbt_models",
        pool=WAREHOUSE_POOL,
        can_subset=True,
        # dbt tests its sources and the parts of models too, which are no assets of this step
        allow_arbitrary_check_specs=True,
        **shared,
    )
    def dbt_models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from dagster_project.dbt_events import build_models

        with told_plainly(settings):
            yield from build_models(context, settings)

    return dbt_models


def _published_marts(
    settings: Settings, specs: list[dg.AssetSpec], shared: dict[str, Any]
) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=specs, name="published_marts", pool=WAREHOUSE_POOL, can_subset=True, **shared)
    def published_marts(context: dg.AssetExecutionContext) -> Results:
        from renewable.published.pictures import draw_marts
        from renewable.published.publish import publish

        with told_plainly(settings):
            summary = publish(settings, report=context.log.info)
            made = metadata.published_made(summary, window_of(context), draw_marts(settings))
            yield from metadata.told(context, made)

    return published_marts


def _scorecard(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    specs = metadata.scorecard_specs()

    @dg.multi_asset(specs=specs, name="scorecard", pool=WAREHOUSE_POOL, **shared)
    def scorecard(context: dg.AssetExecutionContext) -> Results:
        from loaders.load_log import read_load_log
        from renewable.scorecard.score import score_if_any

        with told_plainly(settings):
            window = metadata.last_loaded_days(read_load_log(settings), metadata.SCORED_DAYS)
            card = score_if_any(settings, window, report=context.log.info)
            yield from metadata.told(context, [metadata.scorecard_made(card)])

    return scorecard


def _report(settings: Settings, shared: dict[str, Any]) -> dg.AssetsDefinition:
    specs = metadata.report_specs(settings)

    # It reads published files only: no pool, so that the next load need not wait for it.
    @dg.multi_asset(specs=specs, name="report", **shared)
    def report(context: dg.AssetExecutionContext) -> Results:
        from renewable.report.build import write_report

        with told_plainly(settings):
            summary = write_report(settings, now=datetime.now(UTC), report=context.log.info)
            yield from metadata.told(context, [metadata.report_made(summary)])

    return report
