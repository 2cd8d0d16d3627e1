"""Scores of several runs: sums before shares, goals, the table and its place in a Markdown file."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from renewable.errors import RenewableError
from renewable.operations.score_worlds import check_plan, combined, likely_seconds
from renewable.scorecard.combine import LineScore, Measured, line_scores, verdicts
from renewable.scorecard.goals import WORLD_GOALS, is_met
from renewable.scorecard.judge import BLOCK_SCHEMA, Judged, all_of
from renewable.scorecard.lines import lines
from renewable.scorecard.markdown import BEGIN, END, markdown, write_between_markers
from renewable.scorecard.world_card import WorldPlan, run_seed, table_rows

pytestmark = pytest.mark.unit
PLAN = WorldPlan(("plain", "field"), (1, 2), (10, 60), 3, 2, date(2025, 1, 10), 30, "typical")
DIRT = pl.DataFrame(
    schema={
        "asset_id": pl.String,
        "dirty_days": pl.Int64,
        "unknown_days": pl.Int64,
        "known_days": pl.Int64,
        "error_sum": pl.Float64,
    }
)
EXPOSURE = pl.DataFrame({"technology": ["solar", "wind"], "asset_days": [365.25, 730.5]})


def _block(kind: str, **sums: float) -> dict[str, object]:
    zeros = {
        name: 0.0 if dtype == pl.Float64 else 0 for name, dtype in BLOCK_SCHEMA.items() if dtype != pl.String
    }
    return zeros | {"kind": kind, "asset_id": "a"} | sums


def _blocks(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=BLOCK_SCHEMA)


def _score(blocks: pl.DataFrame, kind: str, world: str = "field", dirt: pl.DataFrame = DIRT) -> LineScore:
    return next(s for s in line_scores(world, Judged(blocks, dirt, EXPOSURE), lines()) if s.kind == kind)


def test_counts_are_summed_over_runs_and_shares_are_not_averaged() -> None:
    blocks = _blocks(
        _block(
            "downtime", true_h=100, found_h=90, true_found_h=90, found_true_h=90, true_kwh=1000, found_kwh=900
        ),
        _block("downtime", true_h=10, found_h=30, true_found_h=0, found_true_h=0, true_kwh=0, found_kwh=150),
    )
    measures = _score(blocks, "downtime").measures
    assert measures["precision"].value == 90 / 120
    assert measures["recall"].value == 90 / 110
    assert measures["energy"].value == pytest.approx(0.05)
    low, high = measures["precision"].low, measures["precision"].high
    assert low is not None and high is not None and low < 90 / 120 < high


def test_events_have_wilson_s_interval_and_false_ones_count_against_the_years_of_assets_that_can_have_them() -> (
    None
):
    row = {"true_events": 8, "true_events_found": 7, "found_events": 10, "found_events_true": 6}
    downtime = _score(_blocks(_block("downtime", **row)), "downtime").measures
    assert downtime["event_precision"].value == 0.6 and downtime["event_recall"].value == 7 / 8
    assert downtime["event_precision"].low == pytest.approx(0.3127, abs=1e-3)
    assert downtime["false_events"].value == pytest.approx(4 / 3)
    icing = _score(_blocks(_block("icing", **row)), "icing").measures
    assert icing["false_events"].value == pytest.approx(4 / 2)


def test_a_kind_of_which_nothing_happened_has_a_line_without_shares() -> None:
    scores = line_scores("field", Judged(_blocks(), DIRT, EXPOSURE), lines())
    assert [score.kind for score in scores] == [line.kind for line in lines()]
    assert all(set(score.measures) <= {"false_events"} for score in scores)


def test_what_the_plain_key_does_not_say_is_reported_as_found_only() -> None:
    blocks = _blocks(_block("high_wind", found_h=5, found_events=3))
    plain, field = (_score(blocks, "high_wind", world) for world in ("plain", "field"))
    assert not plain.is_keyed and not plain.measures and plain.sums["found_events"] == 3
    assert field.is_keyed and field.measures["precision"].value == 0.0
    cells = next(row for row in table_rows([plain]) if row[0] == "high wind")
    assert cells[2] == "not in the key; 3 found"


def test_goals_are_bounds_from_below_for_shares_and_from_above_for_errors() -> None:
    assert is_met("precision", 0.9, 0.9) and not is_met("precision", 0.9, 0.899)
    assert is_met("energy", 0.08, -0.08) and not is_met("energy", 0.08, -0.081)
    assert is_met("false_events", 2, 2.0) and not is_met("false_events", 2, 2.1)
    field = WORLD_GOALS["field"]
    assert field["recall", "downtime"] == field["span_precision", "curtailment"] == 0.90
    assert (
        field["precision", "icing"] == 0.75
        and field["energy", "soiling"] == field["unknown", "soiling"] == 0.25
    )
    assert field["recall", "contradicted_sensor"] == field["precision", "frozen_sensor"] == 0.80
    assert {kind for measure, kind in field if measure == "false_events"} == {
        line.kind for line in lines() if line.is_judged
    }
    assert WORLD_GOALS["rough"] == {}


def test_a_goal_without_anything_to_measure_is_neither_met_nor_missed() -> None:
    found = verdicts(WORLD_GOALS["field"], "icing", {"recall": Measured(0.7, None, None)})
    assert {v.measure: v.is_met for v in found} == {
        "precision": None,
        "recall": False,
        "span_precision": None,
        "span_recall": None,
        "false_events": None,
    }


def test_dirty_days_without_a_ratio_are_a_share_of_the_dirty_days_of_all_plants() -> None:
    dirt = pl.DataFrame([("a", 10, 1, 12, 0.06), ("b", 30, 11, 20, 0.26)], schema=DIRT.schema, orient="row")
    score = _score(_blocks(), "soiling", dirt=dirt)
    assert score.measures["unknown"].value == 0.3 and score.measures["ratio"].value == 0.01
    assert score.missed == ("unknown",)
    assert (
        "missed: days without a ratio; days without a ratio .30; daily ratio .010" in table_rows([score])[0]
    )


def test_each_step_length_also_has_its_own_scores() -> None:
    runs = [
        Judged(_blocks(_block("downtime", true_h=4, true_found_h=hours)), DIRT, EXPOSURE).marked(
            "field", step
        )
        for step, hours in ((10, 4), (60, 1))
    ]
    plan = WorldPlan(("field",), (1,), (10, 60), 3, 2, date(2025, 1, 10), 30, "typical")
    card = combined(plan, all_of(runs))
    recalls = {
        step: score.measures["recall"].value for step, score in card.by_step if score.kind == "downtime"
    }
    assert recalls == {10: 1.0, 60: 0.25}
    assert next(s for s in card.scores if s.kind == "downtime").measures["recall"].value == 5 / 8


def test_plans_that_would_count_twice_or_cannot_be_simulated_are_refused_before_anything_runs() -> None:
    check_plan(PLAN)
    assert len(PLAN.runs) == 8 and len({run_seed(seed, step) for _, seed, step in PLAN.runs}) == 4
    assert likely_seconds(PLAN) > 8 * 5

    def plan(**changed: object) -> WorldPlan:
        return WorldPlan(**{**PLAN.__dict__, **changed})

    for changed, said in (
        ({"worlds": ("moon",)}, "there is no world 'moon'"),
        ({"worlds": ()}, "names none"),
        ({"seeds": (1, 1)}, "names one twice"),
        ({"steps_minutes": (7,)}, "--steps 7"),
        ({"wind": 0, "solar": 0}, "nothing to simulate"),
        ({"events": "many"}, "many"),
    ):
        with pytest.raises(RenewableError, match=said):
            check_plan(plan(**changed))


def test_the_table_is_written_between_its_markers_and_the_text_around_stays(tmp_path: Path) -> None:
    card = combined(PLAN, Judged(_blocks(), DIRT, EXPOSURE).marked("field", 10))
    page = tmp_path / "PAGE.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    write_between_markers(card, page)
    text = page.read_text("utf-8")
    assert text == f"before\n\n{BEGIN}\n{markdown(card)}{END}\nafter\n" and "old" not in text
    unkeyed = [line for line in lines() if not line.is_in_plain]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(lines()) + len(unkeyed) and len({row.count("|") for row in rows}) == 1
    write_between_markers(card, page)
    assert page.read_text("utf-8") == text
    page.write_text("no place\n", "utf-8")
    with pytest.raises(RenewableError, match="has no place for the table"):
        write_between_markers(card, page)
    assert page.read_text("utf-8") == "no place\n"


def test_the_scorecard_page_has_a_place_for_the_table() -> None:
    from renewable.places import CHECKOUT as REPO
    from renewable.scorecard.markdown import check_markers

    check_markers(REPO / "docs" / "scorecard.md")


def test_worlds_in_which_nothing_happened_and_nothing_was_found_share_a_row() -> None:
    found = _score(_blocks(_block("snow", found_h=1, found_events=1)), "snow", "rough")
    nothing = [_score(_blocks(), "snow", world) for world in ("plain", "field")]
    rows = table_rows([nothing[0], found, nothing[1]])
    assert [row[:3] for row in rows] == [("snow", "rough", "0"), ("snow", "plain, field", "0")]
    assert rows[0][3] == ".00 (.00 to .79)" and set(rows[1][3:]) == {"–"}
