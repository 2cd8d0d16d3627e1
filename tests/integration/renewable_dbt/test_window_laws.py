"""Building by windows, in whatever order and however often, gives the tables of one build of everything."""

import random
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import polars.selectors as cs
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.fleet import Fleet
from renewable.raw_files import RawFileName
from renewable.settings import Settings
from renewable.transform import build
from renewable.transform.build import transform
from renewable.windows import ONE_DAY, Window
from tests.integration.warehouse_tables import assert_same_tables, tables

pytestmark = pytest.mark.integration
# Frost, snow and rain, and the days on which Europe and Denver change their clocks lie far enough apart.
WINDOW = Window(date(2025, 3, 1), date(2025, 4, 10))
# Local days that are no UTC days hold a part of them.
SCALED_DAYS = (date(2025, 3, 17), date(2025, 3, 18))


def _settings(base: Settings, name: str) -> Settings:
    return base.model_copy(update={"warehouse": base.data_dir / name / "renewable.duckdb"})


@pytest.fixture(scope="module")
def built(fleet: Fleet, fleet_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty days of harsh weather, loaded and built at once; for two of them sensors are of another scale."""
    data = tmp_path_factory.mktemp("built") / "data"
    generate(fleet, WINDOW, data_dir=data, seed=5, profile="harsh")
    for day in SCALED_DAYS:
        path = RawFileName("weather", day).path_under(data / "raw")
        scaled = pl.read_parquet(path).with_columns(pl.col("poa_irradiance_wm2", "wind_speed_ms") * 12.0)
        scaled.write_parquet(path)
    settings = _settings(Settings(data_dir=data, fleet_dir=fleet_dir), "whole")
    ingest(settings)
    transform(settings, full=True)
    return data


@pytest.fixture
def whole(settings: Settings, built: Path) -> Settings:
    shutil.copytree(built, settings.data_dir)
    return _settings(settings, "whole")


def test_days_that_are_not_believed_are_among_them(whole: Settings) -> None:
    quality = _mart(whole, "mart_data_quality_daily").filter(pl.col("readings_out_of_range") > 0)
    assert {"poa_irradiance_wm2", "wind_speed_ms"} <= set(quality["channel"])
    assert set(SCALED_DAYS) <= set(quality["date_local"])


def test_windows_in_any_order_give_the_tables_of_one_build(whole: Settings) -> None:
    pieces = _settings(whole, "pieces")
    ingest(pieces)
    lengths = random.Random(3)
    starts = [WINDOW.start]
    while starts[-1] + timedelta(days=9) < WINDOW.end:
        starts.append(starts[-1] + timedelta(days=lengths.randrange(5, 9)))
    windows = [Window(a, b) for a, b in zip(starts, [*starts[1:], WINDOW.end], strict=True)]
    lengths.shuffle(windows)
    for window in windows:
        transform(pieces, window)
    assert_same_tables(pieces.warehouse_path, whole.warehouse_path)


def test_a_rebuild_in_pieces_is_the_rebuild_at_once(whole: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = _settings(whole, "rebuilt")
    ingest(pieces)
    monkeypatch.setattr(build, "PIECE_ROWS", 12_000)
    lines: list[str] = []
    transform(pieces, full=True, report=lines.append)
    assert len(lines) > 2
    assert_same_tables(pieces.warehouse_path, whole.warehouse_path)


def test_a_long_window_in_pieces_is_the_window_at_once(
    whole: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = _settings(whole, "long_window")
    ingest(pieces)
    monkeypatch.setattr(build, "PIECE_ROWS", 12_000)
    transform(pieces, WINDOW)
    assert_same_tables(pieces.warehouse_path, whole.warehouse_path)


def test_late_and_corrected_days_end_where_one_build_would(whole: Settings, fleet: Fleet) -> None:
    late = _settings(whole, "late")
    raw = {path: path.read_bytes() for path in whole.raw_dir.rglob("*.parquet")}
    held_back, corrected = date(2025, 3, 12), date(2025, 3, 25)
    for path in raw:
        if str(held_back) in path.name:
            path.unlink()
        elif str(corrected) in path.name and "generation" in path.name:
            frame = pl.read_parquet(path).with_columns(pl.col("active_power_kw") * 0.5)
            frame.write_parquet(path)
    ingest(late)
    transform(late)
    for path, content in raw.items():
        path.write_bytes(content)
    ingest(late)
    assert {str(window) for window in transform(late).windows} == {
        str(Window.of_day(held_back)),
        str(Window.of_day(corrected)),
    }
    assert_same_tables(late.warehouse_path, whole.warehouse_path)


def test_a_rerun_changes_nothing(whole: Settings) -> None:
    before = tables(whole.warehouse_path)
    transform(whole, Window.of_day(date(2025, 3, 20)))
    after = tables(whole.warehouse_path)
    assert all(frame.equals(after[name]) for name, frame in before.items())


def test_closed_days_keep_all_figures_but_those_of_soiling_when_later_days_arrive(whole: Settings) -> None:
    earlier = _settings(whole, "earlier")
    cut = date(2025, 3, 28)
    ingest(earlier, Window(WINDOW.start, cut))
    transform(earlier)
    # A local day west of Greenwich closes a UTC day later; what goes on past the end may still change.
    closed = pl.col("date_local") < cut - ONE_DAY
    for mart in ("mart_asset_daily", "mart_data_quality_daily"):
        # A wash tells of the dirt before it.
        then, now = (
            _mart(s, mart).filter(closed).select(~cs.starts_with("soiling")) for s in (earlier, whole)
        )
        open_assets = {a for (a,) in _open_at(earlier, cut)}
        still = ~pl.col("asset_id").is_in(open_assets) | (pl.col("date_local") < cut - 3 * ONE_DAY)
        assert then.filter(still).equals(now.filter(still)) and not then.filter(still).is_empty()


def _open_at(settings: Settings, day: date) -> list[tuple[str]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute(
            "select distinct asset_id from marts.mart_events where end_utc >= ? and kind <> 'soiling'",
            [f"{day - ONE_DAY} 00:00:00+00"],
        ).fetchall()


def _mart(settings: Settings, mart: str) -> pl.DataFrame:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        frame: pl.DataFrame = connection.sql(f"from marts.{mart} order by all").pl()
    return frame
