"""The jobs, and the daily schedule with the days that it has to make up for."""

from collections.abc import Collection
from datetime import UTC, date, timedelta
from typing import Any

import dagster as dg

from dagster_project.metadata import PUBLISHED, RAW_FILES
from dagster_project.runs import FLEET_TAG, busy_days, window_tags
from renewable.settings import Settings
from renewable.windows import ONE_DAY, Window

# A day counts as done when the end of the chain was made for it.
LAST_ASSET = dg.AssetKey([PUBLISHED, "mart_asset_daily"])


def jobs(settings: Settings) -> tuple[Any, Any]:
    """The daily job over everything, and the one that loads files which are there already."""
    everything, fleet = dg.AssetSelection.all(), settings.data_dir.name
    daily = dg.define_asset_job(
        "daily",
        everything,
        description=f"Fleet `{fleet}`: raw files to published marts and the report.",
        tags={FLEET_TAG: fleet},
    )
    load_files = dg.define_asset_job(
        "load_files",
        everything - dg.AssetSelection.groups(RAW_FILES),
        description=f"Fleet `{fleet}`: from the raw files that are there to published marts and the report.",
        # The sensor tries again by itself, by what is pending then.
        tags={FLEET_TAG: fleet, "dagster/max_retries": "0"},
    )
    return daily, load_files


def daily_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """Runs `job` once a day for yesterday (UTC) and the days missed before it, by default stopped."""

    @dg.schedule(
        name="daily_schedule",
        job=job,
        cron_schedule=f"{settings.daily_at.minute} {settings.daily_at.hour} * * *",
        execution_timezone="UTC",
        description=f"Yesterday (UTC), and days missed before it, up to {settings.catch_up_days} days back; one run.",
    )
    def daily_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        yesterday = context.scheduled_execution_time.astimezone(UTC).date() - ONE_DAY
        window = days_to_run(yesterday, done_days(context.instance), busy_days(context.instance), settings)
        context.log.info(f"a run over {window}")
        return dg.RunRequest(run_key=f"daily-{yesterday}", tags=window_tags(window))

    return daily_schedule


def days_to_run(
    yesterday: date, done: Collection[date], busy: Collection[date], settings: Settings
) -> Window:
    """`yesterday`, reaching back to the first day missed since the pipeline has run at all.

    Days are looked for within `settings.catch_up_days`; days that a run is working on are not missed. Days between a
    missed one and yesterday are run again, which changes nothing.
    """
    begun = min(done, default=yesterday)
    earliest = max(begun, settings.first_day, yesterday - timedelta(days=settings.catch_up_days - 1))
    looked_at = Window(min(earliest, yesterday), yesterday + ONE_DAY).days
    missed = [day for day in looked_at if day not in done and day not in busy]
    return Window(min(missed, default=yesterday), yesterday + ONE_DAY)


def done_days(instance: dg.DagsterInstance) -> set[date]:
    """UTC days for which the last asset of the chain was made."""
    return {date.fromisoformat(key) for key in instance.get_materialized_partitions(LAST_ASSET)}
