"""The page of the scorecard: detections against the simulator's answer key."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from renewable.report import cells
from renewable.report.pages.columns import rows_as_columns
from renewable.report.pages.content import Content
from renewable.report.pages.frame import page
from renewable.report.tables import Column, html_table


def scorecard_page(content: Content, card: Mapping[str, Any]) -> str:
    """HTML of scorecard.html; `card` is the scorecard as JSON holds it."""
    kinds = card["kinds"]
    data = {
        "shares": rows_as_columns(
            [
                {"kind": kind["kind"], "measure": measure, "share": kind[measure]}
                for kind in kinds
                for measure in ("precision", "recall")
                if kind["true_events"]
            ],
            ("kind", "measure", "share"),
        ),
        "energies": rows_as_columns(
            [
                {"kind": kind["kind"], "source": source, "kwh": kind[key]}
                for kind in kinds
                for source, key in (("answer key", "true_lost_kwh"), ("found", "found_lost_kwh"))
                if kind[key] is not None
            ],
            ("kind", "source", "kwh"),
        ),
        "confusion": rows_as_columns(
            [pair for pair in card["confusion"] if pair["true_kind"] != "none"],
            ("true_kind", "found_kind", "intervals", "hours"),
        ),
    }
    return page(
        content,
        "scorecard.html",
        "",
        "Detections against the answer key",
        f"{card['assets']} simulated assets, {card['first_day']} to {card['last_day']} (UTC days)",
        [],
        data,
        goals_table=_goals_table(card["goals"], card.get("world", "plain")),
        kinds_table=_kinds_table(kinds),
    )


def _goals_table(goals: Sequence[Mapping[str, Any]], world: str) -> Markup:
    said = {True: "met", False: "missed", None: "nothing to measure"}
    rows = [
        [
            cells.text(goal["kind"]),
            cells.text(
                {"ratio": "daily ratio, mean absolute error", "energy": "error of lost energy"}.get(
                    goal["measure"], goal["measure"]
                )
            ),
            cells.text(("≤ " if goal["measure"] in ("energy", "ratio") else "≥ ") + f"{goal['bound']:.2f}"),
            cells.number(goal["reached"], 3),
            cells.number(goal["evidence"]),
            cells.text(said[goal["met"]]),
        ]
        for goal in goals
    ]
    columns = [
        Column("Kind", figures=False),
        Column("Measure", figures=False),
        Column("Goal", "share", figures=False),
        Column("Reached", "share"),
        Column("True events", "count"),
        Column("Verdict", figures=False),
    ]
    return html_table("goals", f"Goals in the world “{world}”", columns, rows)


def _kinds_table(kinds: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        [
            cells.text(str(kind["kind"]).replace("_", " ")),
            cells.share(kind["precision"]),
            cells.share(kind["recall"]),
            cells.number(kind["true_events"]),
            cells.number(kind["found_events"]),
            cells.share(kind["event_precision"]),
            cells.share(kind["event_recall"]),
            cells.number(kind["true_lost_kwh"], 1, divisor=1000.0),
            cells.number(kind["found_lost_kwh"], 1, divisor=1000.0),
            cells.share(kind["energy_error"]),
        ]
        for kind in kinds
    ]
    columns = [
        Column("Kind", figures=False),
        Column("Precision", "% of intervals"),
        Column("Recall", "% of intervals"),
        Column("True events", "count"),
        Column("Found events", "count"),
        Column("Precision", "% of events"),
        Column("Recall", "% of events"),
        Column("True loss", "MWh"),
        Column("Found loss", "MWh"),
        Column("Error", "% of true loss"),
    ]
    return html_table("kinds", "Detections by kind", columns, rows, sortable=True)
