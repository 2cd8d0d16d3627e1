"""A log of alarms beside a table of power: its start, end, codes, and the states that the words of its rows mean."""

import re
from collections import Counter
from collections.abc import Sequence

import polars as pl

from renewable.importers.channel import pattern_of
from renewable.importers.draft_assets import asset_column, asset_line
from renewable.importers.draft_channels import power_rank
from renewable.importers.draft_clock import clock_lines
from renewable.importers.draft_lines import Line, asked, quoted, yaml_lines
from renewable.importers.draft_stamps import find_stamps
from renewable.importers.draft_table import DraftTable, source_lines
from renewable.importers.events import IEC_STATES

_END = re.compile(r"\bend|stop|ende\b|until|\bto\b|fin\b|\boff\b|cleared", re.IGNORECASE)
_CODE = re.compile(
    r"categ|code|state|type|class|severity|event|alarm|descr|text|message|reason", re.IGNORECASE
)
_STATES = {
    "maintenance": r"mainten|service|inspection|wartung|entretien",
    "curtailed": r"curtail|derat|limit|abregel|brid",
    "no_communication": r"communic|\bcomms?\b",
    "standby": r"standby|stand-by|calm|low wind|wait",
    "fault": r"fault|outage|fail|trip|error|alarm|st[öo]rung|d[ée]faut",
}
_MOST_WORDS = 60


def is_event_log(table: DraftTable) -> bool:
    """Whether its rows have a start, an end and a word of what happened."""
    names = table.rows.columns
    has_power = any(power_rank(name) in (0, 1) for name in names)
    return not has_power and any(map(_END.search, names)) and any(map(_CODE.search, names))


def event_lines(table: DraftTable, ids: Sequence[str], zones: Sequence[str]) -> list[str]:
    """The log as an item of `also`."""
    batch = table.batches[0]
    rows, stamps = batch.rows, find_stamps(batch)
    free = [name for name in rows.columns if name not in stamps.used]
    end = next((name for name in free if _END.search(name)), None)
    found = asset_column(rows, [name for name in free if name != end], ids, stamps.clock)
    codes = [
        name
        for name in free
        if _CODE.search(name) and name != end and (found is None or name != found.column)
    ]
    events: list[Line] = [f"end: {quoted(end or '')}"]
    events.append(
        asked("which column says what kind of event it is?", [f"code: {quoted(name)}" for name in codes])
    )
    events.append(
        f"states: {_states(rows, codes)}    # null: it says nothing; see `events` in examples/MAPPING.md"
    )
    if end is not None and rows[end].null_count():
        events.append(
            asked("what of events without an end?", ["without_end: lasts", "without_end: set_aside"])
        )
    lines = [
        "source:",
        *yaml_lines(source_lines(table.path.name, table.settings), "  "),
        "timestamp:",
        *yaml_lines([*stamps.lines, *clock_lines(stamps, zones, "", rows.columns, repeats=False)], "  "),
        *yaml_lines([asset_line(found, table.batches, [], ids)]),
        "events:",
        *yaml_lines(events, "  "),
    ]
    return [f"  - {lines[0]}", *(f"    {line}" for line in lines[1:])]


def _states(rows: pl.DataFrame, codes: Sequence[str]) -> str:
    """Words of all code columns with the state that their rows speak of."""
    # The categories of IEC 61400-26 are the surer words.
    shapes = [(state or "null", pattern_of(key) or "") for key, state in IEC_STATES.items()]
    shapes = [(state, shape.strip("^$")) for state, shape in shapes] + list(_STATES.items())
    votes: dict[str, Counter[str]] = {}
    for row in rows.select(codes).head(5_000).iter_rows():
        words = [str(word) for word in row if word is not None]
        text = " ".join(words)
        state = next(
            (name for name, shape in _STATES.items() if re.search(shape, text, re.IGNORECASE)), "null"
        )
        for word in words:
            votes.setdefault(word, Counter())[state] += 1
    told = {word: votes[word].most_common(1)[0][0] for word in list(votes)[:_MOST_WORDS]}
    return "{" + ", ".join(f"{quoted(word)}: {state}" for word, state in told.items()) + "}"
