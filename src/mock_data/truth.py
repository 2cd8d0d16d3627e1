"""The answer key: what the injected events cost, an interval a row.

Only the scorecard may read what is written of it.

`kind` names the loss that acts: of several, the first of downtime, curtailment, icing, snow, derating,
soiling that lowered the power, and it carries the whole loss of the interval; where nothing is lost it names
the sensor fault, else "none". potential_power_kw - lost_power_kw equals the actual power exactly, before
sensor faults. `sensor_fault` names what falsifies the readings whether or not power is lost,
`sensor_channel` the one column that it falsifies (null: all of them).
"""

from datetime import date

import polars as pl

from mock_data.day import TRUTH_SCHEMA, simulator
from renewable.fleet import Fleet

__all__ = ["TRUTH_SCHEMA", "truth_day"]


def truth_day(fleet: Fleet, day: date, seed: int, profile: str = "typical") -> pl.DataFrame:
    """The answer key of a UTC day by TRUTH_SCHEMA, ordered by (asset_id, timestamp)."""
    return simulator(fleet, seed, profile).day(day).truth
