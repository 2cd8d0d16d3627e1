"""Kinds and channels are listed in one place each: the seeds of the dbt project, the contract."""

from collections.abc import Iterator

import pytest

from renewable.contract import TABLES, measurements
from renewable.places import CHECKOUT as REPO
from renewable.vocabulary import event_kinds
from tests.word_lists import lists_in_dbt, lists_in_python

pytestmark = pytest.mark.unit
KINDS = [kind.kind for kind in event_kinds()]
CHANNELS = [name for table in TABLES for name in measurements(table)]
MODELS = "dbt/renewable_dbt/models/intermediate/intervals"
# File -> why it may name several of them. A file that does not any more has no place here.
ALLOWED = {
    "src/mock_data/instruments.py": "which instruments of a world fail, and how",
    "src/mock_data/losses.py": "a code for each physical process that the simulator injects",
    "src/mock_data/sensors.py": "a value for each quantity that the simulator computes, and which instruments fail",
    "src/mock_data/diagnose.py": "a curve for each of some quantities",
    "src/renewable/contract/version.py": "what the first contract held, whatever the present one holds",
    "src/renewable/fitting/power_curve_fit.py": "what a power curve is made of",
    "src/renewable/importers/draft_channels.py": "what headers call a channel, in some languages",
    "src/renewable/importers/events.py": "which kind of event a state of a log is",
    "src/renewable/importers/suspicious_sun.py": "which readings the sun can be held against",
    "src/renewable/scorecard/goals.py": "a bound for each of some kinds",
    "src/renewable/scorecard/lines.py": "which technology a kind happens to",
    f"{MODELS}/int_assessed_intervals.sql": "columns that its formulas read",
    f"{MODELS}/int_expected_power.sql": "columns that later models read beside the expected power",
    f"{MODELS}/int_own_power.sql": "columns that later models read beside the expected power",
    f"{MODELS}/int_solar_expected_power.sql": "columns that its formulas read",
    f"{MODELS}/int_wind_expected_power.sql": "columns that its formulas read",
}


def _found() -> Iterator[tuple[str, str]]:
    """File, and what it lists where."""
    for folder in ("src", "dags"):
        for path in sorted((REPO / folder).rglob("*.py")):
            text = path.read_text("utf-8")
            for words in (KINDS, CHANNELS):
                for line, named in lists_in_python(text, words):
                    yield path.relative_to(REPO).as_posix(), f"line {line}: {', '.join(named)}"
    for path in sorted((REPO / "dbt" / "renewable_dbt").glob("m*/**/*.*")):
        name = path.relative_to(REPO).as_posix()
        is_source = name.endswith("models/staging/_sources.yml")
        if path.suffix in (".sql", ".yml") and not name.endswith(".unit.yml") and not is_source:
            for words in (KINDS, CHANNELS):
                for line, named in lists_in_dbt(path.read_text("utf-8"), words):
                    yield name, f"line {line}: {', '.join(named)}"


def test_no_list_of_kinds_or_channels_is_written_elsewhere() -> None:
    found = list(_found())
    elsewhere = [f"{file}, {what}" for file, what in found if file not in ALLOWED]
    assert not elsewhere, (
        "take kinds from renewable.vocabulary and channels from renewable.contract (SQL: vocabulary()):\n"
        + "\n".join(elsewhere)
    )
    assert set(ALLOWED) == {file for file, _ in found}, "remove from ALLOWED what lists nothing any more"


@pytest.mark.parametrize(
    "text",
    [
        'KINDS = ("icing", "snow", "derating")',
        'COLOURS = {"icing": 1, "snow": 2, "derating": 3}',
        'rows = [("a", "icing"), ("b", "snow"), ("c", "derating")]',
        'x = kind == "icing" or kind == "snow" or kind == "derating"',
        'def f(kinds=("icing", "snow", "derating")): pass',
        'SQL = """select icing_kwh, snow_kwh, derating_kwh from marts"""',
        "frame.select(icing_kwh=1, snow_kwh=2, derating_kwh=3)",
        'if kind in {"icing", "snow", "derating"}:\n    pass',
    ],
)
def test_a_list_in_python_is_found_however_it_is_written(text: str) -> None:
    assert [words for _, words in lists_in_python(text, KINDS)] == [["derating", "icing", "snow"]]


@pytest.mark.parametrize(
    "text",
    [
        "{% set kinds = ['icing', 'snow', 'derating'] %}",
        "where kind in (\n    'icing',\n    'snow',\n    'derating'\n)",
        "values: [icing, snow, derating]",
        'description: "icing, snow or derating"',
        "select a.icing_kwh, a.snow_kwh,\n    a.derating_kwh from a",
    ],
)
def test_a_list_in_dbt_is_found_however_it_is_written(text: str) -> None:
    assert [words for _, words in lists_in_dbt(text, KINDS)] == [["derating", "icing", "snow"]]


def test_single_names_and_comments_are_no_list() -> None:
    python = '"""Of icing, snow and derating."""\na = "icing"\nb = "snow"\nclass C:\n    c = "derating"\n'
    assert not list(lists_in_python(python, KINDS))
    sql = "-- icing, snow, derating\n{# icing, snow, derating #}\nwhen icing then 1 when snow then 2 when derating"
    assert not list(lists_in_dbt(sql, KINDS))
