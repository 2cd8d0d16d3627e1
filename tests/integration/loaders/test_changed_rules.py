"""Laws of verdicts: after a change of the registry or of the contract the warehouse is what its files make of it."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from loaders.load_log import (
    FULL_SCHEMA,
    LOAD_LOG_SCHEMA,
    pending_files,
    publish_load_log,
    read_load_log,
    units_of_other_contract,
)
from loaders.pending import EVERY_UNIT
from loaders.quarantine import list_quarantine
from loaders.summary import LoadSummary
from loaders.verdicts import GateRegistry, named_assets
from renewable.contract import schemas
from renewable.contract.version import BASELINE_COLUMNS, contract_columns, contract_version
from renewable.fleet import Fleet
from renewable.operations.pending_work import find_work
from renewable.settings import Settings
from renewable.warehouse import connect
from renewable.windows import Window
from tests.conftest import SMALL_FLEET
from tests.integration.loaders.test_odd_files import deliver, rows_of
from tests.integration.warehouse_tables import tables

pytestmark = pytest.mark.integration
DAYS = [date(2025, 1, 1) + timedelta(days=number) for number in range(3)]
FIRST, SECOND, THIRD, _ = SMALL_FLEET
NEWCOMER = "a newcomer"


@pytest.fixture
def registry(settings: Settings, fleet: Fleet, tmp_path: Path) -> tuple[Settings, Callable[..., None]]:
    """Settings with a registry of their own, and what writes it: asset -> (interval, rating)."""
    directory = tmp_path / "registry"
    directory.mkdir()
    fleet.power_curves.write_csv(directory / "power_curves.csv")

    def write(**assets: tuple[int, float]) -> None:
        template = fleet.assets.row(0, named=True)
        rows = [
            template | {"asset_id": name, "interval_minutes": minutes, "rated_power_kw": rated_kw}
            for name, (minutes, rated_kw) in assets.items()
        ]
        pl.DataFrame(rows, schema=fleet.assets.schema).write_csv(directory / "assets.csv")

    return settings.model_copy(update={"fleet_dir": directory}), write


def _day(table: schemas.RawTable, day: date, assets: tuple[str, ...], power_kw: float) -> pl.DataFrame:
    """Hourly rows, some at a quarter past, one of nobody's."""
    frame = rows_of(table, day, assets, active_power_kw=power_kw)
    late = pl.col("timestamp") + pl.when(pl.int_range(pl.len()) % 4 == 3).then(pl.duration(minutes=15))
    shifted = frame.with_columns(pl.coalesce(late, "timestamp").alias("timestamp"))
    nobodys = shifted[:1].with_columns(pl.lit(None, pl.String).alias("asset_id"))
    return pl.concat([shifted, nobodys])


def _books(settings: Settings) -> dict[str, pl.DataFrame]:
    found = tables(settings.warehouse_path)
    quarantine = {
        str(path.relative_to(settings.quarantine_dir)): pl.read_parquet(path)
        for path in sorted(settings.quarantine_dir.glob("*/*.parquet"))
    }
    return found | quarantine | {"listing": list_quarantine(settings.quarantine_dir)}


def _assert_as_built_once(settings: Settings, place: Path) -> None:
    fresh = settings.model_copy(update={"data_dir": place})
    fresh.data_dir.mkdir()
    (fresh.data_dir / "raw").symlink_to(settings.raw_dir)
    ingest(fresh)
    ours, once = _books(settings), _books(fresh)
    assert ours.keys() == once.keys()
    for name, frame in ours.items():
        assert frame.equals(once[name]), name


def test_any_changes_of_the_registry_end_as_a_warehouse_that_is_built_once(
    registry: tuple[Settings, Callable[..., None]], tmp_path: Path
) -> None:
    settings, write = registry
    chance = random.Random(11)
    for day in DAYS:
        deliver(settings, "weather", day, _day("weather", day, (FIRST, SECOND), 0))
        deliver(settings, "generation", day, _day("generation", day, (FIRST, THIRD), 500.0))
    for step in range(5):
        known = [name for name in (FIRST, SECOND, THIRD, "somebody.else") if chance.random() < 0.7]
        write(
            **{
                name: (chance.choice([5, 30, 60]), chance.choice([100.0, 3000.0]))
                for name in known or [FIRST]
            }
        )
        window = Window.of_day(chance.choice(DAYS)) if step % 3 == 1 else None
        due = pending_files(settings, window).files
        summary = ingest(settings, window)
        assert step == 0 or summary.files_judged_again == len(due)
    ingest(settings)
    assert pending_files(settings).files == []
    _assert_as_built_once(settings, tmp_path / "once")


def test_a_change_of_the_registry_judges_exactly_the_days_that_name_the_asset(
    registry: tuple[Settings, Callable[..., None]],
) -> None:
    settings, write = registry
    both = {FIRST: (60, 3000.0), SECOND: (60, 3000.0)}
    write(**both)
    deliver(settings, "generation", DAYS[0], _day("generation", DAYS[0], (FIRST,), 500.0))
    deliver(settings, "generation", DAYS[1], _day("generation", DAYS[1], (FIRST, THIRD), 500.0))
    deliver(settings, "weather", DAYS[1], _day("weather", DAYS[1], (FIRST,), 0))
    deliver(settings, "weather", DAYS[2], _day("weather", DAYS[2], (SECOND,), 0))
    ingest(settings)

    def load() -> tuple[LoadSummary, list[str]]:
        # What the sensor would see, which opens no warehouse.
        due = sorted(path.name for path in pending_files(settings).files)
        work = find_work(settings, 0.0)
        loaded = ingest(settings)
        assert sorted(loaded.days) == sorted({date.fromisoformat(name[-18:-8]) for name in due})
        assert work.states.keys() >= set(loaded.days)
        assert pending_files(settings).files == []
        return loaded, due

    write(**both | {NEWCOMER.replace(" ", "-"): (60, 10.0)})
    assert load()[0].sentence.startswith("nothing new"), "an asset that no file names"
    write(**both | {THIRD: (60, 3000.0)})
    loaded, due = load()
    assert due == [f"generation_{DAYS[1]}.parquet"] and "judged again" in loaded.sentence
    write(**both | {THIRD: (60, 3000.0), FIRST: (60, 100.0)})
    assert load()[1] == [f"generation_{day}.parquet" for day in DAYS[:2]], "weather knows no rating"
    write(**both | {THIRD: (60, 3000.0), FIRST: (15, 100.0)})
    loaded, due = load()
    assert f"weather_{DAYS[1]}.parquet" in due and len(due) == 3
    assert loaded.quarantined_by_rule["off_grid"] == 1, "that of the asset that stayed at 60 minutes"
    write(**{SECOND: (60, 3000.0)})
    load()
    found = tables(settings.warehouse_path)
    assert found["raw.generation"].is_empty() and set(found["raw.weather"]["asset_id"]) == {SECOND}
    assert list_quarantine(settings.quarantine_dir).filter(rule="unknown_asset")["count"].sum() == 16


def test_a_change_of_the_registry_is_followed_whatever_the_window(
    registry: tuple[Settings, Callable[..., None]],
) -> None:
    settings, write = registry
    write(**{FIRST: (60, 3000.0)})
    for day in DAYS:
        deliver(settings, "generation", day, _day("generation", day, (FIRST,), 500.0))
    ingest(settings)
    write(**{FIRST: (15, 3000.0)})
    before = find_work(settings, 0.0).fingerprint(DAYS)
    write(**{FIRST: (30, 3000.0)})
    assert find_work(settings, 0.0).fingerprint(DAYS) != before, "a given-up batch is another one now"
    assert ingest(settings, Window.of_day(DAYS[1])).days == tuple(DAYS)
    assert pending_files(settings).days == ()


def test_a_warehouse_from_before_ends_as_one_that_is_built_once(
    registry: tuple[Settings, Callable[..., None]], tmp_path: Path
) -> None:
    settings, write = registry
    write(**{FIRST: (60, 3000.0), SECOND: (60, 3000.0)})
    sound = rows_of("generation", DAYS[0], (FIRST, SECOND), active_power_kw=500.0)
    deliver(settings, "generation", DAYS[0], sound)
    deliver(settings, "generation", DAYS[1], rows_of("generation", DAYS[1], (FIRST,), active_power_kw=500.0))
    deliver(settings, "weather", DAYS[1], rows_of("weather", DAYS[1], (FIRST, THIRD)))
    deliver(settings, "weather", DAYS[2], rows_of("weather", DAYS[2], (SECOND,)))
    ingest(settings)
    _forget_versions(settings)
    # The rating makes power implausible, the third one's rows leave the quarantine, the second one goes.
    write(**{FIRST: (60, 100.0), THIRD: (60, 100.0)})
    assert ingest(settings, Window.of_day(DAYS[2])).days == tuple(DAYS)
    assert pending_files(settings).days == ()
    _assert_as_built_once(settings, tmp_path / "once")
    _forget_versions(settings)
    again = ingest(settings)
    assert again.files_judged_again == 3, "the days of which something is set aside"
    write(**{FIRST: (60, 100.0), THIRD: (30, 100.0)})
    assert ingest(settings).days == (DAYS[1],), "what was not judged is remembered all the same"


def test_a_registry_that_cannot_be_read_makes_nothing_due(
    registry: tuple[Settings, Callable[..., None]],
) -> None:
    settings, write = registry
    write(**{FIRST: (60, 3000.0)})
    deliver(settings, "generation", DAYS[0], _day("generation", DAYS[0], (FIRST,), 500.0))
    ingest(settings)
    (settings.fleet_dir / "assets.csv").write_text("half a")
    assert pending_files(settings).files == []


@pytest.mark.unit
def test_a_file_that_names_too_many_assets_depends_on_the_whole_registry(fleet: Fleet) -> None:
    many = named_assets(f"nobody-{number}" for number in range(50_000))
    assert many is None
    fewer = GateRegistry(fleet.assets[1:])
    assert GateRegistry(fleet.assets).version("weather", many) != fewer.version("weather", many)
    assert named_assets(["b", None, "a", "b"]) == '["a", "b"]'


class _Wider(schemas.WeatherSchema):
    snow_depth_m = dy.Float64(nullable=True, min=0, max=10, metadata={"unit": "m"}, description="snow")


class _Later(schemas.WeatherSchema):
    snow_depth_m = dy.Float64(nullable=True, min=0, max=10, metadata={"unit": "m", "since": 99})


class _Stricter(schemas.WeatherSchema):
    air_temperature_c = dy.Float64(nullable=False, metadata={"unit": "°C"})


def test_the_version_tells_contracts_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [contract_version()]
    first = {
        table: {name for name in contract_columns()[table] if schemas.column_since(table, name) == 1}
        for table in schemas.TABLES
    }
    assert first == BASELINE_COLUMNS, "the baseline is the contract before versions were kept"
    for schema in (_Wider, _Stricter):
        monkeypatch.setitem(schemas.SCHEMAS, "weather", schema)
        seen.append(contract_version())
    monkeypatch.undo()
    monkeypatch.setattr(schemas, "OPERATING_STATES", (*schemas.OPERATING_STATES, "idle"))
    seen.append(contract_version())
    monkeypatch.setattr(schemas, "POWER_RATIO_RANGE", (-0.2, 2))
    seen.append(contract_version())
    assert len(set(seen)) == len(seen)
    monkeypatch.undo()
    assert contract_version() == seen[0]


@pytest.mark.parametrize("versions_kept", [True, False], ids=["this code", "the code before versions"])
def test_a_new_channel_keeps_what_was_accepted_and_asks_it_of_new_files(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, versions_kept: bool
) -> None:
    for day in DAYS[:2]:
        deliver(settings, "weather", day, rows_of("weather", day, wind_speed_ms=5.0))
    deliver(settings, "generation", DAYS[0])
    ingest(settings)
    if not versions_kept:
        _forget_versions(settings)
    before = tables(settings.warehouse_path)["raw.weather"]
    with monkeypatch.context() as newer:
        newer.setitem(schemas.SCHEMAS, "weather", _Wider)
        assert ("weather", DAYS[0]) in units_of_other_contract(settings)
        assert ingest(settings).files_loaded == 0, "a plain load leaves accepted files alone"
        assert "snow_depth_m" in tables(settings.warehouse_path)["raw.weather"], "the models may read it"
        for _ in range(2):
            again = ingest(settings, again=EVERY_UNIT)
            assert (dict(again.files_refused), again.rows_loaded) == ({}, 24)
            found = tables(settings.warehouse_path)["raw.weather"]
            assert found["snow_depth_m"].null_count() == found.height == before.height
            assert units_of_other_contract(settings) == set()
        deliver(settings, "weather", DAYS[2], rows_of("weather", DAYS[2]).drop("snow_depth_m"))
        corrected = rows_of("weather", DAYS[1], wind_speed_ms=6.0).drop("snow_depth_m")
        deliver(settings, "weather", DAYS[1], corrected)
        refused = ingest(settings).files_refused
        assert set(refused) == {f"weather/weather_{day}.parquet" for day in DAYS[1:]}
        assert all("missing column(s) snow_depth_m" in reason for reason in refused.values())
        deliver(settings, "weather", DAYS[1], corrected.with_columns(pl.lit(0.5).alias("snow_depth_m")))
        assert ingest(settings).rows_loaded == 8
        assert set(tables(settings.warehouse_path)["raw.weather"]["snow_depth_m"]) == {None, 0.5}
    # Back to the code before: what the newer contract refused is judged by this one, what it accepted stays.
    back = ingest(settings)
    assert (back.files_loaded, dict(back.files_refused)) == (1, {})
    again = ingest(settings, again=EVERY_UNIT)
    assert dict(again.files_refused) == {} and tables(settings.warehouse_path)["raw.weather"].height == 24
    assert pending_files(settings).files == []


def test_a_channel_of_a_later_version_may_be_missing_from_any_file_and_one_of_the_first_may_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(settings, "weather", DAYS[0], rows_of("weather", DAYS[0], wind_speed_ms=5.0))
    ingest(settings)
    monkeypatch.setitem(schemas.SCHEMAS, "weather", _Later)
    deliver(settings, "weather", DAYS[1], rows_of("weather", DAYS[1]).drop("snow_depth_m"))
    deliver(settings, "weather", DAYS[2], rows_of("weather", DAYS[2], snow_depth_m=0.5))
    assert dict(ingest(settings).files_refused) == {}
    found = tables(settings.warehouse_path)["raw.weather"]
    by_day = found.group_by(pl.col("timestamp").dt.date()).agg(pl.col("snow_depth_m").unique().first())
    assert dict(by_day.iter_rows()) == {DAYS[0]: None, DAYS[1]: None, DAYS[2]: 0.5}
    deliver(settings, "weather", DAYS[1], rows_of("weather", DAYS[1]).drop("snow_depth_m", "ghi_wm2"))
    (refusal,) = ingest(settings).files_refused.values()
    assert refusal == "missing column(s) ghi_wm2"


def test_what_another_contract_refused_is_judged_again_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(settings, "weather", DAYS[0], rows_of("weather", DAYS[0]).drop("ghi_wm2"))
    (settings.raw_dir / "stray").write_bytes(b"x")
    assert len(ingest(settings).files_refused) == 2 and pending_files(settings).files == []
    monkeypatch.setattr("renewable.contract.version.GATE_VERSION", 99)
    assert len(pending_files(settings).files) == 2
    assert len(ingest(settings).files_refused) == 2 and pending_files(settings).files == []


def _forget_versions(settings: Settings) -> None:
    """Make of a warehouse one that the code before versions made."""
    with connect(settings.warehouse_path) as connection:
        for column in FULL_SCHEMA.keys() - _EARLIER_COLUMNS:
            connection.execute(f"alter table raw.load_log drop column {column}")
        connection.execute("drop table raw.contract_versions")
        publish_load_log(settings, connection)
    log = read_load_log(settings)
    assert log["contract_version"].null_count() == log.height > 0


_EARLIER_COLUMNS = LOAD_LOG_SCHEMA.keys() - {"contract_version", "first_contract_version", "registry_version"}
