"""A small picture of each mart's latest weeks, for places where a table is too much to read."""

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

import altair as alt
import polars as pl

from renewable.published.publish import published_set, read_published
from renewable.published.ratios import sums_by
from renewable.settings import Settings

_DAYS = 60
_WIDTH, _HEIGHT = 480, 160
# Okabe and Ito: told apart by colour-blind readers
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999", "#000000")


def draw_marts(settings: Settings) -> dict[str, str]:
    """A picture of each published mart that has rows, as Markdown with the image inside."""
    pictures, current = {}, published_set(settings)
    for mart, draw in _PICTURES.items():
        rows = read_published(settings, mart, of=current)
        if rows is not None and not rows.is_empty():
            pictures[mart] = as_markdown(draw(rows), mart)
    return pictures


def as_markdown(chart: Any, title: str) -> str:
    """`chart` as a PNG inside an image tag of Markdown, so that it needs no file and no server."""
    import vl_convert
    from PIL import Image

    drawn = vl_convert.vegalite_to_png(chart.properties(width=_WIDTH, height=_HEIGHT).to_dict(), scale=1.5)
    png = BytesIO()
    Image.open(BytesIO(drawn)).convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE).save(
        png, "png", optimize=True
    )
    return f"![{title}](data:image/png;base64,{base64.b64encode(png.getvalue()).decode()})"


def _latest(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("date_local") > pl.col("date_local").max() - timedelta(days=_DAYS))


def _colour(column: str, names: list[str]) -> Any:
    return alt.Color(f"{column}:N", title=None, scale=alt.Scale(domain=names, range=_COLOURS[: len(names)]))


def _energy(fleet: pl.DataFrame) -> Any:
    whole = _latest(fleet).filter(pl.col("group_level") == "technology").sort("date_local")
    names = {"energy_kwh": "energy", "expected_energy_kwh": "expected"}
    lines = whole.select(
        "date_local", technology="group_name", **{n: pl.col(c) / 1000 for c, n in names.items()}
    ).unpivot(index=["date_local", "technology"], variable_name="what", value_name="mwh")
    return (
        alt.Chart(lines, title="Energy against expected, MWh a day")
        .mark_line()
        .encode(
            x=_x("date_local:T"),
            y=_y("mwh:Q", "MWh"),
            color=_colour("technology", ["wind", "solar"]),
            strokeDash=alt.StrokeDash("what:N", title=None),
        )
    )


def _performance(daily: pl.DataFrame) -> Any:
    assets = _latest(daily).select("asset_id", "date_local", "performance_index")
    return (
        alt.Chart(assets, title="Performance index by asset and day")
        .mark_rect()
        .encode(
            x=_x("yearmonthdate(date_local):O", labels=False),
            y=_y("asset_id:N", labels=assets["asset_id"].n_unique() <= 20),
            color=_shade("performance_index:Q", (0.5, 1.1)),
        )
    )


def _losses(losses: pl.DataFrame) -> Any:
    sums = _latest(losses).group_by("date_local", "loss_category").agg(mwh=pl.col("lost_kwh").sum() / 1000)
    names = sorted(sums["loss_category"].unique())
    return (
        alt.Chart(sums.sort("date_local", "loss_category"), title="Losses, MWh a day")
        .mark_bar()
        .encode(x=_x("date_local:T"), y=_y("mwh:Q", "MWh"), color=_colour("loss_category", names))
    )


def _events(events: pl.DataFrame) -> Any:
    sums = events.group_by("kind").agg(mwh=pl.col("lost_kwh").sum() / 1000, events=pl.len()).sort("kind")
    base = alt.Chart(sums, title="Lost energy by kind of event, MWh; number of events").encode(
        x=_x("mwh:Q", "MWh"), y=_y("kind:N")
    )
    return base.mark_bar(color=_COLOURS[0]) + base.mark_text(align="left", dx=3).encode(text="events:Q")


def _power_curve(bins: pl.DataFrame) -> Any:
    rows = bins.filter(pl.col("month_local") == pl.col("month_local").max())
    means = rows.group_by("wind_speed_bin_ms").agg(
        measured=(pl.col("mean_power_kw") * pl.col("intervals")).sum() / pl.col("intervals").sum(),
        reference=(pl.col("reference_power_kw") * pl.col("intervals")).sum() / pl.col("intervals").sum(),
    )
    lines = means.sort("wind_speed_bin_ms").unpivot(
        index="wind_speed_bin_ms", variable_name="what", value_name="kw"
    )
    return (
        alt.Chart(lines, title="Power by wind speed, mean of all turbines, kW")
        .mark_line(point=True)
        .encode(
            x=_x("wind_speed_bin_ms:Q", "m/s"),
            y=_y("kw:Q", "kW"),
            color=_colour("what", ["measured", "reference"]),
        )
    )


def _quality(quality: pl.DataFrame) -> Any:
    shares = (
        _latest(quality)
        .group_by("date_local", "channel")
        .agg(share=pl.col("readings_present").sum() / pl.col("readings_expected").sum())
        .sort("date_local", "channel")
    )
    return (
        alt.Chart(shares, title="Share of the data that is there, by channel and day")
        .mark_rect()
        .encode(
            x=_x("yearmonthdate(date_local):O", labels=False),
            y=_y("channel:N"),
            color=_shade("share:Q", (0.5, 1)),
        )
    )


def _monthly(monthly: pl.DataFrame) -> Any:
    sums = sums_by(monthly, ["energy_kwh"], "month_local", "technology").with_columns(
        mwh=pl.col("energy_kwh") / 1000
    )
    return (
        alt.Chart(sums, title="Energy, MWh a month")
        .mark_bar()
        .encode(
            x=_x("yearmonth(month_local):O"),
            y=_y("mwh:Q", "MWh"),
            color=_colour("technology", ["wind", "solar"]),
        )
    )


def _x(field: str, title: str | None = None, *, labels: bool = True) -> alt.X:
    return alt.X(field, title=title, axis=_ticks(labels))


def _y(field: str, title: str | None = None, *, labels: bool = True) -> alt.Y:
    return alt.Y(field, title=title, axis=_ticks(labels))


def _ticks(shown: bool) -> alt.Axis:
    return alt.Axis(labels=shown, ticks=shown)


def _shade(field: str, domain: tuple[float, float]) -> Any:
    return alt.Color(field, title=None, scale=alt.Scale(domain=domain, scheme="viridis", clamp=True))


_PICTURES: Mapping[str, Callable[[pl.DataFrame], Any]] = {
    "mart_fleet_daily": _energy,
    "mart_asset_daily": _performance,
    "mart_losses_daily": _losses,
    "mart_events": _events,
    "mart_power_curve": _power_curve,
    "mart_data_quality_daily": _quality,
    "mart_asset_monthly": _monthly,
}
