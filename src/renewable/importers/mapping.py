"""The mapping file: which columns of an export mean what.

Reading the export and converting it do not belong here.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import (
    AfterValidator,
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
from renewable.importers.units import conversion, is_energy

_ENDS_IN_OFFSET = ("%z", "%:z", "%#z")
_FIXED_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")


def _known_zone(name: str) -> str:
    if name not in available_timezones() and not _FIXED_OFFSET.fullmatch(name):
        raise ValueError(f"{name!r} is no IANA time zone; write UTC, a name such as Europe/Paris, or +01:00")
    return name


class Timestamp(_Part):
    """What the text in the timestamp column means.

    `offset` says what to do with an offset in the text: `absent` (there is none), `honoured` (it is right),
    `ignored` (it is wrong: the printed clock counts in `zone`).
    """

    column: str = ""
    columns: tuple[str, ...] = Field(
        (), description="instead of column: date and time apart, joined by a blank"
    )
    format: str = Field(
        "",
        description="strptime format, ends in %z when the text carries an offset; epoch_s or epoch_ms for seconds or"
        " milliseconds since 1970; not needed where the file has real times (Parquet)",
    )
    offset: Literal["absent", "honoured", "ignored"] = "absent"
    zone: Annotated[str, AfterValidator(_known_zone)] | None = Field(
        None, description="UTC, an IANA zone, or a fixed offset such as +01:00"
    )
    ambiguous_hour: Literal["error", "earliest", "latest", "in_order"] = Field(
        "error",
        description="which of the two hours a stamp of the autumn clock change names; in_order: of two equal stamps of"
        " an asset the first in the file is the earlier",
    )
    missing_hour: Literal["error", "set_aside"] = Field(
        "error", description="what to do with stamps that the zone leaves out in spring"
    )
    spring_pairs: Annotated[str, AfterValidator(_known_zone)] | None = Field(
        None,
        description="zone whose spring change pushed stamps of a clock without summer time onto the next hour: of two"
        " equal stamps there the first is given back to the skipped hour",
    )
    label: Literal["start", "end"] = Field("start", description="which end of its interval a stamp names")
    interval_minutes: int | None = Field(
        None,
        ge=1,
        le=60,
        description="length of the source's interval; needed for label: end, energy and resampling",
    )

    snap_minutes: float = Field(
        0,
        ge=0,
        description="stamps that miss the grid of interval_minutes by no more than this are put onto it",
    )

    @model_validator(mode="after")
    def _clock_is_stated(self) -> "Timestamp":
        has_offset = self.format.endswith(_ENDS_IN_OFFSET)
        if bool(self.column) == bool(self.columns):
            raise ValueError("give either column or columns")
        if self.is_epoch and (self.zone not in (None, "UTC") or self.offset != "absent"):
            raise ValueError("seconds since 1970 count in UTC: remove zone and offset")
        if has_offset and self.offset == "absent":
            raise ValueError("the format ends in an offset: state offset: honoured, or ignored and a zone")
        if self.format and not has_offset and self.offset != "absent":
            raise ValueError(f"offset: {self.offset} needs a format that ends in %z")
        if self.offset == "honoured" and self.zone is not None:
            raise ValueError("offset: honoured leaves nothing for zone to say: remove one of them")
        if self.offset != "honoured" and self.zone is None and not self.is_epoch:
            raise ValueError("zone is missing: the clock of these stamps must be stated, UTC or an IANA zone")
        if self.label == "end" and self.interval_minutes is None:
            raise ValueError("label: end needs interval_minutes")
        if self.snap_minutes and self.interval_minutes is None:
            raise ValueError("snap_minutes needs interval_minutes")
        if self.interval_minutes is not None and 60 % self.interval_minutes:
            raise ValueError(f"interval_minutes must divide an hour, got {self.interval_minutes}")
        return self

    @property
    def is_epoch(self) -> bool:
        return self.format in ("epoch_s", "epoch_ms")

    @property
    def source_columns(self) -> tuple[str, ...]:
        return self.columns or (self.column,)

    @property
    def wall_format(self) -> str:
        """The format without its offset."""
        ending = next((e for e in _ENDS_IN_OFFSET if self.format.endswith(e)), "")
        return self.format.removesuffix(ending).rstrip()


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
    def source_columns(self) -> list[str]:
        """Every source column that the mapping names, once."""
        keys = [*self.timestamp.source_columns, *self.asset.source_columns]
        return list(dict.fromkeys(keys + self._channel_columns(optional=None)))

    @property
    def optional_columns(self) -> frozenset[str]:
        """Those of the source columns that a file may lack."""
        needed = {
            *self.timestamp.source_columns,
            *self.asset.source_columns,
            *self._channel_columns(optional=False),
        }
        return frozenset({*self._channel_columns(optional=True)} - needed)

    def _channel_columns(self, optional: bool | None) -> list[str]:
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
