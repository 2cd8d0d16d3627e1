"""A plot sheet of what the simulator makes, for eyes: laws are tested elsewhere.

It needs matplotlib (extra `dev`).
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mock_data.day import Simulator
from mock_data.group import EPOCH
from mock_data.losses import ALL_LOSS_KINDS, LOSS_KINDS
from mock_data.noise import Floats
from mock_data.sun import daylight, sin_elevation, sun_sites
from renewable.errors import UsageError
from renewable.fleet import Fleet
from renewable.vocabulary import event_kinds
from renewable.windows import Window

_COLOURS = {
    "underperformance": "#b15928",
    **{kind.kind: kind.hex_colour for kind in event_kinds() if kind.kind in ALL_LOSS_KINDS},
    "communication_gap": "#222222",
    "frozen_sensor": "#1b7837",
    "sensor_drift": "#a6dba0",
    "clock_shift": "#e7298a",
    "level_shift": "#d95f02",
    "scale_change": "#a6761d",
    "iced_anemometer": "#80b1d3",
    "low_anemometer": "#bebada",
    "dead_sensor": "#66a61e",
    "link_loss": "#666666",
}


def diagnose(
    fleet: Fleet, window: Window, seed: int, out: Path, profile: str = "typical", world: str = "plain"
) -> Path:
    """Draw the sheet for a window into `out` (.png, .svg or .pdf); the answer is its path.

    Two months and more make sense of it. Raises UsageError where matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise UsageError("the plot sheet needs matplotlib: pip install 'renewable[dev]'") from error
    rows = _rows(fleet, window, seed, profile, world)
    wind = rows.filter(pl.col("technology") == "wind")
    solar = _with_clear_sky(rows.filter(pl.col("technology") == "solar"), fleet)
    # Some plants have no horizontal pyranometer.
    under_sky = solar.filter(pl.col("clearness").is_not_null().any().over("site_id"))
    figure = Figure(figsize=(19, 22), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"Simulated fleet, {window}, seed {seed}, events {profile}, world {world}", fontsize=14)
    axes = iter(figure.subplots(6, 3).ravel())
    for draw, part in (
        (_speed_distribution, wind),
        (_speed_autocorrelation, wind),
        (_daily_cycles, rows),
        (_power_curve, wind),
        (_wind_week, wind),
        (_site_correlation, wind),
        (_clearness_distribution, under_sky),
        (_clearness_autocorrelation, under_sky),
        (_clearness_ramps, under_sky),
        (_solar_day, solar),
        (_solar_power, solar),
        (_module_temperature, solar),
        (_air, rows),
        (_direction, wind),
        (_rain, rows),
        (_event_rug, rows),
        (_lost_energy, rows),
        (_soiling, solar),
    ):
        axis = next(axes)
        if part.height:
            draw(axis, part)
        else:
            axis.set_axis_off()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=75)
    return out


def _rows(fleet: Fleet, window: Window, seed: int, profile: str, world: str) -> pl.DataFrame:
    simulator = Simulator(fleet, seed, profile, world)
    key = ["asset_id", "timestamp"]
    days = [simulator.day(day) for day in window.days]
    # Rows that never arrived are in the answer key only.
    joined = pl.concat(
        d.truth.join(d.weather, on=key, how="left").join(d.generation, on=key, how="left") for d in days
    )
    about = fleet.assets.select(
        "asset_id", "site_id", "technology", "rated_power_kw", "longitude_deg", "interval_minutes"
    )
    return joined.join(about, on="asset_id").sort("asset_id", "timestamp")


def _with_clear_sky(solar: pl.DataFrame, fleet: Fleet) -> pl.DataFrame:
    parts = []
    for (asset_id,), rows in solar.group_by("asset_id", maintain_order=True):
        sites = sun_sites(fleet.assets.filter(pl.col("asset_id") == asset_id))
        clear = []
        for (day,), stamps in rows.group_by(pl.col("timestamp").dt.date(), maintain_order=True):
            half = stamps["interval_minutes"][0] / 2.0
            start = (day - EPOCH) / timedelta(minutes=1)
            minutes = start + half * (2.0 * np.arange(stamps.height) + 1.0)
            sine = sin_elevation(sites.latitude_rad, sites.longitude_rad, minutes)
            lit = daylight(sites, sine, minutes, day)
            of_day = np.zeros(stamps.height)
            of_day[lit.column] = lit.ghi_wm2
            clear.append(of_day)
        parts.append(rows.with_columns(pl.Series("clear_sky_wm2", np.concatenate(clear))))
    if not parts:
        return solar.with_columns(pl.lit(0.0).alias("clear_sky_wm2"))
    ratio = pl.col("ghi_wm2") / pl.col("clear_sky_wm2")
    sunny = pl.when(pl.col("clear_sky_wm2") > 80.0).then(ratio)
    return pl.concat(parts).with_columns(sunny.alias("clearness"))


def _speed_distribution(axis: Any, wind: pl.DataFrame) -> None:
    for site, rows in _by_site(wind):
        speed = rows["wind_speed_ms"].drop_nulls().to_numpy()
        shape = (speed.std() / speed.mean()) ** -1.086
        axis.hist(
            speed, np.arange(0, 26, 0.5), density=True, histtype="step", label=f"{site[:18]} k={shape:.2f}"
        )
    axis.set(title="Wind speed and Weibull shape", xlabel="m/s", ylabel="density")
    axis.legend(fontsize=7)


def _speed_autocorrelation(axis: Any, wind: pl.DataFrame) -> None:
    for site, rows in _by_site(wind):
        asset = _one(rows)
        per_hour = 60 // asset["interval_minutes"][0]
        lags = np.unique(np.geomspace(1, 72 * per_hour, 60).astype(int))
        axis.plot(lags / per_hour, _autocorrelation(asset["wind_speed_ms"], lags), label=site[:18])
    for hours, low, high in ((1, 0.85, 0.95), (6, 0.55, 0.78), (24, 0.2, 0.45)):
        axis.plot([hours, hours], [low, high], "k", lw=4, alpha=0.4)
    axis.set(title="Autocorrelation of wind (bars: bands)", xlabel="hours", xscale="log", ylim=(0, 1))


def _daily_cycles(axis: Any, rows: pl.DataFrame) -> None:
    local = (pl.col("timestamp").dt.hour() + pl.col("longitude_deg") / 15.0).floor() % 24
    cycle = (
        rows.with_columns(local.alias("hour"), (pl.col("technology") == "wind").alias("is_wind"))
        .group_by("is_wind", "hour")
        .agg(pl.col("wind_speed_ms", "air_temperature_c", "ghi_wm2").mean())
        .sort("hour")
    )
    for is_wind, style in ((True, "-"), (False, "--")):
        part = cycle.filter(pl.col("is_wind") == is_wind)
        if part.height:
            name = "wind sites" if is_wind else "solar sites"
            speed = part["wind_speed_ms"] / part["wind_speed_ms"].mean()
            axis.plot(part["hour"], speed, "tab:blue", ls=style, label=f"wind / mean, {name}")
            warm = part["air_temperature_c"] - part["air_temperature_c"].mean()
            axis.plot(part["hour"], 1 + warm / 20, "tab:red", ls=style, label=f"1 + temperature/20 K, {name}")
            if not is_wind:
                sun = part["ghi_wm2"] / part["ghi_wm2"].max()
                axis.plot(part["hour"], sun, "orange", ls=style, label="GHI / max")
    axis.set(title="Daily cycles by local solar hour", xlabel="hour")
    axis.legend(fontsize=7)


def _power_curve(axis: Any, wind: pl.DataFrame) -> None:
    sample = _one(wind).drop_nulls("active_power_kw")
    for kind in ("none", *ALL_LOSS_KINDS[1:]):
        part = sample.filter(pl.col("kind") == kind)
        axis.plot(
            part["wind_speed_ms"],
            part["active_power_kw"],
            ".",
            ms=2,
            label=kind,
            color=_COLOURS.get(kind, "#999999"),
        )
    axis.set(title=f"Power over wind speed, {sample['asset_id'][0]}", xlabel="m/s", ylabel="kW")
    axis.legend(fontsize=7, markerscale=4)


def _wind_week(axis: Any, wind: pl.DataFrame) -> None:
    start: datetime = wind["timestamp"].to_list()[0]
    for site, rows in _by_site(wind):
        week = _one(rows).filter(pl.col("timestamp") < start + timedelta(days=10))
        axis.plot(week["timestamp"], week["wind_speed_ms"], lw=0.7, label=site[:18])
    axis.set(title="Ten days of wind", ylabel="m/s")
    axis.tick_params("x", rotation=30)


def _site_correlation(axis: Any, wind: pl.DataFrame) -> None:
    table = wind.pivot("asset_id", index="timestamp", values="wind_speed_ms").drop("timestamp").drop_nulls()
    matrix = np.corrcoef(table.to_numpy().T) if table.width > 1 else np.ones((1, 1))
    image = axis.imshow(matrix, vmin=0, vmax=1)
    axis.figure.colorbar(image, ax=axis)
    axis.set(title="Correlation of wind between turbines")


def _clearness_distribution(axis: Any, solar: pl.DataFrame) -> None:
    for site, rows in _by_site(solar):
        clear = rows["clearness"].drop_nulls().to_numpy()
        share = ((clear > 0.9) & (clear < 1.1)).mean()
        label = f"{site[:18]} clear {share:.2f}, p99 {np.quantile(clear, 0.99):.2f}, max {clear.max():.2f}"
        axis.hist(clear, np.arange(0, 1.6, 0.02), density=True, histtype="step", label=label)
    axis.set(title="Clearness: GHI over clear sky", yscale="log", xlabel="ratio")
    axis.legend(fontsize=7, loc="lower center")


def _clearness_autocorrelation(axis: Any, solar: pl.DataFrame) -> None:
    for site, rows in _by_site(solar):
        axis.plot(
            np.arange(1, 73) * 5, _autocorrelation(_one(rows)["clearness"], np.arange(1, 73)), label=site[:18]
        )
    axis.set(title="Autocorrelation of clearness within the day", xlabel="minutes", ylim=(0, 1))
    axis.legend(fontsize=7)


def _clearness_ramps(axis: Any, solar: pl.DataFrame) -> None:
    for site, rows in _by_site(solar):
        step = np.abs(np.diff(_one(rows)["clearness"].to_numpy()))
        step = np.sort(step[np.isfinite(step)])
        axis.plot(step, 1 - np.arange(len(step)) / len(step), label=site[:18])
    axis.set(
        title="Exceedance of steps in clearness", yscale="log", xlabel="|step| of an interval", ylim=(1e-4, 1)
    )


def _solar_day(axis: Any, solar: pl.DataFrame) -> None:
    rows = _one(solar)
    days = (
        rows.group_by(pl.col("timestamp").dt.date().alias("day"))
        .agg(pl.col("clearness").std())
        .sort("clearness")
    )
    chosen = [days["day"][0], days["day"][days.height // 2], days["day"][-1]]
    for day, colour in zip(chosen, ("tab:orange", "tab:gray", "tab:blue"), strict=True):
        part = rows.filter(pl.col("timestamp").dt.date() == day)
        hour = np.arange(part.height) * 24.0 / part.height
        axis.plot(hour, part["clear_sky_wm2"], color=colour, lw=0.6, ls="--")
        axis.plot(hour, part["ghi_wm2"], color=colour, lw=0.9, label=str(day))
    axis.set(title=f"Steadiest, median, wildest day, {rows['asset_id'][0]}", xlabel="hour UTC", ylabel="W/m²")
    axis.legend(fontsize=7)


def _solar_power(axis: Any, solar: pl.DataFrame) -> None:
    sample = _one(solar).drop_nulls("active_power_kw")
    for kind in ("soiling", "none", *LOSS_KINDS[1:-1]):
        part = sample.filter(pl.col("kind") == kind)
        axis.plot(
            part["poa_irradiance_wm2"],
            part["active_power_kw"],
            ".",
            ms=2,
            label=kind,
            color=_COLOURS.get(kind, "#999999"),
        )
    axis.set(title=f"Power over POA, {sample['asset_id'][0]}", xlabel="W/m²", ylabel="kW")
    axis.legend(fontsize=7, markerscale=4)


def _module_temperature(axis: Any, solar: pl.DataFrame) -> None:
    sample = _one(solar)
    rise = sample["module_temperature_c"] - sample["air_temperature_c"]
    points = axis.scatter(sample["poa_irradiance_wm2"], rise, c=sample["wind_speed_ms"], s=1, vmax=8)
    axis.figure.colorbar(points, ax=axis, label="wind, m/s")
    axis.set(title="Module above air temperature", xlabel="POA, W/m²", ylabel="K")


def _air(axis: Any, rows: pl.DataFrame) -> None:
    sample = _one(rows)[::6]
    axis.plot(
        sample["timestamp"], sample["air_temperature_c"], lw=0.5, color="tab:red", label="temperature, °C"
    )
    axis.plot(
        sample["timestamp"], sample["relative_humidity_pct"], lw=0.4, color="tab:green", label="humidity, %"
    )
    pressure = sample["air_pressure_hpa"]
    axis.plot(
        sample["timestamp"],
        pressure - pressure.mean(),
        color="tab:blue",
        lw=0.8,
        label="pressure - mean, hPa",
    )
    axis.set(title=f"Air, {sample['asset_id'][0]}")
    axis.tick_params("x", rotation=30)
    axis.legend(fontsize=7)


def _direction(axis: Any, wind: pl.DataFrame) -> None:
    for site, rows in _by_site(wind):
        axis.hist(
            _one(rows)["wind_direction_deg"].drop_nulls(),
            np.arange(0, 361, 10),
            histtype="step",
            label=site[:18],
        )
    axis.set(title="Wind direction", xlabel="degrees")


def _rain(axis: Any, rows: pl.DataFrame) -> None:
    per_site = rows.filter(pl.col("asset_id") == pl.col("asset_id").min().over("site_id"))
    days = per_site.group_by("site_id", pl.col("timestamp").dt.date().alias("day"), maintain_order=True).agg(
        pl.col("precipitation_mm").sum()
    )
    for (site,), part in days.group_by("site_id", maintain_order=True):
        total = float(part["precipitation_mm"].to_numpy().sum()) / part.height * 365.25
        axis.plot(part["day"], part["precipitation_mm"].cum_sum(), label=f"{str(site)[:18]} {total:.0f} mm/a")
    axis.set(title="Precipitation, cumulated", ylabel="mm")
    axis.tick_params("x", rotation=30)
    axis.legend(fontsize=7)


def _event_rug(axis: Any, rows: pl.DataFrame) -> None:
    assets = rows["asset_id"].unique(maintain_order=True).to_list()
    height = {asset: number for number, asset in enumerate(assets)}
    for name, colour in _COLOURS.items():
        column = "kind" if name in ALL_LOSS_KINDS else "sensor_fault"
        if name == "soiling":
            continue
        hit = rows.filter(pl.col(column) == name)[::3]
        at = [height[asset] for asset in hit["asset_id"]]
        axis.scatter(hit["timestamp"], at, s=2, marker="|", color=colour, label=name)
    axis.set(title="Injected events by asset", yticks=range(len(assets)))
    axis.set_yticklabels(assets if len(assets) <= 24 else [""] * len(assets), fontsize=5)
    axis.tick_params("x", rotation=30)
    axis.legend(fontsize=6, markerscale=3, loc="upper right", ncols=2)


def _lost_energy(axis: Any, rows: pl.DataFrame) -> None:
    is_wind = pl.col("technology") == "wind"
    lost = (
        rows.with_columns(is_wind.alias("is_wind"))
        .group_by("is_wind", "kind")
        .agg(pl.col("lost_power_kw").sum())
    )
    for is_wind_part, shift in ((True, -0.2), (False, 0.2)):
        part = lost.filter(pl.col("is_wind") == is_wind_part)
        whole = float(rows.filter(is_wind == is_wind_part)["potential_power_kw"].to_numpy().sum()) or 1.0
        found = dict(part.select("kind", "lost_power_kw").iter_rows())
        values = [100.0 * found.get(kind, 0.0) / whole for kind in ALL_LOSS_KINDS[1:]]
        axis.bar(np.arange(len(values)) + shift, values, 0.4, label="wind" if is_wind_part else "solar")
    axis.set(title="Lost energy, % of potential", xticks=range(len(ALL_LOSS_KINDS) - 1))
    axis.set_xticklabels(ALL_LOSS_KINDS[1:], fontsize=7)
    axis.legend(fontsize=7)


def _soiling(axis: Any, solar: pl.DataFrame) -> None:
    lost = (pl.col("lost_power_kw").sum() / pl.col("potential_power_kw").sum()).alias("ratio")
    noon = solar.filter(pl.col("kind").is_in(["soiling", "none"]), pl.col("clear_sky_wm2") > 300.0)
    days = noon.group_by("asset_id", pl.col("timestamp").dt.date().alias("day"), maintain_order=True).agg(
        lost
    )
    for (_asset,), part in days.group_by("asset_id", maintain_order=True):
        axis.plot(part["day"], 1.0 - part["ratio"], lw=0.8)
    axis.set(title="Soiling ratio, daily", ylabel="1 - lost / potential")
    axis.tick_params("x", rotation=30)


def _by_site(rows: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    found = rows.partition_by("site_id", as_dict=True, maintain_order=True)
    return [(str(site), part) for (site,), part in list(found.items())[:8]]


def _one(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("asset_id") == rows["asset_id"][0])


def _autocorrelation(values: pl.Series, lags: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> Floats:
    series = values.cast(pl.Float64).to_numpy().astype(np.float64)
    series = series - np.nanmean(series)
    variance = np.nanmean(series**2)
    return np.array([np.nanmean(series[:-lag] * series[lag:]) / variance for lag in lags.tolist()])
