"""What every model keeps to, so that people can read it and other engines can run it."""

import re
from pathlib import Path

import pytest

from renewable.places import DBT_PROJECT

pytestmark = pytest.mark.unit
MODELS = sorted((DBT_PROJECT / "models").rglob("*.sql"))
MACROS = sorted((DBT_PROJECT / "macros").glob("*.sql"))
TESTS = sorted((DBT_PROJECT / "tests").rglob("*.sql"))
# Lines that are neither blank nor comment.
LONGEST = 150
MOST_PARTS = 15
# What DuckDB and Spark write in different ways, and so belongs behind `adapter.dispatch`.
ONE_ENGINE = {
    "whole division": r"(?<!:)//",
    "timestamptz": r"\btimestamptz\b",
    "date_diff": r"\bdate_diff\b",
    "cast by colons": r"::",
    "as-of join": r"\basof\b",
    "strftime": r"\bstrftime\b",
    "list function": r"\b(list_\w+|unnest|array_\w+)\s*\(",
    "epoch": r"\bepoch(_us|_ms)?\s*\(",
    # By the number's decimal text there, by the number here.
    "round to digits": r"\bround\([^\n]*,\s*\d+\s*\)",
}
# A quotient of two plain numbers is a decimal of few digits in Spark; after a factor that is a double it is none.
_DECIMAL_QUOTIENT = r"(?<![\w.])(?<!\* )\d+\.\d+\s*/\s*\d+(\.\d+)?(?![\w.e])"
_COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
_OF_ONE_ENGINE = re.compile(r"\{% macro (?:default|spark)__\w+.*?endmacro %\}", re.DOTALL)
# Each is of one engine; its name says which.
_MATERIALIZATIONS = ("materializations.sql", "materializations_spark.sql")


def _text(path: Path) -> str:
    return _COMMENT.sub("", path.read_text("utf-8"))


def _portable_text(path: Path) -> str:
    """Without the macros that are written for one engine and dispatched by its name."""
    return _OF_ONE_ENGINE.sub("", _text(path))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_is_short_and_has_few_parts(path: Path) -> None:
    parts = re.findall(r"^\s*(?:with )?(\w+) as \($", _text(path), re.MULTILINE)
    assert len(parts) <= MOST_PARTS, parts
    lines = [line for line in _text(path).splitlines() if line.strip()]
    # One fit by least squares, which no cut would make plainer.
    assert len(lines) <= LONGEST or path.stem == "int_soiling_fits"


@pytest.mark.parametrize("path", [*MODELS, *MACROS, *TESTS], ids=lambda path: path.stem)
def test_what_engines_write_differently_is_behind_a_dispatched_macro(path: Path) -> None:
    if path.name in _MATERIALIZATIONS:
        pytest.skip("materializations are an engine's own")
    text = _portable_text(path)
    found = {name for name, pattern in ONE_ENGINE.items() if re.search(pattern, text)}
    found |= {"quotient of decimals"} if re.search(_DECIMAL_QUOTIENT, text) else set()
    assert found == set()


def test_these_rules_find_what_they_name() -> None:
    samples = {
        "whole division": "a // b",
        "timestamptz": "cast(x as timestamptz)",
        "date_diff": "date_diff('minute', a, b)",
        "cast by colons": "60.0::double",
        "as-of join": "asof left join t",
        "strftime": "strftime(x, '%Y')",
        "list function": "list_sort(x)",
        "epoch": "epoch_us(x)",
        "round to digits": "round(degrees(atan2(a, b)), 6)",
    }
    assert samples.keys() == ONE_ENGINE.keys()
    assert all(re.search(ONE_ENGINE[name], sample) for name, sample in samples.items())
    assert re.search(_DECIMAL_QUOTIENT, "pow(x, 1.0 / 3.0)") and not re.search(_DECIMAL_QUOTIENT, "1e0 / 3e0")
