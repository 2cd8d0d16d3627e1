"""The jobs, and the daily schedule with the days that it has to make up for."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

import dagster as dg

from dagster_project.keys import RAW_FILES, published_key
from dagster_project.partitions import earliest_day
from dagster_project.runs import FLEET_TAG, busy_days, tell_why_a_step_failed, window_tags
from renewable.settings import Settings
from renewable.windows import ONE_DAY, Window, few_windows

# A day counts as imported when the end of the chain was made for it.
LAST_ASSET = published_key("mart_asset_daily")
# Runs that a night may have for late files of days before those in reach.
OLDER_RUNS = 4
# The jobs.
DAILY, LOAD_FILES = "daily", "load_files"


def jobs(settings: Settings) -> tuple[Any, Any]:
    """The daily job over everything, and the one that loads files which are there already."""
    # Tests of the parts of models are chosen by name: parts are not run, so that no asset brings them along.
    everything = dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks()
    fleet = settings.data_dir.name
    daily = dg.define_asset_job(
        DAILY,
        everything,
        description=f"Fleet `{fleet}`: raw files to published marts and the report.",
        tags={FLEET_TAG: fleet},
        hooks={tell_why_a_step_failed},
    )
    load_files = dg.define_asset_job(
        LOAD_FILES,
        everything - dg.AssetSelection.groups(RAW_FILES),
        description=f"Fleet `{fleet}`: from the raw files that are there to published marts and the report.",
        # The sensor tries again by itself, by what is pending then.
        tags={FLEET_TAG: fleet, "dagster/max_retries": "0"},
        hooks={tell_why_a_step_failed},
    )
    return daily, load_files


def daily_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """Runs `job` once a day for yesterday (UTC) and all that is pending before it, by default stopped."""

    @dg.schedule(
        name="daily_schedule",
        job=job,
        cron_schedule=f"{settings.daily_at.minute} {settings.daily_at.hour} * * *",
        execution_timezone="UTC",
        description=(
            f"Yesterday (UTC), and what is pending up to {settings.catch_up_days} days back, in one run; older pending"
            f" days in at most {OLDER_RUNS} more."
        ),
    )
    def daily_schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        yesterday = context.scheduled_execution_time.astimezone(UTC).date() - ONE_DAY
        night = look_at_night(yesterday, context.instance, settings)
        context.log.info(night.sentence)
        graph = context.repository_def.asset_graph
        loading = [key for key in graph.materializable_asset_keys if key.path[0] != RAW_FILES]
        return [
            dg.RunRequest(run_key=f"daily-{yesterday}", tags=window_tags(night.window)),
            *(
                # Nothing is simulated or imported for old days: only what is there is loaded.
                dg.RunRequest(
                    run_key=f"daily-{yesterday}-{older.start}",
                    tags=window_tags(older),
                    asset_selection=loading,
                    # With the tests of parts, which are no assets that a run selects.
                    asset_check_keys=sorted(graph.asset_check_keys, key=str),
                )
                for older in night.older
            ),
        ]

    return daily_schedule


@dataclass(frozen=True)
class Night:
    """What one night's runs work on: `window` ends with yesterday, `older` lie before the days in reach."""

    window: Window
    older: tuple[Window, ...] = ()
    left_out: tuple[date, ...] = ()

    @property
    def sentence(self) -> str:
        older = f", and for late files over {', '.join(map(str, self.older))}" if self.older else ""
        left_out = f"; {len(self.left_out)} pending day(s) wait" if self.left_out else ""
        return f"a run over {self.window}{older}{left_out}"


def look_at_night(yesterday: date, instance: dg.DagsterInstance, settings: Settings) -> Night:
    """What is to run for `yesterday`, by the raw directory, the load log and the builds."""
    from renewable.operations.pending_work import days_without_files, find_work

    pending = set(find_work(settings, time.time()).states)
    if settings.input != "files":
        missing = days_without_files(settings, in_reach(yesterday, settings))
        # An export may have nothing of a day. Only a run over that day can tell.
        pending |= missing if settings.input == "simulator" else missing - done_days(instance)
    return days_to_run(yesterday, pending, busy_days(instance), settings)


def days_to_run(
    yesterday: date, pending: Collection[date], busy: Collection[date], settings: Settings
) -> Night:
    """`yesterday`, reaching back to the first pending day within `settings.catch_up_days`; older ones in a few windows.

    Days that a run is working on are not pending. Days between a pending one and yesterday are run again, which changes
    nothing. Pending days that are no partition, or do not fit into OLDER_RUNS windows, are left out.
    """
    free = set(pending) - set(busy)
    reach = in_reach(yesterday, settings)
    begins = earliest_day(settings)
    near = [day for day in free if day in reach and day >= begins]
    far = [day for day in free if begins <= day < reach.start]
    older = few_windows(far, OLDER_RUNS, set(busy))[-OLDER_RUNS:]
    window = Window(min(near, default=yesterday), yesterday + ONE_DAY)
    run = [window, *older]
    left_out = sorted(day for day in free if not any(day in one for one in run))
    return Night(window, tuple(older), tuple(left_out))


def in_reach(yesterday: date, settings: Settings) -> Window:
    """The days that the run for `yesterday` may take along."""
    return Window.of_day(yesterday).reaching_back(settings.catch_up_days)


def done_days(instance: dg.DagsterInstance) -> set[date]:
    """UTC days for which the last asset of the chain was made."""
    return {date.fromisoformat(key) for key in instance.get_materialized_partitions(LAST_ASSET)}
