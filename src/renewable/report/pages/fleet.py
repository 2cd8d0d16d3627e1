"""The first page: the fleet, its sites and assets, what came in and what was set aside."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
from markupsafe import Markup

from loaders.quarantine import Quarantined
from renewable.report import cells
from renewable.report.pages.columns import columns_of, day_ms, rows_as_columns
from renewable.report.pages.content import Content
from renewable.report.pages.frame import page
from renewable.report.pages.links import site_href
from renewable.report.pages.results import (
    RESULTS,
    energy_columns,
    headline_parts,
    quality_table,
    ranking_table,
    results,
)
from renewable.report.period import Days
from renewable.report.tables import Column, html_table
from renewable.windows import ONE_DAY

HEATMAP_DAYS = 90


def fleet_page(content: Content) -> str:
    """HTML of index.html."""
    assets = content.assets["asset_id"].to_list()
    data = {
        "energy": energy_columns(content.days_of(assets)),
        "waterfall": content.waterfall(assets),
        "places": _places(content),
        "heatmap": _heatmap(content),
    }
    shown = _heatmap_days(content.period.history)
    return page(
        content,
        "fleet.html",
        "",
        "Fleet report",
        f"Fleet “{content.inputs.name}”: {_fleet_size(content)}"
        f" · reporting period {content.period.current} ({content.period.current.count} days)",
        [],
        data,
        **headline_parts(content, assets),
        sites_table=_sites_table(content),
        ranking_table=ranking_table(content, assets, ""),
        technologies=sorted(content.assets["technology"].unique()),
        heatmap_height=len(assets) * (14 if len(assets) <= 60 else 8) + 10,
        about_heatmap=f"Local days {shown}, ordered by site. No colour: not known.",
        freshness=_freshness(content),
        quarantine_table=_quarantine_table(content.inputs.quarantined),
        quality_table=quality_table(
            content.period.current.of(content.inputs.quality), f"All assets, {content.period.current}"
        ),
    )


def _fleet_size(content: Content) -> str:
    counts = {name: content.inputs.fleet.technology(name).height for name in ("wind", "solar")}
    assets = " and ".join(f"{count} {name}" for name, count in counts.items() if count)
    rated = content.assets["rated_power_kw"].sum() / 1000
    return f"{assets} assets at {len(content.sites)} site{'s' * (len(content.sites) != 1)}, {rated:,.1f} MW rated"


def _places(content: Content) -> dict[str, list[Any]]:
    rows = []
    for site_id, assets in content.sites.items():
        technologies = sorted({asset["technology"] for asset in assets}, reverse=True)
        rows.append(
            {
                "site": assets[0]["site_name"],
                "href": site_href(site_id),
                "technology": " and ".join(technologies),
                "assets": len(assets),
                "rated_mw": sum(asset["rated_power_kw"] for asset in assets) / 1000,
                "latitude_deg": sum(asset["latitude_deg"] for asset in assets) / len(assets),
                "longitude_deg": sum(asset["longitude_deg"] for asset in assets) / len(assets),
                "performance_index": content.by_site_now.get(site_id, {}).get("performance_index"),
            }
        )
    return rows_as_columns(rows, tuple(rows[0]) if rows else ())


def _heatmap_days(history: Days) -> Days:
    return Days(max(history.first, history.last - timedelta(days=HEATMAP_DAYS - 1)), history.last)


def _heatmap(content: Content) -> dict[str, list[Any]]:
    order = content.assets.sort("site_id", "asset_id").select("asset_id").with_row_index("place")
    rows = (
        _heatmap_days(content.period.history)
        .of(content.inputs.daily)
        .join(order, on="asset_id")
        .sort("place", "date_local")
        .select(day_ms(), "performance_index", asset="asset_id", availability="time_availability_ratio")
    )
    return columns_of(rows)


def _sites_table(content: Content) -> Markup:
    rows = []
    for site_id, assets in content.sites.items():
        rated = sum(asset["rated_power_kw"] for asset in assets)
        rows.append(
            [
                cells.link(site_href(site_id), assets[0]["site_name"]),
                cells.number(len(assets)),
                *results(content.by_site_now.get(site_id), rated),
            ]
        )
    columns = [Column("Site", figures=False), Column("Assets"), *RESULTS]
    return html_table("sites", f"Results by site, {content.period.current}", columns, rows, sortable=True)


def _freshness(content: Content) -> list[tuple[str, Markup]]:
    log = content.inputs.load_log.filter(pl.col("refusal").is_null())
    last = log["day"].max()
    loaded = log["loaded_at"].max()
    newest = datetime.combine(last, time(), UTC) + ONE_DAY if isinstance(last, date) else None
    refused = content.inputs.load_log.height - log.height
    return [
        ("Data up to", cells.age(newest)),
        ("Last load", cells.age(loaded if isinstance(loaded, datetime) else None)),
        ("This report", cells.age(content.now)),
        (
            "Files loaded",
            cells.number(log.height)
            + Markup(" files, ")
            + cells.number(int(log["rows_loaded"].sum()))
            + Markup(" rows"),
        ),
        ("Files refused", cells.number(refused) + Markup(" files")),
    ]


def _quarantine_table(found: Quarantined) -> Markup:
    rows = [
        [cells.text(what), cells.text(rule.replace("_", " ")), cells.number(count)]
        for what, counts in (("rows", found.rows), ("values", found.values))
        for rule, count in sorted(counts.items())
    ] + [
        [cells.text("whole file"), cells.text(f"{name}: {reason}"), cells.number(1)]
        for name, reason in found.files.items()
    ]
    if not rows:
        return Markup('<p class="empty">Nothing is in quarantine: 0 rows, 0 values, 0 files.</p>')
    columns = [Column("What", figures=False), Column("Rule", figures=False), Column("Quarantined", "count")]
    return html_table("quarantine", "Quarantined by the gate", columns, rows)
