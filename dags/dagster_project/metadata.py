"""Names of the assets and what a run tells about each: pure functions from summaries to Dagster's values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl
from dagster._core.execution.context.metadata_logging import (
    AssetMetadataHandle,
    OutputMetadataAccumulator,
    OutputMetadataHandle,
)

from dagster_project.dbt_parts import TOLD, TOLD_BY_RUN
from dagster_project.dbt_specs import DAILY_FRESHNESS, DbtSpecs
from dagster_project.keys import (
    ALL_RAW_FILES,
    PUBLISHED,
    QUALITY,
    RAW_FILES,
    REPORT,
    SCORECARD,
    WAREHOUSE,
    loaded_key,
    mart_key,
    published_key,
    raw_files_key,
    table_key,
)
from loaders.load_log import LOAD_LOG
from loaders.values_set_aside import VALUES_SET_ASIDE
from renewable.contract import TABLES, RawTable, column_meaning, column_unit, polars_schema
from renewable.places import DBT_PROJECT
from renewable.raw_files import raw_file_name, raw_file_names
from renewable.settings import Settings
from renewable.transform.marts import mart_names
from renewable.windows import Window

if TYPE_CHECKING:
    from loaders.summary import LoadSummary
    from renewable.published.publish import PublishSummary
    from renewable.report.build import ReportSummary
    from renewable.scorecard.score import Scorecard
    from renewable.transform.table_facts import Lineage, TableFacts

SCORED_DAYS = 90
COLUMNS = "dagster/column_schema"
# Dagster plots it over the partitions of an asset.
PARTITION_ROWS = "dagster/partition_row_count"

Metadata = Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """What a step made of one asset: facts about the run, and facts about each day (a partition) of it."""

    key: dg.AssetKey
    of_run: Metadata
    of_day: Mapping[date, Metadata] = field(default_factory=dict)


def told(context: dg.AssetExecutionContext, made: Iterable[Made]) -> Iterator[dg.MaterializeResult[Any]]:
    """The results of the assets that the run selected, each partition with facts of its own.

    What is not this step's asset is a part of them, which has no partitions: one event.
    """
    own = context.assets_def.node_keys_by_output_name.values()
    for asset in made:
        if asset.key not in own:
            tell_run(context, asset)
        elif asset.key in context.selected_asset_keys:
            tell_days(context, asset)
            yield dg.MaterializeResult(asset_key=asset.key, metadata=dict(asset.of_run))


def tell_days(context: dg.AssetExecutionContext, asset: Made) -> None:
    """Attach the facts of each day to its partition.

    All at once: `context.add_asset_metadata` copies what all assets told before at each call, minutes for a year.
    """
    step = context.get_step_execution_context()
    days: dict[OutputMetadataHandle | AssetMetadataHandle, Metadata] = {
        AssetMetadataHandle(asset_key=asset.key, partition_key=str(day)): dict(facts)
        for day, facts in asset.of_day.items()
    }
    step._metadata_accumulator = OutputMetadataAccumulator(
        per_output_metadata={**step._metadata_accumulator.per_output_metadata, **days}
    )


def tell_run(context: dg.AssetExecutionContext, part: Made) -> None:
    """Log the one event of an asset without partitions, with what the day at the end tells of all."""
    of_all = part.of_day[max(part.of_day)] if part.of_day else {}
    context.log_event(dg.AssetMaterialization(part.key, metadata={**part.of_run, **of_all}))


def raw_file_specs(settings: Settings) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            raw_files_key(table),
            group_name=RAW_FILES,
            kinds={"parquet", "polars"},
            description=f"Daily files {settings.raw_dir}/{table}/{table}_YYYY-MM-DD.parquet (input: {settings.input}).",
            metadata={COLUMNS: column_schema(table)},
        )
        for table in TABLES
    ]


def owned(settings: Settings, spec: dg.AssetSpec) -> dg.AssetSpec:
    """The asset with what all of a fleet have: the team that owns it, and tags to look for it by."""
    layer = spec.key.path[0]
    tags = {**spec.tags, "renewable/fleet": settings.data_dir.name, "renewable/layer": layer}
    return spec.replace_attributes(owners=[f"team:{settings.team}"], tags=tags)


def tables_of(selected: Iterable[dg.AssetKey]) -> list[RawTable]:
    """The raw tables whose files a run selected."""
    chosen = set(selected)
    return [table for table in TABLES if raw_files_key(table) in chosen]


def raw_files_made(settings: Settings, window: Window, sentence: str) -> Iterator[Made]:
    from loaders.gate import claimed_rows

    named = [(settings.raw_dir / name, raw_file_name(name)) for name in raw_file_names(settings.raw_dir)]
    for table in TABLES:
        of_day: dict[date, list[Path]] = {day: [] for day in window.days}
        for path, name in named:
            if name and name.table == table and name.day in of_day:
                of_day[name.day].append(path)
        yield Made(
            raw_files_key(table),
            {"window": str(window), "what_happened": sentence},
            {
                day: {
                    "files": len(paths),
                    "size_bytes": sum(path.stat().st_size for path in paths),
                    PARTITION_ROWS: sum(claimed_rows(path, settings.max_rows_per_file) for path in paths),
                }
                for day, paths in of_day.items()
            },
        )


def warehouse_specs() -> list[dg.AssetSpec]:
    beside = [
        dg.AssetSpec(
            loaded_key(name),
            deps=ALL_RAW_FILES,
            group_name=WAREHOUSE,
            kinds={"dlt", "duckdb"},
            description=description,
        )
        for name, description in {
            LOAD_LOG: "One row a raw file: fingerprint and what became of its rows.",
            VALUES_SET_ASIDE: "Values that the gate set aside, one row each, by which models judge their sensors.",
        }.items()
    ]
    tables = [
        dg.AssetSpec(
            loaded_key(table),
            deps=[raw_files_key(table)],
            group_name=WAREHOUSE,
            kinds={"dlt", "duckdb"},
            description=f"Accepted rows of the {table} files, keyed on (asset_id, timestamp).",
            metadata={COLUMNS: column_schema(table)},
        )
        for table in TABLES
    ]
    return [*tables, *beside]


def warehouse_made(summary: "LoadSummary", window: Window, log: pl.DataFrame) -> Iterator[Made]:
    """`log` is the load log after the load."""
    of_run: Metadata = {
        "window": str(window),
        "what_happened": summary.sentence,
        "duration_s": summary.duration_s,
        "files_seen": summary.files_seen,
        "files_loaded": summary.files_loaded,
        "files_refused": dict(summary.files_refused),
        "quarantined_by_rule": dict(summary.quarantined_by_rule),
    }
    counts = log.filter(pl.col("day").is_in(window.days))
    for table in TABLES:
        of_day = {day: _counts_of_files(counts.clear()) for day in window.days}
        for (day,), files in counts.filter(pl.col("table_name") == table).group_by("day"):
            of_day[_day(day)] = _counts_of_files(files)
        last = {"dagster/column_lineage": same_columns(polars_schema(table), raw_files_key(table))}
        of_day[window.days[-1]] |= last
        yield Made(loaded_key(table), of_run, of_day)
    files_by_day = {_day(day): files.height for (day,), files in counts.group_by("day")}
    yield Made(
        loaded_key(LOAD_LOG),
        of_run,
        {day: {PARTITION_ROWS: files_by_day.get(day, 0)} for day in window.days},
    )
    yield Made(
        loaded_key(VALUES_SET_ASIDE),
        {**of_run, "rows_of_window": int(counts["values_set_aside"].sum())},
    )


def tag_set_aside(context: dg.AssetExecutionContext, summary: "LoadSummary") -> None:
    """Let the run's tags say how much of its files the gate set aside."""
    counts = {
        "files": len(summary.files_refused),
        "rows": summary.rows_quarantined,
        "values": summary.values_set_aside,
    }
    tags = {f"renewable/{what}_set_aside": str(count) for what, count in counts.items() if count}
    if tags:
        context.instance.add_run_tags(context.run.run_id, tags)


def tag_refused_deliveries(context: dg.AssetExecutionContext, settings: Settings) -> None:
    """Let the run's tags say how many delivered files the importer could not take."""
    from renewable.importers.ledger import read_books, store_of

    refused = read_books(store_of(settings.raw_dir)).refused if settings.input == "mapping" else ()
    if refused:
        context.instance.add_run_tags(
            context.run.run_id, {"renewable/deliveries_set_aside": str(len(refused))}
        )


def last_loaded_days(log: pl.DataFrame, days: int) -> Window | None:
    """The last `days` UTC days up to the last one that has rows; None before there is any."""
    last = log.filter(pl.col("rows_loaded") > 0)["day"].max()
    return None if last is None else Window.of_day(_day(last)).reaching_back(days)


def _counts_of_files(files: pl.DataFrame) -> dict[str, Any]:
    return {
        PARTITION_ROWS: int(files["rows_loaded"].sum()),
        "files": files.height,
        "files_refused": files["refusal"].count(),
        "rows_in": int(files["rows_in"].sum()),
        "rows_collapsed": int(files["rows_collapsed"].sum()),
        "rows_quarantined": int(files["rows_quarantined"].sum()),
        "values_set_aside": int(files["values_set_aside"].sum()),
    }


def part_made(key: dg.AssetKey, facts: "TableFacts", window: Window) -> Made:
    """A part of what dbt built, told as a whole."""
    rows = {} if facts.rows_by_day is None else {"rows_of_window": sum(facts.rows_by_day.values())}
    return Made(key, {"window": str(window), **rows, **_whole_table(facts)})


def model_made(key: dg.AssetKey, facts: "TableFacts", window: Window) -> Made:
    """A table that dbt built; the day at the end of the window also tells the whole table."""
    last = window.days[-1]
    of_day: dict[date, Metadata] = {}
    if facts.rows_by_day is not None:
        of_day = {day: {PARTITION_ROWS: facts.rows_by_day.get(day, 0)} for day in window.days}
    return Made(key, {}, of_day | {last: {**of_day.get(last, {}), **_whole_table(facts)}})


def _whole_table(facts: "TableFacts") -> Metadata:
    rows = {} if facts.rows is None else {"dagster/row_count": facts.rows}
    return {**rows, "dagster/column_lineage": lineage(facts.lineage)}


def published_specs(models: DbtSpecs) -> tuple[list[dg.AssetSpec], list[dg.AssetSpec]]:
    """The published tables, and those of them that tell the run and not its days, as their models do."""
    tables = {spec.key.path[-1]: spec for spec in (*models.assets, *models.parts)}
    specs = [
        dg.AssetSpec(
            published_key(mart),
            deps=[mart_key(mart)],
            group_name=PUBLISHED,
            kinds={"parquet"},
            description=f"{tables[mart].description}\n\nHere as Parquet files for readers, replaced at once.",
            metadata={
                key: tables[mart].metadata[key] for key in (TOLD, COLUMNS) if key in tables[mart].metadata
            },
            freshness_policy=DAILY_FRESHNESS,
        )
        for mart in mart_names(DBT_PROJECT)
    ]
    parts = [spec for spec in specs if spec.metadata[TOLD] == TOLD_BY_RUN]
    return [spec for spec in specs if spec not in parts], parts


def published_made(summary: "PublishSummary", window: Window, pictures: Mapping[str, str]) -> Iterator[Made]:
    """`pictures` holds Markdown for some marts."""
    last = window.days[-1]
    for mart, rows in summary.rows.items():
        path = summary.directory / f"{mart}.parquet"
        whole: dict[str, Any] = {"dagster/row_count": rows, "path": dg.MetadataValue.path(str(path))}
        if mart in pictures:
            whole["picture"] = dg.MetadataValue.md(pictures[mart])
        columns = pl.read_parquet_schema(path)
        whole["dagster/column_lineage"] = same_columns(columns, mart_key(mart))
        of_day = _rows_of_days(path, columns, window)
        yield Made(
            published_key(mart),
            {"window": str(window)},
            of_day | {last: whole | of_day.get(last, {})},
        )


def _rows_of_days(path: Path, columns: Iterable[str], window: Window) -> dict[date, dict[str, Any]]:
    if "date_local" not in set(columns):
        return {}
    day = pl.col("date_local")
    rows = pl.scan_parquet(path).filter(day.is_in(window.days)).group_by(day).len().collect()
    counts = dict(rows.iter_rows())
    return {day: {PARTITION_ROWS: counts.get(day, 0)} for day in window.days}


def scorecard_specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            SCORECARD,
            deps=[mart_key(mart) for mart in ("mart_events", "mart_losses_daily")],
            group_name=QUALITY,
            kinds={"duckdb"},
            description=f"Detections of the last {SCORED_DAYS} days against the simulator's answer key.",
        )
    ]


def scorecard_made(card: "Scorecard | None") -> Made:
    key = SCORECARD
    if card is None:
        return Made(
            key,
            {"what_happened": "nothing to compare: no answer key for these days, or none of them is built"},
        )
    from renewable.operations.findings import markdown_table

    rows = [(s.kind, _ratio(s.precision), _ratio(s.recall), _ratio(s.energy_error)) for s in card.kinds]
    columns = ["kind", "precision", "recall", "error of lost energy"]
    table = markdown_table(pl.DataFrame(rows, schema=columns, orient="row"))
    return Made(
        key,
        {
            "days": f"{card.first_day} to {card.last_day}",
            "goals_missed": [f"{goal.kind} {goal.measure}" for goal in card.goals if goal.met is False],
            "kinds": dg.MetadataValue.md(table),
        },
    )


def report_specs(settings: Settings) -> list[dg.AssetSpec]:
    read = [published_key(mart) for mart in mart_names(DBT_PROJECT)]
    return [
        dg.AssetSpec(
            REPORT,
            deps=[*read, *([SCORECARD] if settings.input == "simulator" else [])],
            group_name=PUBLISHED,
            kinds={"html", "altair"},
            description=f"The fleet report, pages that open offline: {settings.data_dir}/report/index.html.",
        )
    ]


def report_made(summary: "ReportSummary") -> Made:
    return Made(
        REPORT,
        {
            "index": dg.MetadataValue.url(summary.index.as_uri()),
            "path": dg.MetadataValue.path(str(summary.index)),
            "pages": summary.pages,
            "size_bytes": summary.bytes_of_pages,
        },
    )


def column_schema(table: RawTable) -> dg.TableSchema:
    """The contract's columns with their units."""
    return dg.TableSchema(
        [
            dg.TableColumn(name, str(kind), description=_meaning(table, name))
            for name, kind in polars_schema(table).items()
        ]
    )


def _meaning(table: RawTable, column: str) -> str:
    unit = column_unit(table, column)
    return f"{column_meaning(table, column)} ({unit})" if unit else column_meaning(table, column)


def same_columns(columns: Iterable[str], upstream: dg.AssetKey) -> dg.TableColumnLineage:
    """Each column comes from the one of its name."""
    return dg.TableColumnLineage(
        {name: [dg.TableColumnDep(asset_key=upstream, column_name=name)] for name in columns}
    )


def lineage(found: "Lineage") -> dg.TableColumnLineage:
    """Columns of tables as columns of assets, which are named as the tables are."""
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=table_key(schema, table), column_name=name)
                for schema, table, name in deps
            ]
            for column, deps in found.items()
        }
    )


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is no day")
    return value


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
