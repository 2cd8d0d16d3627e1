"""The one place where Dagster's definitions are put together; tests call the factory with settings of their own."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import dagster as dg

from dagster_project.alerts import alert_sensor
from dagster_project.assets import asset_definitions
from dagster_project.build_sensor import build_sensor
from dagster_project.checks import asset_checks
from dagster_project.executor import patient_executor
from dagster_project.file_sensor import raw_file_sensor
from dagster_project.partitions import daily_partitions, first_partition
from dagster_project.schedule import daily_schedule, jobs
from renewable.settings import Settings, load_settings


def build_definitions(
    settings: Settings,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
    *,
    begins_at_most: date | None = None,
) -> dg.Definitions:
    """Assets, checks, jobs, schedule and sensors bound to `settings`; `loggers` replace Dagster's own.

    The partitions begin as `first_partition` says.
    """
    begins = first_partition(settings, datetime.now(UTC).date(), begins_at_most)
    partitions = daily_partitions(begins)
    daily, load_files = jobs(settings)
    return dg.Definitions(
        assets=asset_definitions(settings, partitions),
        asset_checks=asset_checks(settings),
        jobs=[daily, load_files],
        schedules=[daily_schedule(settings, daily)],
        sensors=[
            raw_file_sensor(settings, load_files, daily, begins),
            build_sensor(settings),
            alert_sensor(settings),
        ],
        # The default executor starts a process a step, and each imports everything again.
        executor=patient_executor,
        loggers=loggers,
    )


@dg.definitions
def defs() -> dg.Definitions:
    return build_definitions(load_settings())
