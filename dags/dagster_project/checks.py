"""Asset checks beside dbt's tests: they look at files that are published, and warn without stopping a run."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from dagster_project.keys import SCORECARD, loaded_key, published_key, raw_files_key
from dagster_project.runs import window_of_tags
from loaders.load_log import LOAD_LOG
from renewable.contract import TABLES, RawTable
from renewable.settings import Settings

if TYPE_CHECKING:
    from renewable.operations.findings import Finding

ROWS_CHECK = "every_day_has_rows"
ASSET_DAILY = published_key("mart_asset_daily")


def asset_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Quarantine, coverage, days without rows; the scorecard's floor of simulated data, deliveries of a mapping."""
    checks = [_quarantine(settings), _coverage(settings), *(_rows(settings, table) for table in TABLES)]
    if settings.input == "simulator":
        return [*checks, _scorecard_floor(settings)]
    return [*checks, _deliveries(settings)] if settings.input == "mapping" else checks


def _quarantine(settings: Settings) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=loaded_key(LOAD_LOG),
        description="Rows, values and files that the gate set aside; how to see them and to load them after all.",
    )
    def quarantine() -> dg.AssetCheckResult:
        from renewable.operations.findings import quarantine_finding

        return warned(quarantine_finding(settings))

    return quarantine


def _rows(settings: Settings, table: RawTable) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=loaded_key(table), name=ROWS_CHECK, description=f"Each day of the run has rows of {table}."
    )
    def every_day_has_rows(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        from loaders.load_log import read_load_log
        from renewable.operations.findings import rows_finding

        window, today = window_of_tags(context.run.tags), datetime.now(UTC).date()
        return warned(rows_finding(read_load_log(settings), table, window, today))

    return every_day_has_rows


def _deliveries(settings: Settings) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=raw_files_key("generation"),
        description="Delivered files that could not be imported, and why.",
    )
    def deliveries() -> dg.AssetCheckResult:
        from renewable.operations.findings import deliveries_finding

        return warned(deliveries_finding(settings))

    return deliveries


def _coverage(settings: Settings) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=ASSET_DAILY,
        description=f"Each asset delivered {settings.min_coverage_ratio:.0%} of its data in the last week.",
    )
    def coverage() -> dg.AssetCheckResult:
        from renewable.operations.findings import coverage_finding
        from renewable.published.publish import read_published

        return warned(
            coverage_finding(read_published(settings, "mart_asset_daily"), settings.min_coverage_ratio)
        )

    return coverage


def _scorecard_floor(settings: Settings) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=SCORECARD,
        description="Detections have not fallen far below their goals on simulated data.",
    )
    def scorecard_floor() -> dg.AssetCheckResult:
        from renewable.operations.findings import scorecard_finding

        return warned(scorecard_finding(settings))

    return scorecard_floor


def warned(finding: "Finding") -> dg.AssetCheckResult:
    """A finding as a check that warns."""
    sample = {"sample": dg.MetadataValue.md(finding.sample)} if finding.sample else {}
    return dg.AssetCheckResult(
        passed=finding.is_well,
        severity=dg.AssetCheckSeverity.WARN,
        description=finding.sentence,
        metadata={**finding.figures, **sample},
    )
