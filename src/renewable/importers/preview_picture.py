"""A picture of what an import would write: mean days of each month, and a calendar of what is there."""

from pathlib import Path
from typing import Any

import polars as pl

from renewable.contract import KEY, RawTable, column_unit, measurements
from renewable.errors import PipelineError
from renewable.importers.grid import begin_of_day

PROFILE_SCHEMA = pl.Schema(
    {"channel": pl.String(), "month": pl.String(), "hour_local": pl.Float64(), "mean": pl.Float64()}
)
CALENDAR_SCHEMA = pl.Schema(
    {"asset_id": pl.String(), "date_local": pl.Date(), "table": pl.String(), "filled_ratio": pl.Float64()}
)
_MOST_ASSETS = 40
_ENDINGS = (".html", ".png", ".svg")


def daily_profiles(tables: dict[RawTable, pl.LazyFrame], assets: pl.DataFrame) -> pl.DataFrame:
    """Rows of PROFILE_SCHEMA: the mean over assets and days of a month at each half hour of the site's clock.

    `assets` has asset_id and timezone; rows of assets that it does not have are left out.
    """
    found = [pl.DataFrame(schema=PROFILE_SCHEMA)]
    for table, rows in tables.items():
        numbers = [name for name in measurements(table) if column_unit(table, name)]
        for zone, own in _by_zone(rows, assets):
            local = pl.col("timestamp").dt.convert_time_zone(zone)
            hour = local.dt.hour() + (local.dt.minute() // 30) / 2
            found.append(
                own.select(
                    local.dt.strftime("%Y-%m").alias("month"),
                    hour.cast(pl.Float64).alias("hour_local"),
                    *numbers,
                )
                .unpivot(index=["month", "hour_local"], variable_name="channel", value_name="value")
                .drop_nulls("value")
                .group_by("channel", "month", "hour_local")
                .agg(pl.col("value").sum().alias("sum"), pl.len().alias("count"))
                .collect()
            )
    parts = [part for part in found if "sum" in part.columns and part.height]
    if not parts:
        return found[0]
    return (
        pl.concat(parts)
        .group_by("channel", "month", "hour_local")
        .agg((pl.col("sum").sum() / pl.col("count").sum()).alias("mean"))
        .select(PROFILE_SCHEMA.names())
        .cast(PROFILE_SCHEMA)
        .sort("channel", "month", "hour_local")
    )


def coverage_calendar(tables: dict[RawTable, pl.LazyFrame], assets: pl.DataFrame) -> pl.DataFrame:
    """Rows of CALENDAR_SCHEMA: the share of an asset's intervals on each of its local days that have any value.

    `assets` has asset_id, timezone and interval_minutes. Days on which a clock changes count their own hours.
    """
    minutes = assets.lazy().select("asset_id", "interval_minutes")
    found = [pl.DataFrame(schema=CALENDAR_SCHEMA)]
    for table, rows in tables.items():
        some = pl.any_horizontal(pl.col(name).is_not_null() for name in measurements(table))
        for zone, own in _by_zone(rows, assets):
            date = pl.col("timestamp").dt.convert_time_zone(zone).dt.date()
            day = pl.col("date_local")
            hours = begin_of_day(day.dt.offset_by("1d"), zone) - begin_of_day(day, zone)
            length = hours.dt.total_minutes() / pl.col("interval_minutes")
            found.append(
                own.filter(some)
                .unique(KEY)
                .group_by("asset_id", date.alias("date_local"))
                .len()
                .join(minutes, on="asset_id")
                .select(
                    "asset_id",
                    "date_local",
                    pl.lit(table).alias("table"),
                    (pl.col("len") / length).alias("filled_ratio"),
                )
                .cast(CALENDAR_SCHEMA)
                .collect()
            )
    return pl.concat(found).sort(CALENDAR_SCHEMA.names()[:3])


def draw_preview(profiles: pl.DataFrame, calendar: pl.DataFrame, path: Path) -> None:
    """Write the picture as .html, .png or .svg. Raises PipelineError for another ending."""
    if path.suffix not in _ENDINGS:
        raise PipelineError(f"{path}: a picture ends in {', '.join(_ENDINGS)}")
    # Slow to import, and only a picture needs them.
    import altair as alt
    import vl_convert

    alt.data_transformers.disable_max_rows()
    chart = _chart(alt, profiles, calendar)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".html":
        path.write_text(vl_convert.vegalite_to_html(chart.to_dict(), bundle=True), encoding="utf-8")
    elif path.suffix == ".svg":
        path.write_text(vl_convert.vegalite_to_svg(chart.to_dict()), encoding="utf-8")
    else:
        path.write_bytes(vl_convert.vegalite_to_png(chart.to_dict(), scale=1.5))


def _chart(alt: Any, profiles: pl.DataFrame, calendar: pl.DataFrame) -> Any:
    days = []
    for (channel,), own in profiles.partition_by("channel", as_dict=True, maintain_order=True).items():
        days.append(
            alt.Chart(own, title=f"{channel}, mean by hour of the site's clock", width=420, height=150)
            .mark_line(interpolate="step-after")
            .encode(
                x=alt.X("hour_local:Q", title=None, scale=alt.Scale(domain=[0, 24])),
                y=alt.Y("mean:Q", title=None),
                color=alt.Color("month:O", title=None, scale=alt.Scale(scheme="viridis")),
            )
        )
    names = calendar["asset_id"].unique().sort()
    shown = calendar.filter(pl.col("asset_id").is_in(names.head(_MOST_ASSETS).implode()))
    more = f" (the first {_MOST_ASSETS} of {names.len()} assets)" if names.len() > _MOST_ASSETS else ""
    calendars = [
        alt.Chart(own, title=f"{table}: share of each local day with a value{more}", width=880)
        .mark_rect()
        .encode(
            x=alt.X("yearmonthdate(date_local):T", title=None),
            y=alt.Y("asset_id:N", title=None),
            color=alt.Color(
                "filled_ratio:Q", title=None, scale=alt.Scale(scheme="viridis", domain=[0, 1], clamp=True)
            ),
        )
        for (table,), own in shown.partition_by("table", as_dict=True, maintain_order=True).items()
    ]
    pairs = [alt.hconcat(*days[at : at + 2]) for at in range(0, len(days), 2)]
    return alt.vconcat(*calendars, *pairs).resolve_scale(color="independent")


def _by_zone(rows: pl.LazyFrame, assets: pl.DataFrame) -> list[tuple[str, pl.LazyFrame]]:
    return [
        (zone, rows.filter(pl.col("asset_id").is_in(own["asset_id"].implode())))
        for (zone,), own in sorted(assets.partition_by("timezone", as_dict=True).items())
    ]
