"""What every page has: the template's frame, its title, its data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from renewable.report import cells
from renewable.report.pages.content import Content


def page(
    content: Content,
    template: str,
    root: str,
    title: str,
    subtitle: str,
    trail: Sequence[tuple[str, str]],
    data: Mapping[str, Any],
    **parts: Any,
) -> str:
    """HTML of a page; `root` leads from it to the report's folder, `trail` to the pages above it."""
    return (
        templates()
        .get_template(template)
        .render(
            **frame(content.inputs.name, content.now, root, title, subtitle, data),
            trail=trail,
            has_scorecard=content.inputs.scorecard is not None,
            **parts,
        )
    )


@cache
def templates() -> Environment:
    """The report's templates; what they are given is escaped, and nothing may be missing."""
    return Environment(
        loader=PackageLoader("renewable.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def frame(
    fleet: str, now: datetime, root: str, title: str, subtitle: str, data: Mapping[str, Any]
) -> dict[str, Any]:
    """What every page has."""
    return {
        "root": root,
        "title": title,
        "subtitle": subtitle,
        "fleet_name": fleet,
        "now_iso": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "now_text": f"{now:%Y-%m-%d %H:%M}",
        "data": cells.script_json(data),
    }
