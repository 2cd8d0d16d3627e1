"""Laws of what cannot be read: it becomes empty and is counted; a file with much of it is refused with all texts."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from renewable.errors import MappingError
from renewable.importers import source
from renewable.importers.number_cells import numbers
from renewable.importers.set_aside import SetAside
from renewable.importers.source import SourceFrame, set_aside
from renewable.importers.source_settings import Source
from tests.unit.renewable.importers.reading import read

pytestmark = pytest.mark.unit


def run(place: Path, powers: list[str], **settings: Any) -> tuple[list[float | None], dict[str, int]]:
    """Read texts of power, a minute each; the powers and the notes."""
    lines = [f"2024-01-01 {i // 60:02}:{i % 60:02};{power}" for i, power in enumerate(powers)]
    (place / "export.csv").write_text("\n".join(["time;power", *lines]) + "\n")
    content = {
        "source": {"files": "export.csv", "delimiter": ";"} | settings,
        "timestamp": {"column": "time", "format": "%Y-%m-%d %H:%M", "zone": "UTC"},
        "asset": {"constant": "T1"},
        "generation": {"active_power_kw": {"column": "power", "unit": "kW"}},
    }
    tables, notes = read(place, content)
    return tables["generation"]["active_power_kw"].to_list(), notes


@pytest.mark.parametrize("batch", [7, 1000])
def test_up_to_the_share_unreadable_cells_are_empty_and_counted_by_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(source.read_batches, "__defaults__", (None, batch))
    # Empty cells are not filled ones: 5 of 100 are unreadable.
    powers = ["1.5"] * 95 + ["Bad"] * 3 + ["I/O Timeout"] * 2 + [""] * 50
    found, notes = run(tmp_path, powers)
    assert found == [1.5] * 95 + [None] * 55
    assert notes == {
        "cells 'Bad' of column power set aside (are no number)": 3,
        "cells 'I/O Timeout' of column power set aside (are no number)": 2,
    }


@pytest.mark.parametrize("batch", [7, 1000])
def test_above_the_share_of_the_whole_file_it_is_refused_with_all_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(source.read_batches, "__defaults__", (None, batch))
    bad = ["Bad", "Bad", "No Data", "Shutdown", "Configure", "Scan Off"]
    with pytest.raises(MappingError) as refused:
        run(tmp_path, bad + ["1"] * 94)
    message = str(refused.value)
    assert "column power: 6 of 100 filled cells are no number" in message
    assert "'Bad' 2 times, first in row 2" in message
    assert all(repr(text) in message for text in bad)


def test_a_share_of_one_makes_whatever_is_no_number_empty(tmp_path: Path) -> None:
    found, notes = run(tmp_path, ["Bad", "x", "2"], unreadable_cells_ratio=1)
    assert found == [None, None, 2.0]
    assert sum(notes.values()) == 2


def test_texts_of_a_pattern_are_empty_and_no_fault(tmp_path: Path) -> None:
    found, notes = run(
        tmp_path, ["-9999.0", "[-11059] No Data", "3"], null_pattern=r"-9999(\.0+)?|\[-\d+\].*"
    )
    assert (found, notes) == ([None, None, 3.0], {})
    found, _ = run(tmp_path, ["-99990", "3"], null_pattern="-9999")
    assert found == [-99990.0, 3.0]


def test_a_pattern_that_cannot_be_read_is_a_fault_of_the_mapping(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"line \d+: source.null_pattern: .*no regular expression"):
        run(tmp_path, ["1"], null_pattern="(")


def test_rows_of_all_reasons_count_together_and_of_a_file_alone() -> None:
    rows = pl.DataFrame({"time": ["a", "b", "c", "d"]})
    one = SourceFrame("one.csv", rows, set_aside=SetAside("one.csv", {"cells": 0.05, "rows": 0.5}))
    for row in (0, 1, 2):
        at_fault = pl.Series([place == row for place in range(4)])
        set_aside(one, "rows", "time", at_fault, f"fault {row}", "Mend it.")
    one.set_aside.rows_seen += 4
    with pytest.raises(MappingError, match=r"one\.csv, column time: .*0\.5 allows: 'a' in row 2\. Mend it"):
        one.set_aside.settle()
    assert one.set_aside.told()["rows 'b' of column time set aside (fault 1)"] == 1
    assert one.set_aside.told() == {}


@pytest.mark.parametrize(
    ("text", "form", "number"),
    [
        ("1.234,5", {"decimal_comma": True, "thousands": "."}, 1234.5),
        ("-1.234.567", {"decimal_comma": True, "thousands": "."}, -1234567.0),
        # A mark before other than three digits is none of thousands.
        ("58.9", {"decimal_comma": True, "thousands": "."}, None),
        ("1.23,4", {"decimal_comma": True, "thousands": "."}, None),
        ("1234.567", {"decimal_comma": True, "thousands": "."}, None),
        ("1,234.5", {"thousands": ","}, 1234.5),
        ("12,5", {"thousands": ","}, None),
        ("1\u202f234,5", {"decimal_comma": True, "thousands": " "}, 1234.5),
        ("1 2", {"thousands": " "}, None),
        ("1'234.5", {"thousands": "'"}, 1234.5),
        ("1e3", {"thousands": ","}, 1000.0),
    ],
)
def test_a_thousands_mark_counts_only_before_groups_of_three(
    text: str, form: dict[str, Any], number: float | None
) -> None:
    assert numbers(pl.Series("c", [text]), Source(files="x", **form)).to_list() == [number]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("58.9", 58.9),
        ("58,9", 58.9),
        ("1.029,3", 1029.3),
        ("-1,029.3", -1029.3),
        ("1.234.567", 1234567.0),
        ("1,234,567.25", 1234567.25),
        ("0.125", 0.125),
        ("1234,567", 1234.567),
        ("7", 7.0),
        # Both readings are possible, or none.
        ("1.029", None),
        ("12,500", None),
        ("1.23.4", None),
        ("1,2,3", None),
    ],
)
def test_of_two_decimal_marks_the_text_says_which_or_it_is_set_aside(text: str, number: float | None) -> None:
    assert numbers(pl.Series("c", [text]), Source(files="x", decimal_comma="either")).to_list() == [number]
