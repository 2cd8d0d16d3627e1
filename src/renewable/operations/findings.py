"""What an operator should look at, told from published files: quarantine, coverage, quality of the detections."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from loaders.quarantine import list_quarantine
from renewable.contract import RawTable
from renewable.importers.ledger import read_books, store_of
from renewable.published.ratios import coverage_by
from renewable.scorecard.score import scorecard_path
from renewable.settings import Settings
from renewable.windows import ONE_DAY, Window

COVERAGE_DAYS = 7
_SAMPLE_ROWS = 10
_NAMED_DAYS = 5


@dataclass(frozen=True)
class Finding:
    """Whether all is well, in a sentence, with figures and a sample as a Markdown table."""

    is_well: bool
    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    sample: str = ""


def quarantine_finding(settings: Settings) -> Finding:
    """What is set aside now, by kind and rule, and what to do about it."""
    listing = list_quarantine(settings.quarantine_dir)
    if listing.is_empty():
        return Finding(True, "nothing is set aside", {"path": str(settings.quarantine_dir)})
    counts = {
        what: int(count)
        for what, count in listing.group_by("what").agg(pl.col("count").sum()).sort("what").rows()
    }
    by_rule = (
        listing.filter(pl.col("what") != "whole file")
        .group_by("rule")
        .agg(pl.col("count").sum())
        .sort("rule")
    )
    told = ", ".join(
        f"{count} {what if what != 'whole file' else 'whole file(s)'}" for what, count in counts.items()
    )
    return Finding(
        False,
        f"set aside from {listing['file'].n_unique()} file(s): {told}",
        {
            **{f"{what.replace(' ', '_')}_set_aside": count for what, count in counts.items()},
            "by_rule": dict(by_rule.iter_rows()),
            "path": str(settings.quarantine_dir),
            "next_step": "`renewable quarantine show FILE` shows what and why. Mend the file and write it again: the"
            " next load takes it. If the registry or a setting was at fault, mend that and run"
            " `renewable quarantine replay`",
        },
        markdown_table(listing.sort("count", descending=True).head(_SAMPLE_ROWS)),
    )


def rows_finding(log: pl.DataFrame, table: RawTable, window: Window | None, today: date) -> Finding:
    """Days of `window` without a row of `table`, by the load log; without one those between the first and the last row.

    Of `today` nobody knows yet whether rows come.
    """
    loaded = log.filter((pl.col("rows_loaded") > 0) & (pl.col("table_name") == table))["day"].drop_nulls()
    first, last = loaded.min(), loaded.max()
    if window is None and isinstance(first, date) and isinstance(last, date):
        window = Window(first, last + ONE_DAY)
    due = [day for day in (window.days if window else ()) if day < today]
    missing = [str(day) for day in due if day not in set(loaded)]
    more = f" and {len(missing) - _NAMED_DAYS} more" if len(missing) > _NAMED_DAYS else ""
    return Finding(
        not missing,
        f"no row of {table} on {', '.join(missing[:_NAMED_DAYS])}{more}"
        if missing
        else f"rows on {len(due)} day(s)",
        {"days": len(due), "days_without_rows": missing},
    )


def deliveries_finding(settings: Settings) -> Finding:
    """Delivered files that were set aside, and why."""
    refused = read_books(store_of(settings.raw_dir)).refused
    if not refused:
        return Finding(True, "all delivered files were imported")
    rows = [{"file": each.file, "mapping": each.mapping, "reason": each.reason} for each in refused]
    return Finding(
        False,
        f"{len(refused)} delivered file(s) were set aside",
        {
            "files_set_aside": len(refused),
            "next_step": "Mend the mapping or have the file written anew: the next run takes it",
        },
        markdown_table(pl.DataFrame(rows[:_SAMPLE_ROWS])),
    )


def coverage_finding(daily: pl.DataFrame | None, least_ratio: float) -> Finding:
    """Assets that delivered less than `least_ratio` of their data in the last whole local days.

    `daily` is mart_asset_daily (asset_id, date_local, is_partial, observed_hours, expected_hours), None before the
    first build.
    """
    if daily is None or daily.is_empty():
        return Finding(True, "no day is published yet")
    whole_days = daily.filter(~pl.col("is_partial"))
    recent = whole_days.filter(
        pl.col("date_local") > pl.col("date_local").max() - timedelta(days=COVERAGE_DAYS)
    )
    by_asset = (
        coverage_by(recent, "asset_id")
        .filter(pl.col("expected_hours") > 0)
        .sort("data_coverage_ratio", "asset_id")
    )
    if by_asset.is_empty():
        return Finding(True, "no whole local day is published yet")
    low = by_asset.filter(pl.col("data_coverage_ratio") < least_ratio)
    ((first, until),) = recent.select(
        pl.col("date_local").min(), pl.col("date_local").max().alias("until")
    ).rows()
    whole, days = coverage_by(recent)["data_coverage_ratio"].item(), f"{first} to {until}"
    return Finding(
        low.is_empty(),
        f"{low.height} of {by_asset.height} assets below {least_ratio:.0%} of their data, {days}; fleet {whole:.1%}",
        {"assets_below": low.height, "assets": by_asset.height, "fleet_coverage_ratio": whole, "days": days},
        markdown_table(low.head(_SAMPLE_ROWS).with_columns(pl.col(pl.Float64).round(3)))
        if low.height
        else "",
    )


def scorecard_finding(settings: Settings) -> Finding:
    """Whether the last scorecard is above its floor: detections broken by a change show here."""
    path = scorecard_path(settings)
    if not path.exists():
        return Finding(True, "no scorecard: no answer key for these days")
    card = json.loads(path.read_text("utf-8"))
    goals = card["goals"]
    low = [goal for goal in goals if not goal["is_above_floor"]]
    missed = [f"{goal['kind']} {goal['measure']}" for goal in goals if goal["met"] is False]
    judged = sum(goal["reached"] is not None for goal in goals)
    names = ", ".join(f"{goal['kind']} {goal['measure']} {goal['reached']:.3f}" for goal in low)
    return Finding(
        not low,
        f"{len(low)} of {judged} scores below the floor{': ' + names if names else ''};"
        f" {len(missed)} goal(s) missed, {card['first_day']} to {card['last_day']}",
        {"below_floor": len(low), "goals_missed": missed, "scores": judged},
        markdown_table(pl.DataFrame(low)) if low else "",
    )


def markdown_table(table: pl.DataFrame) -> str:
    """`table` as Markdown, a row a line."""

    def row(cells: Any) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return "\n".join(
        [row(table.columns), row("---" for _ in table.columns), *(row(r) for r in table.iter_rows())]
    )
