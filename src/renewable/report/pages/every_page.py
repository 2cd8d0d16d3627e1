"""All pages of a report, one after the other."""

from collections.abc import Iterator
from datetime import datetime

from renewable.report.inputs import Inputs
from renewable.report.pages.asset import asset_page
from renewable.report.pages.content import Content
from renewable.report.pages.fleet import fleet_page
from renewable.report.pages.frame import frame, templates
from renewable.report.pages.links import asset_href, site_href
from renewable.report.pages.scorecard import scorecard_page
from renewable.report.pages.site import site_page
from renewable.report.period import PERIOD_DAYS


def report_pages(inputs: Inputs, now: datetime, days: int = PERIOD_DAYS) -> Iterator[tuple[str, str]]:
    """(path inside the report, HTML) of every page; of marts without rows a single page that says so.

    The same inputs, length and `now` give the same text.
    """
    if inputs.daily.is_empty():
        yield "index.html", _empty_page(inputs, now)
        return
    content = Content(inputs, now, days)
    yield "index.html", fleet_page(content)
    if inputs.scorecard is not None:
        yield "scorecard.html", scorecard_page(content, inputs.scorecard)
    for site_id in content.sites:
        yield site_href(site_id), site_page(content, site_id)
    for asset in content.assets.iter_rows(named=True):
        yield asset_href(asset["asset_id"]), asset_page(content, asset)


def _empty_page(inputs: Inputs, now: datetime) -> str:
    return (
        templates()
        .get_template("empty.html")
        .render(
            **frame(inputs.name, now, "", "Fleet report", f"Fleet “{inputs.name}”", {}),
            trail=[],
            has_scorecard=False,
        )
    )
