"""Runs dbt inside the step and turns its events into Dagster's. `DbtCliResource` would start dbt three times for one build."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliEventMessage
from dagster_dbt.asset_utils import (
    DAGSTER_DBT_EXCLUDE_METADATA_KEY,
    DAGSTER_DBT_SELECT_METADATA_KEY,
    DAGSTER_DBT_SELECTOR_METADATA_KEY,
    get_manifest_and_translator_from_dbt_assets,
    get_subset_selection_for_context,
)
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from dagster_project.partitions import window_of
from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.warehouse import exclusive
from transform.dbt_project import invoke_dbt, target_dir, window_arguments


def build_models(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[Any]:
    """Build what the run selects of the dbt assets for its window; outputs and checks come as dbt reported them.

    Raises PipelineError after the events when a model or a test failed.
    """
    manifest, translator, _ = get_manifest_and_translator_from_dbt_assets([context.assets_def])
    found: list[DbtCliEventMessage] = []
    failure: PipelineError | None = None
    arguments = ["build", *window_arguments(window_of(context)), *_selection(context, manifest, translator)]
    with exclusive(settings.warehouse_path, settings.lock_wait_s, report=context.log.info):
        try:
            invoke_dbt(settings, arguments, on_event=lambda event: found.extend(_results(event)))
        except PipelineError as error:
            failure = error
    for message in found:
        context.log.debug(str(message))
        yield from message.to_default_asset_events(
            manifest, translator, context=context, target_path=target_dir(settings)
        )
    if failure:
        raise failure
    context.log.info(f"dbt built and tested {len(found)} nodes for {window_of(context)}")


def _selection(context: dg.AssetExecutionContext, manifest: Any, translator: DagsterDbtTranslator) -> list[str]:
    selection, indirect = get_subset_selection_for_context(
        context=context,
        manifest=manifest,
        select=context.op.tags.get(DAGSTER_DBT_SELECT_METADATA_KEY),
        exclude=context.op.tags.get(DAGSTER_DBT_EXCLUDE_METADATA_KEY),
        selector=context.op.tags.get(DAGSTER_DBT_SELECTOR_METADATA_KEY),
        dagster_dbt_translator=translator,
        current_dbt_indirect_selection_env=None,
    )
    return [*selection, *(["--indirect-selection", indirect] if indirect else [])]


def _results(event: Any) -> Iterator[DbtCliEventMessage]:
    from dbt_common.events.functions import msg_to_dict

    # dbt calls back for thousands of debug events; only results carry what Dagster needs.
    if event.info.name.startswith("Log") and event.info.name.endswith("Result"):
        message = DbtCoreCliEventMessage(raw_event=msg_to_dict(event), event_history_metadata={})
        if message.is_result_event:
            yield message
