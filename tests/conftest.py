"""Fixtures: a small fleet on temporary paths, and the watch that no test changes the repository."""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from renewable.cli import entry as cli
from renewable.fleet import Fleet, load_fleet
from renewable.settings import Settings
from renewable.windows import Window

Called = tuple[int, str, str]
Call = Callable[..., Called]
WORLD = "RENEWABLE_WORLD"
CACHE_DIR = "RENEWABLE_CACHE_DIR"
REPO = Path(__file__).parents[1]
SEEDS = REPO / "dbt" / "renewable_dbt" / "seeds"
SMALL_FLEET = ("nordermarsch-w-01", "prairie-ridge-w-02", "campo-claro-s-01", "mesa-dorada-s-01")


@pytest.fixture(scope="session", autouse=True)
def repository_stays_as_it_is() -> Iterator[None]:
    """Fail the session when a test wrote into data/ or into dbt's target/."""
    before = _listing()
    yield
    assert _listing() == before, "a test changed data/ or dbt/renewable_dbt/target/"


@pytest.fixture(scope="session", autouse=True)
def plain_world() -> Iterator[None]:
    """Simulated data of tests are those of the plain world, whatever users get; tests of worlds name theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WORLD, "plain")
        yield


@pytest.fixture(scope="session", autouse=True)
def one_cache_for_all_tests(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """The dbt project is parsed once for all tests, not once a data directory; the user's own cache is left alone."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_DIR, str((base if worker_id == "master" else base.parent) / "cache"))
        yield


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("RENEWABLE_") and n not in (WORLD, CACHE_DIR)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """Two wind and two solar assets in four time zones."""
    whole = load_fleet(SEEDS)
    return Fleet(whole.assets.filter(pl.col("asset_id").is_in(SMALL_FLEET)), whole.power_curves)


@pytest.fixture(scope="session")
def fleet_dir(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("fleet")
    fleet.assets.write_csv(directory / "assets.csv")
    fleet.power_curves.write_csv(directory / "power_curves.csv")
    return directory


@pytest.fixture
def settings(tmp_path: Path, fleet_dir: Path) -> Settings:
    """Settings on a data directory and a warehouse that only this test has."""
    return Settings(data_dir=tmp_path / "data", fleet_dir=fleet_dir, lock_wait_s=20)


@pytest.fixture
def three_days() -> Window:
    return Window(date(2025, 3, 29), date(2025, 4, 1))


@pytest.fixture
def call(
    tmp_path: Path, fleet_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """The command as the user calls it, in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("RENEWABLE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RENEWABLE_FLEET_DIR", str(fleet_dir))
    monkeypatch.setenv("RENEWABLE_LOCK_WAIT_S", "0")
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str) -> Called:
        monkeypatch.setattr(sys, "argv", ["renewable", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return called


def _listing() -> dict[str, tuple[int, int]]:
    roots = (REPO / "data", REPO / "dbt" / "renewable_dbt" / "target")
    # An open UI writes its heartbeat to data/dagster all the time.
    files = (
        path
        for root in roots
        if root.exists()
        for path in root.rglob("*")
        if path.is_file() and REPO / "data" / "dagster" not in path.parents
    )
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}
