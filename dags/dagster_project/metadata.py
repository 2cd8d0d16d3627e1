"""Names of the assets and what a run tells about each: pure functions from summaries to Dagster's values."""

from collections.abc import Collection, Iterator
from typing import Any

import dagster as dg

from analysis.publish import MARTS_SCHEMA, PublishSummary
from loaders.dlt_pipeline import LoadSummary
from loaders.load_log import DATASET, LOAD_LOG
from renewable.contract import TABLES, RawTable
from renewable.raw_files import raw_file_name, raw_file_names
from renewable.settings import Settings
from renewable.windows import Window
from transform.dbt_project import PROJECT_DIR

RAW_FILES = "raw_files"
PUBLISHED = "published"

Results = Iterator[dg.MaterializeResult[Any]]


def only(selected: Collection[dg.AssetKey], results: Results) -> Results:
    """The results of the assets that a run selected; the step itself does all of its work."""
    return (result for result in results if result.asset_key in selected)


def tables_of(selected: Collection[dg.AssetKey]) -> list[RawTable]:
    """The raw tables whose files a run selected."""
    return [table for table in TABLES if dg.AssetKey([RAW_FILES, table]) in selected]


def raw_file_specs(settings: Settings) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            [RAW_FILES, table],
            group_name=RAW_FILES,
            kinds={"parquet", "polars"},
            description=f"Daily files {settings.raw_dir}/{table}/{table}_YYYY-MM-DD.parquet (input: {settings.input}).",
        )
        for table in TABLES
    ]


def raw_file_results(settings: Settings, window: Window, sentence: str) -> Results:
    names = [(settings.raw_dir / name, raw_file_name(name)) for name in raw_file_names(settings.raw_dir)]
    for table in TABLES:
        paths = [path for path, name in names if name and name.table == table and name.day in window]
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey([RAW_FILES, table]),
            metadata={
                "files": len(paths),
                "size_bytes": sum(path.stat().st_size for path in paths),
                "what_happened": sentence,
            },
        )


def warehouse_specs() -> list[dg.AssetSpec]:
    files = [dg.AssetKey([RAW_FILES, table]) for table in TABLES]
    return [
        dg.AssetSpec(
            [DATASET, table],
            deps=files if table == LOAD_LOG else [dg.AssetKey([RAW_FILES, table])],
            group_name="warehouse",
            kinds={"dlt", "duckdb"},
            description="One row a raw file: fingerprint and what became of its rows."
            if table == LOAD_LOG
            else f"Accepted rows of the {table} files, keyed on (asset_id, timestamp).",
        )
        for table in [*TABLES, LOAD_LOG]
    ]


def warehouse_results(summary: LoadSummary) -> Results:
    counts: dict[str, Any] = {
        "files_loaded": summary.files_loaded,
        "files_seen": summary.files_seen,
        "rows_collapsed": summary.rows_collapsed,
        "rows_quarantined": summary.rows_quarantined,
        "values_set_aside": summary.values_set_aside,
        "quarantined_by_rule": dict(summary.quarantined_by_rule),
        "files_refused": dict(summary.files_refused),
        "duration_s": summary.duration_s,
        "what_happened": summary.sentence,
    }
    for table in [*TABLES, LOAD_LOG]:
        rows = summary.files_loaded if table == LOAD_LOG else summary.rows_by_table.get(table, 0)
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey([DATASET, table]), metadata={"rows_loaded": rows, **counts}
        )


def mart_names() -> list[str]:
    return sorted(path.stem for path in (PROJECT_DIR / "models" / "marts").glob("*.sql"))


def published_specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            [PUBLISHED, mart],
            deps=[dg.AssetKey([MARTS_SCHEMA, mart])],
            group_name=PUBLISHED,
            kinds={"parquet"},
            description=f"{mart} as a Parquet file for readers, replaced atomically.",
        )
        for mart in mart_names()
    ]


def published_results(summary: PublishSummary) -> Results:
    for mart, rows in summary.rows.items():
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey([PUBLISHED, mart]),
            metadata={
                "dagster/row_count": rows,
                "path": dg.MetadataValue.path(str(summary.directory / f"{mart}.parquet")),
            },
        )
