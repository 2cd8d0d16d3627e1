"""Laws of builds: what is published is whole, tested and of one build; nothing stale looks fresh; nothing is stuck.

They speak of files, registry, books and published tables, not of the models between.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from loaders.dlt_pipeline import ingest
from mock_data.generate import generate
from renewable.cli.tables import print_status
from renewable.contract import schemas
from renewable.errors import PipelineError
from renewable.fleet import Fleet, load_fleet
from renewable.operations.pending_work import find_work
from renewable.operations.status import read_status
from renewable.operations.upgrade import upgrade
from renewable.places import CHECKOUT as REPO
from renewable.places import DBT_PROJECT
from renewable.published import publish as publishing
from renewable.published.publish import publish, published_set, read_published
from renewable.settings import Settings
from renewable.transform import build, dbt_project
from renewable.transform.build import UpgradeNeededError, transform
from renewable.windows import ONE_DAY, Window
from tests.integration.warehouse_tables import assert_same_tables, tables

pytestmark = pytest.mark.integration
FIXTURE = REPO / "tests" / "fixtures" / "before_books.tar.gz"
DAYS = Window(date(2025, 3, 29), date(2025, 3, 31))
ASSETS = ("nordermarsch-w-01", "prairie-ridge-w-02", "campo-claro-s-01")


@pytest.fixture(scope="module")
def built(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three half-hourly assets and two days: loaded, built, published. Tests work on copies."""
    base = tmp_path_factory.mktemp("built")
    assets = fleet.assets.filter(pl.col("asset_id").is_in(ASSETS)).with_columns(
        interval_minutes=pl.lit(30, dtype=pl.Int64)
    )
    _write_registry(base / "fleet", assets, fleet.power_curves)
    settings = Settings(data_dir=base / "data", fleet_dir=base / "fleet")
    generate(load_fleet(settings.fleet_dir), DAYS, data_dir=settings.data_dir, seed=4)
    ingest(settings)
    transform(settings)
    publish(settings)
    return base


@pytest.fixture
def fleet_settings(built: Path, tmp_path: Path) -> Settings:
    shutil.copytree(built, tmp_path / "it", symlinks=True)
    return Settings(data_dir=tmp_path / "it" / "data", fleet_dir=tmp_path / "it" / "fleet", lock_wait_s=20)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project that a test may change."""
    copy = tmp_path / "project"
    shutil.copytree(DBT_PROJECT, copy)
    for module in (dbt_project, build, publishing):
        monkeypatch.setattr(module, "DBT_PROJECT", copy)
    return copy


def _write_registry(directory: Path, assets: pl.DataFrame, curves: pl.DataFrame) -> None:
    directory.mkdir(exist_ok=True)
    assets.write_csv(directory / "assets.csv")
    curves.write_csv(directory / "power_curves.csv")


def _change_registry(settings: Settings, *changes: pl.Expr) -> None:
    path = settings.fleet_dir / "assets.csv"
    pl.read_csv(path, infer_schema=False).with_columns(*changes).write_csv(path)


def _fresh(settings: Settings, name: str) -> Settings:
    """The same files and registry with a warehouse of its own."""
    return settings.model_copy(update={"warehouse": settings.data_dir / name / "renewable.duckdb"})


def _equals_one_build(settings: Settings) -> None:
    """What the warehouse holds is what one load and one build of the present files and registry give."""
    once = _fresh(settings, "once")
    copies = {path: path.read_bytes() for path in settings.published_dir.glob("*.*") if not path.is_symlink()}
    ingest(once)
    transform(once)
    assert_same_tables(settings.warehouse_path, once.warehouse_path)
    for path, content in copies.items():
        path.write_bytes(content)


def _correct(settings: Settings, day: date, factor: float = 0.5) -> bytes:
    """Change a day's power; returns the file as it was."""
    path = settings.raw_dir / "generation" / f"generation_{day}.parquet"
    before = path.read_bytes()
    pl.read_parquet(path).with_columns(pl.col("active_power_kw") * factor).write_parquet(path)
    return before


def _published(settings: Settings) -> dict[str, pl.DataFrame]:
    return {path.stem: pl.read_parquet(path) for path in published_set(settings).glob("*.parquet")}


def _why(settings: Settings) -> set[str]:
    return {stale.why for stale in read_status(settings).stale}


def _same(ours: dict[str, pl.DataFrame], theirs: dict[str, pl.DataFrame]) -> bool:
    return ours.keys() == theirs.keys() and all(frame.equals(theirs[name]) for name, frame in ours.items())


def test_all_published_tables_are_of_one_build_and_say_of_which(fleet_settings: Settings) -> None:
    first = _published(fleet_settings)
    before = published_set(fleet_settings)
    (build_id,) = {id_ for frame in first.values() for id_ in frame["build_id"].unique()}
    assert build_id == read_status(fleet_settings).published_build
    _correct(fleet_settings, DAYS.start)
    ingest(fleet_settings)
    transform(fleet_settings)
    publish(fleet_settings)
    (later,) = {id_ for frame in _published(fleet_settings).values() for id_ in frame["build_id"].unique()}
    assert later != build_id
    assert before.is_dir() and _same(first, {p.stem: pl.read_parquet(p) for p in before.glob("*.parquet")}), (
        "the set before stays for who is reading it"
    )
    for name in first:
        link = fleet_settings.published_dir / f"{name}.parquet"
        assert str(link.readlink()) == f"current/{name}.parquet" and pl.read_parquet(link).height >= 0
    moved = fleet_settings.data_dir.with_name("moved")
    fleet_settings.data_dir.rename(moved)
    assert pl.read_parquet(moved / "published" / "mart_asset_daily.parquet").height, "links are relative"


def test_publishing_the_same_build_again_writes_nothing_and_brings_back_what_is_lost(
    fleet_settings: Settings,
) -> None:
    before = published_set(fleet_settings)
    assert not publish(fleet_settings).is_new and published_set(fleet_settings) == before
    rows = _published(fleet_settings)
    (before / "mart_events.parquet").unlink()
    assert publish(fleet_settings).is_new
    (published_set(fleet_settings) / "mart_events.parquet").write_bytes(b"PAR1 half a file")
    assert publish(fleet_settings).is_new
    assert _same(_published(fleet_settings), rows)
    copied = fleet_settings.published_dir.rename(fleet_settings.data_dir / "copied")
    shutil.copytree(copied, fleet_settings.published_dir)
    publish(fleet_settings)
    assert (fleet_settings.published_dir / "current").is_symlink(), "a copy without links is mended"
    assert _same(_published(fleet_settings), rows)


def _fails_for(project: Path, asset: str | None) -> Path:
    """A data test that finds the rows of `asset`; None: that finds a row and names no asset."""
    test = project / "tests" / "somebody_wants_it_otherwise.sql"
    columns = "asset_id, date_local" if asset else "date_local"
    where = f"asset_id = '{asset}'" if asset else "true"
    test.write_text(
        f"select {columns} from {{{{ ref('int_asset_daily') }}}}"
        f" where {where} and {{{{ in_local_days('date_local') }}}}\n"
    )
    return test


def test_a_test_that_names_no_asset_stops_the_publication_and_undoes_the_build(
    fleet_settings: Settings, project: Path
) -> None:
    published, warehouse = _published(fleet_settings), tables(fleet_settings.warehouse_path)
    _correct(fleet_settings, DAYS.start)
    ingest(fleet_settings)
    test = _fails_for(project, None)
    with pytest.raises(PipelineError, match="somebody_wants_it_otherwise"):
        transform(fleet_settings)
    assert "half built" in _why(fleet_settings)
    with pytest.raises(PipelineError, match=r"half built since .* run `renewable transform`"):
        publish(fleet_settings)
    assert _same(_published(fleet_settings), published)
    now = tables(fleet_settings.warehouse_path)
    assert all(now[n].equals(f) for n, f in warehouse.items() if not n.startswith("raw."))
    test.unlink()
    transform(fleet_settings)
    publish(fleet_settings)
    assert _why(fleet_settings) == set()
    _equals_one_build(fleet_settings)


def test_a_test_that_names_an_asset_holds_that_asset_alone_at_its_last_build(
    fleet_settings: Settings, project: Path
) -> None:
    before = _published(fleet_settings)
    for day in DAYS.days:
        _correct(fleet_settings, day)
    ingest(fleet_settings)
    test = _fails_for(project, ASSETS[0])
    summary = transform(fleet_settings)
    assert summary.held == {"somebody_wants_it_otherwise": (ASSETS[0],)}
    publish(fleet_settings)
    after = _published(fleet_settings)
    for name, frame in after.items():
        if "asset_id" in frame.columns:
            ours, theirs = (
                f.filter(pl.col("asset_id") == ASSETS[0]).drop("build_id") for f in (frame, before[name])
            )
            assert ours.equals(theirs), name
    daily, fleet_daily = after["mart_asset_daily"], after["mart_fleet_daily"]
    others = pl.col("asset_id") != ASSETS[0]
    changed = (
        daily.filter(others)["energy_kwh"].sum()
        / before["mart_asset_daily"].filter(others)["energy_kwh"].sum()
    )
    assert changed == pytest.approx(0.5, abs=0.02), "the other assets are built"
    whole = fleet_daily.filter(pl.col("group_level") == "fleet")
    assert whole["energy_kwh"].sum() == pytest.approx(daily["energy_kwh"].sum(), abs=1e-6)
    (stale,) = read_status(fleet_settings).stale
    assert (stale.why, stale.asset_id, stale.window) == ("failed test", ASSETS[0], DAYS)
    assert "somebody_wants_it_otherwise" in stale.detail
    assert transform(fleet_settings).windows == () and not find_work(fleet_settings, 0.0).states, (
        "what failed is not tried again until something changes"
    )
    test.unlink()
    assert transform(fleet_settings).windows == (DAYS,)
    assert _why(fleet_settings) == set()
    _equals_one_build(fleet_settings)


_KILLED = """
import os, signal, sys
from pathlib import Path
from renewable.settings import Settings
from renewable.warehouse import exclusive
from renewable.windows import Window
from renewable.transform import build
data, fleet, models = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
settings, seen = Settings(data_dir=data, fleet_dir=fleet), []

def stop(event):
    if event.info.name == "LogModelResult":
        seen.append(event)
        if len(seen) == models:
            os.kill(os.getpid(), signal.SIGKILL)

with exclusive(settings.warehouse_path, 10):
    builder = build._Builder(settings, None, stop)
    builder.build(None)
"""


def test_a_build_that_is_killed_leaves_nothing_that_looks_done_also_when_the_files_go_back(
    fleet_settings: Settings,
) -> None:
    models = 11
    published = _published(fleet_settings)
    path = fleet_settings.raw_dir / "generation" / f"generation_{DAYS.start}.parquet"
    before = _correct(fleet_settings, DAYS.start, 0.1)
    ingest(fleet_settings)
    command = [
        sys.executable,
        "-c",
        _KILLED,
        str(fleet_settings.data_dir),
        str(fleet_settings.fleet_dir),
        str(models),
    ]
    killed = subprocess.run(command, env=os.environ, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    path.write_bytes(before)
    ingest(fleet_settings)
    (half,) = [stale for stale in read_status(fleet_settings).stale if stale.why == "half built"]
    assert half.window == Window.of_day(DAYS.start) and "since 20" in half.detail and "process" in half.detail
    with pytest.raises(PipelineError, match="half built"):
        publish(fleet_settings)
    assert _same(_published(fleet_settings), published)
    assert DAYS.start in find_work(fleet_settings, 0.0).states
    assert transform(fleet_settings).windows == (Window.of_day(DAYS.start),)
    publish(fleet_settings)
    assert _why(fleet_settings) == set()
    _equals_one_build(fleet_settings)


def test_a_rebuild_in_pieces_that_dies_goes_on_with_the_pieces_that_are_missing(
    fleet_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "PIECE_ROWS", 1)
    done, settle = list[Window | None](), build._Builder._piece

    def dies(self: build._Builder, piece: Window | None, days: set[date]) -> None:
        if done:
            raise KeyboardInterrupt
        settle(self, piece, days)
        done.append(piece)

    monkeypatch.setattr(build._Builder, "_piece", dies)
    with pytest.raises(KeyboardInterrupt):
        transform(fleet_settings, full=True)
    monkeypatch.setattr(build._Builder, "_piece", settle)
    assert "half built" in _why(fleet_settings)
    with pytest.raises(PipelineError, match="half built"):
        publish(fleet_settings)
    assert transform(fleet_settings).windows == (Window.of_day(DAYS.end - ONE_DAY),)
    _equals_one_build(fleet_settings)


REGISTRY_CHANGES = {
    "interval of one asset, ratings, a time zone, sites": [
        pl.when(pl.col("asset_id") == ASSETS[0])
        .then(pl.lit("60"))
        .otherwise("interval_minutes")
        .alias("interval_minutes"),
        (pl.col("rated_power_kw").cast(float) * 0.25).alias("rated_power_kw"),
        pl.col("timezone").replace({"Europe/Berlin": "Atlantic/Azores"}),
        pl.lit("one-site").alias("site_id"),
    ],
    "a name and the commissioning": [
        pl.col("asset_id").replace(ASSETS[1], "renamed"),
        pl.lit(str(DAYS.start + ONE_DAY)).alias("commissioned_on"),
    ],
}


@pytest.mark.parametrize("change", REGISTRY_CHANGES)
def test_a_change_of_the_registry_is_told_and_the_tables_become_those_of_the_new_one(
    fleet_settings: Settings, change: str
) -> None:
    assert _why(fleet_settings) == set()
    _change_registry(fleet_settings, *REGISTRY_CHANGES[change])
    settings = fleet_settings.fleet_dir / "thresholds.csv"
    settings.write_text(
        f"asset_id,threshold,value\n,limit_tolerance_ratio,0.1\n{ASSETS[2]},standing_power_ratio,0.02\n"
    )
    told = [stale for stale in read_status(fleet_settings).stale if stale.why == "registry"]
    assert told and all(stale.asset_id for stale in told)
    assert [stale.asset_id for stale in told if "standing_power_ratio" in stale.detail] == [ASSETS[2]]
    assert find_work(fleet_settings, 0.0).states.keys() >= {day for s in told for day in s.window.days}
    ingest(fleet_settings)
    # Whatever range is asked for: days of two registries do not fit together.
    transform(fleet_settings, Window.of_day(DAYS.end - ONE_DAY))
    publish(fleet_settings)
    assert _why(fleet_settings) == set()
    _equals_one_build(fleet_settings)


def test_what_is_reported_rebuilds_the_days_it_touches_and_leaves_no_trace_when_it_is_withdrawn(
    fleet_settings: Settings,
) -> None:
    def stale() -> set[tuple[str | None, str, date]]:
        found = read_status(fleet_settings).stale
        return {(each.asset_id, each.why, day) for each in found for day in each.window.days}

    before, (first, second) = tables(fleet_settings.warehouse_path), DAYS.days
    events, bad = (fleet_settings.fleet_dir / name for name in ("events.csv", "bad_readings.csv"))
    events.write_text(
        "asset_id,site_id,start,end,clock,kind,note\n"
        f"{ASSETS[0]},,2025-03-29T10:00Z,2025-03-29T14:00Z,,grid_outage,line\n"
    )
    assert stale() == {(ASSETS[0], "reported", first)}
    assert find_work(fleet_settings, 0.0).states.keys() == {first}
    assert transform(fleet_settings).windows == (Window.of_day(first),)
    assert stale() == set()
    # Over a midnight; and readings of another asset.
    events.write_text(events.read_text().replace("2025-03-29T14:00Z", "2025-03-30T14:00Z"))
    bad.write_text(
        f"asset_id,channel,from,to,clock\n{ASSETS[2]},active_power_kw,2025-03-30 10:00,2025-03-30 12:00,local\n"
    )
    assert stale() == {(ASSETS[0], "reported", day) for day in (first, second)} | {
        (ASSETS[2], "reported", second)
    }
    transform(fleet_settings)
    publish(fleet_settings)
    assert stale() == set()
    _equals_one_build(fleet_settings)
    marts = _published(fleet_settings)
    (outage,) = marts["mart_events"].filter(pl.col("source") == "reported").to_dicts()
    assert (outage["kind"], outage["duration_hours"], outage["note"]) == ("grid_outage", 28, "line")
    assert marts["mart_data_quality_daily"]["readings_set_aside"].sum() == 4
    # Nothing is left of files that are gone.
    events.unlink()
    bad.unlink()
    assert {day for *_, day in stale()} == {first, second}
    transform(fleet_settings)
    assert stale() == set()
    after = tables(fleet_settings.warehouse_path)
    assert [name for name, frame in before.items() if not frame.equals(after[name])] == []


def test_assets_that_come_and_go_come_and_go_in_the_tables(fleet_settings: Settings) -> None:
    path = fleet_settings.fleet_dir / "assets.csv"
    rows = pl.read_csv(path, infer_schema=False)
    rows.filter(pl.col("asset_id") != ASSETS[0]).write_csv(path)
    (gone,) = read_status(fleet_settings).stale
    assert gone.asset_id == ASSETS[0] and "rows leave the tables with the next build" in gone.detail
    ingest(fleet_settings)
    transform(fleet_settings)
    publish(fleet_settings)
    left = _published(fleet_settings)
    assert not any(
        ASSETS[0] in frame["asset_id"].to_list() for frame in left.values() if "asset_id" in frame.columns
    )
    rows.write_csv(path)
    assert {stale.detail for stale in read_status(fleet_settings).stale if stale.asset_id} == {
        "the asset is new"
    }
    ingest(fleet_settings)
    transform(fleet_settings)
    _equals_one_build(fleet_settings)


def test_a_curve_makes_the_days_of_its_turbines_stale_and_of_no_other(fleet_settings: Settings) -> None:
    path = fleet_settings.fleet_dir / "power_curves.csv"
    curves, models = pl.read_csv(path), load_fleet(fleet_settings.fleet_dir).assets
    model = models.filter(pl.col("asset_id") == ASSETS[0])["turbine_model"].item()
    curves.with_columns(
        pl.when(pl.col("turbine_model") == model)
        .then(pl.col("power_kw") * 0.9)
        .otherwise("power_kw")
        .alias("power_kw")
    ).write_csv(path)
    assert {(s.asset_id, s.detail) for s in read_status(fleet_settings).stale} == {
        (ASSETS[0], "power_curve changed")
    }
    # The order of rows and the way numbers are written are not the registry.
    pl.read_csv(path).with_columns(pl.col("power_kw").cast(float)).reverse().write_csv(path)
    curves.reverse().write_csv(path)
    assert _why(fleet_settings) == set()


def test_other_models_build_nothing_until_the_upgrade_which_rebuilds_everything(
    fleet_settings: Settings, project: Path
) -> None:
    published = _published(fleet_settings)
    mart = project / "models" / "marts" / "mart_asset_daily.sql"
    mart.write_text(
        mart.read_text().replace("insolation_kwh_m2\n", "2.0 * insolation_kwh_m2 as insolation_kwh_m2\n")
    )
    mart.write_text(
        mart.read_text().replace(
            "    insolation_kwh_m2,\n", "    2.0 * insolation_kwh_m2 as insolation_kwh_m2,\n"
        )
    )
    generate(
        load_fleet(fleet_settings.fleet_dir),
        Window(DAYS.start, DAYS.end + ONE_DAY),
        data_dir=fleet_settings.data_dir,
        seed=4,
    )
    assert ingest(fleet_settings).files_loaded == 2, "loading goes on"
    assert _why(fleet_settings) == {"models", "files"}
    work = find_work(fleet_settings, 0.0)
    assert work.upgrade_needed and not work.states
    for step in (transform, publish):
        with pytest.raises(UpgradeNeededError, match="renewable upgrade"):
            step(fleet_settings)
    assert _same(_published(fleet_settings), published)
    list(upgrade(fleet_settings))
    assert _why(fleet_settings) == set()
    _equals_one_build(fleet_settings)
    ours = _published(fleet_settings)["mart_asset_daily"].filter(pl.col("asset_id") == ASSETS[2])
    theirs = published["mart_asset_daily"].filter(pl.col("asset_id") == ASSETS[2])
    both = ours.join(theirs, on="date_local").filter(pl.col("date_local") < DAYS.end - ONE_DAY)
    assert both["insolation_kwh_m2"].to_list() == [2 * v for v in both["insolation_kwh_m2_right"]]


def test_descriptions_and_tests_are_no_models(fleet_settings: Settings, project: Path) -> None:
    properties = project / "models" / "marts" / "_marts.yml"
    properties.write_text(properties.read_text().replace("Local day of the asset", "The asset's local day"))
    (project / "tests" / "another.sql").write_text("select 1 as one where false\n")
    assert _why(fleet_settings) == set()
    project_file = project / "dbt_project.yml"
    project_file.write_text(project_file.read_text().replace("usual_scatter: 0.005", "usual_scatter: 0.006"))
    assert _why(fleet_settings) == {"models"}


@pytest.fixture
def before_books(tmp_path: Path) -> Iterator[Settings]:
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    yield Settings(data_dir=tmp_path / "old" / "data", fleet_dir=tmp_path / "old" / "fleet", lock_wait_s=20)


class _LightWinds(schemas.WeatherSchema):
    wind_speed_ms = dy.Float64(
        nullable=True, min=0, max=8, metadata={"unit": "m/s"}, description="wind speed"
    )


def test_a_warehouse_that_kept_no_books_is_upgraded_while_registry_models_and_contract_changed(
    before_books: Settings, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = before_books
    old = pl.read_parquet(settings.published_dir / "mart_asset_daily.parquet")
    assert ingest(settings).files_loaded == 0, "what is loaded stays loaded"
    with pytest.raises(UpgradeNeededError, match="renewable upgrade"):
        transform(settings)
    with pytest.raises(UpgradeNeededError, match="renewable upgrade"):
        publish(settings)
    assert "models" in _why(settings)
    assert pl.read_parquet(settings.published_dir / "mart_asset_daily.parquet").equals(old)
    _change_registry(settings, pl.lit("60").alias("interval_minutes"))
    variables = project / "dbt_project.yml"
    variables.write_text(variables.read_text().replace("usual_scatter: 0.005", "usual_scatter: 0.006"))
    monkeypatch.setitem(schemas.SCHEMAS, "weather", _LightWinds)
    list(upgrade(settings))
    assert read_status(settings).quarantined.value_count > 0, "winds that the contract no longer takes"
    assert _why(settings) == set() and (settings.published_dir / "mart_asset_daily.parquet").is_symlink()
    _equals_one_build(settings)
    nothing = list(upgrade(settings))
    assert nothing[0].startswith("nothing new") and nothing[1].startswith("nothing stale")


def test_days_without_rows_are_built_like_any_other(settings: Settings, fleet: Fleet) -> None:
    generate(fleet, DAYS, data_dir=settings.data_dir, seed=4)
    for path in settings.raw_dir.rglob("*.parquet"):
        pl.read_parquet(path).with_columns(asset_id=pl.lit("nobody")).write_parquet(path)
    ingest(settings)
    assert transform(settings).windows == (DAYS,)
    publish(settings)
    assert _why(settings) == set()


def test_status_says_of_tables_that_are_built_whether_they_are_published(
    fleet_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def told() -> str:
        print_status(read_status(fleet_settings), datetime.now(UTC))
        return " ".join(capsys.readouterr().out.replace("│", " ").split())

    last = read_published(fleet_settings, "mart_asset_daily")
    assert last is not None
    assert f"built for all loaded days, up to local day {last['date_local'].max()}" in told()
    (fleet_settings.published_dir / "current").unlink()
    assert "built for all loaded days, and not published yet: run `renewable publish`" in told()


def test_status_as_json_names_what_is_stale(
    fleet_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    from renewable.cli import main as cli

    _correct(fleet_settings, DAYS.start)
    ingest(fleet_settings)
    profile = fleet_settings.data_dir / "profile.env"
    profile.write_text(
        f"RENEWABLE_DATA_DIR={fleet_settings.data_dir}\nRENEWABLE_FLEET_DIR={fleet_settings.fleet_dir}\n"
    )
    cli.app(["--profile", str(profile), "status", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert [stale["why"] for stale in told["stale"]] == ["files"]
