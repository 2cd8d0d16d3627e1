"""The dbt project as Dagster's specs, read from a file that dagster-dbt made.

Importing dagster-dbt takes longer than all other definitions together, and it is needed only when a model changed.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.dbt_parts import SQL_FILE, TOLD, TOLD_BY_DAY, TOLD_BY_RUN, UNIQUE_ID
from renewable.atomic_write import write_text_atomic
from renewable.places import DBT_PROJECT
from renewable.settings import Settings
from renewable.transform.dbt_project import ensure_manifest

# Yesterday's figures are late after a day and some hours of work, and missing after another day.
DAILY_FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
)
_FORMAT = 3


@dataclass(frozen=True)
class DbtSpecs:
    """Models and seeds, of which `parts` are built with what reads them and never alone; dbt's tests as checks."""

    assets: list[dg.AssetSpec]
    parts: list[dg.AssetSpec]
    checks: list[dg.AssetCheckSpec]


def dbt_specs(settings: Settings) -> DbtSpecs:
    """What the present models look like in Dagster."""
    manifest = ensure_manifest(settings)
    path = manifest.with_name("dagster_specs.json")
    made_by = [_FORMAT, version("dagster-dbt"), manifest.stat().st_mtime_ns]
    known = _read(path)
    if known is None or known["made_by"] != made_by:
        from dagster_project.dbt_translation import translated

        known = {"made_by": made_by, **described(*translated(manifest))}
        write_text_atomic(json.dumps(known), path)
    specs = [_asset(asset) for asset in known["assets"]]
    parts = {spec.key: spec for spec in specs if spec.metadata[TOLD] == TOLD_BY_RUN}
    return DbtSpecs(
        assets=[_reaching_through(parts, spec) for spec in specs if spec.metadata[TOLD] == TOLD_BY_DAY],
        parts=list(parts.values()),
        checks=[_check(check) for check in known["checks"]],
    )


def _reaching_through(parts: Mapping[dg.AssetKey, dg.AssetSpec], spec: dg.AssetSpec) -> dg.AssetSpec:
    """With what its parts are made of among its dependencies: a backfill goes from asset to asset that it runs."""
    behind: dict[dg.AssetKey, None] = {}
    waiting, seen = [dep.asset_key for dep in spec.deps], set[dg.AssetKey]()
    while waiting:
        if (key := waiting.pop()) in parts and key not in seen:
            seen.add(key)
            above = [dep.asset_key for dep in parts[key].deps]
            waiting += above
            behind |= dict.fromkeys(name for name in above if name not in parts)
    named = {dep.asset_key for dep in spec.deps}
    return spec.replace_attributes(deps=[*spec.deps, *(key for key in behind if key not in named)])


def described(
    assets: Sequence[dg.AssetSpec], checks: Sequence[dg.AssetCheckSpec]
) -> dict[str, list[dict[str, Any]]]:
    """What is kept of dagster-dbt's specs, as JSON can hold it."""
    return {
        "assets": [
            {
                "key": asset.key.path,
                "deps": [dep.asset_key.path for dep in asset.deps],
                "description": asset.description,
                "group_name": asset.group_name,
                "code_version": asset.code_version,
                "tags": dict(asset.tags),
                "unique_id": asset.metadata[UNIQUE_ID],
                "told": asset.metadata[TOLD],
                "sql_file": asset.metadata[SQL_FILE],
                "table_name": asset.metadata["dagster/table_name"],
                "columns": [
                    {"name": column.name, "type": column.type, "description": column.description}
                    for column in _columns(asset)
                ],
            }
            for asset in assets
        ],
        "checks": [
            {
                "name": check.name,
                "asset": check.asset_key.path,
                "description": check.description,
                "blocking": check.blocking,
                "additional_deps": [dep.asset_key.path for dep in check.additional_deps],
                "unique_id": (check.metadata or {})[UNIQUE_ID],
            }
            for check in checks
        ],
    }


def _columns(asset: dg.AssetSpec) -> Sequence[dg.TableColumn]:
    found = asset.metadata.get("dagster/column_schema")
    schema = found.schema if isinstance(found, dg.TableSchemaMetadataValue) else found
    return schema.columns if isinstance(schema, dg.TableSchema) else []


def _asset(asset: Mapping[str, Any]) -> dg.AssetSpec:
    columns = [dg.TableColumn(**column) for column in asset["columns"]]
    schema = {"dagster/column_schema": dg.TableSchema(columns)} if columns else {}
    return dg.AssetSpec(
        asset["key"],
        deps=[dg.AssetKey(path) for path in asset["deps"]],
        description=asset["description"],
        group_name=asset["group_name"],
        code_version=asset["code_version"],
        tags=asset["tags"],
        metadata={
            UNIQUE_ID: asset["unique_id"],
            TOLD: asset["told"],
            "dagster/table_name": asset["table_name"],
            "dagster/code_references": _reference(DBT_PROJECT / asset["sql_file"]),
        }
        | schema,
        freshness_policy=DAILY_FRESHNESS if asset["group_name"] == "marts" else None,
        skippable=asset["told"] == TOLD_BY_DAY,
    )


def _reference(file: Path) -> dg.CodeReferencesMetadataValue:
    with warnings.catch_warnings():
        # Dagster calls it new.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.CodeReferencesMetadataValue(
            code_references=[dg.LocalFileCodeReference(file_path=str(file))]
        )


def _check(check: Mapping[str, Any]) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check["name"],
        asset=dg.AssetKey(check["asset"]),
        description=check["description"],
        blocking=check["blocking"],
        additional_deps=[dg.AssetKey(path) for path in check["additional_deps"]],
        metadata={UNIQUE_ID: check["unique_id"]},
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return known
