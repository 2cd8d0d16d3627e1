"""Why an interval counts as what it does: a walk through the small models for one asset and instant. Reads only.

`explained` is pure, from rows to an Explanation; `sentences` says it, a fact a line. Files and clock are elsewhere.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any

import duckdb

from renewable.contract import TABLES, column_unit, polars_schema
from renewable.errors import PipelineError, UsageError, WindowError
from renewable.published.publish import finished_build
from renewable.settings import Settings
from renewable.transform.books import read_books
from renewable.transform.build import need_warehouse
from renewable.warehouse import connect, exclusive

Row = Mapping[str, Any]

# The models of the walk, and the column that says which of their rows belong to the interval.
_INTERVAL, _HOUR = "timestamp_utc", "hour_utc"
WALK = {
    "int_intervals": _INTERVAL,
    "int_set_aside_readings": _INTERVAL,
    "int_out_of_range_readings": _INTERVAL,
    "int_doubtful_readings": _INTERVAL,
    "int_reading_flags": _INTERVAL,
    "int_expected_power": _INTERVAL,
    "int_assessed_intervals": _INTERVAL,
    "int_asset_hours": _HOUR,
    "int_cause_hours": _HOUR,
    "int_stops": _INTERVAL,
    "int_flat_intervals": _INTERVAL,
    "int_plateaus": _INTERVAL,
    "int_causes": _INTERVAL,
    "int_attribution": _INTERVAL,
    "int_interval_performance": _INTERVAL,
}
_KEYS = (
    "asset_id",
    "site_id",
    "technology",
    "timestamp_utc",
    "hour_utc",
    "date_local",
    "rated_since",
    "interval_minutes",
)
_UNITS = {
    "_kg_m3": "kg/m³",
    "_kwh": "kWh",
    "_kw": "kW",
    "_ms": "m/s",
    "_pct": "%",
    "_mm": "mm",
    "_hours": "h",
    "_c": "°C",
}
_INDENT = "  "


@dataclass(frozen=True)
class Found:
    """What the warehouse holds of one interval: rows by model, of events.csv, and all of the seeds."""

    asset: Row
    start_utc: datetime
    rows: Mapping[str, Sequence[Row]]
    event_kinds: Sequence[Row]
    reading_rules: Sequence[Row]
    reported_events: Sequence[Row] = ()

    def row(self, model: str) -> Row:
        """The only row of a model; empty where it has none."""
        return self.rows[model][0] if self.rows.get(model) else {}


@dataclass(frozen=True)
class Doubt:
    """A reading that is not to be believed; `numbers` are those of its row in the seed reading_rules."""

    channel: str
    rule: str
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class Cause:
    """A cause that applies to the interval, whether it is reported or detected, and which model shows it."""

    kind: str
    priority: int
    source: str
    evidence: str
    model: str


@dataclass(frozen=True)
class Explanation:
    """One interval. Powers in kW, energies in kWh; of `causes` the first one wins: what is reported, then by priority.

    `reported` are the rows of events.csv that touch the interval.

    `no_causes` says of the other kinds why they do not apply. `hour`, `flat` and `plateau` are empty where the models
    have no such row, `kind` is None where no cause applies.
    """

    asset_id: str
    start_utc: datetime
    end_utc: datetime
    date_local: date
    readings: Mapping[str, Any]
    doubts: tuple[Doubt, ...]
    expected_power: Mapping[str, Any]
    by_itself: Mapping[str, Any]
    hour: Mapping[str, Any]
    flat: Mapping[str, Any]
    plateau: Mapping[str, Any]
    reported: tuple[Row, ...]
    causes: tuple[Cause, ...]
    no_causes: Mapping[str, str]
    kind: str | None
    evidence: str | None
    is_free: bool
    why: str
    losses: Mapping[str, Any]


def explain(settings: Settings, asset_id: str, instant: str) -> Explanation:
    """Explain the interval of `asset_id` that holds `instant`, ISO 8601 with Z or an offset.

    Raises WindowError for an instant without zone, UsageError for an unknown asset, PipelineError where nothing is
    built of that time, WarehouseBusyError after `lock_wait_s` seconds.
    """
    at = instant_of(instant)
    need_warehouse(settings)
    with (
        exclusive(settings.warehouse_path, settings.lock_wait_s),
        connect(settings.warehouse_path, read_only=True) as connection,
    ):
        if settings.engine == "spark":
            # Its intervals are seen as they are on the cluster, in the middle of a build too.
            finished_build(read_books(connection), settings)
        try:
            return explained(_found(connection, asset_id, at))
        except duckdb.CatalogException as error:
            raise PipelineError(
                f"the warehouse {settings.warehouse_path} lacks tables of the present models:"
                " run `renewable transform`, or `renewable upgrade` after a new version"
            ) from error


def instant_of(text: str) -> datetime:
    """The instant in UTC. Raises WindowError where it is none, or names no zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise WindowError(f"{text!r} is no time: write one such as 2025-01-08T12:00Z") from error
    if at.tzinfo is None:
        day = f"{at:%Y-%m-%dT%H:%M}"
        raise WindowError(
            f"{text!r} names no time zone: write {day}Z for UTC, or an offset such as {day}+01:00"
        )
    return at.astimezone(UTC)


def interval_start(at: datetime, interval_minutes: int, offset_minutes: int = 0) -> datetime:
    """Start of the interval that holds `at`; intervals lie on a grid from `offset_minutes` after UTC midnight on."""
    first = datetime.combine(at.date(), time(), UTC) + timedelta(minutes=offset_minutes)
    length = timedelta(minutes=interval_minutes)
    return first + (at - first) // length * length


def explained(found: Found) -> Explanation:
    """What the rows say, in order of the models. Pure."""
    interval, performance = found.row("int_intervals"), found.row("int_interval_performance")
    verdict, causes = found.row("int_attribution"), tuple(_causes(found))
    return Explanation(
        asset_id=found.asset["asset_id"],
        start_utc=found.start_utc,
        end_utc=found.start_utc + timedelta(minutes=found.asset["interval_minutes"]),
        date_local=interval["date_local"],
        readings=_without_keys(interval),
        doubts=tuple(_doubts(found)),
        expected_power={
            name: value
            for name, value in _without_keys(found.row("int_expected_power")).items()
            if name not in interval
        },
        by_itself={
            name: value
            for name, value in _without_keys(found.row("int_assessed_intervals")).items()
            if name.startswith(("is_", "rated_", "standing_"))
        },
        hour=_without_keys(found.row("int_asset_hours")),
        flat={n: v for n, v in _without_keys(found.row("int_flat_intervals")).items() if n not in interval},
        plateau=_without_keys(found.row("int_plateaus")),
        reported=tuple(_without_keys(row) for row in found.reported_events),
        causes=causes,
        no_causes=_no_causes(found, {cause.kind for cause in causes}),
        kind=verdict.get("kind"),
        evidence=verdict.get("evidence"),
        is_free=bool(performance["is_free"]),
        why=_why(verdict, causes, is_free=bool(performance["is_free"])),
        losses={name: value for name, value in performance.items() if name.endswith("_kwh")},
    )


def sentences(told: Explanation) -> Iterator[str]:
    """The explanation for people, a fact a line."""
    yield (
        f"{told.asset_id}, {told.start_utc:%Y-%m-%d %H:%M} to {told.end_utc:%H:%M} UTC, local day {told.date_local}"
    )
    yield from _section("readings", [_reading(*fact) for fact in told.readings.items()])
    yield from _section("doubts", [_doubt(doubt) for doubt in told.doubts] or ["none"])
    yield from _section("expected power", _facts(told.expected_power))
    yield from _section("by itself", _facts(told.by_itself))
    yield from _section(
        f"hour from {told.start_utc:%H}:00 UTC", _facts(told.hour) if told.hour else ["not assessed"]
    )
    yield from _section(
        "power that stands still", [*_facts(told.flat), *_facts(told.plateau)] or ["no: it changes"]
    )
    if told.reported:
        yield from _section("reported in events.csv", [_reported(row) for row in told.reported])
    causes = [
        f"{cause.kind}, priority {cause.priority}: {cause.evidence} ({cause.model})" for cause in told.causes
    ]
    yield from _section("causes that apply", causes or ["none"])
    yield from _section(
        "causes that do not", [f"{kind}: {reason}" for kind, reason in told.no_causes.items()]
    )
    yield from _section("verdict", [told.kind or ("free" if told.is_free else "no cause"), told.why])
    yield from _section(
        "energy", [fact for name, value in told.losses.items() for fact in _energy(name, value)]
    )


def _causes(found: Found) -> list[Cause]:
    """The rows of int_causes in the order in which int_attribution asks for them."""
    priority = {row["kind"]: row["priority"] for row in found.event_kinds}
    causes = [
        Cause(row["kind"], priority[row["kind"]], row["source"], row["evidence"], row["shown_by"])
        for row in found.rows.get("int_causes", ())
        if row["kind"] in priority
    ]
    return sorted(causes, key=lambda cause: (cause.source != "reported", cause.priority))


def _no_causes(found: Found, applying: Collection[str]) -> dict[str, str]:
    of_hour = {hour["kind"]: hour["evidence"] for hour in found.rows.get("int_cause_hours", ())}
    kinds = sorted(found.event_kinds, key=lambda row: row["priority"])
    return {
        kind: f"the hour shows {of_hour[kind]}, and too little was to be expected of the interval"
        if kind in of_hour
        else "nothing shows it"
        for kind in (row["kind"] for row in kinds if row["seen_in"] == "interval")
        if kind not in applying
    }


def _why(verdict: Row, causes: Sequence[Cause], *, is_free: bool) -> str:
    if not verdict:
        return (
            "no cause applies, and the asset ran by its own report"
            if is_free
            else "no cause applies, though by its own report it did not run freely"
        )
    kind = verdict["kind"]
    if not causes or causes[0].kind != kind:
        return "it was built from other rows than these: `renewable transform` builds it anew"
    first = causes[0]
    others = [
        f"{cause.kind} ({'detected' if cause.source != first.source else cause.priority})"
        for cause in causes[1:]
    ]
    why = f"{verdict['evidence']}; priority {first.priority}"
    why += f" comes before {', '.join(others)}" if others else ", the only cause that applies"
    rest = verdict.get("rest_kind")
    return f"{why}; what the limit does not explain goes to {rest}" if rest else why


def _doubts(found: Found) -> Iterator[Doubt]:
    """Flags of readings that are there; the rules that judge runs of readings bring their numbers."""
    numbers = {(row["channel"], row["rule"]): row for row in found.reading_rules}
    came = {
        (row["channel"], rule): row
        for rule, model in (
            ("set_aside", "int_set_aside_readings"),
            ("out_of_range", "int_out_of_range_readings"),
        )
        for row in found.rows.get(model, ())
    }
    for column, rule in found.row("int_reading_flags").items():
        channel = column.removesuffix("_flag")
        if channel != column and rule not in (None, "missing"):
            known = came.get((channel, rule)) or numbers.get((channel, rule), {})
            yield Doubt(
                channel,
                rule,
                {n: v for n, v in known.items() if n not in ("channel", "rule", *_KEYS) and v is not None},
            )


def _doubt(doubt: Doubt) -> str:
    numbers = doubt.numbers
    told = [f"{_value(numbers[name])} {name} and more" for name in ("readings", "minutes") if name in numbers]
    if doubt.rule == "out_of_range" and "impossible_readings" in numbers:
        lowest, highest = (
            _with_unit(doubt.channel, numbers[name]) for name in ("lowest_impossible", "highest_impossible")
        )
        told.append(
            f"it came as {_with_unit(doubt.channel, numbers['reading'])} on a day with"
            f" {numbers['impossible_readings']} different values that cannot be, {lowest} to {highest}"
        )
    elif "reading" in numbers:
        told.append(f"it came as {_with_unit(doubt.channel, numbers['reading'])}, bad_readings.csv says no")
    if "step" in numbers:
        told.append(
            f"more than {_with_unit(doubt.channel, numbers['step'])} from the reading before and after"
        )
    if "honest_channel" in numbers:
        honest = numbers["honest_channel"]
        told.append(f"honest while {honest} is up to {_with_unit(honest, numbers['honest_up_to'])}")
    return f"{doubt.channel} {doubt.rule}" + (f": {', '.join(told)}" if told else "")


def _reported(row: Row) -> str:
    note = f": {row['note']}" if row["note"] else ""
    # DuckDB gives instants in the machine's zone.
    start, end = (row[name].astimezone(UTC) for name in ("start_utc", "end_utc"))
    return f"{row['kind']}, {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC{note}"


def _section(title: str, facts: Sequence[str]) -> Iterator[str]:
    yield title
    yield from (f"{_INDENT}{fact}" for fact in facts)


def _reading(channel: str, value: object) -> str:
    return f"{channel} {_with_unit(channel, value)}"


def _with_unit(channel: str, value: object) -> str:
    units = [column_unit(table, channel) for table in TABLES if channel in polars_schema(table)]
    return f"{_value(value)} {units[0] if units and value is not None else ''}".rstrip()


def _energy(name: str, value: object) -> Iterator[str]:
    # Lines of the split that are nothing say nothing.
    if value != 0.0 or name in ("energy_kwh", "expected_energy_kwh"):
        yield _fact(name, value)


def _facts(row: Row) -> list[str]:
    return [_fact(name, value) for name, value in row.items()]


def _fact(name: str, value: object) -> str:
    suffix = next((suffix for suffix in _UNITS if name.endswith(suffix)), "")
    words = name.removesuffix(suffix).removeprefix("is_").replace("_", " ")
    return f"{words} {_value(value)}{f' {_UNITS[suffix]}' if suffix and value is not None else ''}"


def _value(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _without_keys(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _KEYS}


def _found(connection: duckdb.DuckDBPyConnection, asset_id: str, at: datetime) -> Found:
    assets = {row["asset_id"]: row for row in _rows(connection, "from staging.stg_assets")}
    if asset_id not in assets:
        near = get_close_matches(asset_id, assets, n=3) or sorted(assets)[:3]
        raise UsageError(
            f"there is no asset {asset_id!r}; take one of the registry, such as {', '.join(near)}"
        )
    asset = assets[asset_id]
    start = interval_start(at, int(asset["interval_minutes"]), int(asset["interval_offset_minutes"] or 0))
    when = {_INTERVAL: start, _HOUR: start.replace(minute=0)}
    rows = {
        model: _rows(
            connection,
            f"from intermediate.{model} where asset_id = ? and {column} = ?",
            [asset_id, when[column]],
        )
        for model, column in WALK.items()
    }
    if not rows["int_interval_performance"]:
        ((first, last),) = connection.execute(
            "select min(timestamp_utc), max(timestamp_utc) from intermediate.int_intervals where asset_id = ?",
            [asset_id],
        ).fetchall()
        known = (
            f"known are {first:%Y-%m-%dT%H:%MZ} to {last:%Y-%m-%dT%H:%MZ}"
            if first
            else "nothing is built of it"
        )
        raise PipelineError(
            f"there is no interval of {asset_id} at {start:%Y-%m-%dT%H:%MZ}; {known}."
            " `renewable status` shows which days are loaded and built"
        )
    return Found(
        asset=assets[asset_id],
        start_utc=start,
        rows=rows,
        event_kinds=_rows(connection, "from vocabulary.event_kinds"),
        reading_rules=_rows(connection, "from vocabulary.reading_rules"),
        reported_events=_rows(
            connection,
            "from seeds.reported_events where asset_id = ? and start_utc < ? and end_utc > ? order by all",
            [asset_id, start + timedelta(minutes=assets[asset_id]["interval_minutes"]), start],
        ),
    )


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[dict[str, Any]]:
    found = connection.execute(query, list(parameters))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
