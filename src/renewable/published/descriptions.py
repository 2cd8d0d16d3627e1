"""What the published tables and their columns mean, for files and databases that carry it along."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from renewable.transform.marts import mart_properties

BUILD_ID = "build_id"
_BUILD_ID_TEXT = "Build of the models that the published table is of; the same in all tables of a set."
# The unit that a column's name ends with; the longest end counts.
_UNITS = {
    "_kwh": "kWh",
    "_kw": "kW",
    "_kwh_per_kw": "kWh/kW",
    "_kwh_m2": "kWh/m²",
    "_wm2": "W/m²",
    "_ms": "m/s",
    "_hours": "h",
    "_ratio": "1",
    "_ratio_stc": "1",
    "_factor": "1",
    "_index": "1",
    "_utc": "UTC",
}


@dataclass(frozen=True)
class ColumnText:
    """What a column holds, and its unit; `1` for shares, empty for names and counts."""

    description: str
    unit: str

    @property
    def sentence(self) -> str:
        """Both as one text, for where there is room for one."""
        is_said = not self.unit or f" {self.unit}" in self.description
        return self.description if is_said else f"{self.description} Unit: {self.unit}."


@dataclass(frozen=True)
class TableText:
    """What a published table holds, by column too."""

    description: str
    columns: Mapping[str, ColumnText]


def unit_of(column: str) -> str:
    """The unit that a column's name states; empty where it states none."""
    ends = [end for end in _UNITS if column.endswith(end)]
    return _UNITS[max(ends, key=len)] if ends else ""


def table_texts(project_dir: Path) -> Mapping[str, TableText]:
    """The published tables by name, as the dbt project describes its marts."""
    return {
        model["name"]: TableText(
            _one_line(model["description"]),
            {
                **{
                    column["name"]: ColumnText(_one_line(column["description"]), unit_of(column["name"]))
                    for column in model["columns"]
                },
                BUILD_ID: ColumnText(_BUILD_ID_TEXT, ""),
            },
        )
        for model in mart_properties(project_dir)
    }


def parquet_metadata(table: TableText, schema: pa.Schema) -> dict[str, str]:
    """Key-value metadata of a Parquet file: the table's description, and `schema` with those of its columns.

    Parquet has no place for what a column means. Arrow keeps its schema under the key ARROW:schema, with metadata by
    field (here `description` and `unit`); pyarrow reads it from there.
    """
    fields = [
        # Of a query without rows DuckDB says that no column has nulls.
        field.with_nullable(True).with_metadata(
            {"description": text.description, "unit": text.unit}
            if (text := table.columns.get(field.name))
            else {}
        )
        for field in schema
    ]
    about = {"description": table.description}
    serialized = pa.schema(fields, metadata=about).serialize().to_pybytes()
    return {**about, "ARROW:schema": base64.b64encode(serialized).decode()}


def _one_line(text: str) -> str:
    return " ".join(text.split())
