"""Values that the gate set aside stand beside the readings, and follow their files."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from renewable.contract import polars_schema
from renewable.fleet import Fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings

pytestmark = pytest.mark.integration
DAYS = (date(2025, 1, 1), date(2025, 1, 2))


def test_values_come_change_and_go_with_their_file(settings: Settings, fleet: Fleet) -> None:
    asset = fleet.assets["asset_id"][0]
    paths = [_write(settings, day, asset, [61.0, 5.0]) for day in DAYS]
    ingest(settings)
    assert _kept(settings) == [(day, "air_temperature_c", "61.0", "above_range") for day in DAYS]
    _write(settings, DAYS[0], asset, [5.0, -70.0])
    ingest(settings)
    assert _kept(settings)[0] == (DAYS[0], "air_temperature_c", "-70.0", "below_range")
    _write(settings, DAYS[0], asset, [5.0, 6.0])
    ingest(settings)
    assert [day for day, *_ in _kept(settings)] == [DAYS[1]]
    paths[1].unlink()
    ingest(settings)
    assert _kept(settings) == []


def test_a_warehouse_from_before_takes_them_from_the_quarantine(settings: Settings, fleet: Fleet) -> None:
    for day in DAYS:
        _write(settings, day, fleet.assets["asset_id"][0], [61.0, 5.0])
    ingest(settings)
    before = _kept(settings)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("drop table raw.values_set_aside")
    ingest(settings)
    assert _kept(settings) == before and len(before) == 2


def _write(settings: Settings, day: date, asset_id: str, temperatures_c: list[float]) -> Path:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    schema = polars_schema("weather")
    rows = pl.DataFrame(
        {
            "asset_id": asset_id,
            "timestamp": [midnight + timedelta(hours=hour) for hour in range(len(temperatures_c))],
            "air_temperature_c": temperatures_c,
        }
    )
    rows = rows.with_columns(pl.lit(None).alias(name) for name in schema if name not in rows.columns)
    path = RawFileName("weather", day).path_under(settings.raw_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.select(schema.names()).cast(schema).write_parquet(path)  # type: ignore[arg-type]
    return path


def _kept(settings: Settings) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute(
            "select day, channel, original_value, rule from raw.values_set_aside order by all"
        ).fetchall()
