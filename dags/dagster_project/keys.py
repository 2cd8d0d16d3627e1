"""Names of the assets: the first part of a key is its group and says the layer, the last part stands for one thing."""

import dagster as dg

from loaders.load_log import DATASET
from renewable.contract import TABLES, RawTable
from renewable.transform.marts import MARTS_SCHEMA

RAW_FILES, WAREHOUSE, STAGING, PUBLISHED, QUALITY = (
    "raw_files",
    "warehouse",
    "staging",
    "published",
    "quality",
)
# Schemas of the warehouse that are no layer of their own.
_LAYER_OF_SCHEMA = {DATASET: WAREHOUSE, "seeds": STAGING, "vocabulary": STAGING}


def raw_files_key(table: RawTable) -> dg.AssetKey:
    """The daily files of a raw table."""
    return dg.AssetKey([RAW_FILES, f"{table}_files"])


def table_key(schema: str, name: str) -> dg.AssetKey:
    """A table or view of the warehouse."""
    return dg.AssetKey([layer_of(schema), name])


def layer_of(schema: str) -> str:
    """The group of the tables of a schema."""
    return _LAYER_OF_SCHEMA.get(schema, schema)


def loaded_key(name: str) -> dg.AssetKey:
    """A table that dlt loads."""
    return table_key(DATASET, name)


def mart_key(mart: str) -> dg.AssetKey:
    """A mart in the warehouse."""
    return table_key(MARTS_SCHEMA, mart)


def published_key(mart: str) -> dg.AssetKey:
    """The Parquet files of a mart."""
    return dg.AssetKey([PUBLISHED, f"{mart.removeprefix('mart_')}_files"])


ALL_RAW_FILES = [raw_files_key(table) for table in TABLES]
SCORECARD = dg.AssetKey([QUALITY, "scorecard"])
REPORT = dg.AssetKey([PUBLISHED, "report"])
