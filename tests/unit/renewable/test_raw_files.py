"""Names of raw files."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewable.contract import RawTable
from renewable.raw_files import RawFileName, parse_raw_file_name

pytestmark = pytest.mark.unit
DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))


@given(
    st.sampled_from(["weather", "generation"]),
    DAYS,
    st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,10}", fullmatch=True),
)
def test_a_raw_file_name_parses_back_to_itself(table: RawTable, day: date, part: str | None) -> None:
    name = RawFileName(table, day, part)
    assert parse_raw_file_name(str(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "weather.parquet",
        "weather_2025-02-30.parquet",
        "wind_2025-01-01.parquet",
        "weather_2025-01-01.csv",
        "weather_2025-1-1.parquet",
        "weather_2025-01-01__.parquet",
        "weather_2025-01-01.parquet.bak",
    ],
)
def test_other_names_do_not_parse(name: str) -> None:
    assert parse_raw_file_name(name) is None
