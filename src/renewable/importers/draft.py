"""A first mapping for unknown files, by what stands in them. What nobody can see there is asked, with its choices."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from textwrap import wrap

import polars as pl
import yaml

from renewable.errors import MappingError
from renewable.importers.draft_assets import asset_column, asset_line
from renewable.importers.draft_channels import Shape, find_channels, power_rank, side_by_side
from renewable.importers.draft_clock import clock_lines, interval_lines
from renewable.importers.draft_events import event_lines, is_event_log
from renewable.importers.draft_lines import Line, quoted, yaml_lines
from renewable.importers.draft_long import LongPart, long_parts
from renewable.importers.draft_stamps import find_stamps
from renewable.importers.draft_table import (
    DraftTable,
    draft_table,
    records_kept,
    source_lines,
    value_settings,
)
from renewable.importers.preset import BY_CONTENT, Preset, filled, recognised
from renewable.importers.source import unreadable

_MOST_ZONES, _WIDTH = 12, 115


def draft_mapping(paths: Path | Sequence[Path], assets: pl.DataFrame | None = None) -> str:
    """A mapping for files of one kind as YAML text. `assets` is the registry, where there is one.

    What the files do not tell is a line `# TODO` with its choices; each only has to be uncommented. An export that is
    recognised gets the mapping of its preset. Raises MappingError when a file cannot be read.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    presets, unread = [_recognised(path) for path in files], list[str]()
    known = next((preset for preset in presets if preset is not None), None)
    if known is not None:
        fitting = [path for path, preset in zip(files, presets, strict=True) if preset == known]
        try:
            return _of_preset(known, fitting, [path for path in files if path not in fitting], assets)
        except MappingError as error:
            unread = wrap(f"It looks like {known.system}, but cannot be read like that: {error}", _WIDTH)
    return "\n".join([*(f"# {line}" for line in unread), *_head(files), *_by_content(files, assets)]) + "\n"


def _by_content(files: Sequence[Path], assets: pl.DataFrame | None) -> list[str]:
    tables = [draft_table(path) for path in files]
    first = next((table for table in tables if not is_event_log(table)), tables[0])
    same = [table for table in tables if _is_alike(table, first)]
    return [*_body(same, assets), *_beside(tables, same, assets)]


def named_from(draft: str, folder: str) -> str:
    """A draft whose files are looked for in `folder`, counted from that of the mapping."""
    return re.sub(
        r"^(\s*files: )(.+)$",
        lambda line: f"{line[1]}{quoted(f'{folder}/{yaml.safe_load(line[2])}')}",
        draft,
        flags=re.MULTILINE,
    )


def _recognised(path: Path) -> Preset | None:
    try:
        return recognised(path)
    except unreadable():
        # Why it cannot be read is told by those who read all of it.
        return None


def _of_preset(
    preset: Preset, fitting: Sequence[Path], others: Sequence[Path], assets: pl.DataFrame | None
) -> str:
    left = ", ".join(path.name for path in others)
    lines = [
        f"# Recognised from {', '.join(path.name for path in fitting)}: {preset.system}, known from {preset.seen}.",
        *(f"# Facts: {address}" for address in preset.facts),
        *([] if preset.note is None else [f"# {line}" for line in wrap(preset.note, _WIDTH)]),
        "# Answer every TODO: uncomment one of its lines. Then look at it with `renewable import --preview THIS_FILE`.",
        *(
            _by_content(fitting, assets)
            if preset.text.strip() == BY_CONTENT
            else [filled(preset, fitting, _glob(fitting), assets).rstrip("\n")]
        ),
        *(["", f"# Of another kind, draft them alone: {left}"] if others else []),
    ]
    return "\n".join(lines) + "\n"


def _is_alike(table: DraftTable, first: DraftTable) -> bool:
    """Whether two files are of one kind: read the same way, and some columns have the same names."""
    shared = {*table.rows.columns} & {*first.rows.columns}
    form = ("delimiter", "header_rows", "comment_prefix")
    return 2 * len(shared) > min(table.rows.width, first.rows.width) and all(
        table.settings.get(name) == first.settings.get(name) for name in form
    )


def _beside(
    tables: Sequence[DraftTable], same: Sequence[DraftTable], assets: pl.DataFrame | None
) -> list[str]:
    """Files of another kind: a log of events is a source of its own, others are named."""
    others = [table for table in tables if table not in same]
    logs = [table for table in others if is_event_log(table)]
    ids = [] if assets is None else assets["asset_id"].to_list()
    zones = [] if assets is None else assets["timezone"].unique(maintain_order=True).to_list()
    lines = ["", "also:"] if logs else []
    for table in logs:
        lines += event_lines(table, ids, zones[:_MOST_ZONES])
    left = [table.path.name for table in others if table not in logs]
    return [*lines, *(["", f"# Of another kind, draft them alone: {', '.join(left)}"] if left else [])]


def _head(files: Sequence[Path]) -> list[str]:
    return [
        f"# Drafted from {', '.join(path.name for path in files)}. Answer every TODO: uncomment one of its lines. Then",
        "# look at it with `renewable import --preview THIS_FILE`. All settings: examples/MAPPING.md.",
    ]


def _body(tables: Sequence[DraftTable], assets: pl.DataFrame | None) -> list[str]:
    batches = [batch for table in tables for batch in table.batches if batch.rows.width]
    if not batches:
        raise MappingError(f"{tables[0].path}: no table was found in it. Export it as CSV if possible")
    ids = [] if assets is None else assets["asset_id"].to_list()
    zones = [] if assets is None else assets["timezone"].unique(maintain_order=True).to_list()
    # The file with the most columns stands for all.
    batch = max(batches, key=lambda each: each.rows.width)
    settings = tables[0].settings
    if keep := records_kept(batch.rows):
        settings = settings | {"keep": keep}
        batch = replace(batch, rows=batch.rows.filter(pl.sql_expr(keep)))
    rows, stamps = batch.rows, find_stamps(batch)
    free = [name for name in rows.columns if name not in stamps.used]
    marks, numbers = value_settings(rows, [*free, *(stamps.used if stamps.across else ())])
    shapes = _shapes([name for name in free if name in numbers.columns or not rows.height])
    parts = [] if shapes or stamps.across else long_parts(rows, free, numbers, stamps.clock, ids)
    found = None if shapes else asset_column(rows, free, ids, stamps.clock)
    keys = None if found is None else rows[found.column]
    files = _glob([table.path for table in tables])
    stamp: list[Line] = [
        *stamps.lines,
        *clock_lines(
            stamps, zones[:_MOST_ZONES], batch.lines, rows.columns, not parts and _repeats(keys, stamps.clock)
        ),
        *interval_lines(stamps, keys),
    ]
    if parts:
        return _long(
            parts, [*source_lines(files, settings), *marks], stamp, asset_line(found, batches, [], ids)
        )
    left = [name for name in free if found is None or name != found.column]
    optional = frozenset(name for name in left if any(name not in each.rows.columns for each in batches))
    channels = find_channels(rows, numbers, left, keys, stamps.clock, shapes, stamps.across, optional)
    asset = asset_line(found, batches, shapes, ids, weather_only="generation" not in channels.lines)
    unused = [name for name in left if name not in channels.used and name not in stamps.used]
    return [
        "source:",
        *yaml_lines([*source_lines(files, settings), *marks], "  "),
        "",
        "timestamp:",
        *yaml_lines(stamp, "  "),
        "",
        *yaml_lines([asset]),
        *(
            line
            for table, lines in channels.lines.items()
            for line in ("", f"{table}:", *yaml_lines(lines, "  "))
        ),
        *(["", f"# Not used: {', '.join(unused[:40])}"] if unused and not shapes else []),
    ]


def _long(parts: Sequence[LongPart], source: Sequence[Line], stamp: Sequence[Line], asset: Line) -> list[str]:
    """A table in long form: its first kind of reading, and under `also` the others, which have the same stamps."""
    first, *others = parts
    lines = [
        "source:",
        *yaml_lines([*source, f"keep: {quoted(first.keep)}"], "  "),
        "",
        "timestamp: &stamps",
        *yaml_lines(stamp, "  "),
        "",
        *yaml_lines([first.asset or asset]),
        "",
        f"{first.table}:",
        *yaml_lines([first.channel], "  "),
        *(["", "also:"] if others else []),
    ]
    for part in others:
        own = [
            "source:",
            *yaml_lines([*source, f"keep: {quoted(part.keep)}"], "  "),
            "timestamp: *stamps",
            *yaml_lines([part.asset or asset]),
            f"{part.table}:",
            *yaml_lines([part.channel], "  "),
        ]
        lines += [f"  - {own[0]}", *(f"    {line}" for line in own[1:])]
    return lines


def _shapes(names: Sequence[str]) -> list[Shape]:
    """Columns of power or energy that stand side by side for several assets, those of the same assets."""
    found = [each for each in side_by_side(names) if power_rank(each.first) is not None]
    return [each for each in found if each.tokens == found[0].tokens]


def _repeats(keys: pl.Series | None, clock: pl.Series) -> bool:
    """Whether equal stamps of an asset come twice, in an hour or two only."""
    key = keys if keys is not None else pl.Series([""]).new_from_index(0, clock.len())
    frame = pl.DataFrame([clock.alias("clock"), key.cast(pl.String).alias("key")]).drop_nulls()
    twice = frame.filter(frame.is_duplicated())
    return not twice.is_empty() and twice["clock"].dt.month().is_in([3, 4, 9, 10, 11]).all()


def _glob(paths: Sequence[Path]) -> str:
    """One name for all files: what their names have in common, with a star between."""
    names = [path.name for path in paths]
    if len(names) == 1:
        return names[0]
    before = _same(names)
    after = _same([name[len(before) :][::-1] for name in names])[::-1]
    return f"{before}*{after}"


def _same(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    signs = takewhile(lambda each: len(set(each)) == 1, zip(*texts, strict=False))
    return "".join(sign for sign, *_ in signs)
