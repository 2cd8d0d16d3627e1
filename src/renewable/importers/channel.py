"""One target column of a mapping: where it comes from, its unit, its quality, and what kind of counter it is.

Sources, clocks and assets are said in `mapping`; reading cells does not belong here.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import polars as pl
from pydantic import Field, field_validator, model_validator

from renewable.contract import OPERATING_STATES
from renewable.importers.asset_settings import PLACE
from renewable.importers.settings import Part, expression_columns
from renewable.importers.units import FROM_CELL, FROM_HEADER, conversion, is_energy, unit_of_header


class Quality(Part):
    """The column that says whether a cell is good, and the words that say so; other cells are left empty."""

    column: str = Field(min_length=1, description="column with the status of this channel's cells")
    good: tuple[str, ...] = Field(
        min_length=1,
        description="its texts, or /patterns/, that mean 'this cell is right'; \"\" for an empty one",
    )

    @field_validator("good")
    @classmethod
    def _are_readable(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        faults = list(pattern_faults(words))
        if faults:
            raise ValueError("\n".join(faults))
        return words


class Counter(Part):
    """An energy counter whose resets are known, so that a gap's energy can be told.

    `resets` says when it begins at 0 again: `never` (all its life), or `daily` (at local midnight or when the device
    wakes up).
    """

    resets: Literal["never", "daily"] = Field(
        description="when the counter begins at 0 again; daily: at local midnight or when the device wakes up"
    )
    rolls_over_at: float | None = Field(
        None,
        gt=0,
        description="reading at which a counter of a few digits is at 0 again, 100000 for one of five digits;"
        " in the channel's unit",
    )
    largest_power_kw: float | Literal["rated"] | None = Field(
        None,
        description="a step that needs more mean power than this is no production; rated: 1.5 times the rated power of"
        " the registry",
    )

    @field_validator("largest_power_kw")
    @classmethod
    def _is_positive(cls, value: float | str | None) -> float | str | None:
        if isinstance(value, float | int) and not value > 0:
            raise ValueError("largest_power_kw must be above 0, or rated")
        return value

    @model_validator(mode="after")
    def _rolls_over_or_resets(self) -> "Counter":
        if self.rolls_over_at is not None and self.resets == "daily":
            raise ValueError("rolls_over_at is for counters with resets: never; remove it")
        return self


class Channel(Part):
    """One target column: a source column (or an expression, or a constant) and its unit; for words their renaming."""

    column: str | None = Field(None, description="column of the source with the values")
    expression: str | None = Field(None, description="SQL expression over the source's columns as numbers")
    constant: float | None = Field(None, description="instead of column: the same value in every row")
    unit: str | None = Field(
        None,
        description="of the source; energy units are those of one interval; from_header: the column's name ends in it,"
        " as in 'P [kW]'; from_cell: each cell ends in its own, as in '12.3 kW'",
    )
    counter: bool | Counter = Field(
        False,
        description="readings of an energy counter: what was added since the last one counts. true: it is not said when"
        " the counter resets, and the energy over a gap is set aside",
    )
    quality: Quality | None = Field(None, description="status column of this channel and its good words")
    sign: Literal[1, -1] = Field(1, description="-1 where production is negative in the source")
    optional: bool = Field(
        False, description="a file that has not got the column leaves this empty, and is counted"
    )
    rename: dict[str, str] = Field(
        {}, description="word in the source, or /pattern/, -> word of the contract"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "Channel":
        if sum(value is not None for value in (self.column, self.expression, self.constant)) != 1:
            raise ValueError("give one of column, expression, constant")
        if self.expression is not None:
            expression_columns(self.expression)
        if self.unit in (FROM_CELL, FROM_HEADER) and self.column is None:
            raise ValueError(f"unit: {self.unit} needs column")
        if self.quality is not None and self.constant is not None:
            raise ValueError("quality is for cells; a constant has none")
        return self

    @property
    def named(self) -> str:
        """What errors call the source of this channel."""
        return self.column or self.expression or str(self.constant)

    @property
    def source_columns(self) -> list[str]:
        """The columns that it reads, that of its quality last."""
        quality = [] if self.quality is None else [self.quality.column]
        if self.column is not None:
            return [self.column, *quality]
        return [*([] if self.expression is None else expression_columns(self.expression)), *quality]

    @property
    def resetting(self) -> Counter | None:
        """The counter whose resets are stated; None for other channels and for `counter: true`."""
        return self.counter if isinstance(self.counter, Counter) else None

    def of_token(self, token: str) -> "Channel":
        """The channel of one asset of a wide export."""
        return self.model_copy(
            update={
                "column": self.column and self.column.replace(PLACE, token),
                "expression": self.expression and self.expression.replace(PLACE, token),
                "quality": self.quality
                and Quality(column=self.quality.column.replace(PLACE, token), good=self.quality.good),
            }
        )

    def stated_unit(self) -> str:
        """The unit of all its cells; of cells that each have their own, that into which they are brought."""
        if self.unit == FROM_HEADER:
            return unit_of_header(self.column or "")
        return self.unit or ""


def number_faults(
    channel: Channel, target: str, contract_unit: str, seconds: int | None, tokens: Mapping[str, str]
) -> Iterator[str]:
    """What is wrong with a channel of numbers; `tokens` are the keys of asset.wide, `seconds` the source's interval."""
    if channel.rename:
        yield "rename is for words; this column holds numbers"
    if tokens and channel.column is not None and PLACE not in channel.column:
        yield f"column {channel.column!r} has no {PLACE}, so every asset would get it; see asset.wide"
    counter = channel.resetting
    if counter is not None and target != "active_power_kw":
        yield "counter with resets is for active_power_kw"
    if channel.unit == FROM_CELL:
        return
    for named in [channel.of_token(token) for token in tokens] or [channel]:
        try:
            unit = named.stated_unit()
            # A counter counts energy, whatever the interval.
            conversion(contract_unit, unit, 3600 if counter else seconds)
        except ValueError as error:
            yield f"unit {channel.unit!r} of column {named.named!r} {error}"
            return
        if channel.counter and not is_energy(unit):
            yield f"counter needs a unit of energy such as kWh, not {unit!r}"
            return


def word_faults(channel: Channel) -> Iterator[str]:
    """What is wrong with a channel of words."""
    if channel.unit is not None:
        yield f"holds words and has no unit; remove unit: {channel.unit}"
    if channel.column is None:
        yield "holds words: give column"
    if channel.counter:
        yield "holds words: remove counter"
    unknown = sorted(set(channel.rename.values()) - set(OPERATING_STATES))
    if unknown:
        yield f"{', '.join(unknown)}: no such state; there are {', '.join(OPERATING_STATES)}"
    yield from pattern_faults(channel.rename)


def pattern_of(word: str) -> str | None:
    """The regular expression that a key between slashes is; None for a plain word."""
    return word[1:-1] if len(word) > 2 and word.startswith("/") and word.endswith("/") else None


def pattern_faults(table: Iterable[str]) -> Iterator[str]:
    """The /patterns/ among words that cannot be read."""
    for word in table:
        pattern = pattern_of(word)
        if pattern is None:
            continue
        try:
            pl.Series([""]).str.contains(f"(?i){pattern}")
        except pl.exceptions.PolarsError as error:
            yield f"{word} is no pattern that can be read: {' '.join(str(error).split())[:200]}"


def renamed(words: pl.Expr, table: Mapping[str, str]) -> pl.Expr:
    """Words by a table: a plain key stands for itself, else the first /pattern/ found in the word, in any case.

    Words that no key fits stay as they are.
    """
    plain = {word: target for word, target in table.items() if pattern_of(word) is None}
    patterns = [(pattern_of(word), target) for word, target in table.items() if pattern_of(word)]
    found = words.replace(plain)
    if not patterns:
        return found
    # The first pattern of the table counts, so it is asked last.
    otherwise = words
    for pattern, target in reversed(patterns):
        otherwise = pl.when(words.str.contains(f"(?i){pattern}")).then(pl.lit(target)).otherwise(otherwise)
    return pl.when(words.is_in(list(plain))).then(found).otherwise(otherwise)
