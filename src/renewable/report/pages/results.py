"""Parts that several pages show: headline figures, results by asset, energy by day, quality by channel."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import polars as pl
from markupsafe import Markup

from renewable.published.ratios import ratios_by
from renewable.report import cells
from renewable.report.figures import Figure, headlines, quality_by_channel
from renewable.report.pages.columns import columns_of, day_ms
from renewable.report.pages.content import Content
from renewable.report.pages.links import asset_href
from renewable.report.tables import Column, html_table

RESULTS = (
    Column("Rated", "MW"),
    Column("Energy", "MWh"),
    Column("Expected", "MWh"),
    Column("Lost", "MWh"),
    Column("Performance index", "%"),
    Column("Availability", "%, by time"),
    Column("Coverage", "%"),
)


def headline_parts(content: Content, assets: Sequence[str]) -> dict[str, Any]:
    """The headline figures of some assets, and the sentences that say which days they are about."""
    current, previous = content.period.current, content.period.previous
    figures = headlines(*content.now_and_before(assets))
    return {
        "figures": [_shown(figure) for figure in figures],
        "compared": f"{current}, compared with the {previous.count} days before, {previous}."
        if previous
        else f"{current}. There are no days before to compare with.",
        "period_text": f"{current}",
        "about_history": f"By local day, {content.period.history}.",
        "about_losses": f"{current}. Expected energy - these losses = energy, including energy that counters tell"
        " over gaps. Shares are of expected energy.",
    }


def _shown(figure: Figure) -> dict[str, Any]:
    change = figure.change
    tone, said = "", "nothing to compare with"
    if change is not None:
        size = f"{abs(change):.1f} {'points' if figure.is_share else '%'}"
        moved = f"{abs(change):.1f}" != "0.0"
        said = f"{'▲' if change > 0 else '▼'} {size}" if moved else f"± {size}"
        tone = "" if not figure.better or not moved else "good" if change * figure.better > 0 else "bad"
    return {
        "key": figure.key,
        "title": figure.title,
        "hint": figure.hint,
        "shown": cells.number(figure.value, figure.decimals, divisor=figure.divisor, unit=figure.unit),
        "change": change,
        "said": said,
        "tone": tone,
    }


def ranking_table(content: Content, assets: Sequence[str], root: str) -> Markup:
    """Results by asset, what lost most first."""
    chosen = set(assets)
    ranked = sorted(
        (asset for asset in content.assets.iter_rows(named=True) if asset["asset_id"] in chosen),
        key=lambda asset: (
            -((content.by_asset_now.get(asset["asset_id"]) or {}).get("lost_energy_kwh") or 0.0),
            asset["asset_id"],
        ),
    )
    rows = [
        [
            cells.link(root + asset_href(asset["asset_id"]), asset["asset_name"]),
            cells.text(asset["site_name"]),
            cells.text(asset["technology"]),
            *results(content.by_asset_now.get(asset["asset_id"]), asset["rated_power_kw"]),
            _sparkline(content, asset["asset_id"]),
        ]
        for asset in ranked
    ]
    columns = [
        Column("Asset", figures=False),
        Column("Site", figures=False),
        Column("Technology", figures=False),
        *RESULTS,
        Column("Performance index", "by day", figures=False),
    ]
    return html_table("ranking", f"Results by asset, {content.period.current}", columns, rows, sortable=True)


def _sparkline(content: Content, asset_id: str) -> Markup:
    days = content.period.current
    known = (
        dict(days.of(content.daily[asset_id]).select("date_local", "performance_index").iter_rows())
        if asset_id in content.daily
        else {}
    )
    values = [known.get(days.first + timedelta(days=n)) for n in range(days.count)]
    return cells.sparkline(values, 0.5, 1.1, "performance index by day")


def results(sums: Mapping[str, Any] | None, rated_kw: float) -> list[Markup]:
    """The cells under RESULTS of a row of `ratios_by`; None where nothing is known."""
    row = sums or {}
    return [
        cells.number(rated_kw, 2, divisor=1000.0),
        cells.number(row.get("energy_kwh"), 1, divisor=1000.0),
        cells.number(row.get("expected_energy_kwh"), 1, divisor=1000.0),
        cells.number(row.get("lost_energy_kwh"), 1, divisor=1000.0),
        *(
            cells.number(row.get(name), 1, divisor=0.01)
            for name in ("performance_index", "time_availability_ratio", "data_coverage_ratio")
        ),
    ]


def energy_columns(daily: pl.DataFrame) -> dict[str, list[Any]]:
    """Energy and expected energy by local day, of rows of mart_asset_daily."""
    # A row of one asset is its own sum.
    is_one = daily["asset_id"].n_unique() <= 1
    days = daily.sort("date_local") if is_one else ratios_by(daily, "date_local")
    return columns_of(days.select(day_ms(), "energy_kwh", expected_kwh="expected_energy_kwh"))


def quality_table(quality: pl.DataFrame, caption: str) -> Markup:
    """Readings by channel, of rows of mart_data_quality_daily."""
    rows = [
        [
            cells.text(row["channel"]),
            cells.number(row["readings_expected"]),
            cells.share(row["present_ratio"]),
            cells.share(row["doubtful_ratio"], 2),
            cells.number(row["readings_set_aside"]),
            cells.number(row["readings_below_zero"]),
            cells.number(row["longest_gap_hours"], 1),
        ]
        for row in quality_by_channel(quality).iter_rows(named=True)
    ]
    columns = [
        Column("Channel", figures=False),
        Column("Expected", "readings"),
        Column("Present", "%"),
        Column("Doubtful", "% of present"),
        Column("Set aside", "readings"),
        Column("Below zero", "readings"),
        Column("Longest gap", "h in a day"),
    ]
    return html_table("quality", caption, columns, rows, sortable=True)
