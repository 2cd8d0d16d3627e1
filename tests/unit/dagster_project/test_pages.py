"""What the pages say of assets and checks, and what is refused before anything starts."""

import socket
from datetime import date
from typing import Any

import polars as pl
import pytest

from dagster_project.dbt_translation import check_sentence
from dagster_project.keys import layer_of, published_key, raw_files_key, table_key
from dagster_project.metadata import last_loaded_days
from dagster_project.ui import check_port
from renewable.errors import UsageError
from renewable.operations.findings import rows_finding
from renewable.windows import Window

pytestmark = pytest.mark.unit


def test_the_scorecard_looks_at_the_last_loaded_days_whatever_a_run_is_about() -> None:
    log = pl.DataFrame(
        {
            "day": [date(2025, 1, 1), date(2025, 6, 1), date(2025, 6, 2), None],
            "rows_loaded": [10, 10, 0, 5],
        },
        schema={"day": pl.Date, "rows_loaded": pl.Int64},
    )
    assert last_loaded_days(log, 90) == Window(date(2025, 3, 4), date(2025, 6, 2))
    assert last_loaded_days(log.clear(), 90) is None


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ({"name": "x", "description": "Said by a person."}, "Said by a person."),
        ({"name": "losses_add_up", "description": ""}, "Losses add up."),
        (
            {"name": "x", "test_metadata": {"name": "is_key", "kwargs": {"columns": ["asset_id", "day"]}}},
            "No two rows have the same asset_id, day, and none of these is empty.",
        ),
        (
            {"name": "x", "test_metadata": {"name": "not_null", "kwargs": {"column_name": "site_id"}}},
            "site_id is never empty.",
        ),
        (
            {"name": "x", "test_metadata": {"name": "rows_are_accounted_for", "kwargs": {}}},
            "Rows are accounted for.",
        ),
    ],
)
def test_every_check_says_in_a_sentence_what_it_holds(test: dict[str, Any], said: str) -> None:
    assert check_sentence(test) == said


def test_a_key_begins_with_its_group_and_no_name_stands_for_two_things() -> None:
    keys = [
        raw_files_key("weather"),
        table_key("raw", "weather"),
        table_key("marts", "mart_events"),
        published_key("mart_events"),
    ]
    assert [key.path[0] for key in keys] == ["raw_files", "warehouse", "marts", "published"]
    assert len({key.path[-1] for key in keys}) == len(keys)
    assert layer_of("seeds") == layer_of("vocabulary") == "staging"


def test_a_busy_port_is_said_with_what_to_do_and_a_free_one_is_left_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used.*--port"):
            check_port(port)
    check_port(port)
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_day_without_a_row_is_named_and_today_is_not_judged() -> None:
    days = [date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 4)]
    log = pl.DataFrame({"day": days, "rows_loaded": [1, 0, 1], "table_name": ["weather"] * 3})
    window, later = Window(date(2025, 3, 1), date(2025, 3, 6)), date(2025, 4, 1)
    assert rows_finding(log, "weather", window, later).figures["days_without_rows"] == [
        "2025-03-02",
        "2025-03-03",
        "2025-03-05",
    ]
    assert rows_finding(log, "weather", window, date(2025, 3, 2)).is_well
    between = rows_finding(log, "weather", None, later)
    assert between.figures["days_without_rows"] == ["2025-03-02", "2025-03-03"], "a run of checks alone"
    assert not rows_finding(log, "generation", window, later).is_well
    assert rows_finding(log.clear(), "weather", None, later).is_well
