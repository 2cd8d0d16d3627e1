"""What all sections of a mapping file share: how they are read, and the names in their SQL expressions."""

import polars as pl
from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A section of a mapping file: frozen, with no setting that the language does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


def expression_columns(expression: str) -> list[str]:
    """The columns that an SQL expression names."""
    try:
        return sorted(set(pl.sql_expr(expression).meta.root_names()))
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{expression!r} is no SQL expression that can be read: {reason}") from error


def known_pattern(pattern: str) -> str:
    """A regular expression; ValueError where it cannot be read."""
    try:
        pl.Series([""]).str.contains(whole(pattern))
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{pattern!r} is no regular expression that can be read: {reason}") from error
    return pattern


def whole(pattern: str) -> str:
    """The regular expression that matches a text only from its start to its end."""
    return f"^(?:{pattern})$"
