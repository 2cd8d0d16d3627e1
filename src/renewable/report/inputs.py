"""What the report is made from, read in one place: published tables, the registry, the quarantine's counts."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from loaders.load_log import LOAD_LOG, LOAD_LOG_SCHEMA
from loaders.quarantine import Quarantined, read_quarantine
from renewable.errors import PipelineError
from renewable.fleet import Fleet, load_fleet
from renewable.published.descriptions import BUILD_ID
from renewable.published.event_intervals import EVENT_INTERVALS, EVENT_INTERVALS_SCHEMA
from renewable.published.irradiance_power import IRRADIANCE_POWER, IRRADIANCE_POWER_SCHEMA
from renewable.published.publish import published_set, read_published
from renewable.scorecard.score import scorecard_path
from renewable.settings import Settings

_MARTS = (
    "mart_asset_daily",
    "mart_losses_daily",
    "mart_events",
    "mart_power_curve",
    "mart_data_quality_daily",
)


@dataclass(frozen=True)
class Inputs:
    """Frames as published; `scorecard` as `renewable score` wrote it, None where nothing is simulated."""

    name: str
    fleet: Fleet
    daily: pl.DataFrame
    losses: pl.DataFrame
    events: pl.DataFrame
    power_curve: pl.DataFrame
    quality: pl.DataFrame
    event_intervals: pl.DataFrame
    irradiance_power: pl.DataFrame
    load_log: pl.DataFrame
    quarantined: Quarantined
    scorecard: dict[str, Any] | None


def read_inputs(settings: Settings) -> Inputs:
    """Read everything once.

    Raises PipelineError when a mart is not published yet, FleetError for a faulty registry.
    """
    # One set, whatever is published meanwhile.
    current = published_set(settings)
    marts = {name: _mart(settings, name, current) for name in _MARTS}
    log = settings.published_dir / f"{LOAD_LOG}.parquet"
    card = scorecard_path(settings)
    return Inputs(
        name=settings.data_dir.name,
        fleet=load_fleet(settings.fleet_dir),
        daily=marts["mart_asset_daily"],
        losses=marts["mart_losses_daily"],
        events=marts["mart_events"],
        power_curve=marts["mart_power_curve"],
        quality=marts["mart_data_quality_daily"],
        event_intervals=_or_empty(current / f"{EVENT_INTERVALS}.parquet", EVENT_INTERVALS_SCHEMA),
        irradiance_power=_or_empty(current / f"{IRRADIANCE_POWER}.parquet", IRRADIANCE_POWER_SCHEMA),
        load_log=_or_empty(log, LOAD_LOG_SCHEMA),
        quarantined=read_quarantine(settings.quarantine_dir),
        scorecard=json.loads(card.read_text("utf-8")) if card.exists() else None,
    )


def _mart(settings: Settings, name: str, current: Path) -> pl.DataFrame:
    rows = read_published(settings, name, of=current)
    if rows is None:
        raise PipelineError(
            f"{settings.published_dir / name}.parquet is not there: run `renewable publish` first, then the report"
        )
    return rows.drop(BUILD_ID, strict=False)


def _or_empty(path: Path, schema: pl.Schema) -> pl.DataFrame:
    return (
        pl.read_parquet(path).drop(BUILD_ID, strict=False) if path.exists() else pl.DataFrame(schema=schema)
    )
