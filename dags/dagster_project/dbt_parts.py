"""Which models tell Dagster each day of a run, an event a day, and which the run as a whole, one event.

`meta.told` in the dbt project says it. Dagster plans and keeps events of each partition of each asset, so that a model
that tells the run has no partitions. It has no run of its own either, which would know no days: it is a part of what
reads it and is built with that.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from renewable.errors import PipelineError

# What is known of a model beside Dagster's own: its name in the manifest, and its file from the project's folder.
UNIQUE_ID, SQL_FILE = "dagster_dbt/unique_id", "renewable/sql_file"
TOLD, TOLD_BY_DAY, TOLD_BY_RUN = "renewable/told", "by day", "by run"


def parts_behind(manifest: Mapping[str, Any], unique_ids: Iterable[str]) -> list[str]:
    """Unique ids of the parts that those nodes are made of, and of the parts of these."""
    found: dict[str, None] = {}
    waiting = list(unique_ids)
    while waiting:
        for above in manifest["nodes"][waiting.pop()].get("depends_on", {}).get("nodes", []):
            if above in manifest["nodes"] and above not in found and _is_part(manifest["nodes"][above]):
                found[above] = None
                waiting.append(above)
    return list(found)


def told(node: Mapping[str, Any]) -> str:
    """Whether a node of the manifest tells days or the run. Raises PipelineError for any other word."""
    word = node["config"].get("meta", {}).get("told", TOLD_BY_DAY)
    if word not in (TOLD_BY_DAY, TOLD_BY_RUN):
        raise PipelineError(
            f"{node['original_file_path']}: meta.told of {node['name']} is {word!r};"
            f" write {TOLD_BY_DAY!r} or {TOLD_BY_RUN!r}"
        )
    return str(word)


def _is_part(node: Mapping[str, Any]) -> bool:
    return told(node) == TOLD_BY_RUN
