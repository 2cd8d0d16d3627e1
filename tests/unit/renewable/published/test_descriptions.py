"""What is said of the published tables goes with them."""

import base64

import pyarrow as pa
import pytest

from renewable.places import DBT_PROJECT
from renewable.published.descriptions import (
    BUILD_ID,
    ColumnText,
    TableText,
    parquet_metadata,
    table_texts,
    unit_of,
)
from renewable.transform.marts import mart_names

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("energy_kwh", "kWh"),
        ("specific_yield_kwh_per_kw", "kWh/kW"),
        ("insolation_kwh_m2", "kWh/m²"),
        ("poa_irradiance_bin_wm2", "W/m²"),
        ("wind_speed_bin_ms", "m/s"),
        ("observed_hours", "h"),
        ("performance_ratio_stc", "1"),
        ("asset_id", ""),
        ("readings_missing", ""),
    ],
)
def test_a_unit_is_the_longest_end_of_a_columns_name(column: str, unit: str) -> None:
    assert unit_of(column) == unit


def test_every_published_table_and_the_build_in_it_are_described() -> None:
    texts = table_texts(DBT_PROJECT)
    assert sorted(texts) == mart_names(DBT_PROJECT)
    assert all(text.description and BUILD_ID in text.columns for text in texts.values())
    assert all(column.description for text in texts.values() for column in text.columns.values())


def test_a_unit_is_told_once() -> None:
    assert ColumnText("Energy, kWh.", "kWh").sentence == "Energy, kWh."
    assert ColumnText("Energy.", "kWh").sentence == "Energy. Unit: kWh."
    assert ColumnText("Name.", "").sentence == "Name."


def test_every_column_may_have_nulls_whatever_the_query_says() -> None:
    text = TableText("A table.", {"energy_kwh": ColumnText("Energy.", "kWh")})
    schema = pa.schema([pa.field("energy_kwh", pa.float64(), nullable=False), pa.field("more", pa.int64())])
    metadata = parquet_metadata(text, schema)
    assert metadata["description"] == "A table."
    told = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(metadata["ARROW:schema"])))
    assert told.field("energy_kwh").nullable
    assert told.field("energy_kwh").metadata == {b"description": b"Energy.", b"unit": b"kWh"}
    assert told.names == schema.names and told.types == schema.types
