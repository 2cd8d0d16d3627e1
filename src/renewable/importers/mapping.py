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

from renewable.contract import OPERATING_STATES, TABLES, RawTable, column_unit, measurements
from renewable.errors import MappingError
from renewable.importers.asset_settings import PLACE, Asset
from renewable.importers.settings import Part as _Part
from renewable.importers.settings import expression_columns
from renewable.importers.source_settings import Source
from renewable.importers.timestamp import TIME, Timestamp
from renewable.importers.units import conversion, is_energy


class Channel(_Part):
    """One target column: a source column (or an expression, or a constant) and its unit; for words their renaming."""

    column: str | None = None
    expression: str | None = Field(None, description="SQL expression over the source's columns as numbers")
    constant: float | None = None
    unit: str | None = Field(None, description="of the source; energy units are those of one interval")
    counter: bool = Field(
        False, description="readings of an energy counter: what was added since the last one counts"
    )
    sign: Literal[1, -1] = 1
    optional: bool = Field(
        False, description="a file that has not got the column leaves this empty, and is counted"
    )
    rename: dict[str, str] = Field({}, description="word in the source -> word of the contract")

    @model_validator(mode="after")
    def _one_of_them(self) -> "Channel":
        if sum(value is not None for value in (self.column, self.expression, self.constant)) != 1:
            raise ValueError("give one of column, expression, constant")
        if self.expression is not None:
            expression_columns(self.expression)
        return self

    @property
    def named(self) -> str:
        """What errors call the source of this channel."""
        return self.column or self.expression or str(self.constant)

    @property
    def source_columns(self) -> list[str]:
        if self.column is not None:
            return [self.column]
        return [] if self.expression is None else expression_columns(self.expression)


class Mapping(_Part):
    """A mapping file. `weather` and `generation` are keyed by the contract's column names.

    `also` lists further sources, each with its own clock, assets and channels; their rows are joined by asset and time.
    """

    source: Source
    timestamp: Timestamp
    asset: Asset
    weather: dict[str, Channel] = Field({})
    generation: dict[str, Channel] = Field({})
    also: tuple["Mapping", ...] = ()
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
            raise ValueError("nothing is mapped: fill weather, generation or both")
        if any(part.on_overlap != "newest" for other in self.also for part in other.parts):
            raise ValueError("on_overlap holds for all sources: state it once, at the top of the mapping")
        faults = [fault for table in self.tables for fault in self._channel_faults(table)]
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
        return [table for table in TABLES if self.channels(table)]

    @property
    def all_tables(self) -> list[RawTable]:
        return [table for table in TABLES if any(part.channels(table) for part in self.parts)]

    def channels(self, table: RawTable) -> dict[str, Channel]:
        return self.weather if table == "weather" else self.generation

    @property
    def source_columns(self) -> list[str] | None:
        """Every source column that the mapping names, once; None: all of the file, as their names tell something."""
        return None if self.timestamp.across is not None else self.named_columns

    @property
    def named_columns(self) -> list[str]:
        """Every source column that the mapping names, once; {time} stands for a part of some."""
        keys = [*self.timestamp.source_columns, *self.asset.source_columns]
        return list(dict.fromkeys(keys + self.channel_columns()))

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
                yield from (f"{where}: {fault}" for fault in self._number_faults(channel, contract_unit))
            else:
                yield from (f"{where}: {fault}" for fault in _word_faults(channel))

    def _number_faults(self, channel: Channel, contract_unit: str) -> Iterator[str]:
        if channel.rename:
            yield "rename is for words; this column holds numbers"
        minutes = self.timestamp.interval_minutes
        try:
            energy = conversion(contract_unit, channel.unit or "", minutes) is not None and is_energy(
                channel.unit
            )
        except ValueError as error:
            yield f"unit {channel.unit!r} of column {channel.named!r} {error}"
            return
        if TIME in "".join(channel.source_columns) and self.timestamp.across is None:
            yield f"column {channel.named!r} has {TIME}, which needs timestamp.across: which part of it is a time?"
        if self.timestamp.across is not None and not all(TIME in name for name in channel.source_columns):
            yield f"column {channel.named!r} has no {TIME}, so every time would get it; see timestamp.across"
        if channel.counter and not energy:
            yield f"counter: true needs a unit of energy such as kWh, not {channel.unit!r}"
        if self.asset.wide and channel.column is not None and PLACE not in channel.column:
            yield f"column {channel.column!r} has no {PLACE}, so every asset would get it; see asset.wide"


def _word_faults(channel: Channel) -> Iterator[str]:
    if channel.unit is not None:
        yield f"holds words and has no unit; remove unit: {channel.unit}"
    if channel.column is None:
        yield "holds words: give column"
    unknown = sorted(set(channel.rename.values()) - set(OPERATING_STATES))
    if unknown:
        yield f"{', '.join(unknown)}: no such state; there are {', '.join(OPERATING_STATES)}"


def mapping_files(path: Path) -> list[Path]:
    """The mapping files that a setting names: the file itself, or all .yaml files of a folder in order of name."""
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml") and each.is_file())
    if not found:
        raise MappingError(f"{path}: holds no mapping file: its mappings have to end in .yaml")
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
        return Mapping.model_validate(content)
    except ValidationError as error:
        faults = [line for found in error.errors() for line in _fault_lines(found["loc"], found["msg"], tree)]
        listing = "\n".join(f"  - {fault}" for fault in faults)
        raise MappingError(
            f"{path}: the mapping has {len(faults)} fault(s):\n{listing}\n"
            "Mend the file; examples/la_haute_borne/mapping.yaml is a commented one that works."
        ) from error


def _fault_lines(location: tuple[int | str, ...], message: str, tree: yaml.Node | None) -> Iterator[str]:
    where = ".".join(str(step) for step in location)
    for line in message.removeprefix("Value error, ").splitlines():
        # Faults of a whole source begin with the path of the setting.
        inner = line.partition(": ")[0].split(".")
        place = _line_of(tree, (*location, *inner))
        yield f"line {place}: {where}: {line}" if where else f"line {place}: {line}"


def _line_of(node: yaml.Node | None, location: Sequence[int | str]) -> int:
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
