"""Ready mappings of known exports: each says by what it is recognised, and what its files do not tell is asked.

A preset is a file of two YAML documents in `presets`. The first is about it (`Preset`). The second is the mapping as
text, where these words stand for what the files or the registry tell:

    $files                 all files, with a star where their names differ
    $table                 a line: where the table is, as a draft finds it (delimiter, header, decimal mark)
    $stamp                 a line: column and format of the stamps, as a draft finds them
    $interval              a line: the interval and which end of it a stamp names, as a draft finds them; where the end
                           is known: $interval/start/, $interval/end/
    $clock                 a line: any clock, asked for as in a draft
    zone: $zone            a zone with its summer time, of the registry or asked for
    label: $label          start or end, asked for
    asset: $asset          file name, line above or constant, asked for
    asset: $asset/NAME/    the names in the first column whose name matches
    asset: $station        the assets for which weather holds, asked for
    asset: $wide/NAME/     columns side by side whose names match; the group `asset` is what they are called. A channel
                           reads them by `column: "{asset}"`
    rename: $names         of an asset on one line: what the names are called in the registry, asked for
    $column/NAME/          the first column whose name matches; $beside is the column after it

Of exports that each site shapes in its own way the mapping is the one word $draft: what a draft finds by content.
Else a channel stands on one line. It is left out where the files have not got its column; of several lines for one
channel that one counts which comes first.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files as resources
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import polars as pl
import yaml
from pydantic import Field

from renewable.contract import TABLES, measurements
from renewable.errors import MappingError
from renewable.importers.asset_settings import ABOVE, PLACE, Asset
from renewable.importers.channel import Channel
from renewable.importers.draft_assets import AssetColumn, asset_line, renamings, whose_columns
from renewable.importers.draft_clock import WHICH_END, clock_lines, interval_step, label_line, local_zones
from renewable.importers.draft_lines import Line, asked, paired, quoted, yaml_lines
from renewable.importers.draft_stamps import find_stamps
from renewable.importers.draft_table import (
    draft_table,
    sheet_rows,
    source_lines,
    text_lines,
    value_settings,
)
from renewable.importers.rows import own_name
from renewable.importers.settings import Part
from renewable.importers.source import SourceFrame, kept, read_batches, told_above
from renewable.importers.source_settings import Source
from renewable.importers.text_table import MISFIT
from renewable.importers.timestamp import TIME
from renewable.importers.unpacking import kind_of, unpacked

# Instead of a mapping.
BY_CONTENT = "$draft"
_FOLDER = resources("renewable.importers") / "presets"
_LOOKED_AT_LINES, _LOOKED_AT_BYTES, _LOOKED_AT_MEMBERS, _MOST_ROWS = 100, 50_000, 20, 50_000
_MOST_UNUSED = 40
# Ends with the first slash before a sign that ends a value in YAML; \/ is a slash inside.
_PATTERN = r"(?:/((?:\\.|[^\\])*?)/(?=[,}\]\s]|$))?"
_INLINE = re.compile(rf"\$(files|column){_PATTERN}")
_PLACE = re.compile(rf"\$(\w+){_PATTERN}")
_CHANNEL = re.compile(r"^ +(?P<name>[a-z0-9_]+): (?P<value>\{.*\}) *(?:#.*)?$")


class Preset(Part):
    """What is known of an export. `facts` are where its format is described or samples of it lie."""

    system: str = Field(min_length=1)
    facts: tuple[str, ...] = Field(min_length=1)
    seen: Literal["documentation", "samples", "documentation and samples"]
    recognise: tuple[str, ...] = Field(
        min_length=1, description="patterns that all stand in a file's first lines; ^ is the start of a line"
    )
    note: str | None = Field(None, description="what people should know of it")
    name: str
    text: str

    def fits(self, head: str) -> bool:
        """Whether these first lines of a file are of this kind."""
        return all(re.search(pattern, head, re.MULTILINE) for pattern in self.recognise)


@dataclass(frozen=True)
class _Known:
    """What the files and the registry tell of a preset."""

    files: str
    ids: Sequence[str]
    zones: Sequence[str]
    settings: dict[str, object]
    batches: Sequence[SourceFrame]
    names: tuple[str, ...]

    @property
    def columns(self) -> dict[str, bool]:
        """Names of columns, and whether each file has them."""
        names = chain.from_iterable(batch.rows.columns for batch in self.batches)
        return {
            name: all(name in batch.rows.columns for batch in self.batches) for name in dict.fromkeys(names)
        }

    def column(self, pattern: str) -> str | None:
        """The first column whose name matches."""
        return next((name for name in self.columns if re.search(pattern, name)), None)

    def beside(self, name: str) -> str:
        """The column after one."""
        names = list(self.columns)
        return next(iter(names[names.index(name) + 1 :]), "") if name in names else ""

    @property
    def widest(self) -> SourceFrame:
        return max(self.batches, key=lambda batch: batch.rows.width)


@cache
def presets() -> tuple[Preset, ...]:
    """All presets, by name."""
    found = []
    for path in sorted(_FOLDER.iterdir(), key=lambda each: each.name):
        if path.name.endswith(".yaml"):
            about, _, text = path.read_text(encoding="utf-8").partition("\n---\n")
            stated = {"name": path.name.removesuffix(".yaml"), "text": text} | yaml.safe_load(about)
            found.append(Preset.model_validate(stated))
    return tuple(found)


def recognised(path: Path) -> Preset | None:
    """The preset of a file, by its first lines. Raises what `unreadable` lists for a file that cannot be read."""
    heads = list(_heads(path))
    fitting = [preset for preset in presets() if any(map(preset.fits, heads))]
    return max(fitting, key=lambda preset: len(preset.recognise), default=None)


def filled(preset: Preset, paths: Sequence[Path], name: str, assets: pl.DataFrame | None) -> str:
    """The mapping of files of this kind as YAML text; `name` stands for all of them. `assets` is the registry.

    Raises MappingError when a file cannot be read as the preset reads it.
    """
    known = _known(preset, paths, name, assets)
    lines = [line for raw in preset.text.splitlines() for line in _filled(raw, known)]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(_without_empty_sections(_channels(lines, known))).rstrip())
    if not re.search(rf"^ *(?:- )?(?:{'|'.join(TABLES)}|events):", text, re.MULTILINE):
        raise MappingError(f"{name}: has none of the columns that {preset.system} is known for")
    unused = [column for column in known.columns if column not in text]
    return text + "\n" + (f"\n# Not used: {', '.join(unused[:_MOST_UNUSED])}\n" if unused else "")


def _heads(path: Path) -> Iterator[str]:
    """The first lines of a file as text, or of each of its members; of a table with types the names of its columns."""
    for _, inner in islice(unpacked(path, "*"), _LOOKED_AT_MEMBERS):
        kind = kind_of(inner)
        if kind in ("CSV", "JSON"):
            yield "\n".join(text_lines(inner, _LOOKED_AT_BYTES)[:_LOOKED_AT_LINES])
        elif kind == "Excel":
            yield "\n".join("\t".join(row) for row in sheet_rows(inner)[:_LOOKED_AT_LINES])
        else:
            batch = next(read_batches(inner, Source.model_validate({"files": inner.name}), rows=1))
            yield "\t".join(batch.rows.columns)


def _known(preset: Preset, paths: Sequence[Path], name: str, assets: pl.DataFrame | None) -> _Known:
    settings: dict[str, object] = {}
    if "$table" in preset.text:
        settings = draft_table(paths[0]).settings
        form = {"files": name} | settings
    else:
        form = yaml.safe_load(preset.text.replace("$files", quoted(name)).partition("\ntimestamp:")[0])[
            "source"
        ]
    source = Source.model_validate(form | {"last_line": "complete"})
    asset = _stated_asset(preset)
    batches, names = list[SourceFrame](), set[str]()
    for path in paths:
        members: dict[str, SourceFrame] = {}
        for batch in told_above(read_batches(path, source, rows=_MOST_ROWS), asset):
            if batch.name in members:
                continue
            rows = kept(batch, source)
            batch = batch if rows is None else batch.keeping(rows)
            named = [] if asset is None else batch.rows.select(own_name(asset)).to_series().unique().to_list()
            names |= {name for name in named if name is not None}
            members[batch.name] = replace(batch, rows=batch.rows.drop(MISFIT, ABOVE, strict=False))
        batches += members.values()
    ids = [] if assets is None else assets["asset_id"].to_list()
    zones = [] if assets is None else assets["timezone"].unique(maintain_order=True).to_list()
    return _Known(name, ids, zones, settings, batches, tuple(sorted(names)))


def _stated_asset(preset: Preset) -> Asset | None:
    """The asset of a preset that states it, without its renaming."""
    stated = re.search(r"^asset: (\{.*\})$", preset.text, re.MULTILINE)
    if stated is None or "$names" not in stated[1]:
        return None
    settings = yaml.safe_load(stated[1].replace("$names", "{}"))
    return Asset.model_validate(settings)


def _filled(line: str, known: _Known) -> list[str]:
    """A line of the preset, its words replaced; several where it is a question, none without its column."""
    if line.lstrip().startswith("#"):
        return [line]
    while found := _INLINE.search(line):
        named = known.files if found[1] == "files" else known.column(found[2])
        if named is None:
            return []
        line = line.replace(found[0], quoted(named)).replace("$beside", quoted(known.beside(named)))
    if "$names" in line:
        every = [{name: name for name in known.names} | each for each in renamings(known.names, known.ids)]
        choices = [line.strip().replace("$names", paired(each)) for each in every]
        return list(yaml_lines([asked("what are these names called in assets.csv?", choices)]))
    asked_for = _PLACE.search(line)
    if asked_for is None:
        return [line]
    if asked_for[1] not in _LINES:
        raise ValueError(f"{line!r}: no preset knows ${asked_for[1]}")
    indent = line[: len(line) - len(line.lstrip())]
    return list(yaml_lines(_LINES[asked_for[1]](known, asked_for[2] or ""), indent))


def _table(known: _Known, _: str) -> list[Line]:
    marks, _numbers = value_settings(known.widest.rows, known.widest.rows.columns)
    return [*source_lines(known.files, known.settings), *marks]


def _stamp(known: _Known, _: str) -> list[Line]:
    return find_stamps(known.widest).lines


def _interval(known: _Known, label: str) -> list[Line]:
    stamps = find_stamps(known.widest)
    return [*interval_step(stamps, None), f"label: {label}" if label else label_line(stamps)]


def _zone(known: _Known, _: str) -> list[Line]:
    zones = [f"zone: {zone}" for zone in local_zones(known.zones)]
    return [asked("in which zone is the plant? The stamps follow its summer time.", zones)]


def _clock(known: _Known, _: str) -> list[Line]:
    batch = known.widest
    return clock_lines(find_stamps(batch), known.zones, batch.lines, batch.rows.columns, repeats=False)


def _label(_: _Known, __: str) -> list[Line]:
    return [asked(WHICH_END, ["label: start", "label: end"])]


def _asset(known: _Known, pattern: str) -> list[Line]:
    column = known.column(pattern) if pattern else None
    return [_assets(column, known, weather_only=False)]


def _station(known: _Known, _: str) -> list[Line]:
    return [_assets(None, known, weather_only=True)]


def _wide(known: _Known, pattern: str) -> list[Line]:
    """Whose the columns side by side are: all names in a column's name, or their sum as one asset."""
    named = {name: found["asset"] for name in known.columns if (found := re.search(pattern, name))}
    tokens = list(dict.fromkeys(named.values()))
    options = [
        {name: each.get(token, token) for name, token in named.items()}
        for each in renamings(tokens, known.ids)
    ]
    return [whose_columns(options, known.ids if len(named) > 1 else ())]


_LINES: dict[str, Callable[[_Known, str], list[Line]]] = {
    "table": _table,
    "stamp": _stamp,
    "interval": _interval,
    "zone": _zone,
    "clock": _clock,
    "label": _label,
    "asset": _asset,
    "station": _station,
    "wide": _wide,
}


def _assets(column: str | None, known: _Known, *, weather_only: bool) -> Line:
    if column is None:
        return asset_line(None, known.batches, [], known.ids, weather_only=weather_only)
    cells = pl.concat([batch.rows[column].cast(pl.String) for batch in known.batches if column in batch.rows])
    names = tuple(sorted(cells.drop_nulls().unique().to_list()))
    return asset_line(AssetColumn(column, names), known.batches, [], known.ids, weather_only=weather_only)


def _channels(lines: Sequence[str], known: _Known) -> Iterator[str]:
    """The lines, with one line for each channel that the files have; it is optional where some of them lack it."""
    names = [name for table in TABLES for name in measurements(table)]
    taken: set[str] = set()
    for line in lines:
        found = _CHANNEL.match(line)
        if found is None or found["name"] not in names:
            if not line.startswith(" "):
                taken.clear()
            yield line
            continue
        channel = Channel.model_validate(yaml.safe_load(found["value"]))
        columns = [name for name in channel.source_columns if PLACE not in name and TIME not in name]
        if found["name"] in taken or not known.columns.keys() >= set(columns):
            continue
        taken.add(found["name"])
        everywhere = all(known.columns[name] for name in columns)
        if not everywhere and not channel.optional:
            line = line.replace(found["value"], f"{found['value'][:-1]}, optional: true}}")
        yield line


def _without_empty_sections(lines: Iterable[str]) -> Iterator[str]:
    """The lines without `weather:` and `generation:` above nothing."""
    kept = list(lines)
    for place, line in enumerate(kept):
        # A question is no comment.
        settings = (each for each in kept[place + 1 :] if re.match(r"\s*(?:# TODO|[^#\s])", each))
        below = next(settings, "")
        if line in (f"{table}:" for table in TABLES) and not below.startswith(" "):
            continue
        yield line
