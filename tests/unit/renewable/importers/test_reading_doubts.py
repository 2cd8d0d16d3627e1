"""What an import's preview doubts is what the models doubt: the models' own examples, run a second time in Polars."""

from typing import Any

import duckdb
import polars as pl
import pytest
import yaml

from renewable.importers.reading_doubts import DOUBTS_SCHEMA, doubt_sentences, doubtful_readings
from renewable.places import CHECKOUT as REPO

pytestmark = pytest.mark.unit
EXAMPLES = yaml.safe_load(
    (REPO / "dbt/renewable_dbt/models/intermediate/intervals/int_doubtful_readings.unit.yml").read_text(
        "utf-8"
    )
)["unit_tests"]
# A window is a matter of builds.
EXAMPLES = [example for example in EXAMPLES if "overrides" not in example]


def _frame(told: dict[str, Any]) -> pl.DataFrame:
    """Rows as a unit test of dbt writes them."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        if told.get("format") == "sql":
            frame = connection.sql(told["rows"]).pl()
        else:
            names = dict.fromkeys(name for row in told["rows"] for name in row)
            frame = pl.DataFrame({name: [row.get(name) for row in told["rows"]] for name in names})
    if "timestamp_utc" not in frame.columns:
        return frame
    at = pl.col("timestamp_utc")
    if frame.schema["timestamp_utc"] == pl.String:
        at = at.str.to_datetime("%Y-%m-%d %H:%M:%S%#z", time_unit="us", time_zone="UTC")
    return frame.with_columns(at.cast(DOUBTS_SCHEMA["timestamp"]).alias("timestamp")).drop("timestamp_utc")


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_the_examples_of_the_models_are_judged_alike(example: dict[str, Any]) -> None:
    inputs = {given["input"]: given for given in example["given"]}
    assets = _frame(inputs["ref('stg_assets')"])
    if "site_id" not in assets.columns:
        assets = assets.with_columns(site_id="asset_id")
    readings, expected = _frame(inputs["ref('int_intervals')"]), _frame(example["expect"])
    found = doubtful_readings(readings, assets)
    told = found.select(expected.columns).sort(expected.columns)
    assert told.equals(expected.sort(expected.columns).cast(dict(told.schema)))


def test_the_examples_hold_every_rule_that_is_asked() -> None:
    assert len(EXAMPLES) >= 12
    rules = {row["rule"] for e in EXAMPLES if "format" not in e["expect"] for row in e["expect"]["rows"]}
    assert {"frozen", "spike"} <= rules


def test_readings_that_were_filled_in_are_told_where_they_are_many() -> None:
    hours = pl.datetime_range(pl.datetime(2025, 1, 1), pl.datetime(2025, 1, 1, 19), "1h", eager=True)
    wind = [5.0 + (hour * hour) % 7 for hour in range(20)]
    wind[3:6] = [8.0, 8.0, 8.0]
    readings = pl.DataFrame({"asset_id": "w", "timestamp": hours, "wind_speed_ms": wind})
    assets = pl.DataFrame({"asset_id": ["w"], "site_id": ["a"], "interval_minutes": [60]})
    (line,) = doubt_sentences(
        readings.with_columns(pl.col("timestamp").dt.replace_time_zone("UTC")), assets, 0.1
    )
    assert "w: 3 of 20 readings of wind_speed_ms are frozen, first 2025-01-01 03:00 UTC" in line
    assert not list(
        doubt_sentences(readings.with_columns(pl.col("timestamp").dt.replace_time_zone("UTC")), assets, 0.2)
    )
