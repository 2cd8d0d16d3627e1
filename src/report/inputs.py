"""What the report is made from, read in one place: published tables, the registry, the quarantine's counts."""

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.event_intervals import EVENT_INTERVALS, EVENT_INTERVALS_SCHEMA
from analysis.irradiance_power import IRRADIANCE_POWER, IRRADIANCE_POWER_SCHEMA
from analysis.publish import read_published
from analysis.scorecard import scorecard_path
from loaders.load_log import LOAD_LOG, LOAD_LOG_SCHEMA
from loaders.quarantine import Quarantined, read_quarantine
from renewable.errors import PipelineError
from renewable.fleet import Fleet, load_fleet
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
    marts = {name: _mart(settings, name) for name in _MARTS}
    card = scorecard_path(settings)
    return Inputs(
        name=settings.data_dir.name,
        fleet=load_fleet(settings.fleet_dir),
        daily=marts["mart_asset_daily"],
        losses=marts["mart_losses_daily"],
        events=marts["mart_events"],
        power_curve=marts["mart_power_curve"],
        quality=marts["mart_data_quality_daily"],
        event_intervals=_or_empty(settings, EVENT_INTERVALS, EVENT_INTERVALS_SCHEMA),
        irradiance_power=_or_empty(settings, IRRADIANCE_POWER, IRRADIANCE_POWER_SCHEMA),
        load_log=_or_empty(settings, LOAD_LOG, LOAD_LOG_SCHEMA),
        quarantined=read_quarantine(settings.quarantine_dir),
        scorecard=json.loads(card.read_text("utf-8")) if card.exists() else None,
    )


def _mart(settings: Settings, name: str) -> pl.DataFrame:
    rows = read_published(settings, name)
    if rows is None:
        raise PipelineError(
            f"{settings.published_dir / name}.parquet is not there: run `renewable publish` first, then the report"
        )
    return rows


def _or_empty(settings: Settings, name: str, schema: pl.Schema) -> pl.DataFrame:
    rows = read_published(settings, name)
    return pl.DataFrame(schema=schema) if rows is None else rows
