"""What the simulator leaves on disk: kept files, defects on request, registries that load."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from mock_data.defects import DEFECTS, FILE_DEFECTS, inject_defects
from mock_data.fleet_maker import make_fleet, write_fleet
from mock_data.generate import generate
from renewable.errors import FleetError, RenewableError
from renewable.fleet import load_fleet
from renewable.windows import Window

pytestmark = pytest.mark.unit
DAY = date(2025, 3, 1)
WINDOW = Window(DAY, DAY + timedelta(days=7))
FLEET = make_fleet(2, 2, 8, interval_minutes=5)
ALL_DEFECTS = [*DEFECTS, *FILE_DEFECTS]


def test_a_profile_a_table_or_a_number_of_jobs_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RenewableError, match="choose one of none, typical, harsh"):
        generate(FLEET, WINDOW, data_dir=tmp_path, seed=1, profile="wild")
    with pytest.raises(RenewableError, match="--jobs must be at least 1, got 0"):
        generate(FLEET, WINDOW, data_dir=tmp_path, seed=1, jobs=0)
    assert list(tmp_path.iterdir()) == []


def test_weather_alone_brings_no_answer_key(tmp_path: Path) -> None:
    done = generate(FLEET, Window.of_day(DAY), data_dir=tmp_path, seed=1, tables=("weather",))
    assert (done.written, done.rows) == (1, 4 * 288)
    assert not (tmp_path / "truth").exists()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("made")
    generate(FLEET, WINDOW, data_dir=data_dir, seed=1)
    return data_dir


def _copy(made: Path, to: Path) -> None:
    for path in made.rglob("*.parquet"):
        copy = to / path.relative_to(made)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())


def test_each_defect_breaks_one_file_and_is_logged(made: Path, tmp_path: Path) -> None:
    _copy(made, tmp_path)
    done = inject_defects(tmp_path, WINDOW, ALL_DEFECTS, 4, FLEET)
    assert [defect.kind for defect in done] == ALL_DEFECTS
    assert len({defect.file for defect in done}) == len(ALL_DEFECTS)
    changed = {
        path.name
        for path in made.glob("raw/*/*.parquet")
        if not (again := tmp_path / path.relative_to(made)).exists()
        or again.read_bytes() != path.read_bytes()
    }
    assert changed == {defect.file for defect in done}
    lines = (tmp_path / "truth" / "defects.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in lines] == [defect.file for defect in done]
    with pytest.raises(pl.exceptions.ComputeError):
        pl.read_parquet(tmp_path / "raw" / done[-2].table / done[-2].file)
    assert (tmp_path / "late" / done[-1].file).is_file()


def test_defects_follow_from_the_seed(made: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        _copy(made, tmp_path / name)
    one = inject_defects(tmp_path / "one", WINDOW, ALL_DEFECTS, 4, FLEET)
    assert one == inject_defects(tmp_path / "two", WINDOW, ALL_DEFECTS, 4, FLEET)


def test_an_unknown_defect_and_too_few_files_are_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(RenewableError, match="there is no defect rust; choose of equal_duplicates"):
        inject_defects(made, WINDOW, ["rust"], 1, FLEET)
    with pytest.raises(RenewableError, match="generate more days first"):
        inject_defects(tmp_path, WINDOW, ["late"], 1, FLEET)


def test_a_made_fleet_loads_and_follows_from_its_seed(tmp_path: Path) -> None:
    fleet = make_fleet(60, 40, 5)
    write_fleet(fleet, tmp_path)
    loaded = load_fleet(tmp_path)
    assert loaded.assets.equals(fleet.assets)
    assert loaded.power_curves.equals(fleet.power_curves)
    assert make_fleet(60, 40, 5).assets.equals(fleet.assets)
    assert not make_fleet(60, 40, 6).assets.equals(fleet.assets)
    assert dict(fleet.assets["technology"].value_counts().iter_rows()) == {"wind": 60, "solar": 40}
    assert fleet.assets["timezone"].n_unique() > 3
    assert set(fleet.assets["interval_minutes"]) == {5, 10, 15, 30, 60}
    one_a_site = fleet.assets.group_by("site_id").agg(pl.col("interval_minutes").n_unique())
    assert set(one_a_site["interval_minutes"]) == {1}
    even = make_fleet(60, 40, 5, interval_minutes=30).assets
    assert set(even["interval_minutes"]) == {30}
    assert even.drop("interval_minutes").equals(fleet.assets.drop("interval_minutes"))
    assert fleet.assets["turbine_model"].n_unique() > 3
    with pytest.raises(FleetError, match="no intervals of 7 minutes; choose one of"):
        make_fleet(1, 1, 1, interval_minutes=7)
    with pytest.raises(FleetError, match="at least one asset"):
        make_fleet(0, 0, 1)
