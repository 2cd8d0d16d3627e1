"""The mapping file: which columns of an export mean what.

Reading the export and converting it do not belong here.
"""

from codecs import lookup
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from importers.units import allowed_units
from renewable.contract import OPERATING_STATES, TABLES, RawTable, column_unit, measurements
from renewable.errors import MappingError
from renewable.fleet import INTERVALS_MINUTES

_ENDS_IN_OFFSET = ("%z", "%:z", "%#z")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone; write UTC or a name such as Europe/Paris")
    return name


def _known_encoding(name: str) -> str:
    try:
        return lookup(name).name
    except LookupError as error:
        raise ValueError(f"{name!r} is no text encoding; utf-8 and cp1252 are the usual ones") from error


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Source(_Part):
    """The CSV file or files, gzipped or not."""

    files: str = Field(min_length=1, description="path or glob, counted from the mapping file's directory")
    delimiter: str = Field(",", min_length=1, max_length=1, description="character between two fields")
    decimal_comma: bool = Field(
        False, description="numbers are written 1,5; a point in a number is then an error"
    )
    null_markers: tuple[str, ...] = Field(
        (), description="texts that mean 'no value', besides the empty text"
    )
    encoding: Annotated[str, AfterValidator(_known_encoding)] = Field("utf-8", description="of the text")

    @model_validator(mode="after")
    def _delimiter_is_free(self) -> "Source":
        if not self.delimiter.isascii() or self.delimiter in '"\r\n':
            raise ValueError("delimiter must be one ASCII character other than a quote or a line end")
        return self


class Timestamp(_Part):
    """What the text in the timestamp column means.

    `offset` says what to do with an offset in the text: `absent` (there is none), `honoured` (it is right),
    `ignored` (it is wrong: the printed clock counts in `zone`).
    """

    column: str
    format: str = Field(description="strptime format; ends in %z when the text carries an offset")
    offset: Literal["absent", "honoured", "ignored"] = "absent"
    zone: Annotated[str, AfterValidator(_known_zone)] | None = Field(None, description="UTC or an IANA zone")
    ambiguous_hour: Literal["error", "earliest", "latest"] = Field(
        "error", description="which of the two hours a stamp of the autumn clock change names"
    )
    label: Literal["start", "end"] = Field("start", description="which end of its interval a stamp names")
    interval_minutes: int | None = Field(None, description="length of the interval, needed for label: end")

    @model_validator(mode="after")
    def _clock_is_stated(self) -> "Timestamp":
        has_offset = self.format.endswith(_ENDS_IN_OFFSET)
        if has_offset and self.offset == "absent":
            raise ValueError("the format ends in an offset: state offset: honoured, or ignored and a zone")
        if not has_offset and self.offset != "absent":
            raise ValueError(f"offset: {self.offset} needs a format that ends in %z")
        if self.offset == "honoured" and self.zone is not None:
            raise ValueError("offset: honoured leaves nothing for zone to say: remove one of them")
        if self.offset != "honoured" and self.zone is None:
            raise ValueError("zone is missing: the clock of these stamps must be stated, UTC or an IANA zone")
        if self.label == "end" and self.interval_minutes is None:
            raise ValueError("label: end needs interval_minutes")
        if self.interval_minutes is not None and self.interval_minutes not in INTERVALS_MINUTES:
            raise ValueError(
                f"interval_minutes must be one of {INTERVALS_MINUTES}, got {self.interval_minutes}"
            )
        return self

    @property
    def wall_format(self) -> str:
        """The format without its offset."""
        ending = next((e for e in _ENDS_IN_OFFSET if self.format.endswith(e)), "")
        return self.format.removesuffix(ending).rstrip()


class Asset(_Part):
    """Where asset_id comes from: a column, its words renamed or not, or one constant for the whole source."""

    column: str | None = None
    rename: dict[str, str] = Field({}, description="name in the source -> asset_id; others stay as they are")
    constant: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Asset":
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either column or constant")
        if self.rename and self.column is None:
            raise ValueError("rename needs column")
        return self


class Channel(_Part):
    """One target column: the source column and its unit, or for words their renaming."""

    column: str
    unit: str | None = None
    rename: dict[str, str] = Field({}, description="word in the source -> word of the contract")


class Mapping(_Part):
    """A mapping file. `weather` and `generation` are keyed by the contract's column names."""

    source: Source
    timestamp: Timestamp
    asset: Asset
    weather: dict[str, Channel] = {}
    generation: dict[str, Channel] = {}

    @field_validator("weather", "generation", mode="before")
    @classmethod
    def _empty_means_none(cls, value: object) -> object:
        return {} if value is None else value

    @model_validator(mode="after")
    def _fits_the_contract(self) -> "Mapping":
        if not self.tables:
            raise ValueError("nothing is mapped: fill weather, generation or both")
        faults = [fault for table in self.tables for fault in _channel_faults(table, self.channels(table))]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @property
    def tables(self) -> list[RawTable]:
        """The raw tables that have a mapped column."""
        return [table for table in TABLES if self.channels(table)]

    def channels(self, table: RawTable) -> dict[str, Channel]:
        return self.weather if table == "weather" else self.generation

    @property
    def source_columns(self) -> list[str]:
        """Every source column that the mapping names, once."""
        keys = [self.timestamp.column, *([] if self.asset.column is None else [self.asset.column])]
        values = [c.column for table in self.tables for c in self.channels(table).values()]
        return list(dict.fromkeys(keys + values))


def load_mapping(path: Path) -> Mapping:
    """Read and validate a mapping file; one MappingError lists every fault."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MappingError(f"{path}: no such mapping file; RENEWABLE_MAPPING names it") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MappingError(f"{path}: cannot be read as YAML: {error}") from error
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        faults = [line for found in error.errors() for line in _fault_lines(found["loc"], found["msg"])]
        listing = "\n".join(f"  - {fault}" for fault in faults)
        raise MappingError(
            f"{path}: the mapping has {len(faults)} fault(s):\n{listing}\n"
            "Mend the file; examples/la_haute_borne/mapping.yaml is a commented one that works."
        ) from error


def _channel_faults(table: RawTable, channels: dict[str, Channel]) -> Iterator[str]:
    known = measurements(table)
    for target, channel in channels.items():
        where = f"{table}.{target}"
        if target not in known:
            yield f"{where}: {table} has no such column; it has {', '.join(known)}"
            continue
        units = allowed_units(column_unit(table, target))
        if units and channel.unit not in units:
            yield f"{where}: unit {channel.unit!r} of column {channel.column!r} is none of {', '.join(units)}"
        if units and channel.rename:
            yield f"{where}: rename is for words; this column holds numbers"
        if not units and channel.unit is not None:
            yield f"{where}: holds words and has no unit; remove unit: {channel.unit}"
        unknown = sorted(set(channel.rename.values()) - set(OPERATING_STATES))
        if not units and unknown:
            yield f"{where}: {', '.join(unknown)}: no such state; there are {', '.join(OPERATING_STATES)}"


def _fault_lines(location: tuple[int | str, ...], message: str) -> Iterator[str]:
    where = ".".join(str(step) for step in location)
    for line in message.removeprefix("Value error, ").splitlines():
        yield f"{where}: {line}" if where else line
