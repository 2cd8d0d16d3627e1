"""The mapping file: which columns of an export mean what.

Reading the export and converting it do not belong here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from renewable.contract import TABLES, RawTable, column_unit, measurements
from renewable.errors import MappingError
from renewable.importers.asset_settings import ABOVE, PLACE, Asset
from renewable.importers.channel import Channel, number_faults, word_faults
from renewable.importers.events import EventLog
from renewable.importers.settings import Part as _Part
from renewable.importers.settings import expression_columns
from renewable.importers.source_settings import Source
from renewable.importers.timestamp import TIME, Timestamp


class Mapping(_Part):
    """A mapping file. `weather` and `generation` are keyed by the contract's column names.

    `also` lists further sources, each with its own clock, assets and channels; their rows are joined by asset and time.
    """

    source: Source = Field(description="which files, and where in them the table is")
    timestamp: Timestamp = Field(description="which time a row is about")
    asset: Asset = Field(description="which asset a row is about")
    weather: dict[str, Channel] = Field(
        {}, description="columns of the raw table weather -> where they come from"
    )
    generation: dict[str, Channel] = Field(
        {}, description="columns of the raw table generation -> where they come from"
    )
    events: EventLog | None = Field(
        None,
        description="instead of channels: rows are events, which fill operating_state of the other sources",
    )
    also: tuple["Mapping", ...] = Field(
        (), description="further sources, each with its own clock, assets and channels"
    )
    on_overlap: Literal["newest", "replace_range", "refuse"] = Field(
        "newest",
        description="where a delivery overlaps earlier ones: newest lets its values win one by one, and an empty cell"
        " erases nothing; replace_range lets it replace all that was delivered between an asset's first and last stamp"
        " in it; refuse sets a delivery aside that has another value than before",
    )

    @field_validator("weather", "generation", mode="before")
    @classmethod
    def _empty_means_none(cls, value: object) -> object:
        return {} if value is None else value

    @model_validator(mode="after")
    def _fits_the_contract(self) -> "Mapping":
        if not self.tables:
            raise ValueError(
                "nothing is mapped: fill weather, generation or both, or events of a source under also"
            )
        if any(part.on_overlap != "newest" for other in self.also for part in other.parts):
            raise ValueError("on_overlap holds for all sources: state it once, at the top of the mapping")
        faults = [fault for table in self.tables for fault in self._channel_faults(table)]
        if self.source.keep and ABOVE in expression_columns(self.source.keep) and self.asset.above is None:
            faults.append(f"source.keep: {ABOVE} is what asset.above finds; state that, too")
        if self.events is not None:
            faults += [f"events: {fault}" for fault in self._event_faults()]
        told = {name for part in self.parts for name in part.told_columns}
        faults += [
            f"generation.{name}: is told by {'events' if name == 'operating_state' else 'a counter that resets'}, too;"
            " remove one of the two"
            for name in sorted(told)
            if any(name in part.generation for part in self.parts)
        ]
        if sum(part.events is not None for part in self.parts) > 1:
            faults.append("events: stand in several sources; one column has one origin")
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @property
    def parts(self) -> tuple["Mapping", ...]:
        """This source and those beside it."""
        return (self, *(part for other in self.also for part in other.parts))

    @property
    def tables(self) -> list[RawTable]:
        """The raw tables that have a mapped column in this source."""
        return [table for table in TABLES if self.channels(table) or (self.events and table == "generation")]

    @property
    def all_tables(self) -> list[RawTable]:
        return [table for table in TABLES if any(table in part.tables for part in self.parts)]

    def channels(self, table: RawTable) -> dict[str, Channel]:
        return self.weather if table == "weather" else self.generation

    @property
    def told_columns(self) -> list[str]:
        """Columns of generation that this source fills beside its channels."""
        states = [] if self.events is None else ["operating_state"]
        return [*states, *(["gap_energy_kwh"] if any(c.resetting for c in self.generation.values()) else [])]

    @property
    def source_columns(self) -> list[str] | None:
        """Every source column that the mapping names, once; None: all of the file, as their names tell something."""
        return None if self.timestamp.across is not None else self.named_columns

    @property
    def named_columns(self) -> list[str]:
        """Every source column that the mapping names, once; {time} stands for a part of some."""
        keys = [*self.timestamp.source_columns, *self.asset.source_columns]
        events = [] if self.events is None else self.events.source_columns
        return list(dict.fromkeys(keys + events + self.channel_columns()))

    @property
    def optional_columns(self) -> frozenset[str]:
        """Those of the source columns that a file may lack."""
        if self.timestamp.across is not None:
            # No column has the name of a channel, which stands for many.
            return frozenset()
        needed = {
            *self.timestamp.source_columns,
            *self.asset.source_columns,
            *self.channel_columns(optional=False),
        }
        return frozenset({*self.channel_columns(optional=True)} - needed)

    def channel_columns(self, optional: bool | None = None) -> list[str]:
        """The columns of the channels, of all or of those that a file may lack or may not."""
        channels = [channel for table in self.tables for channel in self.channels(table).values()]
        named = [name for ch in channels if optional in (None, ch.optional) for name in ch.source_columns]
        if self.asset.wide:
            return [name.replace(PLACE, token) for name in named for token in self.asset.wide]
        return named

    def _channel_faults(self, table: RawTable) -> Iterator[str]:
        known = measurements(table)
        for target, channel in self.channels(table).items():
            where = f"{table}.{target}"
            if target not in known:
                yield f"{where}: {table} has no such column; it has {', '.join(known)}"
                continue
            contract_unit = column_unit(table, target)
            if contract_unit:
                seconds = self.timestamp.interval_seconds
                found = number_faults(channel, target, contract_unit, seconds, self.asset.wide)
            else:
                found = word_faults(channel)
            yield from (f"{where}: {fault}" for fault in [*found, *self._time_faults(target, channel)])

    def _time_faults(self, target: str, channel: Channel) -> Iterator[str]:
        columns, across = channel.source_columns, self.timestamp.across
        if TIME in "".join(columns) and across is None:
            yield f"column {channel.named!r} has {TIME}, which needs timestamp.across: which part of it is a time?"
        if across is not None and not all(TIME in name for name in columns):
            yield f"column {channel.named!r} has no {TIME}, so every time would get it; see timestamp.across"
        if self.timestamp.holds_minutes is not None and target in ("precipitation_mm", "gap_energy_kwh"):
            yield "is an amount of an interval: it needs interval_minutes, not holds_minutes"

    def _event_faults(self) -> Iterator[str]:
        if self.weather or self.generation or self.also:
            yield "stands in a source of its own, under also; remove weather, generation and also beside it"
        if self.asset.wide or self.asset.combine or self.timestamp.across:
            yield "is a row each, of an asset that it names; remove wide, combine and across"
        stamp = self.timestamp
        if stamp.label != "start" or stamp.snap_minutes or stamp.interval_minutes or stamp.holds_minutes:
            yield "begins when its stamp says: remove label, snap_minutes, interval_minutes and holds_minutes"


def mapping_files(path: Path) -> list[Path]:
    """The mapping files that a setting names: the file itself, or all .yaml files of a folder in order of name."""
    try:
        found = sorted(path.iterdir()) if path.is_dir() else None
    except OSError:
        # Reading it will say what is wrong.
        return [path]
    if found is None:
        return [path]
    found = [each for each in found if each.suffix in (".yaml", ".yml") and each.is_file()]
    if not found:
        raise MappingError(f"{path}: Is a directory that holds no mapping file: their names end in .yaml")
    return found


def load_mapping(path: Path) -> Mapping:
    """Read and validate a mapping file; one MappingError lists every fault with its line."""
    try:
        text = path.read_text(encoding="utf-8")
        content, tree = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except FileNotFoundError as error:
        raise MappingError(f"{path}: no such mapping file; RENEWABLE_MAPPING names it") from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join((error.strerror or "" if isinstance(error, OSError) else str(error)).split())
        raise MappingError(
            f"{path}: cannot be read as YAML: {reason}. Mend the file, or name another mapping"
        ) from error
    if not isinstance(content, dict):
        raise MappingError(
            f"{path}: holds no mapping: it has to begin with settings such as source: and timestamp:;"
            " examples/la_haute_borne/mapping.yaml is a commented one that works"
        )
    try:
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        faults = [line for found in error.errors() for line in _fault_lines(found["loc"], found["msg"], tree)]
        listing = "\n".join(f"  - {fault}" for fault in faults)
        raise MappingError(
            f"{path}: the mapping has {len(faults)} fault(s):\n{listing}\n"
            "Mend the file; examples/la_haute_borne/mapping.yaml is a commented one that works."
        ) from error
    if mapping.events is not None:
        line = line_of(tree, ["events"])
        raise MappingError(
            f"{path}: line {line}: events: fill the intervals of other sources: write this source under also,"
            " below the one that has the power"
        )
    return mapping


def _fault_lines(location: tuple[int | str, ...], message: str, tree: yaml.Node | None) -> Iterator[str]:
    where = ".".join(str(step) for step in location)
    for line in message.removeprefix("Value error, ").splitlines():
        # Faults of a whole source begin with the path of the setting.
        inner = line.partition(": ")[0].split(".")
        place = line_of(tree, (*location, *inner))
        yield f"line {place}: {where}: {line}" if where else f"line {place}: {line}"


def line_of(node: yaml.Node | None, location: Sequence[int | str]) -> int:
    """Line, from 1, of the setting, or of the closest one around it that the file has."""
    line = 1 if node is None else node.start_mark.line + 1
    for step in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
