"""The page of a site: its figures and its assets."""

from renewable.report.pages.content import Content
from renewable.report.pages.frame import page
from renewable.report.pages.results import energy_columns, headline_parts, ranking_table


def site_page(content: Content, site_id: str) -> str:
    """HTML of the page at `site_href(site_id)`."""
    assets = content.sites[site_id]
    ids = [asset["asset_id"] for asset in assets]
    rated = sum(asset["rated_power_kw"] for asset in assets)
    return page(
        content,
        "site.html",
        "../",
        assets[0]["site_name"],
        f"Site {site_id} · {len(ids)} asset{'s' * (len(ids) != 1)}, {rated / 1000:,.1f} MW rated"
        f" · reporting period {content.period.current}",
        [],
        {"energy": energy_columns(content.days_of(ids)), "waterfall": content.waterfall(ids)},
        **headline_parts(content, ids),
        ranking_table=ranking_table(content, ids, "../"),
    )
