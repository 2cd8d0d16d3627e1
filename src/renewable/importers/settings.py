"""What all groups of settings of a mapping share: how they are validated, and texts that are patterns or SQL."""

import re

import polars as pl
from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A group of settings: unknown names are faults, numbers may stand where texts are meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


def expression_columns(expression: str) -> list[str]:
    """The columns that an SQL expression names."""
    try:
        return sorted(set(pl.sql_expr(expression).meta.root_names()))
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{expression!r} is no SQL expression that can be read: {reason}") from error


def known_pattern(pattern: str) -> str:
    """A regular expression for whole cells that Polars can read, or ValueError."""
    try:
        pl.Series([""]).str.contains(whole(pattern))
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{pattern!r} is no regular expression that can be read: {reason}") from error
    return pattern


def naming_pattern(pattern: str) -> str:
    """A regular expression with the group asset, in the spelling that Python and Polars share."""
    shared = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    try:
        groups = re.compile(shared).groupindex
        pl.Series([""]).str.contains(shared)
    except (re.error, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{pattern!r} is no regular expression that can be read: {reason}") from error
    if "asset" not in groups:
        raise ValueError(f"{pattern!r} does not say which part is the asset: write (?P<asset>…) around it")
    return shared


def whole(pattern: str) -> str:
    """The regular expression that matches a text only from its start to its end."""
    return f"^(?:{pattern})$"


def interval_seconds(value: object) -> int | None:
    """Seconds of an interval that is written as whole minutes, or as '10 s'; None for none.

    Raises ValueError where it is neither, longer than an hour, or does not divide one.
    """
    if value is None:
        return None
    text = str(value).strip()
    match = re.fullmatch(r"(\d+)(?:\.0+)?(?:\s*(s|min))?", text)
    if match is None:
        raise ValueError(
            f"interval_minutes: {text!r} is no interval: write whole minutes, or seconds as '10 s'"
        )
    seconds = int(match[1]) * (1 if match[2] == "s" else 60)
    if not 1 <= seconds <= 3600 or 3600 % seconds:
        raise ValueError(f"interval_minutes must divide an hour, got {text}")
    return seconds
