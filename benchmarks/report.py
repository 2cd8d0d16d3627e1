"""The report of a year and a large fleet against writing the same published tables as JSON; sizes of its pages."""

import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.table import row
from mock_data.fleet_maker import make_fleet, write_fleet
from renewable.contract import measurements
from renewable.fleet import Fleet, load_fleet
from renewable.published.event_intervals import EVENT_INTERVALS
from renewable.published.irradiance_power import IRRADIANCE_POWER
from renewable.report.build import write_report
from renewable.report.figures import below_zero, doubts
from renewable.settings import Settings
from renewable.vocabulary import event_kinds

ASSETS, DAYS, EVENTS = 200, 365, 60
FIRST = date(2025, 1, 1)
# Those of the wide asset: power and weather.
_CHANNELS = ("active_power_kw", *measurements("weather"))


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(data_dir=Path(directory) / "data", fleet_dir=Path(directory) / "fleet")
        write_fleet(make_fleet(ASSETS // 2, ASSETS // 2, 1, interval_minutes=5), settings.fleet_dir)
        write_tables(settings, load_fleet(settings.fleet_dir))
        now = datetime(2026, 1, 1, tzinfo=UTC)
        started = time.perf_counter()
        summary = write_report(settings, now=now)
        report_s = time.perf_counter() - started
        started = time.perf_counter()
        for path in settings.published_dir.glob("*.parquet"):
            pl.read_parquet(path).write_json(Path(directory) / f"{path.stem}.json")
        json_s = time.perf_counter() - started
        print(f"{ASSETS} assets, {DAYS} days, {EVENTS} events an asset; made-up figures\n")
        row("step", "s", "reference", "s", "ratio")
        row("report", report_s, "the same tables as JSON", json_s)
        largest = max(path.stat().st_size for path in (summary.index.parent / "pages").iterdir())
        print(
            f"\n{summary.pages} pages, {summary.bytes_of_pages / 1e6:.0f} MB; the fleet's"
            f" {summary.index.stat().st_size / 1e6:.2f} MB, the largest of an asset {largest / 1e6:.2f} MB"
        )


def write_tables(settings: Settings, fleet: Fleet) -> None:
    """Published tables of the marts' shape and size, with figures of their order of magnitude."""
    random = np.random.default_rng(1)
    settings.published_dir.mkdir(parents=True)
    days = pl.DataFrame({"date_local": [FIRST + timedelta(days=n) for n in range(DAYS)]})
    assets = fleet.assets.select("asset_id", "site_id", "technology", "rated_power_kw", "dc_capacity_kw")
    keys = assets.join(days, how="cross")
    expected = keys["rated_power_kw"] * 24 * random.uniform(0.05, 0.7, keys.height)
    index = random.uniform(0.7, 1.02, keys.height)
    energy = expected * index
    daily = keys.with_columns(
        expected_hours=24.0,
        observed_hours=24.0 * random.uniform(0.9, 1.0, keys.height),
        energy_kwh=energy,
        gap_energy_kwh=pl.lit(None, pl.Float64),
        expected_energy_kwh=expected,
        lost_energy_kwh=expected - energy,
        available_hours=23.0,
        unavailable_hours=random.uniform(0, 1, keys.height),
        downtime_lost_kwh=(expected - energy) / 2,
        unavailable_lost_kwh=(expected - energy) / 2,
        excluded_expected_energy_kwh=0.0,
        compared_energy_kwh=energy,
        compared_expected_energy_kwh=expected,
        performance_index=pl.Series(index),
        time_availability_ratio=random.uniform(0.9, 1.0, keys.height),
        performance_ratio=pl.when(pl.col("technology") == "solar").then(
            random.uniform(0.7, 0.9, keys.height)
        ),
        performance_ratio_stc=pl.when(pl.col("technology") == "solar").then(
            random.uniform(0.7, 0.9, keys.height)
        ),
        soiling_ratio=pl.when(pl.col("technology") == "solar").then(random.uniform(0.95, 1.0, keys.height)),
        reference_yield_energy_kwh=pl.lit(None, pl.Float64),
        reference_yield_kwh=pl.lit(None, pl.Float64),
    )
    pairs = keys.select("asset_id", "date_local")
    categories = pl.DataFrame({"loss_category": [kind.kind for kind in event_kinds()]})
    losses = pairs.join(categories, how="cross")
    losses = losses.with_columns(lost_kwh=random.uniform(0, 300, losses.height))
    quality = pairs.join(pl.DataFrame({"channel": list(_CHANNELS)}), how="cross").with_columns(
        readings_expected=288,
        readings_present=pl.lit(random.integers(200, 288, pairs.height * len(_CHANNELS))),
        readings_missing=0,
        readings_set_aside=0,
        longest_gap_hours=0.5,
        **dict.fromkeys((*doubts(), *below_zero()), pl.lit(3)),
    )
    tables = {
        "mart_asset_daily": daily,
        "mart_losses_daily": losses,
        "mart_data_quality_daily": quality,
        "mart_events": (events := _events(assets, random)),
        "mart_power_curve": _curve(
            assets, "wind", "wind_speed_bin_ms", 0.5, 50, "reference_power_kw", random
        ),
        IRRADIANCE_POWER: _curve(
            assets, "solar", "poa_irradiance_bin_wm2", 50.0, 24, "mean_expected_power_kw", random
        ),
        EVENT_INTERVALS: _intervals(events, random),
    }
    for name, rows in tables.items():
        rows.write_parquet(settings.published_dir / f"{name}.parquet")


def _events(assets: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    numbers = pl.DataFrame({"number": range(EVENTS)})
    start = pl.lit(datetime(2025, 1, 1, tzinfo=UTC)) + pl.duration(
        hours=pl.col("number") * (24 * DAYS // EVENTS)
    )
    rows = assets.select("asset_id").join(numbers, how="cross")
    return rows.select(
        pl.format("{} downtime {}", "asset_id", "number").alias("event_id"),
        "asset_id",
        kind=pl.lit("downtime"),
        start_utc=start,
        end_utc=start + pl.duration(hours=9),
        duration_hours=9.0,
        lost_kwh=random.uniform(0, 5000, rows.height),
        is_estimated=False,
        source=pl.lit("detected"),
        evidence=pl.lit("reported state"),
        note=pl.lit(None, pl.String),
    )


def _intervals(events: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    steps = pl.DataFrame({"step": range(110)})
    rows = events.select("asset_id", "event_id", "start_utc").join(steps, how="cross")
    return rows.select(
        "asset_id",
        "event_id",
        timestamp_utc=pl.col("start_utc") + pl.duration(minutes=5 * pl.col("step")),
        active_power_kw=pl.lit(random.uniform(0, 2000, rows.height).round(3)),
        expected_power_kw=pl.lit(random.uniform(0, 2000, rows.height).round(3)),
    )


def _curve(
    assets: pl.DataFrame,
    technology: str,
    column: str,
    width: float,
    bins: int,
    reference: str,
    random: np.random.Generator,
) -> pl.DataFrame:
    months = pl.DataFrame({"month_local": [date(2025, month, 1) for month in range(1, 13)]})
    steps = pl.DataFrame({column: [width * number for number in range(bins)]})
    rows = (
        assets.filter(pl.col("technology") == technology)
        .select("asset_id")
        .join(months, how="cross")
        .join(steps, how="cross")
    )
    return rows.with_columns(
        intervals=pl.lit(100),
        mean_power_kw=pl.lit(random.uniform(0, 2000, rows.height)),
        **{reference: pl.lit(random.uniform(0, 2000, rows.height))},
    )
