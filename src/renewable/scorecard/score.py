"""How good the detections are: events and losses of the warehouse against the simulator's answer key.

Intervals are compared one by one, events by overlap, energies by their sums. Only this module reads data/truth.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from mock_data.sensors import ALL_SENSOR_FAULTS
from renewable.atomic_write import write_text_atomic
from renewable.errors import NothingToScoreError, PipelineError
from renewable.published.publish import finished_build
from renewable.scorecard.goals import AT_MOST, PLAIN, WORLD_GOALS, is_met
from renewable.scorecard.key_files import answer_key, world_of
from renewable.scorecard.lines import lines
from renewable.settings import Settings
from renewable.transform.books import read_books
from renewable.transform.build import need_warehouse
from renewable.vocabulary import UNMEASURED, EventKind, channels_under, detected_kinds
from renewable.warehouse import exclusive_connection, sql_literal
from renewable.windows import Window

SENSOR_KINDS = ("communication_gap", "frozen_sensor", "sensor_drift", "clock_shift")
# Measures that this card tells of a kind; combine.py has the others.
_TOLD = ("precision", "recall", "energy", "ratio")
# With fewer true events a score says little about the detection.
FLOOR_EVENTS = 20


@dataclass(frozen=True)
class KindScore:
    """One kind of event. Counts are intervals and events, energies kWh; None where there is nothing to divide by.

    Intervals without a power reading count for communication_gap only: nobody can see an event in them.
    """

    kind: str
    true_intervals: int
    found_intervals: int
    agreeing_intervals: int
    true_events: int
    found_events: int
    true_events_found: int
    found_events_true: int
    true_lost_kwh: float | None
    found_lost_kwh: float | None

    @property
    def precision(self) -> float | None:
        """Share of the found intervals that are true."""
        return _share(self.agreeing_intervals, self.found_intervals)

    @property
    def recall(self) -> float | None:
        """Share of the true intervals that were found."""
        return _share(self.agreeing_intervals, self.true_intervals)

    @property
    def event_precision(self) -> float | None:
        """Share of the found events that overlap a true one of their kind."""
        return _share(self.found_events_true, self.found_events)

    @property
    def event_recall(self) -> float | None:
        """Share of the true events that overlap a found one of their kind."""
        return _share(self.true_events_found, self.true_events)

    @property
    def energy_error(self) -> float | None:
        """Found less true lost energy, by the true."""
        if not self.true_lost_kwh or self.found_lost_kwh is None:
            return None
        return self.found_lost_kwh / self.true_lost_kwh - 1.0


@dataclass(frozen=True)
class SoilingScore:
    """Daily soiling ratios of solar assets against the true ones.

    `unknown_share`: of the asset-days on which dirt truly takes more than 1 %, those without a ratio.
    """

    asset_days: int
    mean_error: float | None
    mean_absolute_error: float | None
    share_within_goal: float | None
    unknown_share: float | None


@dataclass(frozen=True)
class Goal:
    """A bound that the project sets itself, and what was reached; `reached` None: nothing to measure.

    `evidence` counts the true events behind it.
    """

    measure: str
    kind: str
    bound: float
    reached: float | None
    evidence: int

    @property
    def met(self) -> bool | None:
        """Whether the bound holds; errors have to stay within it, the others to come up to it."""
        if self.reached is None:
            return None
        return is_met(self.measure, self.bound, self.reached)

    @property
    def is_above_floor(self) -> bool:
        """False when so much is missed that the detection is broken rather than unlucky: a tenth below the goal,
        or an error of twice the goal. Too few events say nothing."""
        if self.reached is None or self.evidence < FLOOR_EVENTS:
            return True
        if self.measure in AT_MOST:
            return abs(self.reached) <= 2 * self.bound
        return self.reached >= self.bound - 0.1


@dataclass(frozen=True)
class Scorecard:
    """Detections against the answer key over the UTC days `first_day` to `last_day`.

    `confusion` has one row a pair of kinds: true_kind, found_kind, intervals, hours. `world` says whose goals count.
    """

    first_day: date
    last_day: date
    assets: int
    kinds: tuple[KindScore, ...]
    soiling: SoilingScore
    confusion: pl.DataFrame
    world: str = "plain"

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Each goal with what was reached."""
        by_kind = {score.kind: score for score in self.kinds}
        return tuple(
            Goal(measure, kind, bound, self._reached(measure, by_kind[kind]), by_kind[kind].true_events)
            for (measure, kind), bound in WORLD_GOALS[self.world].items()
            if measure in _TOLD and kind in by_kind
        )

    def _reached(self, measure: str, score: KindScore) -> float | None:
        if measure == "ratio":
            return self.soiling.mean_absolute_error
        if measure == "energy":
            return score.energy_error
        found: float | None = getattr(score, measure)
        return found

    def as_dict(self) -> dict[str, Any]:
        """The card for programs: counts, measures and goals."""
        measures = ("precision", "recall", "event_precision", "event_recall", "energy_error")
        return {
            "first_day": str(self.first_day),
            "last_day": str(self.last_day),
            "assets": self.assets,
            "world": self.world,
            "kinds": [asdict(s) | {name: getattr(s, name) for name in measures} for s in self.kinds],
            "soiling": asdict(self.soiling),
            "goals": [
                asdict(goal) | {"met": goal.met, "is_above_floor": goal.is_above_floor} for goal in self.goals
            ],
            "confusion": self.confusion.to_dicts(),
        }


def scorecard_path(settings: Settings) -> Path:
    """Where the card is published for readers."""
    return settings.published_dir / "scorecard.json"


def score(
    settings: Settings, window: Window | None = None, *, report: Callable[[str], None] | None = None
) -> Scorecard:
    """Compare the built intervals and events of `window` (default: all) with the answer key and publish the card.

    Raises NothingToScoreError where there is no answer key or none of its days was built, PipelineError where no build
    is finished, WarehouseBusyError when the warehouse stays locked.
    """
    truth = answer_key(settings, window)
    if not truth:
        raise NothingToScoreError(
            f"there is no answer key in {settings.data_dir / 'truth'}: only simulated fleets can be scored"
        )
    need_warehouse(settings)
    with exclusive_connection(settings.warehouse_path, settings.lock_wait_s, report=report) as connection:
        built = connection.execute(
            "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'mart_events'"
        ).fetchall()
        if not built:
            raise PipelineError("there are no marts yet: run `renewable transform` first")
        finished_build(read_books(connection), settings)
        card = _compare(connection, truth, world_of(settings))
    settings.published_dir.mkdir(parents=True, exist_ok=True)
    text = json.dumps(card.as_dict(), indent=1, ensure_ascii=False) + "\n"
    write_text_atomic(text, scorecard_path(settings))
    return card


def score_if_any(
    settings: Settings, window: Window | None = None, *, report: Callable[[str], None] | None = None
) -> Scorecard | None:
    """The same; None where there is nothing to compare yet, as on days whose key came before their load."""
    try:
        return score(settings, window, report=report)
    except NothingToScoreError as nothing:
        (report or (lambda _: None))(str(nothing))
        return None


def loss_kinds() -> list[EventKind]:
    """Kinds that intervals are told by, in order of priority; in unmeasured ones nobody can see an event."""
    return [kind for kind in detected_kinds() if kind.kind != UNMEASURED]


def _compare(connection: duckdb.DuckDBPyConnection, truth: list[Path], world: str) -> Scorecard:
    files = ", ".join(sql_literal(str(path)) for path in truth)
    frozen = " or ".join(
        f"coalesce(found.{channel}_flag = 'frozen', false)" for channel in channels_under("frozen")
    )
    lost = "".join(f", found.{kind.kind}_kwh" for kind in loss_kinds())
    sensor_kinds = ", ".join(sql_literal(kind) for kind in ALL_SENSOR_FAULTS)
    connection.execute(_COMPARED.format(files=files, frozen=frozen, lost=lost, sensor_kinds=sensor_kinds))
    try:
        ((first, last, assets),) = connection.execute(
            "select cast(min(timestamp_utc) as date), cast(max(timestamp_utc) as date), count(distinct asset_id)"
            " from compared"
        ).fetchall()
        if first is None:
            raise NothingToScoreError(
                "no interval of the answer key was built: run `renewable transform` first"
            )
        kinds = [_kind_score(connection, kind.kind, kind.gap_minutes) for kind in loss_kinds()]
        kinds += [_soiling_energy(connection), *(_sensor_score(connection, kind) for kind in SENSOR_KINDS)]
        confusion = connection.sql(
            "select true_kind, found_kind, count(*) as intervals, sum(hours) as hours from compared"
            " group by all order by true_kind, found_kind"
        ).pl()
        return Scorecard(first, last, assets, tuple(kinds), _soiling_ratio(connection), confusion, world)
    finally:
        connection.execute("drop table if exists compared")


# One row an interval that is in both: what it was and what was found.
_COMPARED = """
create or replace temp table compared as
select
    found.asset_id,
    found.timestamp_utc,
    found.date_local,
    found.interval_hours as hours,
    case
        when truth.kind in ({sensor_kinds}) then 'none'
        else truth.kind
    end as true_kind,
    coalesce(found.event_kind, 'none') as found_kind,
    truth.lost_power_kw * found.interval_hours as true_lost_kwh,
    truth.potential_power_kw * found.interval_hours as potential_kwh,
    truth.sensor_fault,
    found.active_power_kw is null as is_unmeasured,
    {frozen} as is_frozen_found
    {lost}
from read_parquet([{files}]) as truth
inner join intermediate.int_interval_performance as found
    on truth.asset_id = found.asset_id and truth.timestamp = found.timestamp_utc
"""


def _kind_score(connection: duckdb.DuckDBPyConnection, kind: str, gap_minutes: int) -> KindScore:
    ((true, found, agreeing, true_lost, found_lost),) = connection.execute(
        f"""
        select
            count(*) filter (where true_kind = '{kind}' and not is_unmeasured),
            count(*) filter (where found_kind = '{kind}'),
            count(*) filter (where true_kind = '{kind}' and found_kind = '{kind}'),
            sum(true_lost_kwh) filter (where true_kind = '{kind}' and not is_unmeasured),
            sum({kind}_kwh)
        from compared
        """
    ).fetchall()
    events = _event_counts(connection, f"true_kind = '{kind}'", f"found_kind = '{kind}'", gap_minutes)
    return KindScore(kind, true, found, agreeing, *events, true_lost, found_lost)


def _sensor_score(connection: duckdb.DuckDBPyConnection, kind: str) -> KindScore:
    found = {"communication_gap": "is_unmeasured", "frozen_sensor": "is_frozen_found"}.get(kind, "false")
    (line,) = (line for line in lines() if line.kind == kind)
    is_true = f"coalesce(sensor_fault in ({', '.join(map(sql_literal, line.true))}), false)"
    ((true, seen, agreeing),) = connection.execute(
        f"""
        select
            count(*) filter (where {is_true}),
            count(*) filter (where {found}),
            count(*) filter (where {is_true} and {found})
        from compared
        """
    ).fetchall()
    events = _event_counts(connection, is_true, found, 60)
    return KindScore(kind, true, seen, agreeing, *events, None, None)


def _event_counts(
    connection: duckdb.DuckDBPyConnection, is_true: str, is_found: str, gap_minutes: int
) -> tuple[int, int, int, int]:
    """True and found events, then those of each that overlap one of the other, intervals joined over short gaps."""
    ((true, found, true_found, found_true),) = connection.execute(
        f"""
        with marked as (
            select asset_id, timestamp_utc, hours, 1 as side, {is_found} as agrees
            from compared where {is_true}
            union all
            select asset_id, timestamp_utc, hours, 2 as side, {is_true} as agrees
            from compared where {is_found}
        ),
        begun as (
            select *, coalesce(timestamp_utc > lag(timestamp_utc + to_minutes(cast(round(60 * hours) as bigint)))
                over in_order + to_minutes({gap_minutes}), true) as is_first
            from marked
            window in_order as (partition by side, asset_id order by timestamp_utc)
        ),
        numbered as (
            select *, count(*) filter (where is_first) over (
                partition by side, asset_id order by timestamp_utc rows unbounded preceding
            ) as event
            from begun
        ),
        events as (
            select side, bool_or(coalesce(agrees, false)) as is_met
            from numbered group by side, asset_id, event
        )
        select
            count(*) filter (where side = 1),
            count(*) filter (where side = 2),
            count(*) filter (where side = 1 and is_met),
            count(*) filter (where side = 2 and is_met)
        from events
        """
    ).fetchall()
    return true, found, true_found, found_true


def _soiling_energy(connection: duckdb.DuckDBPyConnection) -> KindScore:
    """Soiling is a factor of the day, no state of an interval: only its energy is compared, where it is told."""
    ((true_lost,),) = connection.execute(
        """
        select sum(true_lost_kwh) from compared
        semi join marts.mart_asset_daily as daily
            on compared.asset_id = daily.asset_id and compared.date_local = daily.date_local
            and daily.soiling_ratio is not null
        where true_kind = 'soiling' and not is_unmeasured
        """
    ).fetchall()
    ((found_lost,),) = connection.execute(
        """
        select sum(lost_kwh) from marts.mart_losses_daily as losses
        semi join (select distinct asset_id, date_local from compared) as days
            on losses.asset_id = days.asset_id and losses.date_local = days.date_local
        where loss_category = 'soiling'
        """
    ).fetchall()
    return KindScore("soiling", 0, 0, 0, 0, 0, 0, 0, true_lost, found_lost)


def _soiling_ratio(connection: duckdb.DuckDBPyConnection) -> SoilingScore:
    """Asset-days on which the true ratio can be told: intervals that nothing but dirt touched, an hour at least."""
    ((days, bias, mean, within, unknown),) = connection.execute(
        f"""
        with true_days as (
            select asset_id, date_local, 1.0 - sum(true_lost_kwh) / sum(potential_kwh) as ratio
            from compared
            where true_kind in ('soiling', 'none') and potential_kwh > 0.0 and not is_unmeasured
            group by asset_id, date_local
            having sum(hours) >= 1.0
        )
        select count(daily.soiling_ratio), avg(daily.soiling_ratio - true_days.ratio),
            avg(abs(daily.soiling_ratio - true_days.ratio)),
            avg(cast(abs(daily.soiling_ratio - true_days.ratio) <= {PLAIN["ratio", "soiling"]} as double)),
            avg(cast(daily.soiling_ratio is null as double)) filter (where true_days.ratio < 0.99)
        from true_days
        inner join marts.mart_asset_daily as daily using (asset_id, date_local)
        where daily.technology = 'solar'
        """
    ).fetchall()
    return SoilingScore(days, bias, mean, within, unknown)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
