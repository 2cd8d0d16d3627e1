"""Random histories of a raw directory against a model of the laws in plain Python: the warehouse equals the files."""

import contextlib
import shutil
import tempfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from loaders import dlt_package, dlt_pipeline, judging
from loaders.dlt_pipeline import ingest
from loaders.gate import SET_ASIDE_SCHEMA
from loaders.load_log import read_load_log
from loaders.quarantine import read_quarantine
from renewable.contract import polars_schema
from renewable.fleet import load_fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.warehouse import connect
from tests.conftest import SEEDS
from tests.integration.warehouse_tables import tables

SCHEMA = polars_schema("generation")
DAYS = [date(2025, 1, 1), date(2025, 1, 2)]
ASSETS = ("nordermarsch-w-01", "prairie-ridge-w-02")
RATED_KW = 3000.0
Row = tuple[str | None, datetime | None, float | None, float | None, str | None]


def _frame(rows: list[Row]) -> pl.DataFrame:
    """Rows as a raw table; what counters tell over gaps is left empty."""
    return pl.DataFrame([(*row, None) for row in rows], schema=SCHEMA, orient="row")


def _stamps(day: date) -> list[datetime | None]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    good = [midnight + timedelta(hours=hour) for hour in (0, 1, 23)]
    return [*good, midnight + timedelta(minutes=20), midnight + timedelta(days=1), None]


def _rows(day: date) -> st.SearchStrategy[list[Row]]:
    row = st.tuples(
        st.sampled_from([*ASSETS, *ASSETS, "nobody", None]),
        st.sampled_from([*_stamps(day)[:3], *_stamps(day)]),
        st.sampled_from([0.0, 100.0, -1.5, None, float("nan"), 1e9]),
        st.sampled_from([None, 500.0]),
        st.sampled_from(["running", "fault", None, "asleep"]),
    )
    return st.lists(row, max_size=6)


def _row_is_bad(row: Row, day: date) -> bool:
    asset, stamp, *_ = row
    return asset not in ASSETS or stamp not in _stamps(day)[:3]


def _cleaned(row: Row) -> tuple[Row, int]:
    asset, stamp, power, limit, state = row
    bad_power = power is not None and not -0.2 * RATED_KW <= power <= 1.5 * RATED_KW
    bad_state = state not in ("running", "fault", None)
    return (
        asset,
        stamp,
        None if bad_power else power,
        limit,
        None if bad_state else state,
    ), bad_power + bad_state


def _same_value(row: Row) -> tuple[object, ...]:
    return tuple("nan" if isinstance(value, float) and value != value else value for value in row)


class RawDirectory(RuleBasedStateMachine):
    """What may happen to a raw directory and its warehouse, and what must hold after every load."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        fleet, registry = load_fleet(SEEDS), self.place / "fleet"
        registry.mkdir()
        chosen = fleet.assets.filter(pl.col("asset_id").is_in(ASSETS))
        chosen.with_columns(
            pl.lit(60, pl.Int64).alias("interval_minutes"), pl.lit(RATED_KW).alias("rated_power_kw")
        ).write_csv(registry / "assets.csv")
        fleet.power_curves.write_csv(registry / "power_curves.csv")
        self.settings = Settings(data_dir=self.place / "data", fleet_dir=registry)
        self.files: dict[RawFileName, list[Row] | None] = {}
        self.loaded = False

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    @initialize()
    def one_file_is_always_there(self) -> None:
        """An empty directory is refused (another test): this file keeps it from being one."""
        self._deliver(RawFileName("generation", date(2025, 1, 9)), [])

    @rule(number=st.integers(0, 1), part=st.sampled_from([None, None, "late"]), data=st.data())
    def a_file_arrives_or_is_corrected(self, number: int, part: str | None, data: st.DataObject) -> None:
        name = RawFileName("generation", DAYS[number], part)
        self._deliver(name, data.draw(_rows(name.day)))

    @rule(number=st.integers(0, 1), part=st.sampled_from([None, "late"]))
    def a_broken_file_arrives(self, number: int, part: str | None) -> None:
        name = RawFileName("generation", DAYS[number], part)
        self._path(name).parent.mkdir(parents=True, exist_ok=True)
        self._path(name).write_bytes(b"PAR1 is not enough")
        self.files[name] = None
        self.loaded = False

    @rule(number=st.integers(0, 1))
    def a_file_is_removed(self, number: int) -> None:
        for name in [name for name in self.files if name.day == DAYS[number]][:1]:
            self._path(name).unlink()
            del self.files[name]
            self.loaded = False

    @rule()
    def every_file_is_delivered_once_more(self) -> None:
        for name, rows in self.files.items():
            if rows is not None:
                self._deliver(name, rows)

    @rule(
        place=st.sampled_from(
            [
                (judging, "store_verdict"),
                (dlt_package, "replace_in_load_log"),
                (dlt_package, "replace_values_set_aside"),
                (dlt_pipeline, "publish_load_log"),
            ]
        )
    )
    def a_load_breaks(self, place: tuple[ModuleType, str]) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("broken on purpose")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(*place, broken)
            with contextlib.suppress(Exception):
                ingest(self.settings)
        self.loaded = False

    @rule()
    def the_working_and_published_directories_are_lost(self) -> None:
        shutil.rmtree(self.settings.work_dir, ignore_errors=True)
        shutil.rmtree(self.settings.published_dir, ignore_errors=True)
        self.loaded = False

    @precondition(lambda self: self.settings.warehouse_path.exists())
    @rule()
    def the_warehouse_is_backed_up(self) -> None:
        shutil.copyfile(self.settings.warehouse_path, self.place / "backup.duckdb")

    @precondition(lambda self: (self.place / "backup.duckdb").exists())
    @rule()
    def an_older_warehouse_is_restored(self) -> None:
        shutil.copyfile(self.place / "backup.duckdb", self.settings.warehouse_path)
        self.loaded = False

    @precondition(lambda self: self.settings.warehouse_path.exists())
    @rule()
    def the_warehouse_is_one_from_before_values_were_kept(self) -> None:
        with connect(self.settings.warehouse_path) as connection:
            connection.execute("drop table if exists raw.values_set_aside")
        self.loaded = False

    @rule()
    def a_load_runs(self) -> None:
        ingest(self.settings)
        self.loaded = True

    @invariant()
    def the_warehouse_equals_the_files(self) -> None:
        if not self.loaded:
            return
        expected, quarantined, set_aside = list[Row](), 0, 0
        loaded = tables(self.settings.warehouse_path)
        for day in DAYS:
            good, bad, values = self._accepted(day)
            expected += good
            quarantined += bad
            set_aside += values
        assert loaded["raw.generation"].equals(_frame(expected).sort(SCHEMA.names()))
        log = read_load_log(self.settings)
        total = log.select(pl.col("^rows_.*$").sum()).row(0, named=True)
        assert total["rows_in"] == sum(len(rows) for rows in self.files.values() if rows)
        assert total["rows_loaded"] == len(expected)
        assert (
            total["rows_quarantined"]
            == quarantined
            == read_quarantine(self.settings.quarantine_dir).row_count
        )
        assert total["rows_in"] == total["rows_loaded"] + total["rows_collapsed"] + total["rows_quarantined"]
        assert log["values_set_aside"].sum() == set_aside
        kept = loaded["raw.values_set_aside"].select(
            "asset_id", "timestamp", "channel", "original_value", "rule"
        )
        assert kept.height == set_aside
        assert kept.sort(kept.columns).equals(self._in_quarantine(kept.columns))
        assert log["refusal"].count() == sum(rows is None for rows in self.files.values())
        assert log.height == len(self.files)

    def _in_quarantine(self, columns: list[str]) -> pl.DataFrame:
        """The values that the gate set aside, as people see them."""
        paths = sorted((self.settings.quarantine_dir / "values").glob("*.parquet"))
        empty = pl.DataFrame(schema=SET_ASIDE_SCHEMA)
        return pl.concat([empty, *(pl.read_parquet(path) for path in paths)]).select(columns).sort(columns)

    def _accepted(self, day: date) -> tuple[list[Row], int, int]:
        """(rows of the warehouse, rows in quarantine, values set aside) of one day, by the laws."""
        arrived = [row for name, rows in self.files.items() if name.day == day for row in rows or []]
        bad = sum(_row_is_bad(row, day) for row in arrived)
        distinct = {_same_value(row): row for row in arrived if not _row_is_bad(row, day)}
        keys = Counter(row[:2] for row in distinct.values())
        conflicting = sum(count for count in keys.values() if count > 1)
        kept = [_cleaned(row) for row in distinct.values() if keys[row[:2]] == 1]
        return [row for row, _ in kept], bad + conflicting, sum(values for _, values in kept)

    def _deliver(self, name: RawFileName, rows: list[Row]) -> None:
        self.files[name] = rows
        self._path(name).parent.mkdir(parents=True, exist_ok=True)
        _frame(rows).write_parquet(self._path(name))
        self.loaded = False

    def _path(self, name: RawFileName) -> Path:
        return name.path_under(self.settings.raw_dir)


TestRawDirectory = RawDirectory.TestCase
TestRawDirectory.settings = hypothesis_settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRawDirectory.pytestmark = [pytest.mark.integration]
