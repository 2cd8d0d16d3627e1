"""The answer key: what the injected events cost, an interval a row.

Only the scorecard may read what is written of it.

`kind` names the loss that acts: of several, the first of downtime, curtailment, icing, snow, derating,
underperformance, soiling that lowered the power, and it carries the whole loss of the interval; where nothing is lost
it names the sensor fault, else "none". potential_power_kw - lost_power_kw equals the actual power exactly, before
sensor faults; potential is what the plant as built would have given in the true weather. `sensor_fault` names what
falsifies the readings whether or not power is lost, `sensor_channel` the one column that it falsifies (null: all of
them). Rows of the key are there whether or not the raw row arrives.

Worlds other than `plain` have a second key, by spans (conditions.py): several things at once, the energy of each, the
true soiling ratio.
"""

from datetime import date

import polars as pl

from mock_data.day import TRUTH_SCHEMA, simulator
from renewable.fleet import Fleet

__all__ = ["TRUTH_SCHEMA", "truth_day"]


def truth_day(
    fleet: Fleet, day: date, seed: int, profile: str = "typical", world: str = "plain"
) -> pl.DataFrame:
    """The answer key of a UTC day by TRUTH_SCHEMA, ordered by (asset_id, timestamp)."""
    return simulator(fleet, seed, profile, world).day(day).truth
