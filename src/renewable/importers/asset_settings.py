"""The settings under `asset`: which assets the rows of a source are about."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from renewable.importers.settings import Part, expression_columns, naming_pattern

# Stands for the asset in the columns of a wide export.
PLACE = "{asset}"
# Stands in `source.keep` for what the closest row above says.
ABOVE = "{above}"


class Asset(Part):
    """Which assets a row is about.

    `column`, or several `columns` joined by blanks: named in the row. `file_name`, `line`: named once for a file.
    `constant`: one for the whole source. `every`: the row holds for each of these assets, as of a weather station.
    `wide`: one set of columns an asset; in the channels `{asset}` stands for a key of it.
    Of a text that names the asset `pattern` takes the part that does, and `rename` says what the asset is called here.
    Where several names lead to one asset_id, `combine` says how their rows become one: the sum or mean of all
    `expected` (default: the names that lead there), and nothing while one of them is missing.
    """

    column: str | None = Field(None, description="column that names the asset of each row")
    columns: tuple[str, ...] = Field(
        (), description="instead of column: several, whose cells joined by blanks name the asset"
    )
    file_name: Annotated[str, AfterValidator(naming_pattern)] | None = Field(
        None, description="pattern with a named group, (?P<asset>…), of the file's name"
    )
    line: Annotated[str, AfterValidator(naming_pattern)] | None = Field(
        None, description="pattern with a named group, (?P<asset>…), of a line above the data"
    )
    above: str | None = Field(
        None,
        description="of column or columns: SQL condition on the cells as texts; the closest row above for which it"
        " holds names the asset, as where a record of a meter precedes those of its readings; {above} in source.keep"
        " is its text",
    )
    pattern: Annotated[str, AfterValidator(naming_pattern)] | None = Field(
        None,
        description="of column or columns: pattern with a named group, (?P<asset>…), that takes the asset out of"
        " the text",
    )
    rename: dict[str, str] | str = Field(
        {},
        description="name in the source -> asset_id; others stay as they are. Or a text in which {asset} stands for"
        " what the pattern found: WTG-{asset}",
    )
    constant: str | None = Field(None, description="one asset for the whole source")
    every: tuple[str, ...] = Field((), description="each row holds for all of these assets")
    wide: dict[str, str] = Field({}, description="what {asset} stands for -> asset_id")
    combine: Literal["sum", "mean"] | None = Field(None, description="of power; other channels are averaged")
    expected: int | None = Field(
        None, ge=1, description="how many source rows of an asset and time make it whole"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "Asset":
        texts = (self.column, self.constant, self.file_name, self.line)
        lists = (self.columns, self.every, self.wide)
        if sum((*(text is not None for text in texts), *map(bool, lists))) != 1:
            raise ValueError("give one of column, columns, constant, every, wide, file_name, line")
        named = self.column or self.columns or self.file_name or self.line
        if self.rename and named is None:
            raise ValueError("rename needs column, columns, file_name or line")
        if self.pattern is not None and not self.naming_columns:
            raise ValueError("pattern needs column; file_name and line are patterns themselves")
        if self.above is not None:
            if not self.naming_columns:
                raise ValueError("above needs column: where in the row above does the asset stand?")
            expression_columns(self.above)
        if isinstance(self.rename, str) and PLACE not in self.rename:
            raise ValueError(
                f"rename: {self.rename!r} gives all assets one name; write {PLACE} in it, or constant"
            )
        if self.expected is not None and self.combine is None:
            raise ValueError("expected needs combine")
        if self.combine and named is not None and not self.renamed and self.expected is None:
            raise ValueError("combine needs rename, or expected: how many rows make an asset whole?")
        return self

    @property
    def naming_columns(self) -> list[str]:
        """The columns whose cells name the asset, in this row or in one above."""
        return [*self.columns] if self.column is None else [self.column]

    @property
    def source_columns(self) -> list[str]:
        """The columns of the file that say which asset it is."""
        return [
            *self.naming_columns,
            *([] if self.above is None else expression_columns(self.above)),
        ]

    @property
    def renamed(self) -> dict[str, str]:
        """Name in the source -> asset_id, where they are listed."""
        return self.rename if isinstance(self.rename, dict) else {}

    def called(self, name: str) -> str:
        """The asset_id of a name in the source."""
        return (
            self.rename.replace(PLACE, name) if isinstance(self.rename, str) else self.rename.get(name, name)
        )

    def expected_names(self) -> dict[str, int]:
        """asset_id -> how many source rows make it whole."""
        targets = [*self.renamed.values(), *self.wide.values(), *self.every]
        return {target: self.expected or targets.count(target) for target in targets}
