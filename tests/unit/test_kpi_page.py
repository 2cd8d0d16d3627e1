"""docs/KPI.md says what models, macros and seeds have."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from renewable.places import CHECKOUT as REPO
from renewable.vocabulary import event_kinds, reading_rules, thresholds

pytestmark = pytest.mark.unit
DBT = REPO / "dbt" / "renewable_dbt"
PAGE = (REPO / "docs" / "KPI.md").read_text("utf-8")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?(?![\w])")


def test_each_figure_of_a_day_has_its_formula() -> None:
    (model,) = (
        model
        for model in yaml.safe_load((DBT / "models" / "marts" / "_marts.yml").read_text("utf-8"))["models"]
        if model["name"] == "mart_asset_daily"
    )
    figures = [column["name"] for column in model["columns"] if column["data_type"] == "double"]
    assert len(figures) > 20
    assert [name for name in figures if not re.search(rf"\b{name}\b", PAGE)] == []


def test_each_kind_stands_with_its_priority_availability_and_pause() -> None:
    rows = _table("## Losses")
    assert rows == [
        [kind.kind, str(kind.priority), kind.availability, str(kind.gap_minutes)] for kind in event_kinds()
    ]


def test_each_reading_rule_stands_with_its_numbers() -> None:
    def text(number: float | None) -> str:
        return "" if number is None else f"{number:g}"

    rows = [
        [row[0], row[1], *(text(float(cell) if cell else None) for cell in row[2:])]
        for row in _table("## Readings")
    ]
    assert rows == [
        [rule.channel, rule.rule, text(rule.readings), text(rule.minutes), text(rule.step)]
        for rule in reading_rules()
    ]


def test_each_setting_stands_with_its_defaults_bounds_and_meaning() -> None:
    def text(number: float | None) -> str:
        return "" if number is None else f"{number:g}"

    assert _table("## Settings of the fleet") == [
        [
            each.threshold,
            each.unit,
            *(text(number) for number in (each.wind, each.solar, each.least, each.most)),
            each.description,
        ]
        for each in thresholds()
    ]


def test_each_setting_is_named_beside_a_detection_and_read_by_a_model() -> None:
    named = {
        name
        for row in _table("## Thresholds of detections")
        for part in row[3].split(" · ")
        if part.startswith("setting: ")
        for name in part.removeprefix("setting: ").split()
    }
    assert named == {each.threshold for each in thresholds()}
    models = [
        path.read_text("utf-8")
        for path in [*DBT.rglob("models/intermediate/**/*.sql"), *DBT.glob("macros/*.sql")]
    ]
    assert [name for name in sorted(named) if not any(name in text for text in models)] == []


def test_each_threshold_stands_in_the_model_that_is_named() -> None:
    rows = _table("## Thresholds of detections")
    assert {kind for row in rows for kind in row[0].split(", ")} >= {
        kind.kind for kind in event_kinds() if kind.found_by != "people" and kind.seen_in != "rest"
    } - {"unmeasured"}
    for row in rows:
        for named in row[3].split(" · "):
            name, _, numbers = named.partition(": ")
            if name == "setting":
                continue
            written = {float(number) for number in NUMBER.findall(_sql(name))}
            missing = [number for number in numbers.split() if float(number) not in written]
            assert missing == [], f"{name} has no {missing}: {row[1]}"


def test_constants_of_formulas_stand_in_the_macros() -> None:
    written = {
        float(number)
        for path in (DBT / "macros").glob("*.sql")
        for number in NUMBER.findall(path.read_text())
    }
    section = PAGE.partition("## Power to be expected")[2].partition("Measured power curves")[0]
    constants = {float(number) for number in NUMBER.findall(section) if "." in number}
    assert constants and constants <= written, constants - written


def _table(heading: str) -> list[list[str]]:
    section = PAGE.partition(heading)[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def _sql(name: str) -> str:
    paths = [*DBT.rglob(f"models/**/{name}.sql"), *DBT.glob(f"macros/{name}.sql")]
    assert len(paths) == 1, f"{name} is no model and no file of macros"
    return Path(paths[0]).read_text("utf-8")
