"""Runs dbt inside the step and turns its events into Dagster's. Only that step imports this: dagster-dbt is slow.

`DbtCliResource` would start dbt twice as a process and load it once here for one build: 16 s instead of 8.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliEventMessage
from dagster_dbt.asset_utils import (
    get_asset_check_key_for_test,
    get_checks_on_sources_upstream_of_selected_assets,
    get_subset_selection_for_context,
)
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dagster_dbt.dbt_manifest import validate_manifest

from dagster_project.dbt_parts import UNIQUE_ID, parts_behind
from dagster_project.dbt_translation import LayerTranslator
from dagster_project.keys import table_key
from dagster_project.metadata import model_made, part_made, tell_days, tell_run
from dagster_project.partitions import takes_any_day, window_if_any
from dagster_project.runs import BUILD_TAG
from renewable.errors import PipelineError
from renewable.settings import Settings
from renewable.transform.build import build_models as build_whole
from renewable.transform.build import build_selection
from renewable.transform.dbt_project import ensure_manifest, target_dir
from renewable.transform.table_facts import Relation, table_facts
from renewable.warehouse import exclusive

_NOT_BUILT = ("error", "fail", "skipped", "runtime error")


def build_models(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[Any]:
    """Build what the run selects of the dbt assets for its window; outputs and checks come as dbt reported them.

    Raises PipelineError after the events when a model failed, or a test that names no asset.
    """
    manifest = validate_manifest(ensure_manifest(settings))
    translator, window = LayerTranslator(), window_if_any(context)
    own = set(context.assets_def.node_keys_by_output_name.values())
    is_whole = context.selected_asset_keys == own
    # A long window is built in pieces; the last word on a node is the one that counts.
    found: dict[str, DbtCliEventMessage] = {}
    held: Mapping[str, Sequence[str]] = {}
    failure: PipelineError | None = None
    with exclusive(settings.warehouse_path, settings.lock_wait_s, report=context.log.info):
        try:
            if window and is_whole:
                built = build_whole(
                    settings,
                    window,
                    stale_too=takes_any_day(settings),
                    on_event=lambda event: found.update(_result(event)),
                    report=context.log.info,
                )
                held = built.held
                context.instance.add_run_tags(context.run.run_id, {BUILD_TAG: built.build_id or ""})
            else:
                selection = _selection(context, manifest, translator)
                build_selection(
                    settings, window, selection, on_event=lambda event: found.update(_result(event))
                )
        except PipelineError as error:
            failure = error
            if is_whole:
                # What was built is undone; the tests' verdicts stay.
                found = {name: message for name, message in found.items() if name.startswith("test.")}
        if window:
            for relation, facts in table_facts(settings, _built(found.values(), manifest), window).items():
                if (key := table_key(*relation)) in own:
                    tell_days(context, model_made(key, facts, window))
                else:
                    tell_run(context, part_made(key, facts, window))
    for unique_id, message in found.items():
        context.log.debug(str(message))
        assets = held.get(unique_id.split(".")[2])
        if unique_id.startswith("test.") and not _is_selected_check(context, manifest, translator, unique_id):
            # Of a source, or of a model that another one brought along: dagster-dbt would warn of each.
            continue
        if (
            not unique_id.startswith("test.")
            and translator.get_asset_spec(manifest, unique_id, None).key not in own
        ):
            continue
        for event in message.to_default_asset_events(
            manifest, translator, context=context, target_path=target_dir(settings)
        ):
            # With these assets' former rows the test passes; that it failed for the new ones must be seen.
            yield _held(event, assets) if assets and isinstance(event, dg.AssetCheckResult) else event
    if failure:
        raise failure
    for test, assets in held.items():
        context.log.warning(
            f"{test} fails for {', '.join(assets)}: their rows stay those of an earlier build"
        )
    context.log.info(f"dbt built and tested {len(found)} nodes for {window or 'all days'}")


def _is_selected_check(
    context: dg.AssetExecutionContext,
    manifest: Mapping[str, Any],
    translator: LayerTranslator,
    unique_id: str,
) -> bool:
    key = get_asset_check_key_for_test(manifest, translator, unique_id, project=None)
    return (
        key in context.selected_asset_check_keys
        or key
        in get_checks_on_sources_upstream_of_selected_assets(
            assets_def=context.assets_def, selected_asset_keys=context.selected_asset_keys
        )
    )


def _held(check: dg.AssetCheckResult, assets: Sequence[str]) -> dg.AssetCheckResult:
    """A check that failed for some assets, whose rows stay those of an earlier build: it warns and stops nothing."""
    return dg.AssetCheckResult(
        passed=False,
        asset_key=check.asset_key,
        check_name=check.check_name,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"fails for {', '.join(assets)}, whose rows stay those of an earlier build",
        metadata={"assets": list(assets)},
    )


def _built(messages: Iterable[DbtCliEventMessage], manifest: Mapping[str, Any]) -> list[Relation]:
    """(schema, name) of the tables and views among the results."""
    statuses = {
        m.raw_event["data"]["node_info"]["unique_id"]: m.raw_event["data"]["status"] for m in messages
    }
    nodes = [
        manifest["nodes"][unique_id] for unique_id, status in statuses.items() if status not in _NOT_BUILT
    ]
    return [(node["schema"], node["name"]) for node in nodes if node["resource_type"] in ("model", "seed")]


def _selection(
    context: dg.AssetExecutionContext, manifest: Mapping[str, Any], translator: LayerTranslator
) -> list[str]:
    selection, indirect = get_subset_selection_for_context(
        context=context,
        manifest=manifest,
        select=None,
        exclude=None,
        selector=None,
        dagster_dbt_translator=translator,
        current_dbt_indirect_selection_env=None,
    )
    # A selection that dagster-dbt made: ["--select", names].
    of_parts = [name.rpartition(".")[2] for name in parts_behind(manifest, _selected_ids(context))]
    if selection and of_parts:
        selection = [selection[0], " ".join([*selection[1:], *of_parts])]
    return [*selection, *(["--indirect-selection", indirect] if indirect else [])]


def _selected_ids(context: dg.AssetExecutionContext) -> list[str]:
    specs = context.assets_def.specs_by_key
    return [specs[key].metadata[UNIQUE_ID] for key in context.selected_asset_keys]


def _result(event: Any) -> dict[str, DbtCliEventMessage]:
    from dbt_common.events.functions import msg_to_dict

    # dbt calls back for thousands of debug events; only results carry what Dagster needs.
    if event.info.name.startswith("Log") and event.info.name.endswith("Result"):
        message = DbtCoreCliEventMessage(raw_event=msg_to_dict(event), event_history_metadata={})
        if message.is_result_event:
            return {message.raw_event["data"]["node_info"]["unique_id"]: message}
    return {}
