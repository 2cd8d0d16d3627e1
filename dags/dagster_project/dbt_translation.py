"""dagster-dbt's view of the dbt project: how a model and a test look as asset and check. Slow to import."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings
from dagster_dbt.asset_utils import build_dbt_specs
from dagster_dbt.dbt_manifest import validate_manifest

from dagster_project.dbt_parts import SQL_FILE, TOLD, UNIQUE_ID, told
from dagster_project.keys import layer_of, table_key


class LayerTranslator(DagsterDbtTranslator):
    """Groups models by their folder and shows dbt's tests, those of sources included, as checks."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return table_key(dbt_resource_props["schema"], dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return layer_of(dbt_resource_props["schema"])

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        known = super().get_metadata(dbt_resource_props)
        is_asset = dbt_resource_props["resource_type"] in ("model", "seed")
        return {**known, TOLD: told(dbt_resource_props)} if is_asset else known


def translated(manifest: Path) -> tuple[Sequence[dg.AssetSpec], Sequence[dg.AssetCheckSpec]]:
    """dagster-dbt's view of the whole project, with a sentence for each check and the file of each model."""
    project = validate_manifest(manifest)
    assets, checks = _specs(project)
    nodes = project["nodes"]
    return (
        [
            asset.merge_attributes(
                metadata={SQL_FILE: nodes[asset.metadata[UNIQUE_ID]]["original_file_path"]}
            )
            for asset in assets
        ],
        [
            check._replace(description=check_sentence(nodes[(check.metadata or {})[UNIQUE_ID]]))
            for check in checks
        ],
    )


def check_sentence(test: Mapping[str, Any]) -> str:
    """What a test of the manifest holds, in words; where nobody wrote them, by its name and arguments."""
    if test.get("description"):
        return str(test["description"])
    kind = test.get("test_metadata") or {}
    given = kind.get("kwargs", {})
    match kind.get("name"):
        case "is_key":
            return f"No two rows have the same {', '.join(given['columns'])}, and none of these is empty."
        case "accepted_values":
            return f"{given['column_name']} is one of {', '.join(map(str, given['values']))}."
        case "not_null":
            return f"{given['column_name']} is never empty."
        case "unique":
            return f"{given['column_name']} is never there twice."
        case "relationships":
            return f"Each {given['column_name']} is a {given['field']} of {given['to']}."
    name = kind.get("name") or test["name"]
    return f"{name.replace('_', ' ').capitalize()}."


def _specs(
    project: Mapping[str, Any],
) -> tuple[Sequence[dg.AssetSpec], Sequence[dg.AssetCheckSpec]]:
    return build_dbt_specs(
        translator=LayerTranslator(),
        manifest=project,
        select="fqn:*",
        exclude="",
        selector="",
        io_manager_key=None,
        project=None,
    )
