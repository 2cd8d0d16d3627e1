"""Runs dbt inside the step and turns its events into Dagster's.

`DbtCliResource` would start dbt twice as a process and load it once here for one build: 16 s instead of 8.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliEventMessage
from dagster_dbt.asset_utils import (
    DAGSTER_DBT_EXCLUDE_METADATA_KEY,
    DAGSTER_DBT_SELECT_METADATA_KEY,
    DAGSTER_DBT_SELECTOR_METADATA_KEY,
    get_manifest_and_translator_from_dbt_assets,
    get_subset_selection_for_context,
)
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from dagster_project.partitions import window_if_any
from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.warehouse import exclusive
from transform.build import build_models as run_dbt
from transform.dbt_project import target_dir


class LayerTranslator(DagsterDbtTranslator):
    """Groups models by their layer's folder and shows dbt's tests, those of sources included, as checks."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        if dbt_resource_props["resource_type"] == "seed":
            return "registry"
        return str(dbt_resource_props["fqn"][1])


def build_models(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[Any]:
    """Build what the run selects of the dbt assets for its window; outputs and checks come as dbt reported them.

    Raises PipelineError after the events when a model or a test failed.
    """
    manifest, translator, _ = get_manifest_and_translator_from_dbt_assets([context.assets_def])
    found: list[DbtCliEventMessage] = []
    failure: PipelineError | None = None
    window = window_if_any(context)
    selection = _selection(context, manifest, translator)
    with exclusive(settings.warehouse_path, settings.lock_wait_s, report=context.log.info):
        try:
            run_dbt(settings, window, selection, on_event=lambda event: found.extend(_results(event)))
        except PipelineError as error:
            failure = error
    for message in found:
        context.log.debug(str(message))
        yield from message.to_default_asset_events(
            manifest, translator, context=context, target_path=target_dir(settings)
        )
    if failure:
        raise failure
    context.log.info(f"dbt built and tested {len(found)} nodes for {window or 'all days'}")


def _selection(
    context: dg.AssetExecutionContext, manifest: Any, translator: DagsterDbtTranslator
) -> list[str]:
    tags = context.op_execution_context.op.tags
    selection, indirect = get_subset_selection_for_context(
        context=context,
        manifest=manifest,
        select=tags.get(DAGSTER_DBT_SELECT_METADATA_KEY),
        exclude=tags.get(DAGSTER_DBT_EXCLUDE_METADATA_KEY),
        selector=tags.get(DAGSTER_DBT_SELECTOR_METADATA_KEY),
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
