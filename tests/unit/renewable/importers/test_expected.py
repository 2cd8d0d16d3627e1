"""Expected rows beside a mapping: what differs is told, what cannot be read is no success."""

from datetime import timedelta
from pathlib import Path

import pytest

from renewable.errors import MappingError
from renewable.importers.expected import check_mapping, expected_path
from tests.unit.renewable.importers.test_deliveries import INTERVALS, START, Plant, mapping_of

pytestmark = pytest.mark.unit


def plant_with(tmp_path: Path, *lines: str, header: str = "asset_id,timestamp,wind_speed_ms") -> Plant:
    plant = Plant(tmp_path, mapping_of(generation={}))
    steps = [START + timedelta(minutes=10 * step) for step in range(3)]
    plant.deliver(
        [(steps[0], "T2", 1.5, None), (steps[1], "T2", None, None), (steps[2], "T2", 2.5, None)], "a.csv"
    )
    expected_path(plant.mapping_path).write_text("\n".join([header, *lines, ""]))
    return plant


def test_values_that_come_out_otherwise_are_told_and_the_store_stays_away(tmp_path: Path) -> None:
    plant = plant_with(
        tmp_path,
        "T2,2024-03-31T20:50Z,1.5000001",
        "T2,2024-03-31T21:00Z,",
        "T2,2024-03-31T21:10Z,2.6",
        "T2,2024-03-31T21:20Z,3",
    )
    checked = check_mapping(plant.mapping_path, INTERVALS)
    assert checked.cells == 4
    assert checked.differences == (
        "T2 2024-03-31T21:10Z: wind_speed_ms is 2.5, expected 2.6",
        "T2 2024-03-31T21:20Z: wind_speed_ms is empty, expected 3.0",
    )
    assert not plant.raw.exists()


def test_a_value_where_none_is_expected_is_told(tmp_path: Path) -> None:
    plant = plant_with(tmp_path, "T2,2024-03-31T20:50Z,")
    assert check_mapping(plant.mapping_path, INTERVALS).differences == (
        "T2 2024-03-31T20:50Z: wind_speed_ms is 1.5, expected empty",
    )


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        ("asset_id,timestamp,wind", "T2,2024-03-31T20:50Z,1", "no channel is called wind"),
        ("asset_id,wind_speed_ms", "T2,1", "timestamp is missing"),
        ("asset_id,timestamp,wind_speed_ms", "T2,31.03.2024,1", "row 2, column timestamp: '31.03.2024'"),
        (
            "asset_id,timestamp,wind_speed_ms",
            'T2,2024-03-31T20:50Z,"1,5"',
            "row 2, column wind_speed_ms: '1,5'",
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_a_fault(tmp_path: Path, header: str, line: str, said: str) -> None:
    plant = plant_with(tmp_path, line, header=header)
    with pytest.raises(MappingError, match=said):
        check_mapping(plant.mapping_path, INTERVALS)
    expected_path(plant.mapping_path).unlink()
    with pytest.raises(MappingError, match="cannot be read"):
        check_mapping(plant.mapping_path, INTERVALS)


def test_a_channel_that_the_mapping_does_not_give_is_one_difference(tmp_path: Path) -> None:
    header = "asset_id,timestamp,wind_speed_ms,air_temperature_c"
    plant = plant_with(tmp_path, "T2,2024-03-31T20:50Z,1.5,7", "T2,2024-03-31T21:10Z,2.5,8", header=header)
    assert check_mapping(plant.mapping_path, INTERVALS).differences == (
        "air_temperature_c: the mapping gives no value at all, expected 2",
    )
