"""The page of an asset: curve, events with their intervals, quality of its readings, its registry row."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from renewable.published.event_intervals import THINNING
from renewable.published.irradiance_power import BINNING
from renewable.report import cells
from renewable.report.figures import doubts
from renewable.report.pages.columns import columns_of, day_ms, ms, ms_of_day
from renewable.report.pages.content import Content
from renewable.report.pages.frame import page
from renewable.report.pages.links import site_href
from renewable.report.pages.results import energy_columns, headline_parts, quality_table
from renewable.report.tables import Column, html_table
from renewable.vocabulary import event_kinds

# What one look at a page can take in, and what keeps a page under its size.
EVENTS_SHOWN = 250
INTERVALS_SHOWN = 9000


def asset_page(content: Content, asset: Mapping[str, Any]) -> str:
    """HTML of the page at `asset_href` of `asset`, a row of the registry."""
    asset_id = asset["asset_id"]
    daily = content.daily.get(asset_id, content.inputs.daily.clear())
    quality = content.quality.get(asset_id, content.inputs.quality.clear())
    labels = {kind.kind: kind.label for kind in event_kinds()}
    whole_days = {kind.label for kind in event_kinds("day")}
    events = content.events.get(asset_id, content.inputs.events.clear()).with_columns(
        pl.col("kind").replace(labels)
    )
    listed = events.head(EVENTS_SHOWN).with_row_index("event").with_columns(pl.col("event").cast(pl.Int64))
    intervals = _intervals(content, asset_id, listed)
    curve = _curve_columns(content, asset_id)
    data: dict[str, Any] = {
        "energy": energy_columns(daily),
        "waterfall": content.waterfall([asset_id]),
        "curve": curve,
        "events": columns_of(
            listed.select("event", "kind", start=ms("start_utc"), end=ms("end_utc"), lost_kwh="lost_kwh")
        ),
        "intervals": intervals,
        "quality": _quality_columns(quality),
    }
    if asset["technology"] == "solar":
        data["ratio"] = columns_of(
            daily.select(day_ms(), "performance_ratio", "performance_ratio_stc", "soiling_ratio")
        )
    shown = (
        "" if events.height <= EVENTS_SHOWN else f" The latest {EVENTS_SHOWN} of {events.height} are listed."
    )
    return page(
        content,
        "asset.html",
        "../",
        asset["asset_name"],
        f"{asset_id} · {asset['technology']}, {asset['rated_power_kw'] / 1000:,.2f} MW rated"
        f" · reporting period {content.period.current}",
        [(asset["site_name"], site_href(asset["site_id"]))],
        data,
        **headline_parts(content, [asset_id]),
        technology=asset["technology"],
        has_rows=not daily.is_empty(),
        has_curve=bool(curve["month_start"]),
        has_events=not listed.is_empty(),
        has_intervals=bool(intervals["time"]),
        has_quality=not quality.is_empty(),
        about_irradiance=BINNING,
        about_thinning=THINNING + shown,
        quality_height=20 * quality["channel"].n_unique(),
        event_kinds=sorted(listed["kind"].unique()),
        events_table=_events_table(listed, set(intervals["event"]), whole_days),
        quality_table=quality_table(quality, f"{content.period.history}"),
        registry=_registry(asset),
    )


def _intervals(content: Content, asset_id: str, events: pl.DataFrame) -> dict[str, list[Any]]:
    known = content.intervals.get(asset_id, content.inputs.event_intervals.clear())
    rows = known.join(events.select("event", "event_id"), on="event_id").sort("event", "timestamp_utc")
    # Whole events only: the latest first.
    counts = rows.group_by("event").len().sort("event").with_columns(pl.col("len").cum_sum())
    kept = counts.filter(pl.col("len") <= INTERVALS_SHOWN)["event"]
    return columns_of(
        rows.filter(pl.col("event").is_in(kept.implode())).select(
            "event",
            time=ms("timestamp_utc"),
            power_kw="active_power_kw",
            expected_kw="expected_power_kw",
        )
    )


def _curve_columns(content: Content, asset_id: str) -> dict[str, list[Any]]:
    rows = content.curves.get(asset_id)
    if rows is None:
        return {"month_start": []}
    return columns_of(
        rows.sort("month_local", rows.columns[2]).select(
            ms_of_day("month_local").alias("month_start"),
            (pl.col("month_local") == pl.col("month_local").max()).alias("is_latest"),
            pl.exclude("asset_id", "month_local", "is_complete", "mean_wind_speed_ms", "std_power_kw"),
        )
    )


def _quality_columns(quality: pl.DataFrame) -> dict[str, list[Any]]:
    return columns_of(
        quality.select(
            day_ms(),
            "channel",
            expected="readings_expected",
            present="readings_present",
            doubtful=pl.sum_horizontal(doubts()),
        )
    )


def _events_table(events: pl.DataFrame, with_intervals: set[int], whole_days: set[str]) -> Markup:
    # Open at first what cost most.
    shown = events.filter(pl.col("event").is_in(sorted(with_intervals)))
    opened = (
        shown.sort("lost_kwh", descending=True, nulls_last=True, maintain_order=True)["event"]
        .head(1)
        .to_list()
    )
    rows = [
        [
            cells.text(row["kind"]),
            cells.moment(row["start_utc"]),
            cells.moment(row["end_utc"]),
            cells.number(row["duration_hours"], 1),
            cells.number(row["lost_kwh"], 2, divisor=1000.0),
            cells.text("yes" if row["is_estimated"] else "no"),
            cells.text(f"{row['evidence']}: {row['note']}" if row["note"] else row["evidence"]),
            Markup(
                '<button type="button" data-event="{}"{} aria-pressed="false" aria-label="{}">show</button>'
            ).format(
                row["event"],
                Markup(" data-opened") if row["event"] in opened else "",
                f"{row['kind']} from {row['start_utc']:%Y-%m-%d %H:%M} to {row['end_utc']:%Y-%m-%d %H:%M} UTC",
            )
            if row["event"] in with_intervals
            else cells.text("whole days" if row["kind"] in whole_days else "not shown"),
        ]
        for row in events.iter_rows(named=True)
    ]
    columns = [
        Column("Kind", figures=False),
        Column("Start", "UTC", figures=False),
        Column("End", "UTC", figures=False),
        Column("Duration", "h"),
        Column("Lost", "MWh"),
        Column("Estimated", figures=False),
        Column("Evidence", figures=False),
        Column("Intervals", figures=False),
    ]
    return html_table("events", "Events, the latest first", columns, rows, sortable=True)


def _registry(asset: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    units = {
        "_kw": "kW",
        "_m": "m",
        "_deg": "°",
        "_pct": "%",
        "_pct_per_c": "%/°C",
        "_minutes": "min",
    }
    facts = []
    for name, value in asset.items():
        if value is None:
            continue
        suffix = max((s for s in units if name.endswith(s)), key=len, default="")
        label = name.removesuffix(suffix).replace("_", " ")
        shown = (
            f"{value:,g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
        )
        facts.append((label, cells.text(f"{shown}\N{NO-BREAK SPACE}{units[suffix]}" if suffix else shown)))
    return facts
