"""Tells the pages what `renewable run` built without Dagster: events of days, by the books, and no invented run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from dagster_project.keys import SCORECARD
from dagster_project.runs import BUILD_TAG
from renewable.settings import Settings

if TYPE_CHECKING:
    from renewable.transform.books import Books

BUILDS = "builds_elsewhere"
_LOOK_EVERY_S = 30
# An event takes some milliseconds, and each day has one of each asset.
_DAYS_AT_ONCE = 60


@dataclass(frozen=True, order=True)
class BuiltElsewhere:
    """A day, the build that made it, and the process that ran it."""

    build_id: str
    day: date
    process: str = ""

    @property
    def cursor(self) -> str:
        return f"{self.build_id}/{self.day}"


def build_sensor(settings: Settings) -> dg.SensorDefinition:
    """Looks at the books of finished and published builds."""

    @dg.sensor(
        name=BUILDS,
        minimum_interval_seconds=_LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Shows days that `renewable run` or `renewable transform` built without a run of Dagster.",
    )
    def builds_elsewhere(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        from renewable.published.publish import published_build
        from renewable.transform.books import read_copies

        books = read_copies(settings)
        if books.last_finished is None or books.last_finished.build_id != published_build(settings):
            return dg.SkipReason("nothing is built, or the last build is not published yet")
        new = days_after(books, context.cursor or "")[:_DAYS_AT_ONCE]
        if not new:
            return dg.SkipReason("the pages know every build")
        mine = {build for build in {each.build_id for each in new} if _is_of_a_run(context.instance, build)}
        told = [each for each in new if each.build_id not in mine]
        graph = context.repository_def.asset_graph if context.repository_def else None
        keys = sorted(graph.materializable_asset_keys - {SCORECARD}, key=str) if graph else []
        return dg.SensorResult(asset_events=list(events(told, keys)), cursor=new[-1].cursor)

    return builds_elsewhere


def days_after(books: "Books", cursor: str) -> list[BuiltElsewhere]:
    """The built days that come after `cursor`, in the order of their builds."""
    found = [
        BuiltElsewhere(built.build_id, day, books.builds[built.build_id].process)
        for day, built in books.days.items()
        if built.build_id in books.builds
    ]
    return sorted(each for each in found if each.cursor > cursor)


def events(days: Sequence[BuiltElsewhere], keys: Sequence[dg.AssetKey]) -> Iterator[dg.AssetMaterialization]:
    """One event of each asset and day."""
    for each in days:
        for key in keys:
            yield dg.AssetMaterialization(
                key,
                partition=str(each.day),
                metadata={"build": each.build_id, "built_by": each.process},
                description="built without a run of Dagster",
            )


def _is_of_a_run(instance: dg.DagsterInstance, build_id: str) -> bool:
    return bool(instance.get_run_records(dg.RunsFilter(tags={BUILD_TAG: build_id}), limit=1))
