"""What is stale and why: pure functions over load log, books, registry and versions."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from renewable.data_calendar import DataCalendar, data_calendar, days_with_data
from renewable.fleet import facts_on, fleet_span, local_span
from renewable.reported import BAD_READINGS_FILE, EVENTS_FILE, Span, reported_by_day
from renewable.transform.books import BUILT_FILES_SCHEMA, Books, Registry, registry_version
from renewable.transform.models_version import engine_of
from renewable.windows import ONE_DAY, Window, contiguous_windows

Why = Literal["files", "calendar", "registry", "reported", "models", "half built", "failed test"]
# Where a day lay in the calendar when it was built (`BuiltDay.edge`): nowhere, as with files without a row; among other
# days; or at its end, and some of its intervals did not count, or all of them did.
OUTSIDE, INSIDE, CUT, WHOLE = "outside", "inside", "cut", "whole"


@dataclass(frozen=True)
class Stale:
    """UTC days of `window` that the tables do not show as they should; of one asset where `asset_id` is given."""

    window: Window
    why: Why
    detail: str
    asset_id: str | None = None

    @property
    def sentence(self) -> str:
        """One line for people."""
        first, last = self.window.start, self.window.end - ONE_DAY
        days = str(first) if first == last else f"{first} to {last}"
        asset = f" of {self.asset_id}" if self.asset_id else ""
        return f"{days}{asset}: {self.why}, {self.detail}"


@dataclass(frozen=True)
class Versions:
    """What tables are built with now: models and tests by their fingerprints, the registry by its content, and all that
    people report."""

    models: str
    tests: str
    registry: Registry
    reported: tuple[Span, ...] = ()

    def reported_by_day(self, days: Collection[date]) -> dict[date, dict[str, str]]:
        """What is reported of each of `days`, empty where nothing is: by asset a fingerprint."""
        if not days:
            return {}
        found = reported_by_day(self.reported, min(days), max(days))
        return {day: found.get(day, {}) for day in days}


def find_stale(loaded: pl.DataFrame, books: Books, now: Versions) -> list[Stale]:
    """All that is stale; `loaded` has BUILT_FILES_SCHEMA, one row a file of the load log."""
    return [
        *_half_built(books),
        *_models(books, loaded, now.models),
        *_registry(books, now.registry),
        *_reported(books, now),
        *_files(loaded, books),
        *_calendar(loaded, books, now.registry),
        *_failed(books),
    ]


def calendar_of(loaded: pl.DataFrame, registry: Registry) -> DataCalendar:
    """The UTC days that the tables should have, by the loaded files and the facts of the registry."""
    return data_calendar(days_with_data(loaded), *fleet_span(registry))


def days_to_build(found: Iterable[Stale], books: Books, now: Versions) -> list[date]:
    """The UTC days that a build without a window takes up, ascending.

    Days whose asset is held by a test wait until the test, a file or the registry changes: again it would fail again.
    """
    days = {day for stale in found if stale.why != "failed test" for day in stale.window.days}
    days |= {held.day for held in books.held if held.tests_version != now.tests}
    return sorted(days)


def days_of_every_build(found: Iterable[Stale]) -> list[date]:
    """The UTC days that any build takes along: tables of two registries, of two calendars or of half a build do not fit
    together."""
    along = ("registry", "calendar", "half built")
    return sorted({day for stale in found if stale.why in along for day in stale.window.days})


def needs_upgrade(found: Iterable[Stale]) -> bool:
    """Whether tables were built by other models than the present ones."""
    return any(stale.why == "models" for stale in found)


def _half_built(books: Books) -> Iterator[Stale]:
    by_build: dict[str, list[date]] = {}
    for day, build_id in books.half_built.items():
        by_build.setdefault(build_id, []).append(day)
    for build_id, days in by_build.items():
        build = books.builds.get(build_id)
        since = (
            f"since {build.started_at:%Y-%m-%d %H:%M:%S} UTC by {build.process}"
            if build
            else "by an unknown build"
        )
        for window in contiguous_windows(days):
            yield Stale(window, "half built", f"{since} (build {build_id})")


def _models(books: Books, loaded: pl.DataFrame, version: str) -> Iterator[Stale]:
    if books.is_legacy:
        for window in contiguous_windows(loaded["day"]):
            yield Stale(window, "models", "built before versions of models were kept")
        return
    others = {
        day: built.models_version for day, built in books.days.items() if built.models_version != version
    }
    engine = engine_of(version)
    why = "built by other models than the present ones"
    if all(engine_of(other) != engine for other in others.values()):
        why = f"built on another engine than {engine}"
    for window in contiguous_windows(others):
        yield Stale(window, "models", why)


def _registry(books: Books, registry: Registry) -> Iterator[Stale]:
    now = registry_version(registry)
    by_version: dict[str, list[date]] = {}
    for day, built in books.days.items():
        if built.registry_version != now:
            by_version.setdefault(built.registry_version, []).append(day)
    for version, days in by_version.items():
        then = books.registries.get(version, {})
        for asset_id in sorted(then.keys() | registry.keys()):
            before, after = then.get(asset_id), registry.get(asset_id)
            if not _changed(before, after):
                continue
            touched = _touched(days, before, after)
            for window in contiguous_windows(touched):
                yield Stale(window, "registry", _change(before, after), asset_id)


def _reported(books: Books, now: Versions) -> Iterator[Stale]:
    """Days between the first and the last one that was built, with files or without."""
    if not books.days:
        return
    window = Window(min(books.days), max(books.days) + ONE_DAY)
    grouped: dict[tuple[str, str], list[date]] = {}
    for day, present in now.reported_by_day(window.days).items():
        before = books.reported.get(day, {})
        for asset_id in before.keys() | present.keys():
            if before.get(asset_id) != present.get(asset_id):
                grouped.setdefault((asset_id, _said(asset_id, before, present)), []).append(day)
    for (asset_id, said), days in sorted(grouped.items()):
        for window in contiguous_windows(days):
            yield Stale(window, "reported", f"{EVENTS_FILE} or {BAD_READINGS_FILE} {said}", asset_id)


def _said(asset_id: str, before: Mapping[str, str], present: Mapping[str, str]) -> str:
    if asset_id not in before:
        return "says something new of it"
    return "says something else of it" if asset_id in present else "no longer says anything of it"


def _touched(days: list[date], before: Any, after: Any) -> list[date]:
    """Those of the UTC days `days` of which a local day has other figures by the facts `after` than by `before`."""
    marks = {date.min, *_marks(before), *_marks(after)}
    spans = [
        (since, until)
        for since, until in zip(sorted(marks), [*sorted(marks)[1:], date.max], strict=True)
        if (before and facts_on(before, since)) != (after and facts_on(after, since))
    ]
    # A UTC day belongs to its own local date, the one before and the one after.
    return [day for day in days if any(since <= day + ONE_DAY and day <= until for since, until in spans)]


def _marks(facts: Any) -> Iterator[date]:
    """Local days from which on an asset may be another one."""
    if facts is None:
        return
    first, last = local_span(facts)
    yield first
    if last is not None:
        yield last + ONE_DAY
    yield from map(date.fromisoformat, facts.get("history", {}))


def _changed(before: Any, after: Any) -> list[str]:
    """Columns that differ; one that an older registry did not have counts as empty there."""
    then, now = before or {}, after or {}
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


def _change(before: Any, after: Any) -> str:
    if before is None:
        return "the asset is new"
    if after is None:
        return "the asset is no longer in the registry: its rows leave the tables with the next build"
    told = [
        f"{name} changed"
        if name in ("power_curve", "utc_offsets", "history")
        else f"{name} {before.get(name)} → {after.get(name)}"
        for name in _changed(before, after)
    ]
    return ", ".join(told)


def _files(loaded: pl.DataFrame, books: Books) -> Iterator[Stale]:
    if books.is_legacy:
        return
    key = BUILT_FILES_SCHEMA.names()
    new = loaded.join(books.files, on=key, how="anti", nulls_equal=True)
    old = books.files.join(loaded, on=key, how="anti", nulls_equal=True)
    known = set(books.days)
    unbuilt = sorted(set(new["day"]) - known)
    changed = sorted((set(new["day"]) | set(old["day"])) & (known | set(books.files["day"])))
    for days, what in ((unbuilt, "not built yet"), (changed, "changed, came or went since the build")):
        for window in contiguous_windows(days):
            names = sorted(
                {
                    *new.filter(pl.col("day").is_in(window.days))["file"],
                    *old.filter(pl.col("day").is_in(window.days))["file"],
                }
            )
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield Stale(window, "files", f"{names[0]}{more} {what}")


def _calendar(loaded: pl.DataFrame, books: Books, registry: Registry) -> Iterator[Stale]:
    """Days without files between those that have some, days that are none any more, and ends of data that moved."""
    if books.is_legacy:
        return
    calendar = calendar_of(loaded, registry)
    days, edges = set(calendar.days), set(calendar.last_days)
    named = {*loaded["day"], *books.files["day"]}
    left = {day for day, built in books.days.items() if built.edge not in (None, OUTSIDE)} - days
    reasons = {
        "no file names it, and it lies between days that have data": days - named - books.days.keys(),
        "it lies between days that have data now": _built_at(books, OUTSIDE) & days,
        "it no longer lies between days that have data": left | books.days.keys() - named - days,
        "its data were the last ones when it was built": _built_at(books, CUT) & days - edges,
        "its data are the last ones now": _built_at(books, INSIDE) & edges,
    }
    for detail, found in reasons.items():
        for window in contiguous_windows(found):
            yield Stale(window, "calendar", detail)


def _built_at(books: Books, edge: str) -> set[date]:
    return {day for day, built in books.days.items() if built.edge == edge}


def _failed(books: Books) -> Iterator[Stale]:
    grouped: dict[tuple[str, str, str], list[date]] = {}
    for held in books.held:
        grouped.setdefault((held.asset_id, held.test, held.build_id), []).append(held.day)
    for (asset_id, test, build_id), days in grouped.items():
        for window in contiguous_windows(days):
            yield Stale(
                window,
                "failed test",
                f"{test}; its rows stay those of an earlier build (build {build_id})",
                asset_id,
            )
