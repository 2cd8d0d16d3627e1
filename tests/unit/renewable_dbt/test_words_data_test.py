"""The data test of words finds what the seeds and the contract lack, and names whose row it is."""

import duckdb
import jinja2
import pytest

from renewable.contract import measurements
from renewable.places import CHECKOUT as REPO
from renewable.vocabulary import VOCABULARY_DIR

pytestmark = pytest.mark.unit
SQL = REPO / "dbt" / "renewable_dbt" / "tests" / "words_are_those_of_the_vocabulary.sql"
TABLES = {
    "mart_losses_daily": "date_local date, loss_category varchar",
    "mart_events": "start_utc timestamptz, end_utc timestamptz, kind varchar",
    "mart_data_quality_daily": "date_local date, channel varchar",
    "int_doubtful_readings": "timestamp_utc timestamptz, channel varchar, rule varchar",
}
SOUND = {
    "mart_losses_daily": "('a', null, 'residual')",
    "mart_events": "('a', null, null, 'icing')",
    "mart_data_quality_daily": "('a', null, 'active_power_kw')",
    "int_doubtful_readings": "('a', null, 'wind_speed_ms', 'spike')",
}


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("mart_losses_daily", "('b', null, 'birds')"),
        ("mart_losses_daily", "('b', null, null)"),
        ("mart_events", "('b', null, null, 'residual')"),
        ("mart_data_quality_daily", "('b', null, 'pollen_ppm')"),
        ("int_doubtful_readings", "('b', null, 'precipitation_mm', 'spike')"),
    ],
)
def test_a_word_that_nobody_knows_is_found_and_its_asset_named(model: str, row: str) -> None:
    assert _failures() == []
    assert _failures((model, row)) == [("b", model)]


def _failures(*more: tuple[str, str]) -> list[tuple[str, str]]:
    with duckdb.connect(":memory:") as connection:
        for name, columns in TABLES.items():
            connection.execute(f"create table {name} (asset_id varchar, {columns})")
        for seed in ("event_kinds", "reading_rules"):
            connection.execute(f"create table {seed} as from '{VOCABULARY_DIR / seed}.csv'")
        for name, row in [*SOUND.items(), *more]:
            connection.execute(f"insert into {name} values {row}")
        return connection.execute(f"select asset_id, model from ({_statement()})").fetchall()


def _statement() -> str:
    """The test as dbt compiles it where no window is set."""
    everywhere = {
        name: lambda *_: "true"
        for name in ("in_local_days", "in_state_days", "touches_state_days", "around_reach")
    }
    return jinja2.Template(SQL.read_text("utf-8")).render(
        config=lambda **_: "",
        ref=lambda name: name,
        vocabulary=lambda: None,
        judged_channels=lambda _: ["active_power_kw", *measurements("weather")],
        **everywhere,
    )
