"""The simulated fleet follows the ratings of the local day."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from mock_data.day import Simulator
from renewable.fleet import Fleet

pytestmark = pytest.mark.unit
SINCE = date(2025, 6, 2)
ASSET = "prairie-ridge-w-02"


def test_power_is_that_of_the_row_that_holds_on_the_local_day(fleet: Fleet) -> None:
    row = fleet.assets.filter(pl.col("asset_id") == ASSET)
    larger = row.with_columns(valid_from=pl.lit(SINCE), rated_power_kw=pl.col("rated_power_kw") * 2)
    changed = Fleet(
        pl.concat([fleet.assets.filter(pl.col("asset_id") != ASSET), larger]).sort("asset_id"),
        fleet.power_curves,
        row,
    )
    before, after = Simulator(fleet, 3), Simulator(changed.on(SINCE), 3)
    both = Simulator(changed, 3)
    zone = ZoneInfo(row["timezone"].item())
    for day in (SINCE - timedelta(days=1), SINCE, SINCE + timedelta(days=1)):
        expected = pl.concat(
            [
                before.day(day).generation.filter(_local(zone) < SINCE),
                after.day(day).generation.filter(_local(zone) >= SINCE),
            ]
        ).filter(pl.col("asset_id") == ASSET)
        found = both.day(day).generation
        assert found.filter(pl.col("asset_id") == ASSET).equals(expected.sort("timestamp"))
        others = pl.col("asset_id") != ASSET
        assert found.filter(others).equals(before.day(day).generation.filter(others)), (
            "others stay as they are"
        )


def _local(zone: ZoneInfo) -> pl.Expr:
    return pl.col("timestamp").dt.convert_time_zone(zone.key).dt.date()
