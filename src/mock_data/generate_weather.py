"""Simulated weather: a day as a frame, and the script that writes weather files.

The simulation itself is in day.py and below.
"""

import sys
from datetime import date

import polars as pl

from mock_data.day import simulator
from mock_data.script import run
from renewable.fleet import Fleet


def weather_day(
    fleet: Fleet, day: date, seed: int, profile: str = "typical", world: str = "plain"
) -> pl.DataFrame:
    """The raw weather rows of a UTC day by the contract, ordered by (asset_id, timestamp)."""
    return simulator(fleet, seed, profile, world).day(day).weather


if __name__ == "__main__":
    sys.exit(run("weather", sys.argv[1:]))
