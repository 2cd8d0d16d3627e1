"""The project's macros rendered without dbt, which takes seconds to start."""

from types import SimpleNamespace
from typing import Any

import jinja2

from renewable.settings import REPO

_MACROS = REPO / "dbt" / "renewable_dbt" / "macros"
# It has tags that only dbt knows.
_OF_DBT = "materializations.sql"


def rendered(macro: str, *arguments: object, **context: Any) -> str:
    """SQL of a macro; `context` are names that dbt would give it. A ref is the name of its relation."""
    source = "\n".join(
        path.read_text("utf-8") for path in sorted(_MACROS.glob("*.sql")) if path.name != _OF_DBT
    )
    template = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(source)
    dispatched = SimpleNamespace(dispatch=lambda name: getattr(module, f"default__{name}"))
    module = template.make_module(
        {"return": lambda value: value, "ref": lambda name: name, "adapter": dispatched, "execute": True}
        | context
    )
    return str(getattr(module, macro)(*arguments))
