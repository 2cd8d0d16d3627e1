"""How results look in a terminal. The figures come ready from the other rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from renewable.places import CHECKOUT

if TYPE_CHECKING:
    # Slow to import, and a command shows one or two of them.
    from renewable.importers.ledger import Books, Delivery
    from renewable.importers.preview import Preview
    from renewable.operations.status import FleetResult, Status
    from renewable.scorecard.combine import LineScore
    from renewable.scorecard.score import Scorecard
    from renewable.scorecard.world_card import WorldCard
    from renewable.transform.staleness import Stale, Why
    from renewable.windows import Window

_LISTED = 5
_SHOWN = 40
_FATES = ("rows_loaded", "rows_collapsed", "rows_quarantined")
_PIPE_WIDTH = 120
_WIDE_PIPE = 220


def print_status(status: Status, now: datetime) -> None:
    """One fleet in detail."""
    table = Table(title=f"Pipeline of {status.data_dir}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("assets", str(status.assets))
    for title, line in _deliveries(status.deliveries):
        table.add_row(title, escape(line))
    table.add_row("raw files", f"{status.files_seen}, {len(status.pending)} pending{_sample(status.pending)}")
    for line in status.held_back:
        table.add_row("held back", escape(line))
    table.add_row("loaded", f"{status.files_loaded} files, {_rows(status.rows_loaded)}")
    table.add_row(
        "reconciled",
        f"{status.rows_in} rows in = {sum(status.rows_loaded.values())} loaded + {status.rows_collapsed} duplicates"
        f" collapsed + {status.rows_quarantined} quarantined"
        if status.reconciles
        else f"[red]NO: {status.rows_in} rows in, {sum(status.rows_loaded.values())} loaded, "
        f"{status.rows_collapsed} collapsed, {status.rows_quarantined} quarantined[/red]",
    )
    table.add_row(
        "days",
        f"{status.days_loaded}, {status.first_day} to {status.last_day} (UTC)"
        if status.first_day
        else "none",
    )
    for line in _loaded(status.loaded, status.files_of_unknown_assets):
        table.add_row("", escape(line))
    for line in status.doubts:
        table.add_row("doubtful", escape(line))
    table.add_row("quarantined", _quarantined(status))
    table.add_row("marts", _marts(status))
    for each in _grouped(status.stale):
        table.add_row("stale", escape(each))
    if status.published_build:
        table.add_row("published", f"tables of build {status.published_build}")
    for mart, at in status.published.items():
        table.add_row("published", f"{mart}, {_age(now - at)} ago")
    for found in status.results:
        table.add_row(found.technology, _result(found))
    _console().print(table)


def _marts(status: Status) -> str:
    if status.stale:
        return f"stale: {len(status.stale_days)} day(s)"
    if not status.days_loaded:
        return "nothing built yet"
    if status.last_local_day is None:
        return "built for all loaded days, and not published yet: run `renewable publish`"
    return f"built for all loaded days, up to local day {status.last_local_day}"


def _deliveries(books: Books) -> list[tuple[str, str]]:
    """The newest deliveries, a line each, what was set aside and what waits."""
    newest = sorted(books.deliveries, key=lambda each: (each.imported_at, each.number))[-_LISTED:]
    lines = [
        f"{each.number}: {each.content.file}, {each.source_rows} rows"
        + (f" of {each.first_day} to {each.last_day}" if each.first_day else "")
        + f", imported {each.imported_at:%Y-%m-%d %H:%M} UTC"
        for each in newest
    ]
    more = len(books.deliveries) - len(newest)
    found = [("deliveries", f"{more} older ones: `renewable status --files` lists them")] if more else []
    found += [("deliveries", line) for line in lines]
    found += [("set aside", each.reason) for each in books.refused[:_LISTED]]
    if len(books.refused) > _LISTED:
        found.append(("set aside", f"and {len(books.refused) - _LISTED} more files: see --json"))
    if books.due:
        found.append(("to be written", f"{len(books.due)} raw days: the next `renewable import` writes them"))
    return found


def _loaded(ranges: Mapping[str, tuple[tuple[date, date], ...]], unknown: int) -> list[str]:
    """A line for all assets with the same days."""
    alike: dict[tuple[tuple[date, date], ...], list[str]] = {}
    for asset_id, days in ranges.items():
        alike.setdefault(days, []).append(asset_id)
    lines = (
        [f"{unknown} files: which assets they hold is not written down before the next upgrade"]
        if unknown
        else []
    )
    if unknown:
        alike.pop((), None)
    for days, assets in alike.items():
        named = ", ".join(assets[:_LISTED]) + (
            f" and {len(assets) - _LISTED} more" if len(assets) > _LISTED else ""
        )
        told = [str(first) if first == last else f"{first} to {last}" for first, last in days]
        more = f" and {len(told) - _LISTED} more ranges" if len(told) > _LISTED else ""
        lines.append(f"{named}: {', '.join(told[:_LISTED]) + more if told else 'nothing loaded'}")
    return lines[:_SHOWN]


def _grouped(stale: Sequence[Stale]) -> list[str]:
    """A line each, assets with the same fault together."""
    alike: dict[tuple[Window, Why, str], list[Stale]] = {}
    for each in stale:
        alike.setdefault((each.window, each.why, each.detail), []).append(each)
    lines = []
    for found in alike.values():
        named = [each.asset_id for each in found if each.asset_id]
        first = replace(found[0], asset_id=", ".join(named[:_LISTED]) or None)
        more = f" (and {len(named) - _LISTED} more assets)" if len(named) > _LISTED else ""
        lines.append(first.sentence + more)
    return lines if len(lines) <= _SHOWN else [*lines[:_SHOWN], f"and {len(lines) - _SHOWN} more: see --json"]


def print_preview(found: Preview) -> None:
    """What an import would write: its first rows, coverage by day, and what looks wrong, loudest at the end."""
    console = _console()
    for name, rows in found.first_rows.items():
        table = Table(title=f"first rows of {name}", title_justify="left")
        for column in rows.columns:
            table.add_column(column)
        for row in rows.iter_rows():
            table.add_row(*(escape("" if value is None else str(value)) for value in row))
        console.print(table)
    days = Table(title="coverage by UTC day", title_justify="left")
    for column in found.coverage.columns:
        days.add_column(column)
    lines = found.coverage.rows()
    shown = lines if len(lines) <= _SHOWN else [*lines[: _SHOWN // 2], *lines[-_SHOWN // 2 :]]
    for day, name, count, assets, ratio in shown:
        days.add_row(str(day), name, f"{count:,}", str(assets), f"{ratio:.1%}")
    console.print(days)
    if len(shown) < len(lines):
        console.print(f"({len(lines) - len(shown)} lines between them are not shown)")
    would = "" if found.summary.sentence.startswith("nothing") else "would have "
    console.print(escape(f"{would}{found.summary.sentence}"), soft_wrap=True)
    for line in found.files:
        console.print(escape(line), soft_wrap=True)
    for name, change in found.changes.items():
        console.print(escape(f"{name}: {change.sentence}"), soft_wrap=True)
    for question in found.questions:
        console.print(f"[bold]please answer:[/bold] {escape(question)}", soft_wrap=True)
    for suspicion in found.suspicions:
        console.print(f"[bold]look again:[/bold] {escape(suspicion)}", soft_wrap=True)
    for doubt in found.doubts:
        console.print(f"[bold]doubtful readings:[/bold] {escape(doubt)}", soft_wrap=True)
    if not found.suspicions:
        console.print("nothing suspicious about the mapping" if found.doubts else "nothing suspicious")


def print_scorecard(card: Scorecard) -> None:
    """Detections against the answer key, a kind a line, and the goals that were missed."""
    table = Table(
        title=f"Scorecard, {card.assets} assets, {card.first_day} to {card.last_day}", title_justify="left"
    )
    table.add_column("kind", no_wrap=True)
    for name in ("true h", "precision", "recall", "events", "found", "lost MWh", "found MWh", "error"):
        table.add_column(name, justify="right")
    hours = dict(card.confusion.group_by("true_kind").agg(pl.col("hours").sum()).iter_rows())
    for score in card.kinds:
        energy = (score.true_lost_kwh, score.found_lost_kwh)
        table.add_row(
            score.kind,
            f"{hours[score.kind]:.0f}" if score.kind in hours else "-",
            _share(score.precision),
            _share(score.recall),
            str(score.true_events),
            f"{score.true_events_found}/{score.found_events}",
            *("-" if value is None else f"{value / 1000:.1f}" for value in energy),
            "-" if score.energy_error is None else f"{score.energy_error:+.1%}",
        )
    console = _console()
    console.print(table)
    soiling = card.soiling
    if soiling.mean_absolute_error is not None:
        console.print(
            f"soiling ratio of {soiling.asset_days} asset-days: {soiling.mean_absolute_error:.4f} mean absolute error,"
            f" {soiling.share_within_goal or 0:.1%} within 0.02; none on {soiling.unknown_share or 0:.1%} of the days"
            " on which dirt takes more than 1 %"
        )
    for goal in card.goals:
        if goal.met is False:
            console.print(
                f"[yellow]below the goal[/yellow]: {goal.kind} {goal.measure} {goal.reached:.3f} ({goal.bound})"
            )


def print_world_card(card: WorldCard) -> None:
    """Detections in several worlds."""
    print_line_scores(card.scores, f"Scorecard: {card.plan.sentence}")


def print_line_scores(scores: Sequence[LineScore], title: str) -> None:
    """A line each kind and world, as wide as it is."""
    from renewable.scorecard.world_card import HEADERS, NOTE, table_rows

    table = Table(title=title, title_justify="left")
    for number, name in enumerate(HEADERS):
        is_text = number < 2 or name == HEADERS[-1]
        table.add_column(name, no_wrap=number < 2, justify="left" if is_text else "right")
    before = None
    for kind, *rest in table_rows(scores):
        if before not in (None, kind):
            table.add_section()
        table.add_row("" if kind == before else kind, *rest)
        before = kind
    console = _console()
    console = console if console.is_terminal else Console(width=_WIDE_PIPE)
    console.print(table)
    missed = sum(len(score.missed) for score in scores)
    judged = sum(verdict.is_met is not None for score in scores for verdict in score.verdicts)
    console.print(f"{judged - missed} of {judged} goals met. {NOTE}")


def _share(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.3f}"


def print_deliveries(deliveries: Sequence[Delivery]) -> None:
    """All that was imported and is kept, a line each, in the order in which it counts."""
    table = Table(title="Deliveries", title_justify="left")
    for name in ("number", "file", "mapping", "rows", "days", "imported"):
        table.add_column(name, overflow="fold", justify="right" if name in ("number", "rows") else "left")
    for each in deliveries:
        days = f"{each.first_day} to {each.last_day}" if each.first_day else ""
        at = f"{each.imported_at:%Y-%m-%d %H:%M}"
        table.add_row(
            str(each.number), escape(each.content.file), each.mapping, str(each.source_rows), days, at
        )
    _console().print(table)


def print_load_log(log: pl.DataFrame) -> None:
    """What became of each raw file, a line each."""
    table = Table(title="Load log", title_justify="left")
    table.add_column("file", no_wrap=True)
    for name in ("rows in", "loaded", "equal", "bad rows", "bad values", "took s"):
        table.add_column(name, justify="right")
    table.add_column("load, or why refused", overflow="fold")
    for row in log.iter_rows(named=True):
        counts = [str(row[name]) for name in ("rows_in", *_FATES, "values_set_aside")]
        took = "" if row["duration_s"] is None else f"{row['duration_s']:.1f}"
        fate = escape(row["refusal"]) if row["refusal"] else row["load_id"] or ""
        table.add_row(escape(row["file"]), *counts, took, fate)
    _console().print(table)


def print_quarantine(listing: pl.DataFrame, directory: Path) -> None:
    """What is set aside by file and rule, and how to bring it back."""
    if listing.is_empty():
        print("nothing is set aside")
        return
    table = Table(title=f"Quarantine in {directory}", title_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("what")
    table.add_column("rule or reason", overflow="fold")
    table.add_column("count", justify="right")
    for file, what, rule, count in listing.iter_rows():
        table.add_row(escape(file), what, escape(rule), str(count))
    _console().print(table)
    print(
        "details: renewable quarantine show FILE; after mending the cause: renewable quarantine replay [FILE]"
    )


def print_quarantined_file(
    name: str, record: Mapping[str, str] | None, rows: pl.DataFrame, values: pl.DataFrame
) -> None:
    """What is set aside of one file."""
    print(name)
    if record is not None:
        print(f"refused whole: {record['reason']}\nnext step: {record['next_step']}")
    with pl.Config(tbl_rows=_SHOWN, tbl_cols=-1, tbl_width_chars=_PIPE_WIDTH, fmt_str_lengths=40):
        for what, frame in (("rows in quarantine", rows), ("values set aside", values)):
            if frame.height:
                print(f"{frame.height} {what}:\n{frame.drop('file')}")


def print_summary(fleets: Sequence[Status]) -> None:
    """Several fleets, a line each technology, and the next commands."""
    # As narrow as it can be, for terminals of 80 columns.
    table = Table(title="Results", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("data", "kind"):
        table.add_column(name, overflow="fold")
    figures = ("assets", "days", "rows\nloaded", "quaran-\ntined", "energy\nMWh", "capacity\nfactor")
    for name in (*figures, "cover-\nage"):
        table.add_column(name, justify="right")
    for fleet in fleets:
        for number, found in enumerate(fleet.results):
            table.add_row(
                fleet.data_dir.name if number == 0 else "",
                found.technology,
                str(found.assets),
                str(fleet.days_loaded) if number == 0 else "",
                f"{sum(fleet.rows_loaded.values()):,}" if number == 0 else "",
                f"{fleet.quarantined.row_count:,}" if number == 0 else "",
                _number(found.energy_kwh, 1 / 1000, ",.1f"),
                _number(found.capacity_factor, 1, ".3f"),
                _number(found.data_coverage_ratio, 100, ".1f") + " %",
            )
    console = _console()
    console.print(table)
    for fleet in fleets:
        if fleet.quarantined.row_count or fleet.quarantined.value_count or fleet.quarantined.files:
            console.print(f"quarantine of {fleet.data_dir.name}: {_quarantined(fleet)}", highlight=False)
    for fleet in fleets:
        console.print(
            f"published tables: {fleet.published_dir}/mart_*.parquet", highlight=False, soft_wrap=True
        )
        if (fleet.data_dir / "report" / "index.html").exists():
            console.print(
                f"fleet report: {fleet.data_dir}/report/index.html", highlight=False, soft_wrap=True
            )
    ui, own = ("renewable ui", "renewable") if CHECKOUT is None else ("make ui", ".venv/bin/renewable")
    console.print(
        f"\nNext: {ui:<28}  the Dagster UI: lineage, runs, schedule, sensor\n"
        f"      {f'{own} status':<28}  what is pending, loaded, quarantined, fresh\n"
        f"      {f'{own} --help':<28}  every step by hand",
        highlight=False,
    )


def _console() -> Console:
    """The terminal's width; a fixed one where the output goes to a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)


def _result(found: FleetResult) -> str:
    return (
        f"{found.assets} assets, {found.days} local days, {_number(found.energy_kwh, 1 / 1000, ',.1f')} MWh,"
        f" capacity factor {_number(found.capacity_factor, 1, '.3f')},"
        f" coverage {_number(found.data_coverage_ratio, 100, '.1f')} %"
    )


def _quarantined(status: Status) -> str:
    found = status.quarantined
    parts = [
        f"{found.row_count} rows{_rules(found.rows)}",
        f"{found.value_count} values set aside{_rules(found.values)}",
        f"{len(found.files)} files refused",
    ]
    lines = [", ".join(parts)]
    lines += [f"{name}: {reason}" for name, reason in list(found.files.items())[:_LISTED]]
    return escape("\n".join(lines))


def _rules(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{rule} {count}' for rule, count in counts.items())})" if counts else ""


def _rows(by_table: Mapping[str, int]) -> str:
    return ", ".join(f"{rows:,} rows of {table}" for table, rows in by_table.items()) or "0 rows"


def _sample(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return escape(f": {', '.join(names[:_LISTED])}{more}") if names else ""


def _number(value: float | None, factor: float, form: str) -> str:
    return "unknown" if value is None else format(value * factor, form)


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return (
        f"{minutes} min"
        if minutes < 120
        else f"{minutes // 60} h"
        if minutes < 2880
        else f"{minutes // 1440} days"
    )
