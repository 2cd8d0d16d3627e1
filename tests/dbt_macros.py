"""The project's macros rendered without dbt, which takes seconds to start."""

import re
from types import SimpleNamespace
from typing import Any

import jinja2

from renewable.settings import REPO

# A tag of dbt's own.
_MATERIALIZATION = re.compile(r"\{% materialization .*?\{% endmaterialization %\}", re.DOTALL)
_MACROS = REPO / "dbt" / "renewable_dbt" / "macros"


def rendered(macro: str, *arguments: object, **context: Any) -> str:
    """SQL of a macro; `context` are names that dbt would give it. A ref is the name of its relation."""
    source = "\n".join(path.read_text("utf-8") for path in sorted(_MACROS.glob("*.sql")))
    source = _MATERIALIZATION.sub("", source)
    template = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(source)
    dispatched = SimpleNamespace(dispatch=lambda name: getattr(module, f"default__{name}"))
    module = template.make_module(
        {"return": lambda value: value, "ref": lambda name: name, "adapter": dispatched, "execute": True}
        | context
    )
    return str(getattr(module, macro)(*arguments))
