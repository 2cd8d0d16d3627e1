"""The dbt project's macros without dbt, which takes seconds to start."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def macros(project_dir: Path, names: Sequence[str], **context: Any) -> Any:
    """The macros in these files as attributes: functions from texts to text, dispatched to those of DuckDB.

    `context` are names that dbt would give them.
    """
    # Few commands need it.
    import jinja2

    source = "\n".join((project_dir / "macros" / name).read_text("utf-8") for name in names)
    dispatched = SimpleNamespace(dispatch=lambda name: getattr(module, f"default__{name}"))
    module: Any
    template = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(source)
    module = template.make_module({"return": lambda value: value, "adapter": dispatched} | context)
    return module
