"""What the importer has to know of assets, from the registry."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import polars as pl


@dataclass(frozen=True)
class AssetFacts:
    """By asset: minutes of its interval, zone, rated power, minutes by which its grid of intervals begins late."""

    intervals: Mapping[str, int] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    rated_kw: Mapping[str, float] = field(default_factory=dict)
    phases: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_registry(cls, assets: pl.DataFrame) -> "AssetFacts":
        """`assets` has asset_id, interval_minutes, timezone, rated_power_kw; it may have interval_offset_minutes."""
        columns = ["interval_minutes", "timezone", "rated_power_kw"]
        intervals, zones, rated_kw = (dict(assets.select("asset_id", name).iter_rows()) for name in columns)
        phases: dict[str, int] = {}
        if "interval_offset_minutes" in assets.columns:
            told = assets.select("asset_id", "interval_offset_minutes").drop_nulls()
            phases = {asset_id: minutes for asset_id, minutes in told.iter_rows() if minutes}
        return cls(intervals, zones, rated_kw, phases)

    @property
    def text(self) -> str:
        """The facts as a text that is the same where they are."""
        return json.dumps(asdict(self), sort_keys=True)


# Intervals alone, where nothing else is known of the assets.
Facts = AssetFacts | Mapping[str, int]


def facts_of(known: Facts | None) -> AssetFacts:
    """Intervals alone as facts."""
    return known if isinstance(known, AssetFacts) else AssetFacts(known or {})
