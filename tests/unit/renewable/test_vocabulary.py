"""The vocabulary as Python reads it: typed, complete, and the same as SQL reads it."""

from pathlib import Path

import pytest

from mock_data.losses import LOSS_KINDS
from renewable import vocabulary
from renewable.contract import measurements
from renewable.errors import RenewableError
from renewable.vocabulary import (
    PALETTE,
    VOCABULARY_DIR,
    channels_under,
    event_kinds,
    reading_rules,
    rule_names,
    rules_of,
    thresholds,
)
from tests.dbt_macros import rendered

pytestmark = pytest.mark.unit
CHANNELS = {*measurements("weather"), *measurements("generation")}


def test_kinds_come_in_the_order_of_their_priority_each_once() -> None:
    kinds = event_kinds()
    assert [kind.priority for kind in kinds] == sorted({kind.priority for kind in kinds})
    assert len({kind.kind for kind in kinds}) == len({kind.label for kind in kinds}) == len(kinds)
    assert {*event_kinds("interval"), *event_kinds("day"), *event_kinds("rest")} == set(kinds)
    assert all(kind.hex_colour.startswith("#") for kind in kinds)
    events = event_kinds("interval", "day")
    assert len({kind.hex_colour for kind in events}) == len(events), "two kinds of one chart have one colour"


def test_rules_are_about_channels_of_the_contract() -> None:
    for rule in reading_rules():
        assert {rule.channel, rule.honest_channel or rule.channel} <= CHANNELS, rule


def test_thresholds_are_named_once_with_their_unit_and_hold_for_a_technology() -> None:
    units = {"_ratio": "share of ", "_ms": "m/s", "_c": "degC", "_pct": "%", "_mm": "mm a day"}
    names = [each.threshold for each in thresholds()]
    assert len(set(names)) == len(names)
    for each in thresholds():
        assert any(each.threshold.endswith(end) and each.unit.startswith(u) for end, u in units.items()), each
        assert each.wind is not None or each.solar is not None, each


def test_every_rule_is_usual_or_raises_doubt_and_never_both() -> None:
    assert not set(rule_names(usual=True)) & set(rule_names(usual=False))


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_sql_and_python_know_the_same_rules_of_a_channel(channel: str) -> None:
    words = {"rules": [{"channel": rule.channel, "rule": rule.rule} for rule in reading_rules()]}
    assert rendered("rules_of", words, channel).strip() == str(list(rules_of(channel)))
    assert (channel in channels_under("frozen")) == ("frozen" in rules_of(channel))


def test_the_simulator_injects_kinds_of_the_vocabulary_in_its_order() -> None:
    assert list(LOSS_KINDS[1:]) == [kind.kind for kind in event_kinds() if kind.kind in LOSS_KINDS]


@pytest.mark.parametrize(
    ("cell", "other", "said"),
    [
        (",grey,", ",mauve,", "row 6: colour 'mauve'"),
        ("unmeasured,5,", "unmeasured,fifth,", "row 6: invalid literal"),
        (",true,interval,", ",true,night,", "row 6: seen_in 'night'"),
        (",data,unknown,", ",dreams,unknown,", "row 6: found_by 'dreams'"),
        (",data,unknown,", ",data,perhaps,", "row 6: availability 'perhaps'"),
        ("priority", "rank", "row 2: column 'priority' is missing"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_with_its_file_and_row(
    cell: str, other: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (VOCABULARY_DIR / "event_kinds.csv").read_text("utf-8")
    assert cell in text
    (tmp_path / "event_kinds.csv").write_text(text.replace(cell, other, 1))
    monkeypatch.setattr(vocabulary, "VOCABULARY_DIR", tmp_path)
    with pytest.raises(RenewableError, match=said) as raised:
        event_kinds()
    assert "event_kinds.csv" in str(raised.value)


def test_the_palette_is_told_apart() -> None:
    assert len(set(PALETTE.values())) == len(PALETTE)
