"""The settings under `source`: which files, and where in them the table is. Reading it does not belong here."""

from codecs import lookup
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from renewable.importers.settings import Part, expression_columns, known_pattern

# As a delimiter: runs of blanks and tabs.
BLANKS = "blanks"


def _known_encoding(name: str) -> str:
    try:
        return lookup(name).name
    except LookupError as error:
        raise ValueError(f"{name!r} is no text encoding; utf-8 and cp1252 are the usual ones") from error


class Source(Part):
    """The export's files: texts (also .gz and .zip), JSON, Parquet, Excel, pages, SQLite, DuckDB; told by content."""

    files: str = Field(
        min_length=1,
        description="path or glob, counted from the mapping file's directory, or a URL such as s3://place/*.csv",
    )
    members: str | None = Field(
        None, description="which files of a zip are read, as a glob: *.csv; its only one when not given"
    )
    delimiter: str = Field(
        ",",
        min_length=1,
        description="character between two fields of a text; blanks: columns are aligned with runs of blanks",
    )
    header_rows: int = Field(
        1,
        ge=0,
        le=9,
        description="lines of the header, joined with blanks to one name a column; 0: there is none",
    )
    header_text: str | None = Field(
        None,
        min_length=1,
        description="a cell of the header: the first line that has it begins the header, whatever stands above",
    )
    columns: tuple[str, ...] = Field(
        (),
        description="names of the columns by place, where header_rows is 0; others are column_1, column_2, …",
    )
    rename: dict[str, str] = Field(
        {},
        description="name of a column in some of the files -> its name in the others, by which it is mapped",
    )
    comment_prefix: str | None = Field(
        None, min_length=1, max_length=5, description="lines that begin with it are no data"
    )
    decimal_comma: bool | Literal["either"] = Field(
        False,
        description="numbers are written 1,5; a point in a number is then an error. either: both marks come, and a"
        " number such as 1.234, that could be read both ways, is set aside",
    )
    thousands: Literal["", ",", ".", " ", "'"] = Field(
        "", description="mark between groups of digits; a point says that decimals have a comma"
    )
    null_markers: tuple[str, ...] = Field(
        (), description="texts that mean 'no value', besides the empty text"
    )
    null_pattern: Annotated[str, AfterValidator(known_pattern)] | None = Field(
        None, description="pattern of such texts; the whole cell has to match it"
    )
    unreadable_cells_ratio: float = Field(
        0.05,
        ge=0,
        le=1,
        description="cells that are no number are left empty and counted; above this share of the filled cells of a"
        " column the file is refused. 1: whatever is no number is empty",
    )
    unreadable_rows_ratio: float = Field(
        0.05,
        ge=0,
        le=1,
        description="rows that cannot be read, as for their stamp, are left out and counted; above this share of the"
        " rows the file is refused",
    )
    encoding: Annotated[str, AfterValidator(_known_encoding)] | None = Field(
        None, description="of the text; recognised when not given"
    )
    skip_rows: int = Field(0, ge=0, description="lines above the header")
    skip_rows_after_header: int = Field(
        0, ge=0, description="lines below the header that hold no data, such as units"
    )
    last_line: Literal["ended", "complete"] = Field(
        "ended",
        description="ended: a last line of a text without a line end may be half written and is set aside; complete:"
        " files always end like this",
    )
    sheet: str | None = Field(None, description="sheet of an Excel file; the first when not given")
    table: str | None = Field(None, description="of an SQLite or DuckDB file; its only one when not given")
    keep: str | None = Field(
        None, description="SQL condition on the file's columns as texts; other rows are left out and counted"
    )

    @model_validator(mode="before")
    @classmethod
    def _points_of_thousands(cls, stated: Any) -> Any:
        """Where a point divides thousands, decimals have a comma."""
        if isinstance(stated, dict) and stated.get("thousands") == "." and "decimal_comma" not in stated:
            return stated | {"decimal_comma": True}
        return stated

    @model_validator(mode="after")
    def _fits_together(self) -> "Source":
        if self.delimiter != BLANKS and (
            len(self.delimiter) > 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n'
        ):
            raise ValueError(
                "delimiter must be one ASCII character other than a quote or a line end, or the word blanks"
            )
        if self.keep is not None:
            expression_columns(self.keep)
        if self.thousands and self.thousands in {"either": ".,", True: ",", False: "."}[self.decimal_comma]:
            raise ValueError(f"thousands: {self.thousands!r} is the decimal mark too; see decimal_comma")
        if self.header_text is not None and (self.skip_rows or not self.header_rows):
            raise ValueError("header_text finds the header: remove skip_rows, and header_rows: 0")
        if self.columns and self.header_rows:
            raise ValueError(
                "columns are for files without a header: state header_rows: 0 (skip_rows lines above)"
            )
        chained = sorted({*self.rename} & {*self.rename.values()})
        if chained:
            raise ValueError(
                f"rename leads to names that it renames: {', '.join(chained)}; name each column once"
            )
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns names one column twice")
        return self
