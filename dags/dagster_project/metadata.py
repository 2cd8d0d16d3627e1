"""Names of the assets and what a run tells about each: pure functions from summaries to Dagster's values."""

from collections.abc import Collection, Iterator
from typing import Any

import dagster as dg

from analysis.publish import MARTS_SCHEMA, PublishSummary
from analysis.scorecard import Scorecard
from loaders.dlt_pipeline import LoadSummary
from loaders.load_log import DATASET, LOAD_LOG
from renewable.contract import TABLES, RawTable
from renewable.raw_files import raw_file_name, raw_file_names
from renewable.settings import Settings
from renewable.windows import Window
from transform.dbt_project import PROJECT_DIR

RAW_FILES = "raw_files"
PUBLISHED = "published"
SCORED_DAYS = 90

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


def scorecard_specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            [PUBLISHED, "scorecard"],
            deps=[dg.AssetKey([MARTS_SCHEMA, mart]) for mart in ("mart_events", "mart_losses_daily")],
            group_name=PUBLISHED,
            kinds={"duckdb"},
            description=f"Detections of the last {SCORED_DAYS} days against the simulator's answer key.",
        )
    ]


def scorecard_result(card: Scorecard | None) -> dg.MaterializeResult[Any]:
    key = dg.AssetKey([PUBLISHED, "scorecard"])
    if card is None:
        return dg.MaterializeResult(asset_key=key, metadata={"what_happened": "no answer key for these days"})
    rows = "\n".join(
        f"| {s.kind} | {_ratio(s.precision)} | {_ratio(s.recall)} | {_ratio(s.energy_error)} |"
        for s in card.kinds
    )
    table = f"| kind | precision | recall | error of lost energy |\n|---|---|---|---|\n{rows}"
    missed = [f"{goal.kind} {goal.measure}" for goal in card.goals if goal.met is False]
    return dg.MaterializeResult(
        asset_key=key,
        metadata={
            "days": f"{card.first_day} to {card.last_day}",
            "goals_missed": missed,
            "kinds": dg.MetadataValue.md(table),
        },
    )


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
