"""dagster-dbt's view of the dbt project: how a model and a test look as asset and check. Slow to import."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings
from dagster_dbt.asset_utils import build_dbt_specs
from dagster_dbt.dbt_manifest import validate_manifest

from dagster_project.dbt_parts import TOLD, told
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
    """dagster-dbt's view of the whole project."""
    return build_dbt_specs(
        translator=LayerTranslator(),
        manifest=validate_manifest(manifest),
        select="fqn:*",
        exclude="",
        selector="",
        io_manager_key=None,
        project=None,
    )
