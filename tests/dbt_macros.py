"""Single macros of the project rendered without dbt."""

from typing import Any

from renewable.places import DBT_PROJECT
from renewable.transform.macros import macros

# They have a tag of dbt's own.
_MATERIALIZATIONS = "materializations"


def rendered(macro: str, *arguments: object, **context: Any) -> str:
    """SQL of a macro; `context` are names that dbt would give it. A ref is the name of its relation."""
    files = sorted((DBT_PROJECT / "macros").glob("*.sql"))
    names = [path.name for path in files if not path.name.startswith(_MATERIALIZATIONS)]
    known = macros(DBT_PROJECT, names, **({"ref": lambda name: name, "execute": True} | context))
    return str(getattr(known, macro)(*arguments))
